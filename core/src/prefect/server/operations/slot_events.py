"""Tells that task runs take slots of the limits of their tags, and give them back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select

from prefect.server.database.queries.events import Occurrence
from prefect.server.database.tables import concurrency_limit, task_run
from prefect.server.operations.run_events import Labels, related_resource
from prefect.server.operations.task_run_telling import read_owners
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7

__all__ = ["tell_of_slots"]

Row = dict[str, Any]

_TAG = "tag:"


def tell_of_slots(work: UnitOfWork, phase: Literal["acquired", "released"], leases: Iterable[Row]) -> None:
    """
    Emit that task runs have taken slots of the limits of their tags, or have them no longer.

    Of other slots those tell who have taken them.

    Args:
        work: The transaction.
        phase: Which of both.
        leases: The rows of the leases. The event that slots were taken has the id of the row.
    """
    held = [lease for lease in leases if lease["holder_type"] == "task_run" and lease["expires_at"] is None]
    if not held:
        return
    limits = _read_limits(work, {lease["concurrency_limit_id"] for lease in held})
    involved = _read_related(work, {lease["holder_id"] for lease in held})
    for lease in held:
        resource = limits.get(lease["concurrency_limit_id"])
        if resource is None:
            continue
        taken = phase == "acquired"
        work.emit(
            Occurrence(
                lease["id"] if taken else uuid7(),
                work.now,
                f"prefect.concurrency-limit.{phase}",
                {**resource, "slots-acquired": str(lease["slots"])},
                involved.get(lease["holder_id"], []),
                {},
                None if taken else lease["id"],
            )
        )


def _read_limits(work: UnitOfWork, ids: set[UUID]) -> dict[UUID, Labels]:
    """Limits of tags, as resources."""
    limit = concurrency_limit.c
    rows = work.connection.execute(select(limit.id, limit.name, limit.limit).where(limit.id.in_(ids)))
    return {
        identifier: {
            "prefect.resource.id": f"prefect.concurrency-limit.{identifier}",
            "prefect.resource.name": name,
            "limit": str(size),
        }
        for identifier, name, size in rows
        if name.startswith(_TAG)
    }


def _read_related(work: UnitOfWork, run_ids: set[UUID]) -> dict[UUID, list[Labels]]:
    """What is related to the slots of task runs: their flow runs, they themselves, their flows, their tags."""
    run = task_run.c
    rows = work.connection.execute(select(run.id, run.name, run.tags, run.flow_run_id).where(run.id.in_(run_ids))).all()
    owners = read_owners(work.connection, {row.flow_run_id for row in rows} - {None})
    related = {}
    for identifier, name, tags, flow_run_id in rows:
        of_flow = owners.get(flow_run_id, [])
        itself = related_resource("task-run", identifier, name)
        related[identifier] = [*of_flow[:1], itself, *of_flow[1:]]
        related[identifier] += [related_resource("tag", tag, None) for tag in sorted(set(tags))]
    return related
