"""Deployments: the list, the page of one, its schedules, the form that runs it, the calendar."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from html import unescape
from uuid import uuid4

import pytest

TABS = ["", "/upcoming", "/schedules", "/parameters", "/details", "/events"]
HOSTILE = "\"' \u202eabc " + "x" * 300
SCHEMA = {
    "type": "object",
    "required": ["day", "count"],
    "properties": {
        "day": {"type": "string", "position": 0},
        "count": {"type": "integer", "position": 1},
        "ratio": {"type": "number", "default": 0.5, "position": 2},
        "dry": {"type": "boolean", "default": False, "position": 3},
        "mode": {"allOf": [{"$ref": "#/definitions/Mode"}], "default": "fast", "position": 4},
        "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}], "default": None, "position": 5},
        "names": {"type": "array", "items": {"type": "string"}, "default": ["a"], "position": 6},
        "key": {"type": "string", "format": "password", "position": 7},
    },
    "definitions": {"Mode": {"enum": ["fast", "slow"], "type": "string"}},
}


@pytest.fixture
def deploy(site):
    """Makes a deployment and answers with its id."""

    def deploy(name=None, **fields):
        asked = {"flow_id": site.flow("deployed"), "name": name or f"d{uuid4().hex}", "schedules": [], **fields}
        return str(site.api("POST", "/deployments/", asked)["id"])

    return deploy


def at(id):
    return f"/deployments/deployment/{id}"


def names_in(site, query):
    return [link.rpartition("/")[2] for link in site.show(f"/deployments?{query}").links if at("") in link]


def test_deployments_are_found_by_name_tag_and_pause(site, deploy):
    first = deploy("found-first", tags=["found", "blue"])
    second = deploy("found-second", tags=["found"], paused=True)
    assert names_in(site, "name=found-f") == [first]
    assert names_in(site, "tag=found") == [first, second]
    assert names_in(site, "tag=found&paused=yes") == [second]
    assert names_in(site, "tag=found&paused=no") == [first]
    assert "No deployment is like this" in site.show("/deployments?name=nothing-is-called-so").text


def test_the_list_tells_schedules_and_last_runs(site, deploy):
    cron = {"schedule": {"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin"}, "active": False}
    id = deploy("told", schedules=[{"schedule": {"interval": 300}}, cron], tags=["told"])
    run = site.run("FAILED", deployment_id=id, name="the-last")
    shown = site.show("/deployments?tag=told")
    assert "every 5 minutes" in shown.text
    assert "on weekdays at 09:00, Europe/Berlin (paused)" in shown.text
    assert f"/runs/flow-run/{run}" in shown.links
    assert "the-last: failed" in unescape(shown.html)


@pytest.mark.parametrize("tab", TABS)
def test_a_deployment_has_all_its_parts(site, deploy, tab):
    id = deploy(
        "parted",
        description="Loads the day",
        entrypoint="flows.py:load",
        version="7.1",
        parameters={"day": "monday"},
        parameter_openapi_schema=SCHEMA,
        schedules=[{"schedule": {"rrule": "FREQ=DAILY;BYHOUR=3;BYMINUTE=0;BYSECOND=0"}}],
    )
    shown = site.show(at(id) + tab)
    assert shown.title == "parted · Prefect"
    for said in ("Loads the day", "flows.py:load"):
        assert said in shown.text
    assert ("monday" in shown.text) == (tab == "/parameters")
    assert ("7.1" in shown.text) == (tab == "/details")
    assert len(shown.ids) == len(set(shown.ids))


def test_a_deployment_is_paused_resumed_and_deleted(site, deploy):
    id = deploy()
    assert "is paused" in site.submit(f"{at(id)}/pause").text
    assert site.api("GET", f"/deployments/{id}")["paused"] is True
    assert "goes on" in site.submit(f"{at(id)}/resume").text
    assert site.api("GET", f"/deployments/{id}")["paused"] is False
    assert "is deleted" in site.submit(f"{at(id)}/delete").text
    site.show(at(id), 404)
    site.submit(f"{at(id)}/nonsense", 404)


def test_schedules_are_added_paused_and_deleted(site, deploy):
    id = deploy()
    site.submit(
        f"{at(id)}/schedules/new", cron="30 6 * * *", timezone="Asia/Tokyo", parameters='{"day": "x"}', slug="early"
    )
    site.submit(f"{at(id)}/schedules/new", interval="2", unit="hours", anchor="2031-01-01T00:00")
    site.submit(f"{at(id)}/schedules/new", rrule="FREQ=DAILY;COUNT=3")
    made = {next(iter(each["schedule"])): each for each in site.api("GET", f"/deployments/{id}/schedules")}
    assert made["cron"]["schedule"]["timezone"] == "Asia/Tokyo"
    assert made["cron"]["parameters"] == {"day": "x"}
    assert made["cron"]["slug"] == "early"
    assert made["interval"]["schedule"]["interval"] == 7200
    assert made["interval"]["schedule"]["anchor_date"].startswith("2031-01-01T00:00:00")
    shown = site.show(f"{at(id)}/schedules")
    assert "every day at 06:30, Asia/Tokyo" in shown.text
    assert shown.text.count("21:30:00 UTC") == 10
    cron = made["cron"]["id"]
    assert "is paused" in site.submit(f"{at(id)}/schedules/{cron}/pause").text
    assert [each["active"] for each in site.api("GET", f"/deployments/{id}/schedules") if each["id"] == cron] == [False]
    site.submit(f"{at(id)}/schedules/{cron}/resume")
    assert [each["active"] for each in site.api("GET", f"/deployments/{id}/schedules") if each["id"] == cron] == [True]
    site.submit(f"{at(id)}/schedules/{cron}/delete")
    assert len(site.api("GET", f"/deployments/{id}/schedules")) == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "one of cron expression"),
        ({"cron": "0 9 * * *", "interval": "3"}, "one of cron expression"),
        ({"cron": "whenever"}, "Invalid cron string"),
        ({"cron": "0 9 * * *", "timezone": "Mars/Olympus"}, "Invalid timezone"),
        ({"interval": "often"}, "no number"),
        ({"cron": "0 9 * * *", "parameters": "[1]"}, "must be an object"),
        ({"cron": "0 9 * * *", "parameters": "{"}, "this is no JSON"),
    ],
)
def test_a_schedule_that_cannot_be_is_said_with_what_was_typed(site, deploy, typed, said):
    id = deploy()
    shown = site.submit(f"{at(id)}/schedules/new", 422, **typed)
    assert said in shown.text
    for value in typed.values():
        assert value in unescape(shown.html)
    assert site.api("GET", f"/deployments/{id}/schedules") == []


def test_a_run_is_made_of_what_was_typed(site, deploy):
    id = deploy(parameters={"day": "monday"}, parameter_openapi_schema=SCHEMA)
    form = site.show(f"{at(id)}/run")
    assert 'value="monday"' in form.html
    assert form.text.count("required") == 1  # the count; the day has a value
    assert 'type="password"' in form.html
    typed = {
        "value.day": "friday",
        "value.count": "3",
        "value.ratio": "2",
        "value.dry": "true",
        "value.mode": '"slow"',
        "value.at": "2031-05-01T09:30",
        "value.names": '["b", "c"]',
        "name": "by-hand",
        "tags": "one, two",
        "start": "2031-05-02T10:00",
        "job_variables": '{"image": "x"}',
    }
    shown = site.submit(f"{at(id)}/run", **typed)
    assert "by-hand" in shown.title
    (run,) = site.api("POST", "/flow_runs/filter", {"flow_runs": {"deployment_id": {"any_": [id]}}})
    assert run["parameters"] == {
        "day": "friday",
        "count": 3,
        "ratio": 2,
        "dry": True,
        "mode": "slow",
        "at": "2031-05-01T09:30:00+00:00",
        "names": ["b", "c"],
    }
    assert set(run["tags"]) >= {"one", "two"}
    assert run["next_scheduled_start_time"].startswith("2031-05-02T10:00:00")
    assert run["job_variables"] == {"image": "x"}


def test_what_is_left_as_it_was_is_what_it_was(site, deploy):
    id = deploy(parameters={"day": "monday"}, parameter_openapi_schema=SCHEMA)
    site.submit(
        f"{at(id)}/run", **{"value.day": "monday", "value.count": "1", "value.ratio": "0.5", "value.names": '["a"]'}
    )
    (run,) = site.api("POST", "/flow_runs/filter", {"flow_runs": {"deployment_id": {"any_": [id]}}})
    assert run["parameters"] == {"day": "monday", "count": 1, "ratio": 0.5, "names": ["a"], "at": None}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"value.day": "friday", "value.count": "many"}, "no whole number"),
        ({"value.day": "friday", "value.count": "1", "value.names": "b"}, "this is no JSON"),
        ({"value.day": "friday", "value.count": "1", "start": "soon"}, "no date"),
        ({"value.day": "friday"}, "'count' is a required property"),
        ({"value.day": "friday", "value.count": "1", "value.names": "{}"}, "is not of type 'array'"),
    ],
)
def test_a_run_that_cannot_be_is_said_with_what_was_typed(site, deploy, typed, said):
    id = deploy(parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)
    answer = site.client.post(f"{at(id)}/run", data=typed)
    assert answer.status_code in {409, 422}
    assert said in unescape(answer.text)
    for value in typed.values():
        assert value in unescape(answer.text)
    assert site.api("POST", "/flow_runs/count", {"flow_runs": {"deployment_id": {"any_": [id]}}}) == 0


def test_only_what_can_be_chosen_is(site, deploy):
    id = deploy(parameter_openapi_schema=SCHEMA)
    shown = site.submit(f"{at(id)}/run", 422, **{"value.day": "d", "value.count": "1", "value.mode": '"never"'})
    assert "choose one of those that are there" in shown.text


def test_parameters_are_json_where_the_schema_is_unknown(site, deploy):
    id = deploy(parameters={"a": 1})
    assert "&#34;a&#34;: 1" in site.show(f"{at(id)}/run").html
    site.submit(f"{at(id)}/run", parameters='{"a": 2}')
    (run,) = site.api("POST", "/flow_runs/filter", {"flow_runs": {"deployment_id": {"any_": [id]}}})
    assert run["parameters"] == {"a": 2}


def test_the_calendar_shows_what_is_due(site, deploy):
    following = (datetime.now(timezone.utc).replace(day=1) + timedelta(days=32)).replace(day=1)
    month = f"{following:%Y-%m}"
    deploy("in-the-night", schedules=[{"schedule": {"cron": "15 2 * * *"}}])
    deploy("every-moment", schedules=[{"schedule": {"cron": "* * * * *"}}])
    deploy("paused-one", schedules=[{"schedule": {"cron": "15 2 * * *"}}], paused=True)
    deploy("with-paused-schedule", schedules=[{"schedule": {"cron": "15 2 * * *"}, "active": False}])
    by_hand = deploy("by-hand-later")
    site.submit(f"{at(by_hand)}/run", start=f"{month}-10T05:00", parameters="{}")
    shown = site.show(f"/deployments/calendar?month={month}")
    assert f"{following:%B %Y}" in shown.title
    assert shown.text.count("02:15 in-the-night") >= 28
    assert "05:00 by-hand-later" in shown.text
    assert "every-moment every minute" in shown.text
    assert "with-paused-schedule" not in shown.text
    assert "paused-one" not in shown.text
    some = site.show(f"/deployments/calendar?month={month}&name=by-hand-l")
    assert "by-hand-later" in some.text
    assert "in-the-night" not in some.text
    past = site.show("/deployments/calendar?month=2001-02")
    assert "in-the-night" not in past.text
    for month in ("nonsense", "0001-01", "9999-12", "2031-13"):
        assert f"{datetime.now(timezone.utc):%B %Y}" in site.show(f"/deployments/calendar?month={month}").title


def test_a_day_of_the_calendar_with_much_to_do_is_shown_whole(site, deploy):
    names = [f"crowd-{number}" for number in range(8)]
    for name in names:
        deploy(name, schedules=[{"schedule": {"cron": "0 4 * * *"}}])
    month = f"{datetime.now(timezone.utc) + timedelta(days=40):%Y-%m}"
    shown = site.show(f"/deployments/calendar?month={month}&name=crowd-")
    assert "2 more" in shown.text
    assert any(name not in shown.text for name in names)
    (day,) = [link for link in shown.links if f"day={month}-09" in link]
    whole = site.show(day)
    assert all(name in whole.text for name in names)
    assert "day" in whole.ids


def test_schedules_that_the_calendar_has_no_time_for_are_told_of(site, deploy):
    deploy("overfull", schedules=[{"schedule": {"cron": f"{minute} */6 * * *"}} for minute in range(30)])
    month = f"{datetime.now(timezone.utc) + timedelta(days=40):%Y-%m}"
    assert "more schedules are not looked at" in site.show(f"/deployments/calendar?month={month}&name=overfull").text
    assert "are not looked at" not in site.show(f"/deployments/calendar?month={month}&name=nothing-is-called-so").text


def test_what_users_write_is_shown_as_it_is_and_does_nothing(site, deploy):
    script = "<script>alert('x')</script>" + HOSTILE
    properties = {script: {"type": "string", "title": script, "description": script, "default": script}}
    id = deploy(
        HOSTILE,
        description=script,
        tags=[script],
        entrypoint=script,
        parameters={script: script},
        parameter_openapi_schema={"type": "object", "properties": properties},
        schedules=[{"schedule": {"interval": 86400}, "parameters": {script: script}, "slug": script}],
    )
    for path in ["/deployments", "/deployments/calendar", *(at(id) + tab for tab in [*TABS, "/run", "/schedules/new"])]:
        shown = site.show(path)
        assert "<script>alert" not in shown.html
        assert shown.inline == []
    assert HOSTILE[:10] in site.show(at(id)).text
