"""Waiting for task runs that are executed elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.endpoints.waiting import read_ended_task_runs
from prefect.client.base import current_transport
from prefect.client.questions import ask_until
from prefect.utilities.dual import adrive, drive

if TYPE_CHECKING:
    from prefect.client.base import Transport

__all__ = ["TaskRunWaiter"]

_SECONDS = 0.5


class TaskRunWaiter:
    """
    Tells of task runs that they have ended, to any number of callbacks, from one thread.

    `TaskRunWaiter.instance()` is the one of this process; waiting needs none.
    """

    def __init__(self) -> None:
        self._callbacks: dict[UUID, list[Callable[[], None]]] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False

    @classmethod
    @cache
    def instance(cls) -> TaskRunWaiter:
        """The one of this process."""
        return cls()

    def start(self) -> None:
        """Begin to look, if anybody waits."""
        transport = current_transport()
        with self._guard:
            self._stopped = False
            if self._callbacks and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(
                    target=self._watch, args=(transport,), name="prefect-task-run-waiter", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """Call nobody any more."""
        with self._guard:
            self._stopped = True
            self._callbacks.clear()

    @classmethod
    async def wait_for_task_run(cls, task_run_id: UUID, timeout: float | None = None) -> None:
        """
        Wait until a task run has ended.

        Args:
            task_run_id: The run.
            timeout: Seconds to wait at most. That it has not ended then is no error.
        """
        await adrive(ask_until(lambda seconds: read_ended_task_runs([task_run_id], seconds), timeout))

    @classmethod
    def add_done_callback(cls, task_run_id: UUID, callback: Callable[[], None]) -> None:
        """
        Have a function called once a task run has ended; soon if it has already.

        Args:
            task_run_id: The run.
            callback: Called on a thread of its own.
        """
        waiter = cls.instance()
        with waiter._guard:
            waiter._callbacks.setdefault(task_run_id, []).append(callback)
        waiter.start()

    def _watch(self, transport: Transport) -> None:
        while True:
            with self._guard:
                wanted = list(self._callbacks)
                if not wanted or self._stopped:
                    self._thread = None
                    return
            # Not for long, as others may be added meanwhile.
            question = partial(read_ended_task_runs, wanted)
            for ended in drive(ask_until(question, _SECONDS, transport=transport)):
                with self._guard:
                    callbacks = self._callbacks.pop(ended, [])
                for callback in callbacks:
                    callback()
