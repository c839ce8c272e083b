"""Schedules: when runs of a deployment are due."""

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import AfterValidator, ConfigDict, Field

from prefect._contract.base import Duration, Moment, PrefectBaseModel
from prefect.utilities.time import now

if TYPE_CHECKING:
    from dateutil.rrule import rrule as RRule, rruleset as RRuleSet  # noqa: N812
    from typing_extensions import Self

__all__ = [
    "DEFAULT_ANCHOR_DATE",
    "MAX_ITERATIONS",
    "MAX_RRULE_LENGTH",
    "SCHEDULE_TYPES",
    "CronSchedule",
    "IntervalSchedule",
    "NoSchedule",
    "RRuleSchedule",
    "check_cron",
    "check_rrule",
    "construct_schedule",
    "is_schedule_type",
    "is_valid_timezone",
]

MAX_ITERATIONS = 1000
"""How many dates a schedule computes at most before it gives up."""

MAX_RRULE_LENGTH = 6500
"""How many characters an RRULE may have."""

DEFAULT_ANCHOR_DATE = dt.date(2020, 1, 1)
"""Recurrence rules that do not say when they begin begin here."""


def is_valid_timezone(v: str) -> bool:
    """Whether `v` is the IANA name of a time zone, such as `Europe/Berlin`."""
    return v in _time_zones()


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    from zoneinfo import available_timezones

    # These are no places: they mean something else on every machine.
    return frozenset(available_timezones() - {"localtime", "posixrules", "Factory"})


def _check_timezone(name: str) -> str:
    if name and not is_valid_timezone(name):
        raise ValueError(
            f"Invalid timezone: {name!r}. Give the IANA name of a time zone, for example America/New_York."
        )
    return name


def check_cron(cron: str) -> str:
    """
    Return a cron expression that is valid and always means the same times.

    Raises:
        ValueError: It is neither.
    """
    from croniter import croniter

    if not croniter.is_valid(cron):
        raise ValueError(f"Invalid cron string: {cron!r}. Give five fields as in '0 9 * * MON-FRI', or '@daily'.")
    if any(field[:1].lower() in {"r", "h"} for field in cron.split()):
        raise ValueError(f"Random and hashed expressions are not supported: {cron!r}. Give the times themselves.")
    return cron


def check_rrule(rrule: str) -> str:
    """
    Return a recurrence rule (RFC 5545) that is valid.

    Raises:
        ValueError: It is not, or it is longer than `MAX_RRULE_LENGTH`.
    """
    from dateutil.rrule import rrulestr

    if len(rrule) > MAX_RRULE_LENGTH:
        raise ValueError(f"Invalid RRule string: it has {len(rrule)} characters, {MAX_RRULE_LENGTH} are allowed.")
    try:
        rrulestr(rrule, cache=True)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        raise ValueError(f'Invalid RRule string "{rrule}": {error}. Give a rule as in FREQ=DAILY;COUNT=3.') from error
    return rrule


TimezoneName = Annotated[str, AfterValidator(_check_timezone)]


class _ScheduleModel(PrefectBaseModel):
    """What the kinds of schedules share: they refuse fields which they do not know."""

    model_config = ConfigDict(extra="forbid", defer_build=True, ser_json_timedelta="float")


class IntervalSchedule(_ScheduleModel):
    """
    Due each time an interval has passed.

    Args:
        interval: How much time passes; more than zero.
        anchor_date: A moment at which it is due; the others are counted from it, in both directions.
        timezone: Where the clock hangs, for intervals of days and more: a daily schedule stays at its hour when
            daylight saving time begins. By default UTC.
    """

    interval: Duration = Field(gt=dt.timedelta(0))
    anchor_date: Moment = Field(default_factory=now, examples=["2020-01-01T00:00:00Z"])
    timezone: TimezoneName | None = Field(default=None, examples=["America/New_York"])

    def model_post_init(self, context: Any, /) -> None:
        """The time zone is UTC, or that of the anchor when it is a named one, unless another is given."""
        if self.timezone is None:
            self.timezone = _zone_of(self.anchor_date)
        from zoneinfo import ZoneInfo

        try:  # intervals are counted in either, see `due_dates`
            for zone in ("UTC", self.timezone):
                self.anchor_date.astimezone(ZoneInfo(zone))
        except OverflowError:
            raise ValueError(
                f"The anchor date {self.anchor_date} is past an end of the calendar, the years 1 to 9999, in {zone}."
            ) from None


def _zone_of(moment: dt.datetime) -> str:
    key = getattr(moment.tzinfo, "key", None)
    return key if isinstance(key, str) else "UTC"


class CronSchedule(_ScheduleModel):
    """
    Due when the clock matches a cron expression.

    Args:
        cron: Five fields (minute, hour, day of month, month, day of week), a sixth for seconds, or `@daily` and such.
        timezone: Where the clock hangs. By default UTC.
        day_or: Whether a day matches when its day of month or its day of week does; otherwise both must.
    """

    cron: Annotated[str, AfterValidator(check_cron)] = Field(examples=["0 0 * * *"])
    timezone: TimezoneName | None = Field(default=None, examples=["America/New_York"])
    day_or: bool = True


