"""The dates of recurrence rules: those that `dateutil` says, in bounded time."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import islice

import pytest
from dateutil.rrule import rrulestr

from prefect._contract.recurrence import occurrences
from prefect.utilities.time import UTC

START = datetime(2026, 1, 1, tzinfo=UTC)
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=-1FR;BYMONTH=3,4",
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=TU,TH",
        "FREQ=DAILY;COUNT=3000",
        "FREQ=HOURLY;BYHOUR=9,17;BYDAY=MO;UNTIL=20260301T000000Z",
        "RRULE:FREQ=DAILY\nEXRULE:FREQ=WEEKLY\nRDATE:20260102T003000Z\nEXDATE:20260103T000000Z",
        "RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY",
        "FREQ=WEEKLY;UNTIL=20250101T000000Z",
    ],
)
def test_the_dates_are_those_of_the_rule(rule: str) -> None:
    parsed = rrulestr(rule, dtstart=BEGIN)
    assert list(islice(occurrences(parsed, START), 40)) == list(islice(parsed.xafter(START, inc=True), 40))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYWEEKNO=53;BYDAY=MO;BYMONTH=5",
        "FREQ=SECONDLY;COUNT=1000000000",
        "RRULE:FREQ=SECONDLY\nEXRULE:FREQ=SECONDLY",
    ],
)
def test_dates_that_there_are_none_of_are_not_looked_for_long(rule: str, caplog: pytest.LogCaptureFixture) -> None:
    began = time.thread_time()
    assert list(islice(occurrences(rrulestr(rule, dtstart=BEGIN), START), 1)) == []
    assert time.thread_time() - began < 2
    assert "in reasonable time" in caplog.text
