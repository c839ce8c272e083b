"""Inputs of flow runs: messages to them, by key."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import func, select

from prefect._contract.artifacts import FlowRunInput
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.refusals import Refusal, already_exists, not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

__all__ = ["create_flow_run_input", "delete_flow_run_input", "filter_flow_run_input", "read_flow_run_input"]


def create_flow_run_input(work: UnitOfWork, id: UUID, key: str, value: str, sender: str | None = None) -> None:
    """Send an input to a flow run, which has only one of each key."""
    if records.read(work.connection, tables.flow_run, id=id) is None:
        raise not_found("flow run", id=id)
    if records.read(work.connection, tables.flow_run_input, flow_run_id=id, key=key) is not None:
        raise already_exists("flow run input", flow_run_id=id, key=key)
    values = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "flow_run_id": id,
        "key": key,
        "value": value,
        "sender": sender,
    }
    try:
        FlowRunInput.model_validate(values)
    except ValidationError as error:
        reasons = "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
        raise Refusal(422, f"Invalid flow run input: {reasons}") from None
    records.create(work.connection, tables.flow_run_input, values)


@read_only
def filter_flow_run_input(
    work: UnitOfWork, id: UUID, prefix: str, limit: int = 1, exclude_keys: Sequence[str] = ()
) -> list[FlowRunInput]:
    """List the inputs of a flow run, oldest first, whose keys begin with a prefix and are none of `exclude_keys`."""
    table = tables.flow_run_input
    # not LIKE, for which SQLite takes upper and lower case as the same
    conditions = [table.c.flow_run_id == id, func.substr(table.c.key, 1, len(prefix)) == prefix]
    if exclude_keys:
        conditions.append(table.c.key.not_in(exclude_keys))
    statement = select(table).where(*conditions).order_by(table.c.created, table.c.id).limit(work.bounds.limit(limit))
    return [FlowRunInput.model_validate(row) for row in records.read_all(work.connection, table, statement)]


@read_only
def read_flow_run_input(work: UnitOfWork, id: UUID, key: str) -> str:
    """Read an input of a flow run: its value, as JSON text."""
    row = records.read(work.connection, tables.flow_run_input, flow_run_id=id, key=key)
    if row is None:
        raise not_found("flow run input", flow_run_id=id, key=key)
    value: str = row["value"]
    return value


def delete_flow_run_input(work: UnitOfWork, id: UUID, key: str) -> None:
    """Delete an input of a flow run."""
    if not records.remove(work.connection, tables.flow_run_input, flow_run_id=id, key=key):
        raise not_found("flow run input", flow_run_id=id, key=key)
