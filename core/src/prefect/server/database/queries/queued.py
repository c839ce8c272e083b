"""Flow runs in work queues: those that wait for their turn, and those that occupy slots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.engine import Connection

from prefect._contract.state import StateType
from prefect.server.database import tables
from prefect.server.database.queries import records

__all__ = ["active_counts", "active_runs", "late_count", "pools_of_queues", "waiting_runs"]

OCCUPYING = (StateType.PENDING.value, StateType.RUNNING.value, StateType.CANCELLING.value)
"""The types of states in which a flow run occupies a slot of its queue and pool."""

_run = tables.flow_run.c
_queue = tables.work_queue.c
_pool = tables.work_pool.c


def waiting_runs(
    connection: Connection,
    column: ColumnElement[Any],
    owners: Sequence[UUID],
    *,
    before: datetime | None,
    after: datetime | None,
    limit: int,
) -> list[UUID]:
    """
    The ids of flow runs that wait for their turn, those first that are due first.

    Args:
        connection: The transaction.
        column: What names the owner of a run: its queue or its deployment.
        owners: Whose runs.
        before: Only those that are due then.
        after: Only those that are not due before.
        limit: How many at most.
    """
    due = _run.next_scheduled_start_time
    statement = select(_run.id).where(column.in_(owners), _run.state_type == StateType.SCHEDULED.value)
    if before is not None:
        statement = statement.where(due <= before)
    if after is not None:
        statement = statement.where(due >= after)
    return list(connection.execute(statement.order_by(records.ascending(due), _run.id).limit(limit)).scalars())


def active_counts(connection: Connection, queue_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many flow runs occupy a slot, by queue; queues without any are left out."""
    if not queue_ids:
        return {}
    occupying = (_run.work_queue_id.in_(queue_ids), _run.state_type.in_(OCCUPYING))
    statement = select(_run.work_queue_id, func.count()).where(*occupying).group_by(_run.work_queue_id)
    return {row[0]: row[1] for row in connection.execute(statement)}


def active_runs(connection: Connection, queue_id: UUID, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """The flow runs that occupy slots of a queue, those first that have done so longest."""
    columns = (_run.id, _run.name, _run.state_type, _run.state_name, _run.start_time, _run.state_timestamp)
    statement = select(*columns).where(_run.work_queue_id == queue_id, _run.state_type.in_(OCCUPYING))
    page = statement.order_by(_run.state_timestamp, _run.id).limit(limit).offset(offset)
    return [dict(row._mapping) for row in connection.execute(page)]


def late_count(connection: Connection, queue_id: UUID) -> int:
    """How many flow runs of a queue are marked as late."""
    waiting = (_run.work_queue_id == queue_id, _run.state_type == StateType.SCHEDULED.value)
    statement = select(func.count()).where(*waiting, _run.state_name == "Late")
    return int(connection.execute(statement).scalar_one())


def pools_of_queues(connection: Connection, queue_ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, str]]:
    """The id and name of the work pool of each queue that there is."""
    if not queue_ids:
        return {}
    statement = select(_queue.id, _pool.id, _pool.name).join_from(tables.work_queue, tables.work_pool)
    return {queue: (pool, name) for queue, pool, name in connection.execute(statement.where(_queue.id.in_(queue_ids)))}
