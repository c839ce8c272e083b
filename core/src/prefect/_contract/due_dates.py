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

from prefect._contract.recurrence import occurrences
from prefect._contract.schedules import SCHEDULE_TYPES, CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.utilities.time import UTC

__all__ = ["due_dates"]

_DAY = timedelta(days=1)


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
    return occurrences(schedule.to_rrule(), start.astimezone(_zone(schedule.timezone)))
