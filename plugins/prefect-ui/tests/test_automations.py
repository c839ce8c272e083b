"""Automations, and how they are told in words."""

from __future__ import annotations

import json
from html import unescape
from uuid import uuid4

import pytest

from prefect_ui.automation_words import action_in_words, trigger_in_words

HOSTILE = "<script>alert('x')</script>\"&' \u202eabc " + "x" * 300
TRIGGER = {
    "type": "event",
    "posture": "Reactive",
    "expect": ["prefect.flow-run.Failed"],
    "match": {"prefect.resource.id": "prefect.flow-run.*"},
    "threshold": 2,
    "within": 600,
}


def described(**fields):
    return {"name": f"a-{uuid4().hex}", "trigger": TRIGGER, "actions": [{"type": "cancel-flow-run"}], **fields}


def at(id):
    return f"/automations/automation/{id}"


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        (TRIGGER, "prefect.flow-run.Failed occurs 2 times for prefect.flow-run.* within 10 min"),
        ({"type": "event", "expect": [], "threshold": 1}, "any event occurs"),
        (
            {**TRIGGER, "posture": "Proactive", "threshold": 1, "after": ["prefect.flow-run.Running"]},
            "prefect.flow-run.Failed does not occur for prefect.flow-run.* within 10 min, after prefect.flow-run.Running",
        ),
        (
            {"type": "compound", "require": "all", "within": 60, "triggers": [{"type": "event", "expect": ["a"]}] * 2},
            "all of: a occurs; a occurs within 1 min",
        ),
        ({"type": "compound", "require": 1, "triggers": [{"type": "event", "expect": ["a"]}]}, "1 of: a occurs"),
        ({"type": "sequence", "triggers": [{"type": "event", "expect": ["a"]}] * 2}, "a occurs, then a occurs"),
        (
            {
                "type": "metric",
                "match": {"prefect.resource.id": "prefect.flow-run.*"},
                "metric": {"name": "successes", "operator": "<", "threshold": 0.9, "range": 3600, "firing_for": 300},
            },
            "the share of runs that succeed is < 0.9 over 1 h for 5 min for prefect.flow-run.*",
        ),
        (
            {"type": "event", "expect": ["a"], "match": {"x": ["1", "2"]}, "match_related": {"y": "3"}},
            "a occurs for x = 1 or 2, related to y = 3",
        ),
        ({"type": "new-kind"}, "a trigger of the type new-kind"),
    ],
)
def test_triggers_are_told_in_words(trigger, said):
    assert trigger_in_words(trigger) == said


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"type": "cancel-flow-run"}, ("Cancel the flow run", None)),
        (
            {"type": "run-deployment", "source": "selected", "deployment_id": "d"},
            ("Run a deployment", "/deployments/deployment/d"),
        ),
        (
            {"type": "pause-automation", "source": "inferred", "automation_id": None},
            ("Pause an automation, the one that the event is about", None),
        ),
        (
            {"type": "change-flow-run-state", "state": "FAILED", "name": None},
            ("Change the state of the flow run to Failed", None),
        ),
        (
            {"type": "send-notification", "subject": "Oh", "block_document_id": "b"},
            ("Notify people: Oh", "/blocks/block/b"),
        ),
        ({"type": "new-kind"}, ("new-kind", None)),
    ],
)
def test_actions_are_told_in_words(action, said):
    assert action_in_words(action) == said


def test_automations_are_listed_in_words(site):
    asked = described(tags=["listed"])
    id = site.api("POST", "/automations/", asked)["id"]
    other = described(enabled=False)
    site.api("POST", "/automations/", other)
    shown = site.show("/automations?tag=listed")
    assert f"{asked['name']} ● Enabled prefect.flow-run.Failed occurs 2 times" in shown.text
    assert "Cancel the flow run" in shown.text
    assert at(id) in shown.links
    assert other["name"] not in shown.text
    assert f"{other['name']} ‖ Disabled" in site.show(f"/automations?name={other['name']}").text
    assert "No automation is like this" in site.show("/automations?name=nothing-is-called-so").text


def test_an_automation_is_disabled_enabled_and_deleted(site):
    id = site.api("POST", "/automations/", described())["id"]
    assert "is disabled" in site.submit(f"{at(id)}/disable").text
    assert site.api("GET", f"/automations/{id}")["enabled"] is False
    site.submit(f"{at(id)}/enable")
    assert site.api("GET", f"/automations/{id}")["enabled"] is True
    assert "is deleted" in site.submit(f"{at(id)}/delete").text
    site.show(at(id), 404)


def test_an_automation_is_made_and_changed_as_json(site):
    form = site.show("/automations/new")
    example = json.loads(unescape(form.html.split("<textarea")[1].split("\n", 1)[1].split("</textarea>")[0]))
    example["name"] = f"a-{uuid4().hex}"
    shown = site.submit("/automations/new", automation=json.dumps(example))
    assert shown.title == f"{example['name']} · Prefect"
    (made,) = site.api("POST", "/automations/filter", {"automations": {"name": {"any_": [example["name"]]}}})
    form = site.show(f"{at(made['id'])}/edit")
    written = json.loads(unescape(form.html.split("<textarea")[1].split("\n", 1)[1].split("</textarea>")[0]))
    written["actions"] = [{"type": "do-nothing"}]
    assert "is changed" in site.submit(f"{at(made['id'])}/edit", automation=json.dumps(written)).text
    changed = site.api("GET", f"/automations/{made['id']}")
    assert changed["actions"] == [{"type": "do-nothing"}]
    assert changed["trigger"] == made["trigger"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("{", "this is no JSON"),
        ("[]", "must be an object"),
        ("{}", "name"),
        ('{"name": "x", "trigger": {"type": "event"}, "actions": [{"type": "dance"}]}', "actions"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_an_automation_that_cannot_be_is_said_with_what_was_typed(site, typed, said):
    id = site.api("POST", "/automations/", described())["id"]
    for path in ("/automations/new", f"{at(id)}/edit"):
        shown = site.submit(path, 422, automation=typed)
        (wrong,) = [part.split("</p>")[0] for part in shown.html.split('role="alert">')[1:]]
        assert said in wrong
        assert typed in unescape(shown.html)


def test_what_users_write_is_shown_as_it_is_and_does_nothing(site):
    trigger = {"type": "event", "expect": [HOSTILE], "match": {HOSTILE: HOSTILE}}
    id = site.api(
        "POST", "/automations/", described(name=HOSTILE, description=HOSTILE, tags=[HOSTILE], trigger=trigger)
    )["id"]
    for path in ("/automations", at(id), f"{at(id)}/edit"):
        shown = site.show(path)
        assert "<script>alert" not in shown.html
        assert shown.inline == []
