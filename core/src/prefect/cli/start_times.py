"""When a run is to start, as people say it: `in 5 minutes`, `tomorrow at 17:00`."""

from __future__ import annotations

import re
import warnings
from datetime import datetime, timedelta

from prefect.cli.errors import CliError
from prefect.utilities.time import UTC, now

__all__ = ["parse_delay", "parse_moment"]

_SECONDS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hr": 3600, "hour": 3600}
_SECONDS |= {"d": 86_400, "day": 86_400, "w": 604_800, "week": 604_800}
_PART = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|an?)\s*([a-z]+)\s*(?:,|and\b)?\s*")
_EXAMPLES = "Say it as in '20 minutes', '1h 30m' or '2 days'."


def parse_delay(text: str) -> timedelta:
    """
    How long to wait: `20 minutes`, `in 1h 30m`, `a day and 2 hours`.

    Raises:
        CliError: It cannot be understood.
    """
    rest = re.sub(r"^\s*in\b", "", text.lower()).strip()
    seconds = 0.0
    while True:
        part = _PART.match(rest)
        unit = part and (_SECONDS.get(part[2]) or _SECONDS.get(part[2].removesuffix("s")))
        if part is None or unit is None:
            raise CliError(f"Unable to parse {text!r} as a time to wait. {_EXAMPLES}")
        seconds += float(part[1] or 1) * unit
        rest = rest[part.end() :]
        if not rest:
            break
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise CliError(f"{text!r} is longer than anybody can wait. {_EXAMPLES}") from None


def parse_moment(text: str, reference: datetime | None = None) -> datetime:
    """
    A moment: `17:30`, `tomorrow at 5pm`, `monday 9:00`, `2030-01-01 10:00`, `2030-01-01T10:00:00+02:00`.

    Without an offset it is one of the local time zone. A time of day that has passed is that of tomorrow.

    Args:
        text: The moment.
        reference: What time it is, if not now.

    Returns:
        The moment, in UTC.

    Raises:
        CliError: It cannot be understood.
    """
    from dateutil.parser import ParserError, parse
    from dateutil.tz import tzlocal

    current = (reference or now()).astimezone(tzlocal())
    said = re.sub(r"^\s*at\b", "", text.lower()).strip()
    if said == "now":
        return current.astimezone(UTC)
    day, clock = _day_in(said, current)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # dateutil warns of time zones that it does not know, and leaves them out
            if clock.isdigit() or not clock:
                raise ValueError("There is no time of day.")
            found = parse(clock, default=day or _midnight(current))
    except (ParserError, ValueError, OverflowError, Warning):
        examples = "'17:30', 'tomorrow at 5pm', '2030-01-01 10:00' or '2030-01-01T10:00:00+02:00'"
        raise CliError(f"Unable to parse {text!r} as a moment. Say it as in {examples}.") from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=tzlocal())
    if day is None and found < current and _is_time_of_day(clock):
        found += timedelta(days=1)
    return found.astimezone(UTC)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)


def _day_in(said: str, current: datetime) -> tuple[datetime | None, str]:
    """The day that a text begins or ends with, if it names one relative to today, and the rest of the text."""
    for word, days in (("today", 0), ("tomorrow", 1)):
        if re.search(rf"\b{word}\b", said):
            rest = re.sub(rf"\b({word}|at)\b", " ", said).strip()
            return _midnight(current) + timedelta(days=days), rest
    return None, re.sub(r"\bat\b", " ", said).strip()


def _is_time_of_day(said: str) -> bool:
    return re.fullmatch(r"\d{1,2}(:\d{2}){0,2}\s*([ap]\.?m\.?)?", said) is not None
