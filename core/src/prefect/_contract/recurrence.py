"""
The dates of recurrence rules, found in bounded time.

`dateutil` looks at every second of a rule by the second, and at every day until the year 9999 of one that names the 30th of
February. It asks for each day whether its month is among those of the rule: there the search is ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import merge
from typing import Any

__all__ = ["occurrences"]

_logger = logging.getLogger("prefect.schedules")

_PATIENCE_SECONDS = 0.5
"""How much time is spent on finding one date."""

_STEPS = {
    2: timedelta(weeks=1),
    3: timedelta(days=1),
    4: timedelta(hours=1),
    5: timedelta(minutes=1),
    6: timedelta(seconds=1),
}
"""How much time passes between the dates of a recurrence rule, by the number that `dateutil` gives its frequency."""


class _TiredError(Exception):
    """A date was looked for long enough."""


class _Search:
    """How much time was spent since the last date was found."""

    def __init__(self) -> None:
        self._began = time.thread_time()

    def found(self) -> None:
        self._began = time.thread_time()

    def go_on(self) -> None:
        if time.thread_time() - self._began > _PATIENCE_SECONDS:
            raise _TiredError


class _Months:
    """
    The months of a rule. Whoever asks whether one is among them is stopped when the search takes too long.

    Args:
        months: By number.
        search: Stops.
    """

    def __init__(self, months: Iterable[int], search: _Search) -> None:
        self._months = tuple(months)
        self._search = search

    def __contains__(self, month: int) -> bool:
        self._search.go_on()
        return month in self._months

    def __iter__(self) -> Iterator[int]:
        return iter(self._months)

    def __len__(self) -> int:
        return len(self._months)


def occurrences(rule: Any, start: datetime) -> Iterator[datetime]:
    """
    The dates of a rule or a set of rules, in order, from a moment on.

    A rule of which a short search finds no date is taken to have none; a warning says so.

    Args:
        rule: A `dateutil.rrule.rrule` or `rruleset`, whose dates have a time zone.
        start: From when on.
    """
    search = _Search()
    try:
        for date in _dates(rule, start, search):
            search.go_on()
            if date >= start:
                yield date
                search.found()
    except _TiredError:
        _logger.warning("No date of the rule %r is found from %s on in reasonable time.", str(rule), start)


def _dates(rule: Any, start: datetime, search: _Search) -> Iterator[datetime]:
    if not hasattr(rule, "_rrule"):
        yield from _bounded(rule, start, search)
        return
    dates = merge(*(_bounded(one, start, search) for one in rule._rrule), sorted(rule._rdate))
    without = merge(*(_bounded(one, start, search) for one in rule._exrule), sorted(rule._exdate))
    excluded, latest = next(without, None), None
    for date in dates:
        search.go_on()
        while excluded is not None and excluded < date:
            excluded = next(without, None)
        if date not in (excluded, latest):
            yield date
        latest = date


def _bounded(rule: Any, start: datetime, search: _Search) -> Iterator[datetime]:
    """The dates of one rule, looked for as long as the search goes on."""
    searched = _forwarded(rule, start).replace(cache=False)
    given: tuple[int, ...] | None = searched._bymonth
    if given or searched._freq in _STEPS:  # those by the month and the year know no months otherwise, and are quick
        searched._bymonth = _Months(given or range(1, 13), search)
    dates: Iterator[datetime] = iter(searched)
    return dates


def _forwarded(rule: Any, start: datetime) -> Any:
    """The rule, beginning shortly before a moment if that makes no other difference: what it skips it need not count."""
    step, begin = _STEPS.get(rule._freq), rule._dtstart
    if step is None or rule._count is not None:
        return rule
    period = step * rule._interval
    passed = (start.astimezone(begin.tzinfo).replace(tzinfo=None) - begin.replace(tzinfo=None)) // period
    return rule if passed <= 1 else rule.replace(dtstart=begin + (passed - 1) * period)
