"""
Tells what becomes of the places where runs wait: deployments, work queues and work pools.

The rows remember which status was told of last, so that each change of it is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import Table

from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.database.queries.events import Occurrence
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7

__all__ = [
    "differences",
    "tell_deployment",
    "tell_deployment_status",
    "tell_pool",
    "tell_pool_status",
    "tell_queue",
    "tell_queue_status",
]

Labels = dict[str, str]
Row = Mapping[str, Any]


def differences(before: Row, changes: Row, among: Iterable[str]) -> dict[str, Any]:
    """What an event about a change says of it: the fields whose values are others now, from what to what."""
    plain = {
        name: (to_jsonable_python(before[name]), to_jsonable_python(changes[name])) for name in among if name in changes
    }
    updates = {name: {"from": old, "to": new} for name, (old, new) in plain.items() if old != new}
    return {"updated_fields": sorted(updates), "updates": updates} if updates else {}


def _emit(work: UnitOfWork, event: str, resource: Labels, related: list[Labels], payload: Row | None = None) -> None:
    work.emit(Occurrence(uuid7(), work.now, event, resource, related, dict(payload or {})))


def _resource(kind: str, row: Row) -> Labels:
    return {"prefect.resource.id": f"prefect.{kind}.{row['id']}", "prefect.resource.name": row["name"]}


def _as(role: str, labels: Labels) -> Labels:
    return {**labels, "prefect.resource.role": role}


def _pool_labels(pool: Row) -> Labels:
    return {**_resource("work-pool", pool), "prefect.work-pool.type": pool["type"]}


def _status_event(kind: str, status: Enum) -> str:
    return f"prefect.{kind}.{status.value.lower().replace('_', '-')}"


# -- work pools


def tell_pool(work: UnitOfWork, pool: Row, what: str, payload: Row | None = None) -> None:
    """Emit that a work pool was created, updated or deleted."""
    queue = {"prefect.resource.id": f"prefect.work-queue.{pool['default_queue_id']}"}
    labels = _as("work-pool", _pool_labels(pool))
    _emit(work, f"prefect.work-pool.{what}", labels, [_as("default-queue", queue)], payload)


def tell_pool_status(work: UnitOfWork, pool: Row, status: Enum) -> None:
    """Emit that a work pool has another status than was told last."""
    changes = {"status": status.value, "last_transitioned_status_at": work.now}
    records.revise(work.connection, tables.work_pool, pool["id"], **changes)
    _emit(work, _status_event("work-pool", status), _pool_labels(pool), [])


# -- work queues


def tell_queue(work: UnitOfWork, queue: Row, what: str, payload: Row | None = None) -> None:
    """Emit that a work queue was created, updated or deleted."""
    _emit(
        work,
        f"prefect.work-queue.{what}",
        _as("work-queue", _resource("work-queue", queue)),
        _of_queue(work, queue),
        payload,
    )


def tell_queue_status(work: UnitOfWork, queue: Row, status: Enum) -> None:
    """Emit that a work queue has another status than was told last."""
    records.revise(work.connection, tables.work_queue, queue["id"], status=status.value)
    labels = _as("work-queue", _resource("work-queue", queue))
    _emit(work, _status_event("work-queue", status), labels, _of_queue(work, queue))


def _of_queue(work: UnitOfWork, queue: Row) -> list[Labels]:
    pool = records.read(work.connection, tables.work_pool, id=queue["work_pool_id"])
    return [] if pool is None else [_as("work-pool", _pool_labels(pool))]


# -- deployments


def tell_deployment(work: UnitOfWork, deployment: Row, what: str, payload: Row | None = None) -> None:
    """Emit that a deployment was created, updated or deleted."""
    related = _of_deployment(work, deployment)
    if deployment["concurrency_limit_id"] is not None:
        limit = {"prefect.resource.id": f"prefect.concurrency-limit.{deployment['concurrency_limit_id']}"}
        related.append(_as("concurrency-limit", limit))
    _emit(work, f"prefect.deployment.{what}", _resource("deployment", deployment), related, payload)


def tell_deployment_status(work: UnitOfWork, deployment: Row, status: Enum) -> None:
    """Emit that a deployment has another status than was told last."""
    records.revise(work.connection, tables.deployment, deployment["id"], status=status.value)
    event = _status_event("deployment", status)
    _emit(work, event, _resource("deployment", deployment), _of_deployment(work, deployment))


def _of_deployment(work: UnitOfWork, deployment: Row) -> list[Labels]:
    flow = _read(work, tables.flow, deployment["flow_id"])
    queue = _read(work, tables.work_queue, deployment["work_queue_id"])
    related = [] if flow is None else [_as("flow", _resource("flow", flow))]
    if queue is not None:
        related += [_as("work-queue", _resource("work-queue", queue)), *_of_queue(work, queue)]
    return related


def _read(work: UnitOfWork, table: Table, id: UUID | None) -> Row | None:
    return None if id is None else records.read(work.connection, table, id=id)
