"""Notices that a clock was put: what was to last for a minute is over then, or lasts for hours."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from prefect.utilities.time import now as current_moment

__all__ = ["ClockWatch"]

_SECONDS = 5.0
"""By how much a clock is put, rather than set right a little."""


class ClockWatch:
    """
    A clock, held against one that cannot be put.

    A process that has just begun does not know when it was put last: that is as if it had been. One that slept for a while
    finds that it was.

    Args:
        clock: What time it is.
        steady: Seconds that pass. None for a clock that is put on purpose, which nothing is held against.
    """

    def __init__(
        self, clock: Callable[[], datetime] = current_moment, steady: Callable[[], float] | None = None
    ) -> None:
        self._clock = clock
        self._steady = time.monotonic if steady is None and clock is current_moment else steady
        self._offset = 0.0
        self.times = 0
        """How many times it was put, its beginning included."""
        self._settled = 0

    def __call__(self) -> datetime:
        """What time it is."""
        moment = self._clock()
        if self._steady is not None:
            offset = moment.timestamp() - self._steady()
            if abs(offset - self._offset) > _SECONDS:
                self.times += 1
            self._offset = offset
        return moment

    def settle(self, act: Callable[[], object]) -> None:
        """
        Do what is to be done, once, if the clock was put since this was called last. It is done again should it fail.

        Args:
            act: What is to be done before anybody acts on what is over by this clock.
        """
        self()
        put = self.times
        if self._settled < put:
            act()
            self._settled = max(self._settled, put)
