"""The models and endpoints have the names, fields and defaults that the published contract has."""

from __future__ import annotations

import inspect
import json
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from tests.unit.contract.arguments import call_of

from prefect._contract import (
    automation_actions,
    automations,
    events,
    filters as event_filters,
    responses as answers,
    triggers,
)
from prefect._contract.endpoints.table import ENDPOINTS
from prefect._contract.responses.runs import SimpleNextFlowRun
from prefect.client.schemas import actions, events as event_pages, filters, objects, responses, schedules
from prefect.server.schemas import core, graph, responses as server_responses

FACTS: dict[str, Any] = json.loads((Path(__file__).parent / "facts" / "contract.json").read_text(encoding="utf-8"))
OPERATIONS = {(fact["method"], fact["path"]): fact for fact in FACTS["operations"]}

ALL = ENDPOINTS

# What is offered beyond the published contract.
ADDED_ROUTES = {
    ("GET", "/flow_runs/{id}/why"),
    ("GET", "/assets/graph"),
    ("POST", "/_core/deliveries/claim"),
    ("POST", "/_core/deliveries/leave"),
    ("POST", "/_core/deliveries/return"),
    ("POST", "/_core/deliveries/renew"),
    ("POST", "/_core/waiting/ended_task_runs"),
    ("POST", "/_core/waiting/slots"),
    ("POST", "/_core/waiting/task_runs"),
    ("POST", "/_core/task_runs/record"),
    ("POST", "/_core/leases/renew"),
    ("POST", "/_core/leases/reap"),
    ("GET", "/_core/leases"),
    ("POST", "/_core/tokens"),
    ("GET", "/_core/tokens"),
    ("DELETE", "/_core/tokens/{name}"),
    ("POST", "/_core/audit/filter"),
    ("POST", "/deployments/{id}/backfill"),
}
ADDED_BODY_FIELDS = {
    ("POST", "/flow_runs/{id}/set_state"): {"lease"},
    ("POST", "/task_runs/{id}/set_state"): {"lease_token"},
    ("POST", "/flows/filter"): {"work_pool_queues"},
}
ADDED_QUERIES = {
    ("POST", "/deployments/{id}/pause_deployment"): {"until_served"},
    ("POST", "/deployments/{id}/resume_deployment"): {"if_until_served"},
}


PUBLIC = (objects, actions, filters, responses, schedules, event_pages, core, graph, server_responses)
NOT_YET_PUBLIC = (events, event_filters, triggers, automation_actions, automations, answers)


def model_of(name: str) -> type[BaseModel]:
    for home in PUBLIC + NOT_YET_PUBLIC:
        if name in home.__all__:
            return getattr(home, name)
    raise LookupError(name)


# -- endpoints --------------------------------------------------------------------------------------------------------


def test_every_operation_has_an_endpoint():
    assert set(OPERATIONS) - {endpoint.route for endpoint in ALL} == set()


def test_there_are_no_other_endpoints():
    assert {endpoint.route for endpoint in ALL} - set(OPERATIONS) == ADDED_ROUTES


@pytest.mark.parametrize("endpoint", [e for e in ALL if e.route in OPERATIONS], ids=lambda e: f"{e.method} {e.path}")
def test_a_call_sends_what_the_operation_takes(endpoint):
    fact = OPERATIONS[endpoint.route]
    call = call_of(endpoint)
    assert sorted(call.query.keys() - ADDED_QUERIES.get(endpoint.route, set())) == fact["query"]
    if fact["body"] is None:
        assert call.body is None
    elif isinstance(fact["body"], str):
        assert call.body is not None
        if fact["body"].startswith("@"):
            assert type(call.body).__name__ == fact["body"][1:]
        elif fact["body"].startswith("array[@"):
            assert {type(item).__name__ for item in call.body} == {fact["body"][7:-1]}
        else:
            assert isinstance(call.body, {"string": str, "object": dict}[fact["body"]])
    else:
        sent = set(call.body) - ADDED_BODY_FIELDS.get(endpoint.route, set())
        assert sent <= set(fact["body"])
        assert {name for name, type_ in fact["body"].items() if type_.endswith("!")} <= sent


@pytest.mark.parametrize("endpoint", [e for e in ALL if e.route in OPERATIONS], ids=lambda e: f"{e.method} {e.path}")
def test_an_answer_is_read_as_what_the_operation_gives(endpoint):
    expected = OPERATIONS[endpoint.route]["answer"]
    returns = call_of(endpoint).returns
    if expected in {"none", "any"}:
        assert returns in {None, Any, str}
    elif expected.startswith(("@", "array[@")):
        name = expected.removeprefix("array[").strip("@]")
        item = returns.__args__[0] if expected.startswith("array") else returns
        if name == "Settings":
            assert returns == dict[str, Any]
        else:
            assert item is model_of(name) or issubclass(model_of(name), item)
    else:
        plain = {
            "object": dict[str, Any],
            "map[integer]": dict[UUID, int],
            "map[@SimpleNextFlowRun|null]": dict[UUID, SimpleNextFlowRun | None],
            "integer": int,
            "boolean": bool,
            "string": str,
            "array[string]": list[str],
            "number|null": float | None,
        }
        assert returns == plain[expected]


def test_endpoints_say_what_they_return():
    for endpoint in ALL:
        assert str(inspect.signature(endpoint.function).return_annotation).startswith("Call["), endpoint.name


# -- fields as clients know them --------------------------------------------------------------------------------------


def shown(default: Any) -> str:
    if isinstance(default, Enum):
        return str(default)
    return f"timedelta({default.total_seconds():.0f})" if isinstance(default, timedelta) else repr(default)


# Required in the published client although its own orchestrator may leave it out.
OPTIONAL_HERE = {("FlowRunResponse", "work_pool_id"), ("WorkQueue", "work_pool_id"), ("ReceivedEvent", "received")}


@pytest.mark.parametrize("name", FACTS["client"])
def test_a_model_has_the_fields_and_defaults_that_clients_know(name):
    fields = model_of(name).model_fields
    for fact in FACTS["client"][name]:
        field, has_default, default = fact.partition(" = ")
        info = fields[field]
        if (name, field) in OPTIONAL_HERE:
            continue
        assert info.is_required() is not bool(has_default), field
        if not has_default or default.startswith("<"):
            continue
        ours = info.get_default(call_default_factory=True, validated_data={})
        assert ours is not PydanticUndefined
        assert shown(ours) == default or ours == eval(default, {"timedelta": lambda n: n}), field  # noqa: S307
