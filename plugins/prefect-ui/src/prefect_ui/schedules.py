"""Schedules for people: in words, and when they are due."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from prefect.schedules import due_dates
from prefect_ui.view import duration

__all__ = ["in_words", "next_times", "times_until"]

_DAY = timedelta(days=1)
_NAMED = {"@hourly": "every hour", "@daily": "every day at 00:00", "@midnight": "every day at 00:00"}
_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_SHORT = {day[:3].upper(): number for number, day in enumerate(_DAYS)}
_WEEKDAYS = {"1-5", "MON-FRI"}
_MANY = re.compile(r"\*/([1-9]\d{0,3})")


def in_words(schedule: Mapping[str, Any]) -> str:
    """
    A schedule in a few words: `every 5 minutes`, `on weekdays at 09:00, Europe/Berlin`.

    A cron expression that has no short words is shown as it is, and so is a recurrence rule.

    Args:
        schedule: What the API says of it.
    """
    zone = schedule.get("timezone") or "UTC"
    if "interval" in schedule:
        seconds = float(schedule["interval"])
        every = f"every {_length(seconds)}"
        return every if seconds < 86400 else f"{every}, {zone}"
    if "cron" in schedule:
        return f"{_of_cron(schedule['cron'])}, {zone}"
    if "rrule" in schedule:
        return f"{schedule['rrule']}, {zone}"
    return "never"


def _length(seconds: float) -> str:
    for name, size in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size and seconds % size == 0:
            number = int(seconds // size)
            return name if number == 1 else f"{number} {name}s"
    return duration(seconds)


def _of_cron(cron: str) -> str:
    if cron.lower() in _NAMED:
        return _NAMED[cron.lower()]
    fields = cron.split()
    if len(fields) != 5:
        return f"cron {cron}"
    minute, hour, day, month, weekday = fields
    if fields[1:] == ["*"] * 4:
        if minute == "*":
            return "every minute"
        if (many := _MANY.fullmatch(minute)) and 60 % int(many[1]) == 0:
            return f"every {_length(int(many[1]) * 60)}"
        if minute.isdecimal():
            return f"every hour at :{int(minute):02}"
    if not (minute.isdecimal() and month == "*"):
        return f"cron {cron}"
    if day == weekday == "*" and (many := _MANY.fullmatch(hour)) and 24 % int(many[1]) == 0:
        return f"every {_length(int(many[1]) * 3600)} at :{int(minute):02}"
    if not hour.isdecimal():
        return f"cron {cron}"
    return _on_days(day, weekday, f"{int(hour):02}:{int(minute):02}") or f"cron {cron}"


def _on_days(day: str, weekday: str, clock: str) -> str | None:
    if day == weekday == "*":
        return f"every day at {clock}"
    if day == "*" and weekday.upper() in _WEEKDAYS:
        return f"on weekdays at {clock}"
    if day == "*":
        numbers = [_SHORT.get(each.upper(), int(each) if each.isdecimal() else -1) for each in weekday.split(",")]
        if all(0 <= number <= 7 for number in numbers):
            return f"on {' and '.join(_DAYS[number % 7] for number in numbers)} at {clock}"
    if weekday == "*" and day.isdecimal():
        return f"on day {int(day)} of each month at {clock}"
    return None


def next_times(schedule: Mapping[str, Any], start: datetime, count: int = 10) -> list[datetime]:
    """When a schedule is due next."""
    return list(islice(due_dates(schedule, start), count))


def times_until(schedule: Mapping[str, Any], start: datetime, end: datetime, most_a_day: int) -> list[datetime] | None:
    """
    When a schedule is due from a moment until another.

    Returns:
        None if it begins with more times than that in a day.
    """
    dates = takewhile(lambda date: date < end, due_dates(schedule, start))
    first = list(islice(dates, most_a_day + 1))
    if len(first) > most_a_day and first[-1] - first[0] < _DAY:
        return None
    return [*first, *dates]
