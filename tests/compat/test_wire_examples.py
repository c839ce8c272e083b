"""Requests and answers of Prefect 3.8.8, recorded from a server of it, are understood and lose nothing."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_jsonable_python
from tests.unit.contract.arguments import call_of

from prefect._contract.endpoints.table import ENDPOINTS
from prefect.client.schemas import actions, filters
from prefect.server.schemas import core, graph, responses, states

HERE = Path(__file__).parent / "wire"
EXAMPLES: list[dict[str, Any]] = json.loads((HERE / "examples.json").read_text(encoding="utf-8"))

REQUESTS = {
    "/flows/": "FlowCreate",
    "/flow_runs/": "FlowRunCreate",
    "/task_runs/": "TaskRunCreate",
    "/variables/": "VariableCreate",
    "/artifacts/": "ArtifactCreate",
    "/block_types/": "BlockTypeCreate",
    "/block_schemas/": "BlockSchemaCreate",
    "/block_documents/": "BlockDocumentCreate",
    "/deployments/": "DeploymentCreate",
    "/concurrency_limits/": "ConcurrencyLimitCreate",
    "/v2/concurrency_limits/": "ConcurrencyLimitV2Create",
    "/work_pools/": "WorkPoolCreate",
}
NESTED = {
    "flows": "FlowFilter",
    "flow_runs": "FlowRunFilter",
    "logs": "LogFilter",
    "variables": "VariableFilter",
    "block_types": "BlockTypeFilter",
    "state": "StateCreate",
    "holder": "ConcurrencyLeaseHolder",
}


def name_of(example: dict[str, Any]) -> str:
    return f"{example['method']} {example['path']} {example['answers']}"


def type_named(name: str) -> Any:
    if name.startswith("list["):
        return list[type_named(name[5:-1])]  # type: ignore[misc]
    if name in {"None", "bool"}:
        return {"None": None, "bool": bool}[name]
    for home in (core, responses, graph, states, actions, filters):
        if name in home.__all__:
            return getattr(home, name)
    raise LookupError(name)


def assert_nothing_is_lost(original: Any, ours: Any, where: str = "$") -> None:
    """Each value of the original is there again, moments being compared as moments."""
    if isinstance(original, dict):
        for key, value in original.items():
            assert key in ours, f"{where}.{key} is lost"
            assert_nothing_is_lost(value, ours[key], f"{where}.{key}")
    elif isinstance(original, list):
        assert len(original) == len(ours), where
        for index, (left, right) in enumerate(zip(original, ours, strict=True)):
            assert_nothing_is_lost(left, right, f"{where}[{index}]")
    else:
        assert original == ours or is_same_moment(original, ours), f"{where}: {original!r} became {ours!r}"


def is_same_moment(left: Any, right: Any) -> bool:
    try:
        adapter = TypeAdapter(core.Flow.model_fields["created"].annotation)
        return adapter.validate_python(left) == adapter.validate_python(right)
    except ValueError:
        return False


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_an_answer_is_read_without_loss(example):
    adapter: TypeAdapter[Any] = TypeAdapter(type_named(example["answers"]))
    answer = adapter.validate_json(json.dumps(example["response"]))
    again = json.loads(adapter.dump_json(answer))
    assert_nothing_is_lost(example["response"], again)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e["path"] in REQUESTS and e["request"]], ids=name_of)
def test_a_request_is_understood(example):
    model = type_named(REQUESTS[example["path"]])
    request = model.model_validate_json(json.dumps(example["request"]))
    again = json.loads(request.model_dump_json(exclude_unset=True))
    assert_nothing_is_lost(example["request"], again)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (field, e["request"][field])
        for e in EXAMPLES
        for field in NESTED
        if isinstance(e["request"], dict) and field in e["request"]
    ],
)
def test_a_part_of_a_request_is_understood(field, value):
    part = type_named(NESTED[field]).model_validate_json(json.dumps(value))
    assert_nothing_is_lost(value, json.loads(part.model_dump_json()))


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_a_call_can_be_put_on_the_wire(endpoint):
    body = call_of(endpoint).body
    parts = body.values() if isinstance(body, dict) else body if isinstance(body, list) else [body]
    for part in parts:
        if isinstance(part, BaseModel):
            json.loads(part.model_dump_json(exclude_unset=True))
        else:
            json.dumps(to_jsonable_python(part, timedelta_mode="float"))
    assert not isinstance(body, types.GeneratorType)
