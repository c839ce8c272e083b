"""Schedules of deployments, in all the ways in which users may write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

import pytest

from prefect._contract.actions.deployments import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect.deployments.schedules import (
    create_deployment_schedule_create,
    normalize_to_deployment_schedule,
    schedules_from,
)
from prefect.schedules import Cron, Interval, due_dates


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ({"interval": 60}, [IntervalSchedule(interval=timedelta(minutes=1))]),
        ({"interval": [60, timedelta(hours=1)]}, [timedelta(minutes=1), timedelta(hours=1)]),
        ({"cron": "0 9 * * *"}, [CronSchedule(cron="0 9 * * *")]),
        ({"cron": ["0 9 * * *", "@daily"]}, [CronSchedule(cron="0 9 * * *"), CronSchedule(cron="@daily")]),
        ({"rrule": "FREQ=DAILY"}, [RRuleSchedule(rrule="FREQ=DAILY")]),
        (
            {"schedule": Cron("0 9 * * *", timezone="Asia/Tokyo")},
            [CronSchedule(cron="0 9 * * *", timezone="Asia/Tokyo")],
        ),
        ({}, []),
        ({"schedules": []}, []),
    ],
)
def test_each_way(way: dict[str, Any], expected: list[Any]) -> None:
    made = [asked.schedule for asked in schedules_from(**way)]
    assert len(made) == len(expected)
    for schedule, wanted in zip(made, expected, strict=True):
        if isinstance(schedule, IntervalSchedule):
            assert schedule.interval == (wanted if isinstance(wanted, timedelta) else wanted.interval)
        else:
            assert schedule == wanted


def test_several_ways_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="Found: interval, cron"):
        schedules_from(interval=3, cron="@daily")


def test_a_list_may_mix_them() -> None:
    asked = DeploymentScheduleCreate(schedule=CronSchedule(cron="@daily"), slug="sent")
    made = normalize_to_deployment_schedule(
        [
            asked,
            IntervalSchedule(interval=timedelta(minutes=1)),
            Cron("@hourly", active=False, parameters={"a": 1}, slug="written"),
            {"schedule": {"cron": "@weekly"}, "active": False},
            {"schedule": Interval(60, slug="both"), "max_scheduled_runs": 3},
        ]
    )
    assert made[0] is asked
    assert [each.active for each in made] == [True, True, False, False, True]
    assert made[2].parameters == {"a": 1}
    assert [each.slug for each in made] == ["sent", None, "written", None, "both"]
    assert made[4].max_scheduled_runs == 3
    assert made[4].schedule.interval == timedelta(minutes=1)  # type: ignore[union-attr]


def test_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid schedule: 'daily'"):
        normalize_to_deployment_schedule(["daily"])  # type: ignore[list-item]


def test_what_is_sent_for_one() -> None:
    assert create_deployment_schedule_create(CronSchedule(cron="@daily"), active=False).active is False
    assert create_deployment_schedule_create(Cron("@daily", active=False)).active is False


def test_the_moments_of_a_schedule_that_the_api_tells_of() -> None:
    start = datetime(2031, 5, 1, tzinfo=timezone.utc)
    found = list(islice(due_dates({"cron": "0 9 * * *", "timezone": "Europe/Berlin"}, start), 2))
    assert found == [start.replace(hour=7), start.replace(day=2, hour=7)]
    assert list(due_dates({}, start)) == []
    with pytest.raises(ValueError, match="cron"):
        due_dates({"cron": "whenever"}, start)
