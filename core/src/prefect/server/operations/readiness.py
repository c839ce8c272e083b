"""
Whether anybody would pick up what waits: the statuses of workers, work pools, work queues and deployments.

They are found out when they are asked for, from when somebody was last heard of. So they are never older than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from prefect._contract.deployments import DeploymentStatus
from prefect._contract.work_pools import WorkerStatus, WorkPoolStatus, WorkQueueStatus
from prefect.server.database import tables
from prefect.server.operations.work import UnitOfWork

__all__ = [
    "deployment_status",
    "has_status",
    "online_until",
    "pool_statuses",
    "queue_status",
    "remember_poll",
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


def remember_poll(work: UnitOfWork, table: Any, ids: Sequence[UUID]) -> None:
    """Write down that somebody asks for the runs of queues or deployments, unless somebody did a moment ago."""
    column = table.c.last_polled
    outdated = column.is_(None) | (column < work.now - POLL_PRECISION)
    if ids:
        work.connection.execute(update(table).where(table.c.id.in_(ids), outdated).values(last_polled=work.now))
