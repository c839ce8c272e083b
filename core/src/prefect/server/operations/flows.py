"""Flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select

from prefect._contract.objects import Flow
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.operations.object_events import tell_of_record
from prefect.server.operations.pages import pages
from prefect.server.operations.refusals import not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from prefect._contract.actions.runs import FlowCreate, FlowUpdate
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.responses.runs import FlowBulkDeleteResponse, FlowPaginationResponse
    from prefect._contract.sorting import FlowSort
    from prefect.server.operations.selections import FlowSelection

__all__ = [
    "bulk_delete_flows",
    "count_flows",
    "create_flow",
    "delete_flow",
    "paginate_flows",
    "read_flow",
    "read_flow_by_name",
    "read_flows",
    "update_flow",
]


def create_flow(work: UnitOfWork, body: FlowCreate) -> Flow:
    """Create a flow, or find the one of that name, which stays as it is."""
    existing = records.read(work.connection, tables.flow, name=body.name)
    if existing is not None:
        return Flow.model_validate(existing)
    values: dict[str, Any] = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "name": body.name,
        "tags": body.tags,
        "labels": body.labels,
    }
    records.create(work.connection, tables.flow, values)
    tell_of_record(work, "flow", "created", values)
    work.created = True
    return Flow.model_validate(values)


@read_only
def read_flow(work: UnitOfWork, id: UUID) -> Flow:
    """Read a flow."""
    return Flow.model_validate(_read(work, id))


def _read(work: UnitOfWork, id: UUID) -> dict[str, Any]:
    row = records.read(work.connection, tables.flow, id=id)
    if row is None:
        raise not_found("flow", id=id)
    return row


@read_only
def read_flow_by_name(work: UnitOfWork, name: str) -> Flow:
    """Read a flow by name."""
    row = records.read(work.connection, tables.flow, name=name)
    if row is None:
        raise not_found("flow", name=name)
    return Flow.model_validate(row)


def update_flow(work: UnitOfWork, id: UUID, body: FlowUpdate) -> None:
    """Change the fields of a flow that were given."""
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    if not records.revise(work.connection, tables.flow, id, **changes, updated=work.now):
        raise not_found("flow", id=id)
    tell_of_record(work, "flow", "updated", _read(work, id))


def delete_flow(work: UnitOfWork, id: UUID) -> None:
    """Delete a flow, with its runs and deployments."""
    from prefect.server.operations.deletion import forget_deployments, forget_flow_runs

    flow = _read(work, id)
    forget_flow_runs(work, tables.flow_run.c.flow_id == id)
    forget_deployments(work, _deployments_of(work, [id]))
    records.remove(work.connection, tables.flow, id=id)
    tell_of_record(work, "flow", "deleted", flow)


def _deployments_of(work: UnitOfWork, flow_ids: list[UUID]) -> list[dict[str, Any]]:
    deployment = tables.deployment
    statement = select(deployment).where(deployment.c.flow_id.in_(flow_ids))
    return records.read_all(work.connection, deployment, statement)


def bulk_delete_flows(
    work: UnitOfWork, flows: FlowFilter | None = None, limit: int | None = 50
) -> FlowBulkDeleteResponse:
    """Delete the selected flows, at most `limit` of them."""
    from prefect._contract.responses.runs import FlowBulkDeleteResponse
    from prefect.server.operations.deletion import forget_deployments, forget_flow_runs

    flow = tables.flow
    selected = select(flow.c.id).where(*filters.flows_where(flows)).order_by(flow.c.id).limit(work.bounds.limit(limit))
    found = list(work.connection.execute(selected).scalars())
    rows = records.read_all(work.connection, flow, select(flow).where(flow.c.id.in_(found)))
    forget_flow_runs(work, tables.flow_run.c.flow_id.in_(found))
    forget_deployments(work, _deployments_of(work, found))
    work.connection.execute(delete(flow).where(flow.c.id.in_(found)))
    for row in rows:
        tell_of_record(work, "flow", "deleted", row)
    return FlowBulkDeleteResponse(deleted=found)


@read_only
def read_flows(
    work: UnitOfWork,
    sort: FlowSort | None = None,
    limit: int | None = None,
    offset: int = 0,
    **selection: Unpack[FlowSelection],
) -> list[Flow]:
    """List the selected flows."""
    flow = tables.flow
    order = records.order(flow, "NAME_ASC" if sort is None else sort.value)
    statement = select(flow).where(*filters.flows_where(**selection)).order_by(*order)
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return [Flow.model_validate(row) for row in records.read_all(work.connection, flow, page)]


@read_only
def paginate_flows(
    work: UnitOfWork,
    sort: FlowSort | None = None,
    limit: int | None = None,
    page: int = 1,
    **selection: Unpack[FlowSelection],
) -> FlowPaginationResponse:
    """List a page of the selected flows."""
    from prefect._contract.responses.runs import FlowPaginationResponse

    position = pages(work, limit, page, count_flows(work, **selection))
    results = read_flows(work, sort, position.limit, position.offset, **selection)
    return FlowPaginationResponse(results=results, **position.fields)


@read_only
def count_flows(work: UnitOfWork, **selection: Unpack[FlowSelection]) -> int:
    """Count the selected flows."""
    return records.count(work.connection, tables.flow, filters.flows_where(**selection))
