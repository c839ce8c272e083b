"""Intervals of time in which something is counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from prefect._contract.events import TimeUnit
from prefect.server.operations.refusals import Refusal
from prefect.utilities.time import UTC

__all__ = ["Interval", "intervals_between"]

_ORIGIN = datetime(2024, 4, 1, tzinfo=UTC)
"""Where intervals of all lengths begin: the first day of a week, and of a month."""

_UNITS = {
    TimeUnit.week: timedelta(weeks=1),
    TimeUnit.day: timedelta(days=1),
    TimeUnit.hour: timedelta(hours=1),
    TimeUnit.minute: timedelta(minutes=1),
    TimeUnit.second: timedelta(seconds=1),
}

_SHORTEST = 0.01
_MOST = 1000
_INSTANT = timedelta(microseconds=1)


class Interval(NamedTuple):
    """From `start` until before `end`."""

    start: datetime
    end: datetime

    @property
    def last(self) -> datetime:
        """The last moment in it."""
        return self.end - _INSTANT


def intervals_between(since: datetime, until: datetime, unit: TimeUnit, length: float) -> list[Interval]:
    """
    The intervals of a length that the time between two moments is in.

    Args:
        since: The first moment.
        until: The moment before which the last interval begins.
        unit: The unit of the length: intervals of a week begin on Monday, those of a day at midnight in UTC.
        length: How long an interval is, in that unit.

    Raises:
        Refusal: They are too short, too long, or too many.
    """
    if not length >= _SHORTEST:
        raise Refusal(422, f"Invalid time_interval {length}: must be {_SHORTEST} at least.")
    try:
        span = _UNITS[unit] * length
        first = (since - _ORIGIN) // span
        end = -((_ORIGIN - until) // span)
        number = end - first
        if number > _MOST:
            detail = (
                f"There would be {number} intervals of {length} {unit.value}s, and {_MOST} are the most. Ask for longer "
                "ones, or for less time."
            )
            raise Refusal(422, detail)
        starts = [_ORIGIN + span * index for index in range(first, end + 1)]
    except OverflowError:
        detail = f"Intervals of {length} {unit.value}s from {since} to {until} reach beyond what a calendar has."
        raise Refusal(422, detail) from None
    return [Interval(start, end) for start, end in pairwise(starts)]
