"""Tells what becomes of records that people make: flows, variables, blocks, limits, collections of artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_jsonable_python

from prefect._contract.blocks import BlockDocument
from prefect.server.database.queries.events import Occurrence
from prefect.server.operations.run_events import related_resource
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7

__all__ = ["tell_of_artifacts", "tell_of_block", "tell_of_record"]

Labels = dict[str, str]
Row = Mapping[str, Any]

_TOLD: Mapping[str, tuple[str, ...]] = {
    "artifact-collection": ("key", "type", "data", "description"),
    "block-type": ("name", "slug", "logo_url", "documentation_url", "description", "code_example", "is_protected"),
    "concurrency-limit": ("name", "limit", "active", "slot_decay_per_second"),
    "flow": ("name", "tags", "labels"),
    "variable": ("name", "value", "tags"),
}
"""By kind, the fields that events tell of."""


def tell_of_record(work: UnitOfWork, kind: str, what: str, row: Row, related: list[Labels] | None = None) -> None:
    """
    Emit that a record was created, updated or deleted.

    Args:
        work: The transaction.
        kind: What it is: `flow`.
        what: What became of it.
        row: The record, as it is now or was last.
        related: What else is involved.
    """
    payload = to_jsonable_python({name: row.get(name) for name in _TOLD[kind]}, fallback=str)
    _emit(work, kind, what, row["id"], row.get("name") or row.get("key"), related or [], payload)


def tell_of_artifacts(work: UnitOfWork, what: str, collection: Row) -> None:
    """Emit that a collection of artifacts was created, updated or deleted."""
    related = [
        {"prefect.resource.id": f"prefect.artifact.{collection['latest_id']}", "prefect.resource.role": "latest"}
    ]
    for kind in ("flow-run", "task-run"):
        id = collection[f"{kind.replace('-', '_')}_id"]
        if id is not None:
            related.append(related_resource(kind, id, None))
    tell_of_record(work, "artifact-collection", what, collection, related)


def tell_of_block(work: UnitOfWork, what: str, document: BlockDocument) -> None:
    """Emit that a block was created, updated or deleted. Of its values those are told that are no secrets."""
    schema, block_type = document.block_schema, document.block_type
    secret = (
        {path.partition(".")[0] for path in (schema.fields.get("secret_fields") or ())} if schema is not None else set()
    )
    named = {"id": str(document.block_type_id), "name": block_type.name if block_type is not None else None}
    payload = {
        "name": document.name,
        "data": {name: value for name, value in document.data.items() if name not in secret},
        "block_schema": {"capabilities": schema.capabilities if schema is not None else [], "block_type": named},
    }
    related = [
        related_resource("block-type", document.block_type_id, named["name"]),
        related_resource("block-schema", document.block_schema_id, None),
    ]
    _emit(work, "block-document", what, document.id, document.name, related, to_jsonable_python(payload, fallback=str))


def _emit(
    work: UnitOfWork, kind: str, what: str, id: object, name: str | None, related: list[Labels], payload: dict[str, Any]
) -> None:
    resource = {"prefect.resource.id": f"prefect.{kind}.{id}", "prefect.resource.name": name or ""}
    work.emit(Occurrence(uuid7(), work.now, f"prefect.{kind}.{what}", resource, related, payload))
