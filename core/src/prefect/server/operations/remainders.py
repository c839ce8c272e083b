"""What is left of a flow run whose process has ended: task runs under way, and slots."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from prefect._contract.state import TERMINAL_STATES, State, StateDetails, StateType
from prefect._orchestration.transition import RunFacts, Transition
from prefect.server.database.queries.runs import TASK_RUNS, read_runs
from prefect.server.operations import slots
from prefect.server.operations.transitions import enter
from prefect.server.operations.work import UnitOfWork

__all__ = ["end_task_runs"]


def end_task_runs(work: UnitOfWork, run_id: UUID, kind: StateType, message: str | None) -> None:
    """Let the task runs of a flow run end that cannot go on without its process, and free the slots that they have."""
    run = TASK_RUNS.table.c
    unfinished = [run.flow_run_id == run_id, run.state_type.not_in([each.value for each in TERMINAL_STATES])]
    for task_run in read_runs(
        work.connection, TASK_RUNS, unfinished, sort="ID_DESC", limit=None, offset=0, now=work.now
    ):
        details = StateDetails(flow_run_id=run_id, task_run_id=task_run["id"])
        ended: State[Any] = State(type=kind, message=message, timestamp=work.now, state_details=details)
        facts = RunFacts(kind="task", run_id=task_run["id"], run_count=task_run["run_count"])
        transition = Transition(facts, task_run["state"], ended, work.now, force=True)
        enter(work, TASK_RUNS, task_run, transition, ended)
    slots.free_all_of(work, select(run.id).where(run.flow_run_id == run_id))
