"""The histories of flow runs and task runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect._contract.state import State
from prefect.server.database.queries import records
from prefect.server.database.queries.runs import FLOW_RUNS, TASK_RUNS, RunKind, read_states
from prefect.server.operations.refusals import not_found
from prefect.server.operations.work import UnitOfWork, read_only

__all__ = ["read_flow_run_state", "read_flow_run_states", "read_task_run_state", "read_task_run_states"]


def _read(work: UnitOfWork, kind: RunKind, id: UUID) -> State[Any]:
    row = records.read(work.connection, kind.states, id=id)
    if row is None:
        raise not_found(kind.states.name.replace("_", " "), id=id)
    return State.model_validate(row)


def _history(work: UnitOfWork, kind: RunKind, run_id: UUID) -> list[State[Any]]:
    return [State.model_validate(row) for row in read_states(work.connection, kind, run_id)]


@read_only
def read_flow_run_state(work: UnitOfWork, id: UUID) -> State[Any]:
    """Read a state of a flow run by its own id."""
    return _read(work, FLOW_RUNS, id)


@read_only
def read_flow_run_states(work: UnitOfWork, flow_run_id: UUID) -> list[State[Any]]:
    """List the states that a flow run has been in, oldest first."""
    return _history(work, FLOW_RUNS, flow_run_id)


@read_only
def read_task_run_state(work: UnitOfWork, id: UUID) -> State[Any]:
    """Read a state of a task run by its own id."""
    return _read(work, TASK_RUNS, id)


@read_only
def read_task_run_states(work: UnitOfWork, task_run_id: UUID) -> list[State[Any]]:
    """List the states that a task run has been in, oldest first."""
    return _history(work, TASK_RUNS, task_run_id)
