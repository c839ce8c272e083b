"""One flush for many: runs that begin together wait for one recording of all of them, and not each for its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

__all__ = ["SharedFlush"]


class SharedFlush:
    """
    Flushes once for all who ask for it at about the same time.

    Args:
        flush: Returns once everything that was queued before is recorded.
        patience: For how many seconds those who are there wait for those who are expected.
    """

    def __init__(self, flush: Callable[[], None], patience: float = 0.01) -> None:
        self._flush = flush
        self._patience = patience
        self._guard = threading.Condition()
        self._turn = threading.Lock()
        self._expected: set[UUID] = set()
        self._round: Future[None] | None = None

    def expect(self, name: UUID) -> None:
        """Somebody will soon ask for a flush."""
        with self._guard:
            self._expected.add(name)

    def forget(self, name: UUID) -> None:
        """They will not."""
        with self._guard:
            self._no_longer_expect(name)

    def _no_longer_expect(self, name: UUID) -> None:
        self._expected.discard(name)
        if not self._expected:
            self._guard.notify_all()

    def flush(self, name: UUID) -> None:
        """Return once everything that was queued before is recorded. Who comes first waits a moment for the others."""
        with self._guard:  # in one step: who leads closes the round once nobody is expected
            self._no_longer_expect(name)
            joined = self._round
            own = self._round = Future() if joined is None else joined
        if joined is None:
            with self._turn:  # until it is this round's turn others join it
                self._close_round()
                self._lead(own)
        own.result()

    def _close_round(self) -> None:
        with self._guard:
            deadline = time.monotonic() + self._patience
            while self._expected and (left := deadline - time.monotonic()) > 0:
                self._guard.wait(left)
            self._round = None

    def _lead(self, own: Future[None]) -> None:
        try:
            self._flush()
        except BaseException as error:
            own.set_exception(error)
        else:
            own.set_result(None)
