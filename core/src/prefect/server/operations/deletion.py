"""What goes when runs go. Rows that belong to a run are deleted with it by the database; the others are here."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, select, update

from prefect.server.database.tables import flow_run, log, task_run
from prefect.server.operations.work import UnitOfWork

__all__ = ["forget_flow_runs", "forget_task_runs"]


def forget_flow_runs(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    """Delete the logs of some flow runs; their subflows' runs stay, as runs of their own."""
    runs = select(flow_run.c.id).where(condition)
    forget_task_runs(work, task_run.c.flow_run_id.in_(runs))
    work.connection.execute(delete(log).where(log.c.flow_run_id.in_(runs)))


def forget_task_runs(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    """Let no flow run name some task runs as its parents, and delete the logs that only name those."""
    runs = select(task_run.c.id).where(condition)
    orphans = update(flow_run).where(flow_run.c.parent_task_run_id.in_(runs)).values(parent_task_run_id=None)
    work.connection.execute(orphans)
    work.connection.execute(delete(log).where(log.c.task_run_id.in_(runs)))
