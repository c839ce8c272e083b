"""The clock: every moment in the product is a UTC-aware `datetime`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

__all__ = ["UTC", "as_utc", "duration_in_words", "from_timestamp", "now", "parse_datetime"]

UTC = timezone.utc


def now() -> datetime:
    """The current moment, UTC-aware."""
    return datetime.now(UTC)


def from_timestamp(seconds: float) -> datetime:
    """The moment that lies `seconds` after the Unix epoch, UTC-aware."""
    return datetime.fromtimestamp(seconds, UTC)


def as_utc(moment: datetime) -> datetime:
    """The same moment in UTC. A naive one is taken to be UTC already."""
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def parse_datetime(text: str) -> datetime:
    """
    Read an ISO 8601 moment, UTC-aware; one without an offset is taken to be UTC.

    Raises:
        ValueError: The text is not an ISO 8601 moment.
    """
    # Python 3.10 knows no trailing Z.
    iso = f"{text[:-1]}+00:00" if text[-1:] in {"Z", "z"} else text
    try:
        return as_utc(datetime.fromisoformat(iso))
    except ValueError:
        message = f"{text!r} is not an ISO 8601 moment such as '2026-01-31T12:00:00Z'."
        raise ValueError(message) from None


_UNITS = (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def duration_in_words(duration: timedelta) -> str:
    """A duration for people, in its two largest units: `2 hours 5 minutes`. Signs are dropped."""
    remaining = round(abs(duration.total_seconds()))
    words = []
    for unit, seconds in _UNITS:
        count, remaining = divmod(remaining, seconds)
        if count:
            words.append(f"{count} {unit}" if count == 1 else f"{count} {unit}s")
    return " ".join(words[:2]) or "0 seconds"
