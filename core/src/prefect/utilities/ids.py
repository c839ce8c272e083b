"""Identifiers: UUIDs that sort by the time of their making, so that database indexes append."""

from __future__ import annotations

import os
import sys
import threading
import time
from uuid import UUID

__all__ = ["uuid7"]

_COUNTER_BITS = 42
_COUNTER_END = 1 << _COUNTER_BITS
_POOL_BYTES = 2048


class _Generator:
    """
    Makes version 7 UUIDs as RFC 9562 describes them in section 6.2, method 1: time, a counter, random bits.

    Within a millisecond (or when the clock goes back) the counter is incremented, so ids never go backwards.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew: after a fork, parent and child must not draw the same bits."""
        self._lock = threading.Lock()
        self._pool = b""
        self._position = 0
        self._millisecond = -1
        self._counter = 0

    def _draw(self, size: int) -> int:
        if self._position + size > len(self._pool):
            self._pool = os.urandom(_POOL_BYTES)  # one system call serves hundreds of ids
            self._position = 0
        start = self._position
        self._position = start + size
        return int.from_bytes(self._pool[start : self._position], "big")

    def make(self) -> UUID:
        with self._lock:
            millisecond = time.time_ns() // 1_000_000
            if millisecond > self._millisecond:
                self._millisecond = millisecond
                self._counter = self._draw(6) >> 7  # 41 bits: the top one stays free for increments
            else:
                self._counter += 1
                if self._counter == _COUNTER_END:
                    self._millisecond += 1
                    self._counter = self._draw(6) >> 7
            counter = self._counter
            value = (
                self._millisecond << 80
                | 0x7 << 76
                | (counter >> 30) << 64
                | 0b10 << 62
                | (counter & 0x3FFF_FFFF) << 32
                | self._draw(4)
            )
        return UUID(int=value)


if sys.version_info >= (3, 14):
    from uuid import uuid7
else:
    _generator = _Generator()

    def uuid7() -> UUID:
        """A new time-ordered UUID, larger than all that this process made before."""
        return _generator.make()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_generator.forget)
