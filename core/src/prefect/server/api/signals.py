"""Tells those who wait on the event loop that something has been committed, from whatever thread it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Signal"]


class Signal:
    """Something that can happen again and again, and that any number of coroutines wait for."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def heard(self) -> Iterator[asyncio.Event]:
        """An event that is set each time that this happens; who waits for it clears it."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    def send(self) -> None:
        """Say that it has happened. May be called on any thread, and costs next to nothing if nobody waits."""
        if self._waiting and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._set)

    def _set(self) -> None:
        for event in self._waiting:
            event.set()
