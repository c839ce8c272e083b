"""Queues of requests for slots: who asks gets a future, and goes on."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any

from typing_extensions import Self

__all__ = ["AcquisitionQueue"]


class AcquisitionQueue:
    """
    Asks for slots of some limits on a thread of its own, for one after the other.

    Args:
        concurrency_limit_names: The limits.
    """

    def __init__(self, concurrency_limit_names: frozenset[str]) -> None:
        self.concurrency_limit_names = sorted(concurrency_limit_names)
        self.reset_for_fork()

    def reset_for_fork(self) -> None:
        """Begin anew: what a fork finds here belongs to the process that it was made from."""
        self._guard = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: set[Future[Any]] = set()

    @classmethod
    def reset_instances_for_fork(cls) -> None:
        """Begin anew with each of the queues that `instance` has made in this process."""
        for each in cls._instances(os.getpid()).values():
            each.reset_for_fork()

    @classmethod
    @cache
    def _instances(cls, pid: int) -> dict[tuple[Hashable, ...], Self]:
        return {}

    @classmethod
    def instance(cls, *args: Hashable) -> Self:
        """The queue of this process that is made of these arguments."""
        return cls._instances(os.getpid()).setdefault(args, cls(*args))  # type: ignore[arg-type]

    async def _answer(self, item: tuple[Any, ...]) -> Any:
        """Acquire what an item asks for: the arguments of `acquire`."""
        return await self.acquire(*item)  # type: ignore[attr-defined]

    def start(self) -> None:
        """Begin to ask; `send` does so by itself."""
        with self._guard:
            self._begun()

    def _begun(self) -> ThreadPoolExecutor:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "prefect-acquisition")
        return self._thread

    def send(self, item: tuple[Any, ...]) -> Future[Any]:
        """
        Ask for slots.

        Args:
            item: The arguments of `acquire`.

        Returns:
            What `acquire` returns, once it does.
        """
        with self._guard:
            asked = self._begun().submit(lambda: asyncio.run(self._answer(item)))
            self._waiting.add(asked)
        asked.add_done_callback(self._waiting.discard)
        return asked

    def wait_until_empty(self) -> None:
        """Wait until everybody has got an answer."""
        wait(set(self._waiting))

    def drain(self, at_exit: bool = False) -> None:
        """Answer who asks already, and end the thread. `at_exit` changes nothing: no queue outlives its process."""
        with self._guard:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=True)

    @classmethod
    def drain_all(cls, timeout: float | None = None, at_exit: bool = True) -> None:
        """
        Drain the queues that `instance` has made in this process.

        Args:
            timeout: How many seconds to wait at most for those who ask already.
            at_exit: See `drain`.
        """
        queues = list(cls._instances(os.getpid()).values())
        asked = {future for each in queues for future in set(each._waiting)}
        if not wait(asked, timeout).not_done:
            for each in queues:
                each.drain(at_exit)
