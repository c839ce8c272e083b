"""
Whether anybody would pick up what waits: the statuses of workers, work pools, work queues and deployments.

They are found out when they are asked for, from when somebody was last heard of. So they are never older than that. The
events that tell of their changes follow what happens: a heartbeat, a poll, a pause; and time passing, for which somebody
has to look from time to time: `settle_statuses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, func, not_, or_, select, update

from prefect._contract.deployments import DeploymentStatus
from prefect._contract.work_pools import WorkerStatus, WorkPoolStatus, WorkQueueStatus
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.place_events import tell_deployment_status, tell_pool_status, tell_queue_status
from prefect.server.operations.work import UnitOfWork

__all__ = [
    "deployment_status",
    "has_status",
    "online_until",
    "pool_statuses",
    "queue_status",
    "remember_poll",
    "settle_pool",
    "settle_queues",
    "settle_statuses",
    "worker_status",
]

Row = dict[str, Any]

HEARTBEAT_SECONDS = 30
"""After how many seconds a worker is heard of again that does not say."""

LONGEST_HEARTBEAT_SECONDS = 86_400
"""A worker that is heard of more rarely counts as one that is heard of daily."""

MISSED_HEARTBEATS = 3
"""How many heartbeats a worker misses before it counts as offline."""

POLLED_SECONDS = 60
"""For how many seconds who was polled counts as being polled."""

POLL_PRECISION = timedelta(seconds=5)
"""How much later a poll is than the last one before that is written down: many workers may poll the same queues."""

_AGENT = "prefect-agent"


def online_until(now: datetime, heartbeat_interval_seconds: int | None) -> datetime:
    """Until when a worker counts as online that was heard of now."""
    beats = heartbeat_interval_seconds if heartbeat_interval_seconds and heartbeat_interval_seconds > 0 else None
    return now + timedelta(seconds=min(beats or HEARTBEAT_SECONDS, LONGEST_HEARTBEAT_SECONDS) * MISSED_HEARTBEATS)


def worker_status(worker: Row, now: datetime) -> WorkerStatus:
    """Whether a worker was heard of lately."""
    return WorkerStatus.ONLINE if worker["online_until"] > now else WorkerStatus.OFFLINE


def has_status(status: WorkerStatus, now: datetime) -> ColumnElement[bool]:
    """The workers of a status."""
    until = tables.worker.c.online_until
    return until > now if status is WorkerStatus.ONLINE else until <= now


def pool_statuses(work: UnitOfWork, pools: Sequence[Row]) -> dict[UUID, WorkPoolStatus | None]:
    """The statuses of work pools. Those of agents have none: agents are not heard of."""
    worker = tables.worker.c
    asked = [pool["id"] for pool in pools if not pool["is_paused"] and pool["type"] != _AGENT]
    with_workers: set[UUID] = set()
    if asked:
        statement = select(worker.work_pool_id).where(worker.work_pool_id.in_(asked), worker.online_until > work.now)
        with_workers = set(work.connection.execute(statement.distinct()).scalars())
    return {pool["id"]: _pool_status(pool, pool["id"] in with_workers) for pool in pools}


def _pool_status(pool: Row, has_workers: bool) -> WorkPoolStatus | None:
    if pool["type"] == _AGENT:
        return None
    if pool["is_paused"]:
        return WorkPoolStatus.PAUSED
    ready = has_workers or pool["type"].endswith((":push", ":managed"))  # those need no workers
    return WorkPoolStatus.READY if ready else WorkPoolStatus.NOT_READY


def _was_polled(last_polled: datetime | None, now: datetime) -> bool:
    return last_polled is not None and now - last_polled <= timedelta(seconds=POLLED_SECONDS)


def queue_status(queue: Row, now: datetime) -> WorkQueueStatus:
    """Whether a work queue is polled."""
    if queue["is_paused"]:
        return WorkQueueStatus.PAUSED
    return WorkQueueStatus.READY if _was_polled(queue["last_polled"], now) else WorkQueueStatus.NOT_READY


def deployment_status(last_polled: datetime | None, now: datetime) -> DeploymentStatus:
    """Whether somebody asked lately for the runs of a deployment."""
    return DeploymentStatus.READY if _was_polled(last_polled, now) else DeploymentStatus.NOT_READY


def remember_poll(work: UnitOfWork, table: Table, ids: Sequence[UUID]) -> None:
    """Write down that somebody asks for the runs of queues or deployments, unless somebody did a moment ago."""
    column = table.c.last_polled
    outdated = column.is_(None) | (column < work.now - POLL_PRECISION)
    if not ids:
        return
    change = update(table).where(table.c.id.in_(ids), outdated).values(last_polled=work.now)
    if work.connection.execute(change).rowcount == 0:
        return
    if table is tables.work_queue:
        settle_queues(work, ids)
    else:
        _settle_deployments(work, table.c.id.in_(ids))


# -- telling of changes


def settle_pool(work: UnitOfWork, pool_id: UUID) -> None:
    """Tell of the status of a work pool, if it is another one than was told last."""
    pool = records.read(work.connection, tables.work_pool, id=pool_id)
    if pool is not None:
        _settle_pools(work, [pool])


def _settle_pools(work: UnitOfWork, pools: Sequence[Row]) -> int:
    statuses = pool_statuses(work, pools)
    told = 0
    for pool in pools:
        status = statuses[pool["id"]]
        if status is not None and status.value != pool["status"]:
            tell_pool_status(work, pool, status)
            told += 1
    return told


def settle_queues(work: UnitOfWork, queue_ids: Sequence[UUID]) -> int:
    """Tell of the statuses of work queues that are others than were told last, and of those of their deployments."""
    queue, deployment = tables.work_queue, tables.deployment
    told = 0
    settled = []
    for row in records.read_all(work.connection, queue, select(queue).where(queue.c.id.in_(queue_ids))):
        status = queue_status(row, work.now)
        if status.value != row["status"]:
            tell_queue_status(work, row, status)
            settled.append(row["id"])
            told += 1
    return told + (_settle_deployments(work, deployment.c.work_queue_id.in_(settled)) if settled else 0)


def _settle_deployments(
    work: UnitOfWork, condition: ColumnElement[bool] | None = None, limit: int | None = None
) -> int:
    deployment, queue = tables.deployment, tables.work_queue
    since = work.now - timedelta(seconds=POLLED_SECONDS)
    polled = or_(
        func.coalesce(deployment.c.last_polled >= since, False), func.coalesce(queue.c.last_polled >= since, False)
    )
    ready = deployment.c.status == DeploymentStatus.READY.value
    statement = select(deployment).outerjoin_from(deployment, queue)
    statement = statement.where(or_(and_(ready, not_(polled)), and_(not_(ready), polled)))
    if condition is not None:
        statement = statement.where(condition)
    rows = records.read_all(work.connection, deployment, statement.order_by(deployment.c.id).limit(limit))
    for row in rows:
        was_ready = row["status"] == DeploymentStatus.READY.value
        tell_deployment_status(work, row, DeploymentStatus.NOT_READY if was_ready else DeploymentStatus.READY)
    return len(rows)


def settle_statuses(work: UnitOfWork, limit: int = 100) -> int:
    """
    Tell of the statuses of work pools, queues and deployments that have changed because time has passed.

    Returns:
        How many were told of. If there were as many as `limit`, there may be more.
    """
    pool, queue = tables.work_pool, tables.work_queue
    told = _settle_pools(work, records.read_all(work.connection, pool, select(pool).where(pool.c.type != _AGENT)))
    since = work.now - timedelta(seconds=POLLED_SECONDS)
    polled = func.coalesce(queue.c.last_polled >= since, False)
    status, paused = queue.c.status, queue.c.is_paused
    outdated = or_(
        and_(paused.is_(True), status != WorkQueueStatus.PAUSED.value),
        and_(paused.is_(False), polled, status != WorkQueueStatus.READY.value),
        and_(paused.is_(False), not_(polled), status != WorkQueueStatus.NOT_READY.value),
    )
    found = select(queue.c.id).where(outdated).order_by(queue.c.id).limit(limit)
    told += settle_queues(work, list(work.connection.execute(found).scalars()))
    return told + _settle_deployments(work, limit=limit)
