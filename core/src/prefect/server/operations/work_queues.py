"""Work queues, found by id or in their work pool."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from prefect._contract.responses.work_pools import WorkQueueResponse
from prefect._contract.work_pools import DEFAULT_AGENT_WORK_POOL_NAME
from prefect.server.database import tables
from prefect.server.database.queries import filters, queued, records
from prefect.server.operations import pools
from prefect.server.operations.pages import pages
from prefect.server.operations.place_events import differences, tell_queue
from prefect.server.operations.readiness import queue_status, settle_queues
from prefect.server.operations.refusals import Refusal, already_exists, not_found
from prefect.server.operations.work import UnitOfWork, read_only

if TYPE_CHECKING:
    from prefect._contract.actions.settings import WorkQueueCreate, WorkQueueUpdate
    from prefect._contract.filters.work_pools import WorkQueueFilter
    from prefect._contract.responses.runs import FlowRunResponse
    from prefect._contract.responses.work_pools import WorkQueueConcurrencyStatus
    from prefect._contract.work_pools import WorkQueueStatusDetail

__all__ = [
    "create_work_pool_queue",
    "create_work_queue",
    "delete_work_pool_queue",
    "delete_work_queue",
    "get_runs_in_work_queue",
    "read_work_pool_queue",
    "read_work_pool_queues",
    "read_work_queue",
    "read_work_queue_by_name",
    "read_work_queue_concurrency_status",
    "read_work_queue_status",
    "read_work_queues",
    "update_work_pool_queue",
    "update_work_queue",
]

Row = dict[str, Any]

_TOLD = ("name", "description", "concurrency_limit", "priority", "filter")
"""What an event about a change tells of. A pause is an event of its own."""


def _responses(work: UnitOfWork, rows: Sequence[Row]) -> list[WorkQueueResponse]:
    """Work queues as they are answered. Slots are counted where they are limited."""
    named = queued.pools_of_queues(work.connection, [row["id"] for row in rows])
    limited = [row["id"] for row in rows if row["concurrency_limit"] is not None]
    active = dict.fromkeys(limited, 0) | queued.active_counts(work.connection, limited)
    return [
        WorkQueueResponse.model_validate(
            row
            | {
                "work_pool_name": named[row["id"]][1],
                "status": queue_status(row, work.now),
                "active_slots": active.get(row["id"]),
            }
        )
        for row in rows
    ]


def _find(work: UnitOfWork, id: UUID) -> Row:
    row = records.read(work.connection, tables.work_queue, id=id)
    if row is None:
        raise not_found("work queue", id=id)
    return row


def _create(work: UnitOfWork, pool: Row, body: WorkQueueCreate) -> WorkQueueResponse:
    row = pools.make_queue(
        work,
        pool,
        body.name,
        priority=body.priority,
        description=body.description or "",
        is_paused=body.is_paused,
        concurrency_limit=body.concurrency_limit,
        filter=body.filter,
    )
    settle_queues(work, [row["id"]])
    return _responses(work, [row])[0]


def _update(work: UnitOfWork, queue: Row, body: WorkQueueUpdate) -> None:
    changes: Row = {field: getattr(body, field) for field in body.model_fields_set}
    name: str = changes.pop("name", None) or queue["name"]
    priority: int = changes.pop("priority", None) or queue["priority"]
    if "description" in changes:
        changes["description"] = body.description or ""
    if name != queue["name"] and pools.find_queue(work, {"id": queue["work_pool_id"]}, name) is not None:
        raise already_exists("work queue", name=name)
    if priority != queue["priority"]:
        pools.move_queue(work, queue, priority)
    changes["name"] = name
    records.revise(work.connection, tables.work_queue, queue["id"], **changes, updated=work.now)
    told = differences(queue, changes | {"priority": priority}, _TOLD)
    if told:
        tell_queue(work, queue | changes, "updated", told)
    settle_queues(work, [queue["id"]])


def _delete(work: UnitOfWork, queue: Row) -> None:
    pool = records.read(work.connection, tables.work_pool, id=queue["work_pool_id"])
    if pool is not None and pool["default_queue_id"] == queue["id"]:
        raise Refusal(409, f"The queue '{queue['name']}' is the default of the work pool '{pool['name']}'. Pause it.")
    tell_queue(work, queue, "deleted")
    records.remove(work.connection, tables.work_queue, id=queue["id"])


def _list(
    work: UnitOfWork, chosen: WorkQueueFilter | None, pool: Row | None, limit: int | None, offset: int
) -> list[WorkQueueResponse]:
    queue = tables.work_queue
    conditions = filters.rows_where(queue, chosen)
    ordered = [queue.c.name, queue.c.id]
    if pool is not None:
        conditions.append(queue.c.work_pool_id == pool["id"])
        ordered = [queue.c.priority, queue.c.id]
    statement = select(queue).where(*conditions).order_by(*ordered)
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return _responses(work, records.read_all(work.connection, queue, page))


# -- found by id


def create_work_queue(work: UnitOfWork, body: WorkQueueCreate) -> WorkQueueResponse:
    """Create a work queue of the default work pool."""
    return _create(work, pools.default_agent_pool(work), body)


@read_only
def read_work_queue(work: UnitOfWork, id: UUID) -> WorkQueueResponse:
    """Read a work queue."""
    return _responses(work, [_find(work, id)])[0]


@read_only
def read_work_queue_by_name(work: UnitOfWork, name: str) -> WorkQueueResponse:
    """Read a work queue of the default work pool by name."""
    return read_work_pool_queue(work, DEFAULT_AGENT_WORK_POOL_NAME, name)


def update_work_queue(work: UnitOfWork, id: UUID, body: WorkQueueUpdate) -> None:
    """Change the fields of a work queue that were given."""
    _update(work, _find(work, id), body)


def delete_work_queue(work: UnitOfWork, id: UUID) -> None:
    """Delete a work queue. The runs and deployments that waited there stay."""
    _delete(work, _find(work, id))


@read_only
def read_work_queues(
    work: UnitOfWork, work_queues: WorkQueueFilter | None = None, limit: int | None = None, offset: int = 0
) -> list[WorkQueueResponse]:
    """List the selected work queues of all work pools by name."""
    return _list(work, work_queues, None, limit, offset)


def get_runs_in_work_queue(
    work: UnitOfWork, id: UUID, limit: int | None = None, scheduled_before: datetime | None = None
) -> list[FlowRunResponse]:
    """List the runs of a work queue that wait for their turn, for who runs them."""
    from prefect.server.operations.polling import next_of_queue

    return next_of_queue(work, _find(work, id), scheduled_before, limit)


@read_only
def read_work_queue_status(work: UnitOfWork, id: UUID) -> WorkQueueStatusDetail:
    """Read whether a work queue is healthy: it is polled, and none of its runs is late."""
    from prefect._contract.work_pools import WorkQueueHealthPolicy, WorkQueueStatusDetail

    queue = _find(work, id)
    late = queued.late_count(work.connection, id)
    policy = WorkQueueHealthPolicy()
    return WorkQueueStatusDetail(
        healthy=policy.is_met_at(work.now, late, queue["last_polled"]),
        late_runs_count=late,
        last_polled=queue["last_polled"],
        health_check_policy=policy,
    )


@read_only
def read_work_queue_concurrency_status(
    work: UnitOfWork, id: UUID, page: int = 1, limit: int | None = None
) -> WorkQueueConcurrencyStatus:
    """Read which runs occupy slots of a work queue, page by page."""
    from prefect._contract.responses.work_pools import WorkQueueConcurrencyStatus
    from prefect.server.operations.work_pools import slot_summaries

    queue = _find(work, id)
    active = queued.active_counts(work.connection, [id]).get(id, 0)
    position = pages(work, limit, page, active)
    return WorkQueueConcurrencyStatus(
        active_slots=active,
        concurrency_limit=queue["concurrency_limit"],
        flow_runs=slot_summaries(work, queue, position.limit, position.offset),
        **position.fields,
    )


# -- found in their work pool


def create_work_pool_queue(work: UnitOfWork, work_pool_name: str, body: WorkQueueCreate) -> WorkQueueResponse:
    """Create a queue of a work pool."""
    return _create(work, pools.read_pool(work, work_pool_name), body)


@read_only
def read_work_pool_queue(work: UnitOfWork, work_pool_name: str, name: str) -> WorkQueueResponse:
    """Read a queue of a work pool by name."""
    pool = pools.read_pool(work, work_pool_name)
    return _responses(work, [pools.read_queue(work, pool, name)])[0]


@read_only
def read_work_pool_queues(
    work: UnitOfWork,
    work_pool_name: str,
    work_queues: WorkQueueFilter | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[WorkQueueResponse]:
    """List the selected queues of a work pool, the most urgent first."""
    return _list(work, work_queues, pools.read_pool(work, work_pool_name), limit, offset)


def update_work_pool_queue(work: UnitOfWork, work_pool_name: str, name: str, body: WorkQueueUpdate) -> None:
    """Change the fields of a queue that were given."""
    pool = pools.read_pool(work, work_pool_name)
    _update(work, pools.read_queue(work, pool, name), body)


def delete_work_pool_queue(work: UnitOfWork, work_pool_name: str, name: str) -> None:
    """Delete a queue of a work pool. The runs and deployments that waited there stay."""
    pool = pools.read_pool(work, work_pool_name)
    _delete(work, pools.read_queue(work, pool, name))
