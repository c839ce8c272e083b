"""Which flow runs a worker is to take next: asked for by work pool, by queue or by deployment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from prefect.server.database import tables
from prefect.server.database.queries import queued, records
from prefect.server.database.queries.runs import FLOW_RUNS, read_runs
from prefect.server.operations import pools
from prefect.server.operations.readiness import remember_poll
from prefect.server.operations.work import UnitOfWork

if TYPE_CHECKING:
    from prefect._contract.responses.runs import FlowRunResponse
    from prefect._contract.responses.work_pools import WorkerFlowRunResponse

__all__ = ["next_of_deployments", "next_of_pool", "next_of_queue"]

Row = dict[str, Any]

_run = tables.flow_run.c


def next_of_pool(
    work: UnitOfWork,
    pool: Row,
    queue_names: Sequence[str] | None,
    before: datetime | None,
    after: datetime | None,
    limit: int | None,
) -> list[WorkerFlowRunResponse]:
    """
    The runs that wait in a work pool, queue by queue, as many as there are free slots.

    Raises:
        prefect.exceptions.ObjectNotFound: The pool has no queue of one of these names.
    """
    from prefect._contract.responses.work_pools import WorkerFlowRunResponse

    queues = _queues(work, pool, queue_names)
    remember_poll(work, tables.work_queue, [queue["id"] for queue in queues])
    found = _found_in(work, pool, queues, before, after, work.bounds.limit(limit))
    rows = {row["id"]: row for row in _rows(work, found)}
    return [
        WorkerFlowRunResponse(work_pool_id=pool["id"], work_queue_id=rows[id]["work_queue_id"], flow_run=rows[id])
        for id in found
    ]


def next_of_queue(work: UnitOfWork, queue: Row, before: datetime | None, limit: int | None) -> list[FlowRunResponse]:
    """The runs that wait in a queue, as many as there are free slots."""
    pool = records.read(work.connection, tables.work_pool, id=queue["work_pool_id"])
    remember_poll(work, tables.work_queue, [queue["id"]])
    found = [] if pool is None else _found_in(work, pool, [queue], before, None, work.bounds.limit(limit))
    return _answers(work, found)


def next_of_deployments(
    work: UnitOfWork, deployment_ids: Sequence[UUID], before: datetime | None, limit: int | None
) -> list[FlowRunResponse]:
    """The runs of deployments that wait for their turn, those first that are due first."""
    remember_poll(work, tables.deployment, deployment_ids)
    size = work.bounds.limit(limit)
    found = queued.waiting_runs(
        work.connection, _run.deployment_id, deployment_ids, before=before, after=None, limit=size
    )
    return _answers(work, found)


def _queues(work: UnitOfWork, pool: Row, names: Sequence[str] | None) -> list[Row]:
    """The queues of a pool in their order."""
    if names:
        queues = [pools.read_queue(work, pool, name) for name in dict.fromkeys(names)]
    else:
        statement = select(tables.work_queue).where(tables.work_queue.c.work_pool_id == pool["id"])
        queues = records.read_all(work.connection, tables.work_queue, statement)
    return sorted(queues, key=lambda queue: (queue["priority"], queue["name"]))


def _found_in(
    work: UnitOfWork, pool: Row, queues: list[Row], before: datetime | None, after: datetime | None, limit: int
) -> list[UUID]:
    if pool["is_paused"]:
        return []
    free = _free_slots(work, pool, queues)
    room = limit if pool["concurrency_limit"] is None else min(limit, free[pool["id"]])
    found: list[UUID] = []
    for queue in queues:
        wanted = min(room - len(found), free.get(queue["id"], room))
        if wanted > 0 and not queue["is_paused"]:
            found += queued.waiting_runs(
                work.connection, _run.work_queue_id, [queue["id"]], before=before, after=after, limit=wanted
            )
    return found


def _free_slots(work: UnitOfWork, pool: Row, queues: list[Row]) -> dict[UUID, int]:
    """How many slots are free, of the pool and of those queues whose slots are limited."""
    limited = [queue for queue in queues if queue["concurrency_limit"] is not None]
    counted = [queue["id"] for queue in limited]
    if pool["concurrency_limit"] is not None:
        every = select(tables.work_queue.c.id).where(tables.work_queue.c.work_pool_id == pool["id"])
        counted = list(work.connection.execute(every).scalars())
    active = queued.active_counts(work.connection, counted)
    free = {queue["id"]: queue["concurrency_limit"] - active.get(queue["id"], 0) for queue in limited}
    if pool["concurrency_limit"] is not None:
        free[pool["id"]] = pool["concurrency_limit"] - sum(active.values())
    return free


def _rows(work: UnitOfWork, ids: list[UUID]) -> list[Row]:
    chosen = [_run.id.in_(ids)]
    sort = "NEXT_SCHEDULED_START_TIME_ASC"
    if not ids:
        return []
    return read_runs(work.connection, FLOW_RUNS, chosen, sort=sort, limit=None, offset=0, now=work.now)


def _answers(work: UnitOfWork, ids: list[UUID]) -> list[FlowRunResponse]:
    from prefect._contract.responses.runs import FlowRunResponse

    return [FlowRunResponse.model_validate(row) for row in _rows(work, ids)]
