"""
When schedules are due.

A schedule with a time zone follows the clock that hangs there, and each time that this clock shows is due once: where
the clock is put back, at the first of the two moments; where it is put forward, a time that it skips is due as much
later as it jumped. Intervals of less than a day are no times of a clock: they simply pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from prefect._contract.schedules import SCHEDULE_TYPES, CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.utilities.time import UTC

__all__ = ["due_dates"]

_DAY = timedelta(days=1)

_STEPS = {2: timedelta(weeks=1), 3: _DAY, 4: timedelta(hours=1), 5: timedelta(minutes=1), 6: timedelta(seconds=1)}
"""How much time passes between the dates of a recurrence rule, by the number that `dateutil` gives its frequency."""


def due_dates(schedule: SCHEDULE_TYPES, start: datetime) -> Iterator[datetime]:
    """
    The moments at which a schedule is due, from a moment on, each later than the one before.

    Args:
        schedule: The schedule.
        start: From when on; a moment at which it is due is among them.

    Returns:
        Moments in UTC, without end if the schedule has none.
    """
    latest: datetime | None = None
    for moment in _moments(schedule, start):
        date = moment.astimezone(UTC)
        if date >= start and (latest is None or date > latest):
            yield date
            latest = date


def _moments(schedule: SCHEDULE_TYPES, start: datetime) -> Iterator[datetime]:
    if isinstance(schedule, IntervalSchedule):
        return _of_interval(schedule, start)
    if isinstance(schedule, CronSchedule):
        return _of_cron(schedule, start)
    if isinstance(schedule, RRuleSchedule):
        return _of_rule(schedule, start)
    return iter(())


def _zone(name: str | None) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name or "UTC")


def _of_interval(schedule: IntervalSchedule, start: datetime) -> Iterator[datetime]:
    zone: Any = UTC if schedule.interval < _DAY else _zone(schedule.timezone)
    anchor = schedule.anchor_date.astimezone(zone).replace(tzinfo=None)
    begin = start.astimezone(zone).replace(tzinfo=None)
    number = (begin - anchor) // schedule.interval
    try:
        while True:
            yield (anchor + number * schedule.interval).replace(tzinfo=zone)
            number += 1
    except OverflowError:  # the calendar ends with the year 9999
        return


def _of_cron(schedule: CronSchedule, start: datetime) -> Iterator[datetime]:
    from croniter import CroniterBadDateError, croniter

    zone = _zone(schedule.timezone)
    local = start.astimezone(zone).replace(tzinfo=None)
    before = (local - timedelta(microseconds=1)).replace(microsecond=0)
    dates = croniter(schedule.cron, before, day_or=schedule.day_or)
    while True:
        try:
            date: datetime = dates.get_next(datetime)
        except CroniterBadDateError:  # there is no such day, as the 30th of February
            return
        yield date.replace(tzinfo=zone)


def _of_rule(schedule: RRuleSchedule, start: datetime) -> Iterator[datetime]:
    from dateutil.rrule import rrule

    rule: Any = schedule.to_rrule()
    if isinstance(rule, rrule):
        rule = _forwarded(rule, start)
    yield from rule.xafter(start.astimezone(_zone(schedule.timezone)), inc=True)


def _forwarded(rule: Any, start: datetime) -> Any:
    """The rule, beginning shortly before a moment if that makes no other difference: what it skips it need not count."""
    step, begin = _STEPS.get(rule._freq), rule._dtstart
    if step is None or rule._count is not None:
        return rule
    period = step * rule._interval
    passed = (start.astimezone(begin.tzinfo).replace(tzinfo=None) - begin.replace(tzinfo=None)) // period
    return rule if passed <= 1 else rule.replace(dtstart=begin + (passed - 1) * period)
