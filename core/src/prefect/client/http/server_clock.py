"""What time it is for a server, which need not be what the clock here says."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from prefect.utilities.time import as_utc, now as current_moment

__all__ = ["ServerClock"]

_SECONDS = 5.0
"""By how much clocks differ that are wrong. What answers say is whole seconds, and about as old as the answer."""

_HALF_OF_WHAT_IS_CUT_OFF = timedelta(seconds=0.5)


class ServerClock:
    """
    The clock of a server, by the dates of its answers and the seconds that have passed since.

    Args:
        clock: What time it is here: also there, as long as the two clocks about agree.
        steady: Seconds that pass, however the clock is put.
    """

    def __init__(
        self, clock: Callable[[], datetime] = current_moment, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._steady = steady
        self._text: str | None = None
        self._heard: tuple[datetime, float] | None = None

    def hear(self, date: str | None) -> None:
        """Note the `Date` of an answer that has just come. What is no date is passed over."""
        if date is None or date == self._text:
            return
        self._text = date
        try:
            moment = as_utc(parsedate_to_datetime(date))
        except ValueError:
            return
        self._heard = (moment + _HALF_OF_WHAT_IS_CUT_OFF, self._steady())

    def __call__(self) -> datetime:
        """What time it is there: what the clock here says, unless that is clearly something else."""
        here = self._clock()
        if self._heard is None:
            return here
        moment, since = self._heard
        there = moment + timedelta(seconds=self._steady() - since)
        return here if abs((there - here).total_seconds()) <= _SECONDS else there
