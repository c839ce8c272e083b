"""
Tells others in this process what has happened, once it is committed.

Nobody who commits waits for those who listen: events go through a bounded queue to one thread, which calls the listeners
one after the other. Who must miss nothing reads the stored events; who listens is told early.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._contract.events import ReceivedEvent

__all__ = ["Publisher"]

Listener = Callable[["ReceivedEvent"], None]

_logger = logging.getLogger("prefect.server.events")


class Publisher:
    """
    Hands events to listeners.

    Args:
        capacity: How many events may wait to be handed on. When there are more, the oldest are passed over.

    Attributes:
        missed: How many events were passed over so far.
    """

    def __init__(self, capacity: int = 20_000) -> None:
        self.missed = 0
        self._capacity = capacity
        self._listeners: tuple[Listener, ...] = ()
        self._waiting: deque[ReceivedEvent] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._closed = False

    @property
    def has_listeners(self) -> bool:
        """Whether anybody listens: without listeners, events need not be made."""
        return bool(self._listeners)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """
        Have a function called with each event from now on. It is called on another thread, and must be quick.

        Returns:
            A function that ends this.
        """
        with self._changed:
            self._listeners = (*self._listeners, listener)
            self._run()

        def unsubscribe() -> None:
            with self._changed:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe

    def publish(self, events: Iterable[ReceivedEvent]) -> None:
        """Tell of events that were committed. This never waits for a listener."""
        if not self._listeners:
            return
        with self._changed:
            self._waiting.extend(events)
            excess = len(self._waiting) - self._capacity
            for _ in range(excess):
                self._waiting.popleft()
            self.missed += max(excess, 0)
            self._run()
            self._changed.notify()
        if excess > 0:
            _logger.warning("Listeners are too slow: they were not told of %d events.", excess)

    def close(self) -> None:
        """Hand on what waits, and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        """Start the thread, unless it runs: it does not come along into the child of a fork."""
        if self._thread is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._hand_on, name="event publisher", daemon=True)
            self._thread.start()

    def _hand_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                events, self._waiting = self._waiting, deque()
                listeners = self._listeners
            for event in events:
                for listener in listeners:
                    self._tell(listener, event)

    @staticmethod
    def _tell(listener: Listener, event: ReceivedEvent) -> None:
        try:
            listener(event)
        except Exception:
            _logger.exception("A listener failed at event %s (%s).", event.id, event.event)
