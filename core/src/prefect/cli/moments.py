"""Moments and durations for people."""

from __future__ import annotations

from datetime import datetime, timedelta

from prefect.utilities.time import duration_in_words, now

__all__ = ["ago", "clock", "seconds_of"]


def ago(moment: datetime | None, reference: datetime | None = None) -> str:
    """How long ago a moment was, or how far ahead it is, in its largest unit: `5 minutes ago`, `in 2 days`."""
    if moment is None:
        return ""
    difference = (reference or now()) - moment
    if abs(difference) < timedelta(seconds=1):
        return "just now"
    words = " ".join(duration_in_words(difference).split(" ")[:2])
    return f"{words} ago" if difference > timedelta(0) else f"in {words}"


def clock(moment: datetime) -> str:
    """A moment in local time, to the millisecond."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def seconds_of(duration: timedelta | float) -> str:
    """A duration: `0.25 s`, `12.3 s`, `3 min 20 s`, `2 h 5 min`."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
