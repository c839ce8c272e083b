"""Schedules for `flow.serve`, `flow.deploy` and `flow.to_deployment`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, get_args

from prefect.utilities.time import now

__all__ = ["Cron", "Interval", "RRule", "Schedule", "due_dates"]

CatchUpName = Literal["none", "latest", "all"]


@dataclass(frozen=True)
class Schedule:
    """
    When runs are due, and what they are called with.

    Args:
        interval: How much time passes between runs.
        cron: A cron expression.
        rrule: A recurrence rule (RFC 5545). At most one of the three is given; with none, nothing is ever due.
        timezone: The IANA name of the time zone, such as `Europe/Berlin`. By default UTC.
        anchor_date: For intervals: the moment they are counted from.
        day_or: For cron: whether matching the day of month or the day of week is enough.
        active: Whether runs are created.
        parameters: What the runs are called with, over the deployment's own parameters.
        slug: Names the schedule, so that deploying again finds it.
        catchup: What becomes of the times at which runs were due while no server looked: `none` of them, the `latest`,
            or `all` give runs.

    Raises:
        ValueError: More than one kind of schedule is given, or `catchup` is none of the three.
    """

    interval: timedelta | None = None
    cron: str | None = None
    rrule: str | None = None
    timezone: str | None = None
    anchor_date: datetime = field(default_factory=now)
    day_or: bool = True
    active: bool = True
    parameters: dict[str, Any] = field(default_factory=dict)
    slug: str | None = None
    catchup: CatchUpName = "none"

    def __post_init__(self) -> None:
        """Refuse a schedule of two kinds."""
        if self.catchup not in get_args(CatchUpName):
            raise ValueError(f"Invalid catchup {self.catchup!r}: it must be one of {', '.join(get_args(CatchUpName))}.")
        kinds = [kind for kind in ("interval", "cron", "rrule") if getattr(self, kind) is not None]
        if len(kinds) > 1:
            raise ValueError(f"Only one schedule type can be defined at a time. Found: {', '.join(kinds)}")


def Cron(  # noqa: N802
    cron: str,
    /,
    timezone: str | None = None,
    day_or: bool = True,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    catchup: CatchUpName = "none",
) -> Schedule:
    """
    Due when the clock matches a cron expression.

    Args:
        cron: Five fields, as in `0 9 * * MON-FRI`, or a name like `@daily`.
        timezone: The IANA name of the time zone. By default UTC.
        day_or: Whether matching the day of month or the day of week is enough.
        active: Whether runs are created.
        parameters: What the runs are called with, over the deployment's own parameters.
        slug: Names the schedule, so that deploying again finds it.
        catchup: Which of the times that passed while no server looked give runs: `none`, the `latest`, or `all`.

    Raises:
        ValueError: The expression is not valid.
    """
    from prefect._contract.schedules import check_cron

    return Schedule(
        cron=check_cron(cron),
        timezone=timezone,
        day_or=day_or,
        active=active,
        parameters=parameters or {},
        slug=slug,
        catchup=catchup,
    )


def Interval(  # noqa: N802
    interval: timedelta | float | int,
    /,
    anchor_date: datetime | None = None,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    catchup: CatchUpName = "none",
) -> Schedule:
    """
    Due each time an interval has passed.

    Args:
        interval: Seconds, or a duration.
        anchor_date: The moment it is counted from. By default now.
        timezone: The IANA name of the time zone. By default UTC.
        active: Whether runs are created.
        parameters: What the runs are called with, over the deployment's own parameters.
        slug: Names the schedule, so that deploying again finds it.
        catchup: Which of the times that passed while no server looked give runs: `none`, the `latest`, or `all`.

    Raises:
        ValueError: The interval is not more than zero.
    """
    duration = interval if isinstance(interval, timedelta) else timedelta(seconds=interval)
    if duration <= timedelta(0):
        raise ValueError(f"Invalid interval: {interval!r}. It must be more than zero.")
    return Schedule(
        interval=duration,
        anchor_date=anchor_date or now(),
        timezone=timezone,
        active=active,
        parameters=parameters or {},
        slug=slug,
        catchup=catchup,
    )


def RRule(  # noqa: N802
    rrule: str,
    /,
    timezone: str | None = None,
    active: bool = True,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
    catchup: CatchUpName = "none",
) -> Schedule:
    """
    Due as a recurrence rule says, in the words of calendars (RFC 5545).

    Args:
        rrule: A rule as in `FREQ=WEEKLY;BYDAY=MO`, or several lines of rules, exceptions and dates.
        timezone: The IANA name of the time zone. By default UTC.
        active: Whether runs are created.
        parameters: What the runs are called with, over the deployment's own parameters.
        slug: Names the schedule, so that deploying again finds it.
        catchup: Which of the times that passed while no server looked give runs: `none`, the `latest`, or `all`.

    Raises:
        ValueError: The rule is not valid.
    """
    from prefect._contract.schedules import check_rrule

    return Schedule(
        rrule=check_rrule(rrule),
        timezone=timezone,
        active=active,
        parameters=parameters or {},
        slug=slug,
        catchup=catchup,
    )


def due_dates(schedule: Mapping[str, Any], start: datetime) -> Iterator[datetime]:
    """
    The moments at which a schedule is due, from a moment on: those at which the server creates runs of it.

    Args:
        schedule: The schedule as the API writes it: `{"cron": "0 9 * * *", "timezone": "Europe/Berlin"}`.
        start: From when on.

    Returns:
        Moments in UTC, each later than the one before, without end if the schedule has none.

    Raises:
        ValueError: It is no schedule.
    """
    from prefect._contract.due_dates import due_dates as moments

    return moments(_kinds().validate_python(dict(schedule)), start)


@cache
def _kinds() -> Any:
    from pydantic import TypeAdapter

    from prefect._contract.schedules import SCHEDULE_TYPES

    return TypeAdapter(SCHEDULE_TYPES)