class RRuleSchedule(_ScheduleModel):
    """
    Due as a recurrence rule says, in the words of calendars (RFC 5545).

    Args:
        rrule: One rule, or several lines of rules, exceptions and dates.
        timezone: Where the clock hangs.
    """

    rrule: Annotated[str, AfterValidator(check_rrule)]
    timezone: TimezoneName | None = Field(default="UTC", examples=["America/New_York"])

    @classmethod
    def from_rrule(cls, rrule: "RRule | RRuleSet") -> "Self":
        """
        Make a schedule of a rule of `dateutil`; its time zone is that in which the rule begins.

        Raises:
            TypeError: It is no rule of `dateutil`.
            ValueError: The rules of the set begin in different time zones.
        """
        from dateutil.rrule import rrule as one, rruleset

        if isinstance(rrule, one):
            return cls(rrule=str(rrule), timezone=_zone_name(rrule._dtstart))  # type: ignore[attr-defined]
        if not isinstance(rrule, rruleset):
            raise TypeError(
                f"Expected a rrule or rruleset of dateutil, but got {rrule!r} of type {type(rrule).__name__}."
            )
        parts: Any = rrule
        rules, exceptions = list(parts._rrule), list(parts._exrule)
        dates, without = list(parts._rdate), list(parts._exdate)
        starts = [rule._dtstart for rule in [*rules, *exceptions]]
        zones = sorted({_zone_name(moment) for moment in [*starts, *dates, *without]})
        if len(zones) > 1:
            raise ValueError(f"The rules of a set must begin in one time zone, but these begin in {', '.join(zones)}.")
        lines = [str(rule) for rule in rules]
        lines += [str(rule).replace("RRULE", "EXRULE", 1) for rule in exceptions]
        lines += [f"RDATE:{moment:%Y%m%dT%H%M%S}Z" for moment in dates]
        lines += [f"EXDATE:{moment:%Y%m%dT%H%M%S}Z" for moment in without]
        return cls(rrule="\n".join(lines), timezone=zones[0] if zones else "UTC")

    def to_rrule(self) -> "RRule | RRuleSet":
        """
        The rule as one of `dateutil`, whose dates are in the time zone of the schedule.

        A rule that does not say when it begins begins at the start of the year 2020.
        """
        from zoneinfo import ZoneInfo

        from dateutil.rrule import rruleset, rrulestr

        zone = ZoneInfo(self.timezone or "UTC")
        begin = dt.datetime.combine(DEFAULT_ANCHOR_DATE, dt.time())
        parsed: Any
        try:
            parsed = rrulestr(self.rrule, dtstart=begin, cache=True)
        except ValueError:  # a rule that ends at a moment in UTC must begin at one that has a time zone, too
            parsed = rrulestr(self.rrule, dtstart=begin.replace(tzinfo=zone), cache=True)
        if not isinstance(parsed, rruleset):
            return parsed.replace(**_in_zone(parsed, zone))  # type: ignore[no-any-return]
        rules: Any = parsed
        localized: Any = rruleset(cache=True)
        for rule in rules._rrule:
            localized.rrule(rule.replace(**_in_zone(rule, zone)))
        for rule in rules._exrule:
            localized.exrule(rule.replace(**_in_zone(rule, zone)))
        for moment in rules._rdate:
            localized.rdate(_localize(moment, zone))
        for moment in rules._exdate:
            localized.exdate(_localize(moment, zone))
        return localized  # type: ignore[no-any-return]


def _zone_name(moment: dt.datetime) -> str:
    """The name of the time zone in which a moment is given, UTC when it has none."""
    from dateutil.tz import tzfile

    zone: Any = moment.tzinfo
    if isinstance(zone, tzfile):
        path = str(zone._filename).split("zoneinfo/")[-1]  # type: ignore[attr-defined]
        return path if is_valid_timezone(path) else "UTC"
    return _zone_of(moment)


def _localize(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _in_zone(rule: Any, zone: dt.tzinfo) -> dict[str, dt.datetime]:
    changes = {"dtstart": _localize(rule._dtstart, zone)}
    if rule._until is not None:
        changes["until"] = _localize(rule._until, zone)
    return changes


class NoSchedule(_ScheduleModel):
    """Never due."""


SCHEDULE_TYPES = Union[IntervalSchedule, CronSchedule, RRuleSchedule, NoSchedule]
"""The kinds of schedules. Their fields tell them apart."""


def is_schedule_type(obj: Any) -> bool:
    """Whether `obj` is a schedule of one of the kinds."""
    return isinstance(obj, (IntervalSchedule, CronSchedule, RRuleSchedule, NoSchedule))


def construct_schedule(
    interval: int | float | dt.timedelta | None = None,
    anchor_date: dt.datetime | str | None = None,
    cron: str | None = None,
    rrule: str | None = None,
    timezone: str | None = None,
) -> SCHEDULE_TYPES:
    """
    Make a schedule of the one kind that is given.

    Args:
        interval: Seconds, or a duration.
        anchor_date: For intervals: the moment they are counted from.
        cron: A cron expression.
        rrule: A recurrence rule.
        timezone: The IANA name of the time zone of whichever it is.

    Raises:
        ValueError: None or several are given, or what is given does not fit it.
    """
    kinds = [interval, cron, rrule]
    given = sum(kind is not None for kind in kinds)
    if given > 1:
        raise ValueError("Only one of interval, cron, or rrule can be provided.")
    if anchor_date is not None and interval is None:
        raise ValueError("An anchor date can only be provided with an interval schedule.")
    if timezone is not None and given == 0:
        raise ValueError("A timezone can only be provided with interval, cron, or rrule.")
    if interval is not None:
        options = {} if anchor_date is None else {"anchor_date": anchor_date}
        return IntervalSchedule.model_validate({"interval": interval, "timezone": timezone, **options})
    if cron is not None:
        return CronSchedule(cron=cron, timezone=timezone)
    if rrule is not None:
        return RRuleSchedule(rrule=rrule, timezone=timezone or "UTC")
    raise ValueError("Either interval, cron, or rrule must be provided.")
