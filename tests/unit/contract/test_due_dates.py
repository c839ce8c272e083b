"""When schedules are due, also when clocks are put back and forward."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from prefect._contract.due_dates import due_dates
from prefect._contract.schedules import CronSchedule, IntervalSchedule, NoSchedule, RRuleSchedule
from prefect.utilities.time import UTC

NY = "America/New_York"
"""Its clock was put forward on March 10, 2030 at 2:00, and is put back on November 3, 2030 at 2:00."""


def cron(text: str, timezone: str | None = None, **fields: Any) -> CronSchedule:
    return CronSchedule(cron=text, timezone=timezone, **fields)


def every(interval: timedelta, anchor: str = "2030-01-01T00:00:00Z", timezone: str = "UTC") -> IntervalSchedule:
    return IntervalSchedule.model_validate({"interval": interval, "anchor_date": anchor, "timezone": timezone})


def rule(text: str, timezone: str = "UTC") -> RRuleSchedule:
    return RRuleSchedule(rrule=text, timezone=timezone)


def dates(schedule: Any, start: str, count: int = 4) -> list[str]:
    moments = islice(due_dates(schedule, datetime.fromisoformat(start).replace(tzinfo=UTC)), count)
    zone = ZoneInfo(getattr(schedule, "timezone", None) or "UTC")
    return [moment.astimezone(zone).strftime("%m-%d %H:%M%z") for moment in moments]


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("schedule", "start", "expected"),
    [
        (cron("0 9 * * *"), "2030-01-01T09:00", ["01-01 09:00+0000", "01-02 09:00+0000"]),
        (cron("0 9 * * *"), "2030-01-01T09:00:00.000001", ["01-02 09:00+0000", "01-03 09:00+0000"]),
        (cron("0 9 1 * MON"), "2030-01-02", ["01-07 09:00+0000", "01-14 09:00+0000"]),
        (cron("0 9 1 * MON", day_or=False), "2030-01-02", ["04-01 09:00+0000", "07-01 09:00+0000"]),
        (cron("0 0 30 2 *"), "2030-01-01", []),
        (cron("@daily", NY), "2030-01-01T09:00", ["01-02 00:00-0500", "01-03 00:00-0500"]),
        (cron("0 * * * *", NY), "2030-03-10T06:00", ["03-10 01:00-0500", "03-10 03:00-0400", "03-10 04:00-0400"]),
        (cron("0 * * * *", NY), "2030-11-03T05:00", ["11-03 01:00-0400", "11-03 02:00-0500", "11-03 03:00-0500"]),
        (cron("30 2 * * *", NY), "2030-03-09", ["03-09 02:30-0500", "03-10 03:30-0400", "03-11 02:30-0400"]),
        (cron("30 1 * * *", NY), "2030-11-02", ["11-02 01:30-0400", "11-03 01:30-0400", "11-04 01:30-0500"]),
        (cron("30 1 * * *", NY), "2030-11-03T06:00", ["11-04 01:30-0500"]),
        (every(HOUR, timezone=NY), "2030-11-03T05:00", ["11-03 01:00-0400", "11-03 01:00-0500", "11-03 02:00-0500"]),
        (
            every(12 * HOUR, timezone=NY),
            "2030-03-09T12:00",
            ["03-09 07:00-0500", "03-09 19:00-0500", "03-10 08:00-0400"],
        ),
        (every(DAY, "2030-01-01T07:30:00Z", NY), "2030-03-09T08:00", ["03-10 03:30-0400", "03-11 02:30-0400"]),
        (every(DAY, "2030-01-01T06:30:00Z", NY), "2030-11-02T06:00", ["11-03 01:30-0400", "11-04 01:30-0500"]),
        (every(2 * DAY), "2029-12-28", ["12-28 00:00+0000", "12-30 00:00+0000", "01-01 00:00+0000"]),
        (every(HOUR), "2020-01-01T00:00:01", ["01-01 01:00+0000", "01-01 02:00+0000"]),
        (every(400_000 * DAY), "2030-01-02", ["03-02 00:00+0000"]),
        (rule("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", NY), "2030-03-09", ["03-09 02:30-0500", "03-10 03:30-0400"]),
        (rule("FREQ=DAILY;COUNT=2", NY), "2019-01-01", ["01-01 00:00-0500", "01-02 00:00-0500"]),
        (rule("FREQ=DAILY;COUNT=2", NY), "2030-01-01", []),
        (rule("FREQ=DAILY;UNTIL=20300312T000000Z", NY), "2030-03-10T05:30", ["03-11 00:00-0400"]),
        (rule("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE"), "2030-03-09", ["03-11 00:00+0000", "03-13 00:00+0000"]),
        (rule("FREQ=MONTHLY;BYDAY=-1FR"), "2030-03-09", ["03-29 00:00+0000", "04-26 00:00+0000"]),
        (rule("RRULE:FREQ=DAILY\nEXDATE:20300311T000000Z"), "2030-03-10", ["03-10 00:00+0000", "03-12 00:00+0000"]),
        (rule("FREQ=MINUTELY;INTERVAL=7"), "2030-01-01", ["01-01 00:05+0000", "01-01 00:12+0000"]),
        (NoSchedule(), "2030-01-01", []),
    ],
)
def test_a_schedule_is_due(schedule: Any, start: str, expected: list[str]) -> None:
    assert dates(schedule, start, max(1, len(expected))) == expected


ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", ["17 * * * *", "30 0-4 * * *", "0 12 * * *"])
def test_each_time_of_a_clock_is_due_once(zone: str, text: str) -> None:
    """In a whole year, with its changes: no time comes twice, and none is left out."""
    start = datetime(2030, 1, 1, tzinfo=UTC)
    found = []
    for moment in due_dates(cron(text, zone), start):
        if moment >= start + timedelta(days=365):
            break
        found.append(moment)
    assert found == sorted(set(found))
    local = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) for moment in found]
    assert len(set(local)) == len(local)
    gaps = [later - earlier for earlier, later in zip(found, found[1:], strict=False)]
    longest = {"17 * * * *": HOUR, "30 0-4 * * *": timedelta(hours=20), "0 12 * * *": DAY}[text]
    assert max(gaps) <= longest + HOUR


def test_a_rule_that_began_long_ago_is_answered_at_once() -> None:
    begin = time.process_time()
    assert dates(rule("DTSTART:19700101T000000\nRRULE:FREQ=SECONDLY"), "2030-01-01", 1) == ["01-01 00:00+0000"]
    assert time.process_time() - begin < 1
