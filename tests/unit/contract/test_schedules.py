"""Schedules: what is valid, and what it means."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule, tz
from pydantic import ValidationError

from prefect._contract.schedules import (
    DEFAULT_ANCHOR_DATE,
    CronSchedule,
    IntervalSchedule,
    NoSchedule,
    RRuleSchedule,
    construct_schedule,
    is_schedule_type,
    is_valid_timezone,
)
from prefect.schedules import Cron, Interval, RRule, Schedule


@pytest.mark.parametrize("cron", ["* * * * *", "*/5 * * * *", "0 9 * * MON", "0 0 * * * *", "@daily", "@hourly"])
def test_cron_expressions(cron):
    assert CronSchedule(cron=cron).cron == cron
    assert Cron(cron).cron == cron


@pytest.mark.parametrize("cron", ["bad", "@reboot", "0 0 * * 8", "R * * * *", "R R * * *", "H * * * *", "H/15 * * * *"])
def test_cron_expressions_that_are_wrong_or_random(cron):
    with pytest.raises(ValidationError, match=r"Invalid cron string|Random and hashed"):
        CronSchedule(cron=cron)
    with pytest.raises(ValueError, match=r"Invalid cron string|Random and hashed"):
        Cron(cron)


@pytest.mark.parametrize("interval", [timedelta(0), timedelta(seconds=-1)])
def test_intervals_are_more_than_zero(interval):
    with pytest.raises(ValidationError, match="greater than 0"):
        IntervalSchedule(interval=interval)
    with pytest.raises(ValueError, match="more than zero"):
        Interval(interval)


def test_an_interval_has_an_anchor_and_a_zone():
    schedule = IntervalSchedule(interval=60)
    assert (schedule.interval, schedule.timezone) == (timedelta(seconds=60), "UTC")
    assert abs(datetime.now(timezone.utc) - schedule.anchor_date) < timedelta(seconds=30)
    in_berlin = datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    assert IntervalSchedule(interval=60, anchor_date=in_berlin).timezone == "Europe/Berlin"
    assert IntervalSchedule(interval=60, anchor_date=datetime(2020, 1, 1)).anchor_date.tzinfo is timezone.utc


@pytest.mark.parametrize(
    ("anchor", "zone"),
    [
        ("9999-12-31T23:59:59-23:59", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59Z", "Asia/Tokyo"),
        ("0001-01-01T00:00:00Z", "America/New_York"),
    ],
)
def test_an_anchor_is_within_the_calendar(anchor, zone):
    with pytest.raises(ValidationError, match="past an end of the calendar"):
        IntervalSchedule(interval=60, anchor_date=anchor, timezone=zone)


@pytest.mark.parametrize("zone", ["Europe/berlin", "foo", "localtime"])
def test_unknown_zones(zone):
    assert not is_valid_timezone(zone)
    for make in (
        lambda: CronSchedule(cron="* * * * *", timezone=zone),
        lambda: IntervalSchedule(interval=1, timezone=zone),
        lambda: RRuleSchedule(rrule="FREQ=DAILY", timezone=zone),
    ):
        with pytest.raises(ValidationError, match="Invalid timezone"):
            make()


@pytest.mark.parametrize("rule", ["FREQ=NOPE", "", "x" * 7000, "bad"])
def test_recurrence_rules_that_are_wrong(rule):
    with pytest.raises(ValidationError, match="Invalid RRule string"):
        RRuleSchedule(rrule=rule)
    with pytest.raises(ValueError, match="Invalid RRule string"):
        RRule(rule)


def test_rules_without_a_beginning_begin_at_the_anchor():
    first = RRuleSchedule(rrule="FREQ=DAILY;COUNT=2", timezone="America/New_York").to_rrule()[0]
    assert first == datetime(2020, 1, 1, tzinfo=ZoneInfo("America/New_York"))
    assert date(2020, 1, 1) == DEFAULT_ANCHOR_DATE


def test_dates_of_rules_keep_their_hour_in_summer():
    schedule = RRuleSchedule(rrule="DTSTART:20240301T090000\nRRULE:FREQ=MONTHLY;COUNT=3", timezone="Europe/Berlin")
    assert [moment.hour for moment in schedule.to_rrule()] == [9, 9, 9]
    assert [moment.utcoffset() for moment in schedule.to_rrule()][::2] == [timedelta(hours=1), timedelta(hours=2)]


def test_rules_of_dateutil_come_back():
    begin = datetime(2020, 1, 1, 9, tzinfo=tz.gettz("America/New_York"))
    schedule = RRuleSchedule.from_rrule(rrule.rrule(rrule.DAILY, count=3, dtstart=begin))
    assert schedule.timezone == "America/New_York"
    assert list(schedule.to_rrule()) == [begin + timedelta(days=n) for n in range(3)]


def test_sets_of_rules_come_back():
    begin = datetime(2020, 1, 1, tzinfo=timezone.utc)
    rules = rrule.rruleset()
    rules.rrule(rrule.rrule(rrule.DAILY, count=4, dtstart=begin))
    rules.exrule(rrule.rrule(rrule.DAILY, count=1, dtstart=begin))
    rules.exdate(begin + timedelta(days=1))
    rules.rdate(begin + timedelta(days=9))
    again = RRuleSchedule.from_rrule(rules).to_rrule()
    assert list(again) == list(rules) == [begin + timedelta(days=n) for n in (2, 3, 9)]


def test_sets_of_rules_in_two_zones_are_refused():
    rules = rrule.rruleset()
    for zone in ("America/New_York", "Europe/Berlin"):
        rules.rrule(rrule.rrule(rrule.DAILY, count=1, dtstart=datetime(2020, 1, 1, tzinfo=tz.gettz(zone))))
    with pytest.raises(ValueError, match="America/New_York, Europe/Berlin"):
        RRuleSchedule.from_rrule(rules)
    with pytest.raises(TypeError, match="rrule or rruleset"):
        RRuleSchedule.from_rrule("FREQ=DAILY")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"interval": 60}, IntervalSchedule),
        ({"interval": 60, "anchor_date": "2020-01-01"}, IntervalSchedule),
        ({"cron": "* * * * *", "timezone": "UTC"}, CronSchedule),
        ({"rrule": "FREQ=DAILY"}, RRuleSchedule),
    ],
)
def test_schedules_are_constructed_from_one_kind(given, kind):
    schedule = construct_schedule(**given)
    assert type(schedule) is kind
    assert is_schedule_type(schedule)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Either interval, cron, or rrule"),
        ({"cron": "* * * * *", "interval": 3}, "Only one of"),
        ({"cron": "* * * * *", "anchor_date": "2020-01-01"}, "anchor date can only"),
        ({"timezone": "UTC"}, "timezone can only"),
    ],
)
def test_other_combinations_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        construct_schedule(**given)


def test_no_schedule_has_no_fields():
    assert is_schedule_type(NoSchedule())
    assert not is_schedule_type("NoSchedule")
    with pytest.raises(ValidationError):
        NoSchedule(cron="* * * * *")


def test_a_schedule_of_users_is_of_one_kind_and_does_not_change():
    with pytest.raises(ValueError, match="Found: interval, cron"):
        Schedule(cron="* * * * *", interval=timedelta(days=1))
    schedule = RRule("FREQ=DAILY", active=False)
    assert (schedule.rrule, schedule.active, schedule.parameters) == ("FREQ=DAILY", False, {})
    with pytest.raises(AttributeError):
        schedule.rrule = "FREQ=WEEKLY"
