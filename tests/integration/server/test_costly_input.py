"""What would keep a server busy for ever, were it not bounded: others are answered meanwhile, and soon all are."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from tests.integration.server.target import Target, serving, unharmed

PROMPTLY_SECONDS = 6.0


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with serving(tmp_path_factory.mktemp("server")) as target:
        yield target


@pytest.fixture(autouse=True)
def _unharmed(target: Target) -> Iterator[None]:
    with unharmed(target):
        yield


def answers_promptly(target: Target, act: Callable[[], Any]) -> Any:
    """What something answers, during which others are answered too. What counts is how much the server works."""
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(act()))
    began = target.work()
    thread.start()
    slowest = 0.0
    while thread.is_alive():
        asked = target.work()
        httpx.get(f"{target.api}/health", timeout=60, trust_env=False)
        slowest = max(slowest, target.work() - asked)
        thread.join(0.05)
    took = target.work() - began
    assert took < PROMPTLY_SECONDS, f"took {took:.1f} s"
    assert slowest < PROMPTLY_SECONDS / 2, f"others waited for {slowest:.1f} s"
    return result[0]


BOMB = "(a+)+$"
VICTIM = "a" * 40 + "!"


def test_regular_expressions_that_explode(target: Target) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": BOMB}}}
    body = {"json_schema": schema, "values": {"a": VICTIM}}
    assert answers_promptly(target, lambda: target.post("/ui/schemas/validate", body)).status_code in {200, 422}
    deployment = {"name": "bomb", "flow_id": target.flow, "parameter_openapi_schema": schema}
    made = target.post("/deployments/", {**deployment, "enforce_parameter_schema": True})
    assert made.status_code == 201
    path = f"/deployments/{made.json()['id']}/create_flow_run"
    answer = answers_promptly(target, lambda: target.post(path, {"parameters": {"a": VICTIM}}))
    assert answer.status_code in {201, 409, 422}


MALFORMED = [
    {"minLength": "x"},
    {"multipleOf": 0},
    {"pattern": 3},
    {"pattern": "("},
    {"pattern": "(?<=a)b"},
    {"pattern": "(" * 20_000 + ")" * 20_000},
    {"pattern": "a{1000}{1000}{1000}"},
    {"enum": 3},
    {"anyOf": 3},
    {"anyOf": {"a": 1}},
    {"$ref": 3},
    {"$ref": "#"},
    {"$ref": "https://example.com/schema"},
    {"$ref": "#/properties/a"},
    {"type": 3},
    {"type": ["x"]},
    {"maximum": []},
]


@pytest.mark.parametrize("part", MALFORMED, ids=lambda part: json.dumps(part)[:30])
def test_schemas_that_are_none(target: Target, part: dict[str, Any]) -> None:
    for value in ("text", 3, [1], {"b": 1}):
        for schema in (part, {"properties": {"a": part}}, {"patternProperties": {"(": part}}, {"items": part}):
            body = {"json_schema": schema, "values": {"a": value}}
            answer = target.post("/ui/schemas/validate", body)
            assert answer.status_code in {200, 422}, answer.text


def test_schemas_that_explode(target: Target) -> None:
    again = [{"$ref": "#/definitions/a"}]
    schema = {"definitions": {"a": {"anyOf": again * 3}}, "properties": {"a": again[0]}}
    body = {"json_schema": schema, "values": {"a": 1}}
    assert answers_promptly(target, lambda: target.post("/ui/schemas/validate", body)).status_code in {200, 422}
    each = {"definitions": {f"d{n}": {"allOf": [{"$ref": f"#/definitions/d{n + 1}"}] * 2} for n in range(60)}}
    body = {"json_schema": {**each, "properties": {"a": {"$ref": "#/definitions/d0"}}}, "values": {"a": 1}}
    assert answers_promptly(target, lambda: target.post("/ui/schemas/validate", body)).status_code in {200, 422}


TEMPLATES = [
    "{{ 'a' * 10**10 }}",
    "{{ 10**10**10 }}",
    "{% for i in range(10**9) %}x{% endfor %}",
    "{{ range(10**9) | list }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ 'x' | center(10**10) }}",
    "{%" * 20_000,
    "{{" + "(" * 5000 + ")" * 5000 + "}}",
    "{{" + "-" * 50_000 + "1}}",
    "{{ a" + ".b" * 50_000 + " }}",
    "{% if a %}" * 2000 + "{% endif %}" * 2000,
]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template[:20])
def test_templates_that_explode(target: Target, template: str) -> None:
    answer = answers_promptly(target, lambda: target.post("/templates/validate", template))
    assert answer.status_code in {200, 204, 422}
    answer = answers_promptly(target, lambda: target.post("/automations/templates/validate", template))
    assert answer.status_code in {200, 204, 422}
    action = {"type": "send-notification", "block_document_id": "00000000-0000-4000-8000-000000000000",
              "subject": template, "body": template}  # fmt: skip
    trigger = {"type": "event", "posture": "Reactive", "threshold": 1, "within": 10, "expect": ["nothing"]}
    automation = {"name": "bomb", "trigger": trigger, "actions": [action]}
    made = answers_promptly(target, lambda: target.post("/automations/", automation))
    assert made.status_code in {201, 422}
    if made.status_code == 201:
        target.client.delete(f"/automations/{made.json()['id']}")


SCHEDULES = [
    {"rrule": "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"},
    {"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"},
    {"rrule": "DTSTART:00010101T000000\nFREQ=SECONDLY"},
    {"rrule": "FREQ=SECONDLY;COUNT=1000000000;BYSETPOS=-1;BYSECOND=" + ",".join(map(str, range(60)))},
    {"rrule": "RRULE:" * 10_000},
    {"cron": "0 0 30 2 *"},
    {"cron": "* * * * * *"},
    {"cron": ",".join(["*"] * 10_000) + " * * * *"},
    {"interval": 0},
    {"interval": 1e-6},
    {"interval": 1e300},
    {"interval": 3600, "anchor_date": "0001-01-01T00:00:00Z"},
    {"interval": 1, "anchor_date": "9999-12-31T23:59:59Z"},
    {"interval": 3600, "timezone": "../../etc/passwd"},
    {"cron": "0 0 * * *", "timezone": "X" * 100_000},
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: json.dumps(schedule)[:50])
def test_schedules_that_explode(target: Target, schedule: dict[str, Any]) -> None:
    body = {"name": "explodes", "flow_id": target.flow, "schedules": [{"schedule": schedule, "active": True}]}
    made = answers_promptly(target, lambda: target.post("/deployments/", body))
    assert made.status_code in {200, 201, 422}, made.text
    if made.is_success:
        identifier = made.json()["id"]
        again = answers_promptly(target, lambda: target.post(f"/deployments/{identifier}/schedule", {}))
        assert again.status_code in {200, 422}, again.text
        assert target.client.delete(f"/deployments/{identifier}").status_code == 204
