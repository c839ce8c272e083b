"""Deployments as they are answered: their rows with their schedules, queue, work pool and concurrency limit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from prefect._contract.responses.deployments import DeploymentResponse
from prefect.server.database import tables
from prefect.server.database.queries import records, slots
from prefect.server.operations.readiness import deployment_status
from prefect.server.operations.refusals import not_found
from prefect.server.operations.work import UnitOfWork

__all__ = ["find_deployment", "hold_deployment", "own_limit_name", "responses", "schedules_of"]

Row = dict[str, Any]


def find_deployment(work: UnitOfWork, id: UUID) -> Row:
    """
    A deployment by id.

    Raises:
        prefect.exceptions.ObjectNotFound: There is none.
    """
    row = records.read(work.connection, tables.deployment, id=id)
    if row is None:
        raise not_found("deployment", id=id)
    return row


def hold_deployment(work: UnitOfWork, id: UUID) -> Row:
    """
    A deployment by id, which no other transaction changes, pauses or inserts runs of before this one ends.

    Raises:
        prefect.exceptions.ObjectNotFound: There is none.
    """
    row = find_deployment(work, id)
    records.revise(work.connection, tables.deployment, id, updated=row["updated"])
    return row


def own_limit_name(id: UUID) -> str:
    """The name of the concurrency limit that belongs to a deployment alone."""
    return f"deployment:{id}"


def schedules_of(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[Row]]:
    """The schedules of deployments, in the order in which they were made."""
    schedule = tables.deployment_schedule
    statement = select(schedule).where(schedule.c.deployment_id.in_(ids))
    found: dict[UUID, list[Row]] = defaultdict(list)
    for row in records.read_all(work.connection, schedule, statement.order_by(schedule.c.created, schedule.c.id)):
        found[row["deployment_id"]].append(row)
    return found


def responses(work: UnitOfWork, rows: Sequence[Row]) -> list[DeploymentResponse]:
    """Rows of deployments as they are answered."""
    if not rows:
        return []
    schedules = schedules_of(work, [row["id"] for row in rows])
    queues = _queues(work, rows)
    limits = _limits(work, rows)
    return [
        DeploymentResponse.model_validate(
            row
            | {
                "schedules": schedules[row["id"]],
                "labels": row["labels"] or {},
                "global_concurrency_limit": limits.get(row["concurrency_limit_id"]),
                **_waits_in(work, row, queues.get(row["work_queue_id"])),
            }
        )
        for row in rows
    ]


def _waits_in(work: UnitOfWork, row: Row, queue: Row | None) -> Row:
    """Where the runs of a deployment wait, and when somebody last asked for them."""
    polls = [row["last_polled"], None if queue is None else queue["last_polled"]]
    last_polled = max((poll for poll in polls if poll is not None), default=None)
    fields: Row = {"last_polled": last_polled, "status": deployment_status(last_polled, work.now)}
    if queue is None:
        return fields | {"work_queue_id": None}
    return fields | {"work_queue_name": queue["name"], "work_pool_name": queue["work_pool_name"]}


def _queues(work: UnitOfWork, rows: Sequence[Row]) -> dict[UUID | None, Row]:
    queue, pool = tables.work_queue.c, tables.work_pool.c
    wanted = {row["work_queue_id"] for row in rows} - {None}
    if not wanted:
        return {}
    columns = (queue.id, queue.name, queue.last_polled, pool.name.label("work_pool_name"))
    statement = select(*columns).join_from(tables.work_queue, tables.work_pool).where(queue.id.in_(wanted))
    return {row.id: dict(row._mapping) for row in work.connection.execute(statement)}


def _limits(work: UnitOfWork, rows: Sequence[Row]) -> dict[UUID | None, Row]:
    wanted = {row["concurrency_limit_id"] for row in rows} - {None}
    if not wanted:
        return {}
    found = slots.read_limits(work.connection, work.now, tables.concurrency_limit.c.id.in_(wanted))
    return {limit.id: {**limit.row, "active_slots": limit.in_use} for limit in found}
