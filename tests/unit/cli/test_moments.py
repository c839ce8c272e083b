"""Times as people say them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from prefect.cli.moments import ago, seconds_of

NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (timedelta(seconds=0.4), "just now"),
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(minutes=5, seconds=7), "5 minutes ago"),
        (timedelta(days=15), "2 weeks ago"),
        (-timedelta(hours=2, minutes=1), "in 2 hours"),
    ],
)
def test_how_long_ago(difference, words):
    assert ago(NOW - difference, NOW) == words


def test_what_has_not_happened_was_not_long_ago():
    assert ago(None) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.123, "0.12 s"), (12.34, "12.3 s"), (59.99, "60.0 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")],
)
def test_how_long_it_took(seconds, words):
    assert seconds_of(seconds) == words
    assert seconds_of(timedelta(seconds=seconds)) == words
