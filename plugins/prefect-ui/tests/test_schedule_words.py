"""Schedules in words."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from prefect_ui.schedules import in_words, next_times, times_until

START = datetime(2031, 5, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"interval": 300.0}, "every 5 minutes"),
        ({"interval": 60.0}, "every minute"),
        ({"interval": 90.0}, "every 90 seconds"),
        ({"interval": 0.5}, "every 0.5 s"),
        ({"interval": 86400.0, "timezone": "Europe/Berlin"}, "every day, Europe/Berlin"),
        ({"interval": 604800.0}, "every week, UTC"),
        ({"cron": "* * * * *"}, "every minute, UTC"),
        ({"cron": "*/15 * * * *"}, "every 15 minutes, UTC"),
        ({"cron": "*/7 * * * *"}, "cron */7 * * * *, UTC"),
        ({"cron": "*/0 * * * *"}, "cron */0 * * * *, UTC"),
        ({"cron": "5 * * * *"}, "every hour at :05, UTC"),
        ({"cron": "0 */6 * * *"}, "every 6 hours at :00, UTC"),
        ({"cron": "30 9 * * *"}, "every day at 09:30, UTC"),
        ({"cron": "0 9 * * MON-FRI", "timezone": "Asia/Tokyo"}, "on weekdays at 09:00, Asia/Tokyo"),
        ({"cron": "0 9 * * 0,sat"}, "on Sunday and Saturday at 09:00, UTC"),
        ({"cron": "0 9 * * 7"}, "on Sunday at 09:00, UTC"),
        ({"cron": "0 9 * * 1#2"}, "cron 0 9 * * 1#2, UTC"),
        ({"cron": "0 9 1 * *"}, "on day 1 of each month at 09:00, UTC"),
        ({"cron": "0 9 1 * 1"}, "cron 0 9 1 * 1, UTC"),
        ({"cron": "0 9 1 1 *"}, "cron 0 9 1 1 *, UTC"),
        ({"cron": "@daily"}, "every day at 00:00, UTC"),
        ({"cron": "@yearly"}, "cron @yearly, UTC"),
        ({"rrule": "FREQ=DAILY"}, "FREQ=DAILY, UTC"),
        ({}, "never"),
    ],
)
def test_schedules_are_told_in_words(schedule, said):
    assert in_words(schedule) == said


def test_the_next_times_are_those_of_the_schedule():
    berlin = {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}
    assert [time.isoformat() for time in next_times(berlin, START, 2)] == [
        "2031-05-01T07:00:00+00:00",
        "2031-05-02T07:00:00+00:00",
    ]
    assert next_times({}, START) == []


def test_times_end_with_the_span_unless_there_are_too_many_in_a_day():
    end = START.replace(day=4)
    assert len(times_until({"cron": "0 */6 * * *"}, START, end, 4)) == 12
    assert times_until({"cron": "0 */6 * * *"}, START, end, 3) is None
    assert times_until({"cron": "* * * * *"}, START, end, 4) is None
    assert times_until({"cron": "0 9 * * *"}, START, START, 4) == []
    assert len(times_until({"rrule": "FREQ=DAILY;COUNT=3"}, START.replace(year=2020, month=1), end, 4)) == 3
