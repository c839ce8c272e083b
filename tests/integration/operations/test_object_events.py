"""Events about the records that people make: what is told, and that no secret is."""

from __future__ import annotations

from typing import Any

import pytest

from prefect._contract.actions import (
    ArtifactCreate,
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchemaCreate,
    BlockTypeCreate,
    BlockTypeUpdate,
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
    FlowCreate,
    FlowUpdate,
    VariableCreate,
    VariableUpdate,
)
from prefect._contract.endpoints import (
    artifacts,
    block_documents,
    block_schemas,
    block_types,
    concurrency_limits,
    events,
    flows,
    global_concurrency_limits,
    variables,
)
from prefect._contract.filters.events import EventFilter, EventNameFilter


@pytest.fixture
def send(orchestrator: Any) -> Any:
    return orchestrator.send


def told(orchestrator: Any, kind: str) -> list[tuple[str, str | None, Any]]:
    """What was told of a kind of record: what happened, to which, and the payload."""
    orchestrator.clock.pass_by(1)
    selected = EventFilter(event=EventNameFilter(prefix=[f"prefect.{kind}."]), order="ASC")
    found = orchestrator.send(events.read_events(selected)).events
    return [(event.event.rpartition(".")[2], event.resource.name, event.payload) for event in found]


def test_flows(orchestrator: Any, send: Any) -> None:
    flow = send(flows.create_flow(FlowCreate(name="f")))
    send(flows.create_flow(FlowCreate(name="f")))  # it is there
    send(flows.update_flow(flow.id, FlowUpdate(tags=["x"])))
    send(flows.delete_flow(flow.id))
    assert told(orchestrator, "flow") == [
        ("created", "f", {"name": "f", "tags": [], "labels": {}}),
        ("updated", "f", {"name": "f", "tags": ["x"], "labels": {}}),
        ("deleted", "f", {"name": "f", "tags": ["x"], "labels": {}}),
    ]


def test_variables(orchestrator: Any, send: Any) -> None:
    variable = send(variables.create_variable(VariableCreate(name="v", value=1, tags=["t"])))
    send(variables.update_variable(variable.id, VariableUpdate(value=2)))
    send(variables.update_variable_by_name("v", VariableUpdate(name="w")))
    send(variables.delete_variable_by_name("w"))
    assert [(what, name, payload["value"]) for what, name, payload in told(orchestrator, "variable")] == [
        ("created", "v", 1),
        ("updated", "v", 2),
        ("updated", "w", 2),
        ("deleted", "w", 2),
    ]


def test_blocks_and_their_types(orchestrator: Any, send: Any) -> None:
    kind = send(block_types.create_block_type(BlockTypeCreate(name="BT", slug="bt")))
    send(block_types.update_block_type(kind.id, BlockTypeUpdate(description="d")))
    properties = {"a": {"type": "string"}, "b": {"type": "string"}}
    fields = {"title": "BT", "type": "object", "properties": properties, "secret_fields": ["a"]}
    schema = send(block_schemas.create_block_schema(BlockSchemaCreate(fields=fields, block_type_id=kind.id)))
    asked = BlockDocumentCreate(
        name="doc", data={"a": "canary", "b": "open"}, block_schema_id=schema.id, block_type_id=kind.id
    )
    document = send(block_documents.create_block_document(asked))
    send(block_documents.update_block_document(document.id, BlockDocumentUpdate(data={"a": "canary2"})))
    send(block_documents.delete_block_document(document.id))
    send(block_types.delete_block_type(kind.id))
    assert [each[:2] for each in told(orchestrator, "block-type")] == [
        ("created", "BT"),
        ("updated", "BT"),
        ("deleted", "BT"),
    ]
    documents = told(orchestrator, "block-document")
    assert [(what, name, payload["data"]) for what, name, payload in documents] == [
        ("created", "doc", {"b": "open"}),
        ("updated", "doc", {"b": "open"}),
        ("deleted", "doc", {"b": "open"}),
    ]
    assert "canary" not in str(documents)
    assert documents[0][2]["block_schema"]["block_type"] == {"id": str(kind.id), "name": "BT"}


def test_limits_of_both_kinds(orchestrator: Any, send: Any) -> None:
    send(global_concurrency_limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="l", limit=2)))
    send(global_concurrency_limits.update_global_concurrency_limit("l", ConcurrencyLimitV2Update(limit=3)))
    send(global_concurrency_limits.delete_global_concurrency_limit("l"))
    for size in (1, 5):
        send(concurrency_limits.create_concurrency_limit(ConcurrencyLimitCreate(tag="t", concurrency_limit=size)))
    send(concurrency_limits.delete_concurrency_limit_by_tag("t"))
    assert [(what, name, payload["limit"]) for what, name, payload in told(orchestrator, "concurrency-limit")] == [
        ("created", "l", 2),
        ("updated", "l", 3),
        ("deleted", "l", 3),
        ("created", "tag:t", 1),
        ("updated", "tag:t", 5),
        ("deleted", "tag:t", 5),
    ]


def test_collections_of_artifacts(orchestrator: Any, send: Any) -> None:
    first, second = (
        send(artifacts.create_artifact(ArtifactCreate(key="k", type="markdown", data=data))) for data in ("x", "y")
    )
    send(artifacts.create_artifact(ArtifactCreate(type="markdown", data="without a key")))
    send(artifacts.delete_artifact(second.id))
    send(artifacts.delete_artifact(first.id))
    assert [(what, name, payload["data"]) for what, name, payload in told(orchestrator, "artifact-collection")] == [
        ("created", "k", "x"),
        ("updated", "k", "y"),
        ("updated", "k", "x"),
        ("deleted", "k", "x"),
    ]
