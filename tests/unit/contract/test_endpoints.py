"""Every endpoint makes the call that the table says."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from tests.unit.contract.arguments import call_of

from prefect._contract import endpoints
from prefect._contract.call import Call
from prefect._contract.endpoints import flow_runs, flows
from prefect._contract.endpoints.table import ENDPOINTS
from prefect._contract.filters import FlowFilter

NOT_IN_THE_TABLE = {"flow_runs.set_flow_run_name"}  # another way to call update_flow_run
NO_ENDPOINTS = {"bodies", "table"}
ALL = ENDPOINTS


@pytest.mark.parametrize("endpoint", ALL, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_the_call_is_the_one_of_the_table(endpoint):
    call = call_of(endpoint)
    assert isinstance(call, Call)
    assert call.route == endpoint.route
    assert set(call.path_params) == set(re.findall(r"{(\w+)}", endpoint.path))
    assert (endpoint.function.__doc__ or "").strip()


def test_the_table_names_every_endpoint_once():
    found = set()
    for info in pkgutil.iter_modules(endpoints.__path__):
        if info.name in NO_ENDPOINTS:
            continue
        module = importlib.import_module(f"{endpoints.__name__}.{info.name}")
        found |= {f"{info.name}.{name}" for name in module.__all__}
    listed = [f"{endpoint.module}.{endpoint.name}" for endpoint in ALL]
    assert found == {*listed, *NOT_IN_THE_TABLE}
    assert len(set(listed)) == len(listed)
    assert len({endpoint.route for endpoint in ALL}) == len(ALL)


def test_what_is_not_given_is_left_to_the_orchestrator():
    assert flows.read_flows().body == {"offset": 0}
    wanted = FlowFilter()
    assert flows.read_flows(flow_filter=wanted, limit=3).body == {"flows": wanted, "limit": 3, "offset": 0}


def test_updates_carry_only_what_changes():
    call = flow_runs.update_flow_run("00000000-0000-0000-0000-000000000001", name="n", tags=["a"])
    assert call.body.model_dump(exclude_unset=True) == {"name": "n", "tags": ["a"]}
    assert flow_runs.set_flow_run_name(call.path_params["id"], "n").body.model_fields_set == {"name"}


def test_a_call_does_not_change():
    call: Call[Any] = Call("GET", "/hello", str)
    with pytest.raises(FrozenInstanceError):
        call.path = "/else"


def test_the_run_of_a_state_may_be_named_by_text():
    text = "00000000-0000-0000-0000-000000000001"
    from prefect._contract.state import State

    call = flow_runs.set_flow_run_state(text, State(type="RUNNING"))
    assert str(call.path_params["id"]) == text
    assert not isinstance(call.path_params["id"], str)
    assert set(call.body) == {"state", "force"}
