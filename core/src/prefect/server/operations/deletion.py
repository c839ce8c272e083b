"""What goes when runs go. Rows that belong to a run are deleted with it by the database; the others are here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update

from prefect.server.database.tables import concurrency_limit, flow_run, log, task_run
from prefect.server.operations import slots
from prefect.server.operations.task_run_backlog import tell_before_deletion
from prefect.server.operations.work import UnitOfWork

__all__ = ["forget_deployments", "forget_flow_runs", "forget_task_runs"]


def forget_flow_runs(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    """Delete the logs of some flow runs, and free their slots; their subflows' runs stay, as runs of their own."""
    runs = select(flow_run.c.id).where(condition)
    slots.free_all_of(work, runs)
    forget_task_runs(work, task_run.c.flow_run_id.in_(runs))
    work.connection.execute(delete(log).where(log.c.flow_run_id.in_(runs)))


def forget_task_runs(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    """
    Let no flow run name some task runs as its parents, delete the logs that only name those, and free their slots.

    What they have been through, and nobody has asked for yet, is told now.
    """
    tell_before_deletion(work, condition)
    runs = select(task_run.c.id).where(condition)
    orphans = update(flow_run).where(flow_run.c.parent_task_run_id.in_(runs)).values(parent_task_run_id=None)
    work.connection.execute(orphans)
    slots.free_all_of(work, runs)
    work.connection.execute(delete(log).where(log.c.task_run_id.in_(runs)))


def forget_deployments(work: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Tell that some deployments are deleted, and delete the concurrency limits that belong to them alone."""
    from prefect.server.operations.deployment_records import own_limit_name
    from prefect.server.operations.place_events import tell_deployment

    for row in rows:
        tell_deployment(work, row, "deleted")
    names = [own_limit_name(row["id"]) for row in rows]
    if names:
        work.connection.execute(delete(concurrency_limit).where(concurrency_limit.c.name.in_(names)))
