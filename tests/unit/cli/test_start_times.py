"""When runs start, as people say it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from prefect.cli.errors import CliError
from prefect.cli.start_times import parse_delay, parse_moment
from prefect.utilities.time import UTC

NOW = datetime(2031, 5, 6, 12, 30, tzinfo=UTC)
"""A Tuesday."""


@pytest.fixture(autouse=True)
def berlin(monkeypatch):
    """The local time zone: two hours ahead of UTC in May, one in January."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("20 minutes", timedelta(minutes=20)),
        ("in 5 min", timedelta(minutes=5)),
        ("90s", timedelta(seconds=90)),
        ("1h 30m", timedelta(minutes=90)),
        ("1.5 hours", timedelta(minutes=90)),
        ("a day and 2 hours", timedelta(hours=26)),
        ("2 days, 3 hrs", timedelta(hours=51)),
        ("an hour", timedelta(hours=1)),
        ("1 week", timedelta(days=7)),
        ("0 s", timedelta(0)),
    ],
)
def test_delays(text, delay):
    assert parse_delay(text) == delay


@pytest.mark.parametrize(
    "text", ["", "in", "soon", "10", "5 parsecs", "5 minutes later", "minutes 5", "9999999999 weeks"]
)
def test_what_is_no_delay_is_refused(text):
    with pytest.raises(CliError, match=r"Say it as in '20 minutes'"):
        parse_delay(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", datetime(2031, 5, 6, 12, 30, tzinfo=UTC)),
        ("17:30", datetime(2031, 5, 6, 15, 30, tzinfo=UTC)),
        ("at 5:30pm", datetime(2031, 5, 6, 15, 30, tzinfo=UTC)),
        ("9:00", datetime(2031, 5, 7, 7, 0, tzinfo=UTC)),
        ("today at 9:00", datetime(2031, 5, 6, 7, 0, tzinfo=UTC)),
        ("tomorrow at 5pm", datetime(2031, 5, 7, 15, 0, tzinfo=UTC)),
        ("5pm tomorrow", datetime(2031, 5, 7, 15, 0, tzinfo=UTC)),
        ("thursday 8:15", datetime(2031, 5, 8, 6, 15, tzinfo=UTC)),
        ("2033-01-01 10:00", datetime(2033, 1, 1, 9, 0, tzinfo=UTC)),
        ("at 2033-01-01 10:00:30", datetime(2033, 1, 1, 9, 0, 30, tzinfo=UTC)),
        ("2033-01-01", datetime(2032, 12, 31, 23, 0, tzinfo=UTC)),
        ("2033-01-01T10:00:00Z", datetime(2033, 1, 1, 10, 0, tzinfo=UTC)),
        ("2033-01-01T10:00:00+05:00", datetime(2033, 1, 1, 5, 0, tzinfo=UTC)),
    ],
)
def test_moments(text, moment):
    found = parse_moment(text, NOW)
    assert found == moment
    assert found.tzinfo is timezone.utc


@pytest.mark.parametrize("text", ["", "at", "whenever", "tomorrow", "10", "25:00", "2033-13-01", "10:00 XYZ"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(CliError, match=r"Unable to parse"):
        parse_moment(text, NOW)
