"""Artifacts, one by one and as the latest of each key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Table, select

from prefect._contract.artifacts import Artifact, ArtifactCollection
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.operations.object_events import tell_of_artifacts
from prefect.server.operations.refusals import not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from prefect._contract.actions.runs import ArtifactCreate, ArtifactUpdate
    from prefect._contract.sorting import ArtifactCollectionSort, ArtifactSort
    from prefect.server.operations.selections import ArtifactCollectionSelection, ArtifactSelection

__all__ = [
    "count_artifacts",
    "count_latest_artifacts",
    "create_artifact",
    "delete_artifact",
    "read_artifact",
    "read_artifacts",
    "read_latest_artifact",
    "read_latest_artifacts",
    "update_artifact",
]

_COPIED = ("type", "description", "data", "metadata_", "flow_run_id", "task_run_id")


def create_artifact(work: UnitOfWork, body: ArtifactCreate) -> Artifact:
    """Create an artifact; with a key, it becomes the latest of that key."""
    values = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "key": body.key,
        **{name: getattr(body, name) for name in _COPIED},
    }
    records.create(work.connection, tables.artifact, values)
    if body.key is not None:
        _make_latest(work, values)
    return Artifact.model_validate(values)


def _make_latest(work: UnitOfWork, artifact: dict[str, Any]) -> None:
    """Let the collection of an artifact's key show it."""
    copied = {"latest_id": artifact["id"], **{name: artifact[name] for name in _COPIED}}
    collection = records.read(work.connection, tables.artifact_collection, key=artifact["key"])
    if collection is None:
        stamps = {"id": uuid7(), "created": artifact["created"], "updated": artifact["updated"]}
        made = {**stamps, "key": artifact["key"], **copied}
        records.create(work.connection, tables.artifact_collection, made)
        tell_of_artifacts(work, "created", made)
    else:
        records.revise(work.connection, tables.artifact_collection, collection["id"], **copied, updated=work.now)
        tell_of_artifacts(work, "updated", {**collection, **copied})


def _read(work: UnitOfWork, id: UUID) -> dict[str, Any]:
    row = records.read(work.connection, tables.artifact, id=id)
    if row is None:
        raise not_found("artifact", id=id)
    return row


@read_only
def read_artifact(work: UnitOfWork, id: UUID) -> Artifact:
    """Read an artifact."""
    return Artifact.model_validate(_read(work, id))


@read_only
def read_latest_artifact(work: UnitOfWork, key: str) -> Artifact:
    """Read the latest artifact of a key."""
    collection = records.read(work.connection, tables.artifact_collection, key=key)
    if collection is None:
        raise not_found("artifact", key=key)
    return read_artifact(work, collection["latest_id"])


def update_artifact(work: UnitOfWork, id: UUID, body: ArtifactUpdate) -> None:
    """Change the fields of an artifact that were given, and what the collection of its key shows."""
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    if not records.revise(work.connection, tables.artifact, id, **changes, updated=work.now):
        raise not_found("artifact", id=id)
    shown = records.read(work.connection, tables.artifact_collection, latest_id=id)
    if shown is not None:
        records.revise(work.connection, tables.artifact_collection, shown["id"], **changes, updated=work.now)
        tell_of_artifacts(work, "updated", {**shown, **changes})


def delete_artifact(work: UnitOfWork, id: UUID) -> None:
    """Delete an artifact; the one before it becomes the latest of its key."""
    artifact = _read(work, id)
    records.remove(work.connection, tables.artifact, id=id)
    if artifact["key"] is None:
        return
    table = tables.artifact
    remaining = select(table).where(table.c.key == artifact["key"]).order_by(table.c.created.desc(), table.c.id.desc())
    latest = records.read_all(work.connection, table, remaining.limit(1))
    if latest:
        _make_latest(work, latest[0])
    else:
        shown = records.read(work.connection, tables.artifact_collection, key=artifact["key"])
        if shown is not None:
            records.remove(work.connection, tables.artifact_collection, id=shown["id"])
            tell_of_artifacts(work, "deleted", shown)


def _list(
    work: UnitOfWork, table: Table, sort: str, page: tuple[int | None, int], selection: Mapping[str, Any]
) -> list[dict[str, Any]]:
    limit, offset = page
    statement = select(table).where(*filters.artifacts_where(table, **selection)).order_by(*records.order(table, sort))
    statement = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return records.read_all(work.connection, table, statement)


@read_only
def read_artifacts(
    work: UnitOfWork,
    sort: ArtifactSort | None = None,
    limit: int | None = None,
    offset: int = 0,
    **selection: Unpack[ArtifactSelection],
) -> list[Artifact]:
    """List the selected artifacts."""
    order = "ID_DESC" if sort is None else sort.value
    return [Artifact.model_validate(row) for row in _list(work, tables.artifact, order, (limit, offset), selection)]


@read_only
def read_latest_artifacts(
    work: UnitOfWork,
    sort: ArtifactCollectionSort | None = None,
    limit: int | None = None,
    offset: int = 0,
    **selection: Unpack[ArtifactCollectionSelection],
) -> list[ArtifactCollection]:
    """List the latest artifact of each selected key."""
    order = "ID_DESC" if sort is None else sort.value
    rows = _list(work, tables.artifact_collection, order, (limit, offset), selection)
    return [ArtifactCollection.model_validate(row) for row in rows]


@read_only
def count_artifacts(work: UnitOfWork, **selection: Unpack[ArtifactSelection]) -> int:
    """Count the selected artifacts."""
    return records.count(work.connection, tables.artifact, filters.artifacts_where(tables.artifact, **selection))


@read_only
def count_latest_artifacts(work: UnitOfWork, **selection: Unpack[ArtifactCollectionSelection]) -> int:
    """Count the selected keys of artifacts."""
    table = tables.artifact_collection
    return records.count(work.connection, table, filters.artifacts_where(table, **selection))
