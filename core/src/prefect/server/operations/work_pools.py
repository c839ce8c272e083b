"""Work pools, their workers, and which runs those are to take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, false, not_, or_, select

from prefect._contract.responses.work_pools import WorkPoolResponse
from prefect._contract.work_pools import WorkPoolStatus
from prefect.server.database import tables
from prefect.server.database.queries import filters, queued, records
from prefect.server.operations import pools, readiness
from prefect.server.operations.job_variables import check_template
from prefect.server.operations.pages import pages
from prefect.server.operations.place_events import differences, tell_pool, tell_queue
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.actions.settings import WorkPoolCreate, WorkPoolUpdate
    from prefect._contract.filters.work_pools import WorkerFilter, WorkPoolFilter
    from prefect._contract.responses.work_pools import (
        FlowRunSlotSummary,
        WorkerFlowRunResponse,
        WorkerResponse,
        WorkPoolConcurrencyStatus,
    )

__all__ = [
    "count_work_pools",
    "create_work_pool",
    "delete_work_pool",
    "delete_worker",
    "get_scheduled_flow_runs_for_work_pool",
    "read_work_pool",
    "read_work_pool_concurrency_status",
    "read_work_pools",
    "read_workers_for_work_pool",
    "send_worker_heartbeat",
    "slot_summaries",
    "update_work_pool",
]

Row = dict[str, Any]

_TOLD = ("description", "base_job_template", "concurrency_limit", "storage_configuration")
"""What an event about a change tells of. A pause is an event of its own."""


def create_work_pool(work: UnitOfWork, body: WorkPoolCreate) -> WorkPoolResponse:
    """Create a work pool, with a default queue."""
    _require_own(body.name)
    check_template(body.base_job_template)
    row = pools.make_pool(
        work,
        name=body.name,
        description=body.description,
        type=body.type,
        base_job_template=body.base_job_template,
        is_paused=body.is_paused,
        concurrency_limit=body.concurrency_limit,
        storage_configuration=body.storage_configuration,
    )
    readiness.settle_pool(work, row["id"])
    return _responses(work, [row])[0]


def _require_own(name: str) -> None:
    if name.lower().startswith("prefect"):
        raise Refusal(403, f"Work pools starting with 'Prefect' are reserved for internal use, as '{name}' is.")


def _responses(work: UnitOfWork, rows: Sequence[Row]) -> list[WorkPoolResponse]:
    """Work pools as they are answered. Slots are counted where they are limited."""
    statuses = readiness.pool_statuses(work, rows)
    slots = {row["id"]: _active_slots(work, row) for row in rows if row["concurrency_limit"] is not None}
    return [
        WorkPoolResponse.model_validate(row | {"status": statuses[row["id"]], "active_slots": slots.get(row["id"])})
        for row in rows
    ]


def _active_slots(work: UnitOfWork, pool: Row) -> int:
    queue = tables.work_queue.c
    of_pool = list(work.connection.execute(select(queue.id).where(queue.work_pool_id == pool["id"])).scalars())
    return sum(queued.active_counts(work.connection, of_pool).values())


@read_only
def read_work_pool(work: UnitOfWork, name: str) -> WorkPoolResponse:
    """Read a work pool by name."""
    return _responses(work, [pools.read_pool(work, name)])[0]


@read_only
def read_work_pools(
    work: UnitOfWork, work_pools: WorkPoolFilter | None = None, limit: int | None = None, offset: int = 0
) -> list[WorkPoolResponse]:
    """List the selected work pools by name."""
    pool = tables.work_pool
    statement = select(pool).where(*filters.rows_where(pool, work_pools)).order_by(pool.c.name)
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return _responses(work, records.read_all(work.connection, pool, page))


@read_only
def count_work_pools(work: UnitOfWork, work_pools: WorkPoolFilter | None = None) -> int:
    """Count the selected work pools."""
    return records.count(work.connection, tables.work_pool, filters.rows_where(tables.work_pool, work_pools))


def update_work_pool(work: UnitOfWork, name: str, body: WorkPoolUpdate) -> None:
    """Change the fields of a work pool that were given."""
    fields = body.model_fields_set
    if fields - {"is_paused", "concurrency_limit"}:
        _require_own(name)
    if body.base_job_template is not None:
        check_template(body.base_job_template)
    changes = {name: getattr(body, name) for name in fields}
    required = {"is_paused", "base_job_template", "storage_configuration"}
    empty = sorted(field for field in required & changes.keys() if changes[field] is None)
    if empty:
        raise Refusal(422, f"A work pool cannot be without {', '.join(map(repr, empty))}.")
    pool = pools.read_pool(work, name)
    records.revise(work.connection, tables.work_pool, pool["id"], **changes, updated=work.now)
    told = differences(pool, changes, _TOLD)
    if told:
        tell_pool(work, pool, "updated", told)
    readiness.settle_pool(work, pool["id"])


def delete_work_pool(work: UnitOfWork, name: str) -> None:
    """Delete a work pool, with its queues and workers. The runs and deployments that waited there stay."""
    _require_own(name)
    pool = pools.read_pool(work, name)
    queue = tables.work_queue
    of_pool = select(queue).where(queue.c.work_pool_id == pool["id"])
    for row in records.read_all(work.connection, queue, of_pool):
        tell_queue(work, row, "deleted")
    tell_pool(work, pool, "deleted")
    records.remove(work.connection, tables.work_pool, id=pool["id"])


# -- runs


def get_scheduled_flow_runs_for_work_pool(
    work: UnitOfWork,
    name: str,
    work_queue_names: list[str] | None = None,
    scheduled_before: datetime | None = None,
    scheduled_after: datetime | None = None,
    limit: int | None = None,
) -> list[WorkerFlowRunResponse]:
    """List the runs of a work pool that wait for their turn, for a worker: the most urgent first."""
    from prefect.server.operations.polling import next_of_pool

    pool = pools.read_pool(work, name)
    return next_of_pool(work, pool, work_queue_names, scheduled_before, scheduled_after, limit)


@read_only
def read_work_pool_concurrency_status(
    work: UnitOfWork, name: str, page: int = 1, limit: int | None = None, flow_run_limit: int = 10
) -> WorkPoolConcurrencyStatus:
    """Read which runs occupy slots of a work pool, queue by queue."""
    from prefect._contract.responses.work_pools import WorkPoolConcurrencyStatus, WorkQueueConcurrencyStatusDetail

    shown = work.bounds.limit(flow_run_limit)
    pool = pools.read_pool(work, name)
    queue = tables.work_queue
    statement = select(queue).where(queue.c.work_pool_id == pool["id"]).order_by(queue.c.priority, queue.c.name)
    queues = records.read_all(work.connection, queue, statement)
    active = queued.active_counts(work.connection, [row["id"] for row in queues])
    position = pages(work, limit, page, len(queues))
    details = [
        WorkQueueConcurrencyStatusDetail(
            queue_id=row["id"],
            queue_name=row["name"],
            active_slots=active.get(row["id"], 0),
            concurrency_limit=row["concurrency_limit"],
            flow_runs=slot_summaries(work, row, shown),
            flow_run_count=active.get(row["id"], 0),
        )
        for row in queues[position.offset : position.offset + position.limit]
    ]
    return WorkPoolConcurrencyStatus(
        active_slots=sum(active.values()),
        concurrency_limit=pool["concurrency_limit"],
        queues=details,
        **position.fields,
    )


def slot_summaries(work: UnitOfWork, queue: Row, limit: int, offset: int = 0) -> list[FlowRunSlotSummary]:
    """The runs that occupy slots of a queue, those first that have done so longest."""
    from prefect._contract.responses.work_pools import FlowRunSlotSummary

    runs = queued.active_runs(work.connection, queue["id"], limit, offset)
    return [
        FlowRunSlotSummary.model_validate(
            run | {"time_in_current_state": max(work.now - run["state_timestamp"], timedelta(0))}
        )
        for run in runs
    ]


# -- workers


def send_worker_heartbeat(
    work: UnitOfWork, work_pool_name: str, name: str, heartbeat_interval_seconds: int | None = None
) -> None:
    """Take note that a worker is there; one that was not known is from now on."""
    pool = pools.read_pool(work, work_pool_name)
    beat = {
        "last_heartbeat_time": work.now,
        "heartbeat_interval_seconds": heartbeat_interval_seconds,
        "online_until": readiness.online_until(work.now, heartbeat_interval_seconds),
        "updated": work.now,
    }
    row = {"id": uuid7(), "created": work.now, "name": name, "work_pool_id": pool["id"], **beat}
    insert = records.inserting(work.connection.dialect.name, tables.worker).values(row)
    work.connection.execute(insert.on_conflict_do_update(index_elements=["work_pool_id", "name"], set_=beat))
    _settle_unless_ready(work, pool)


def _settle_unless_ready(work: UnitOfWork, pool: Row) -> None:
    if pool["status"] != WorkPoolStatus.READY.value:
        readiness.settle_pool(work, pool["id"])


@read_only
def read_workers_for_work_pool(
    work: UnitOfWork,
    work_pool_name: str,
    workers: WorkerFilter | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[WorkerResponse]:
    """List the selected workers of a work pool, those first that were heard of last."""
    from prefect._contract.responses.work_pools import WorkerResponse

    pool = pools.read_pool(work, work_pool_name)
    worker = tables.worker
    statement = select(worker).where(worker.c.work_pool_id == pool["id"], *_selected(workers, work.now))
    ordered = statement.order_by(worker.c.last_heartbeat_time.desc(), worker.c.id)
    page = ordered.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    rows = records.read_all(work.connection, worker, page)
    return [WorkerResponse.model_validate(row | {"status": readiness.worker_status(row, work.now)}) for row in rows]


def _selected(chosen: WorkerFilter | None, now: datetime) -> list[ColumnElement[bool]]:
    """What a filter says of workers. Their status follows from when they were heard of, so it is asked for as of now."""
    if chosen is None:
        return []
    conditions = filters.rows_where(tables.worker, chosen.model_copy(update={"status": None}))
    if chosen.status is not None:
        if chosen.status.any_ is not None:
            conditions.append(or_(false(), *(readiness.has_status(status, now) for status in chosen.status.any_)))
        if chosen.status.not_any_ is not None:
            conditions += [not_(readiness.has_status(status, now)) for status in chosen.status.not_any_]
    either = chosen.operator.value == "or_"
    return [or_(*conditions) if either else and_(*conditions)] if conditions else []


def delete_worker(work: UnitOfWork, work_pool_name: str, name: str) -> None:
    """Forget a worker of a work pool."""
    pool = pools.read_pool(work, work_pool_name)
    if not records.remove(work.connection, tables.worker, work_pool_id=pool["id"], name=name):
        raise not_found("worker", name=name, work_pool=work_pool_name)
