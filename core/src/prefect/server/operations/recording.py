"""Recording task runs that were decided on where they run."""

from __future__ import annotations

from prefect._contract.recording import TaskRunRecord
from prefect.server.database.queries.recording import missing_flow_runs, record_task_runs as write
from prefect.server.operations.work import UnitOfWork

__all__ = ["record_task_runs"]


def record_task_runs(work: UnitOfWork, body: list[TaskRunRecord]) -> None:
    """Record task runs and the states they have entered. Those of a flow run that was deleted went with it."""
    gone = missing_flow_runs(work.connection, body)
    kept = [record for record in body if record.task_run.flow_run_id not in gone] if gone else body
    write(work.connection, kept, work.now)
