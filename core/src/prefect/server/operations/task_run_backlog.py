"""
Tells of task runs later: makes the events of states that were set aside where nobody asked for events.

Which state came before, and how often the task run had begun to run by then, is read from its history. Events about a task
run that is to be deleted are made before it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.engine import Connection

from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State
from prefect.server.database.queries.events import EnteredStates, has_backlog
from prefect.server.database.queries.runs import TASK_RUNS, read_runs_by_id
from prefect.server.database.tables import task_run, task_run_state
from prefect.server.operations.task_run_telling import Known, tell_of_task_runs
from prefect.server.operations.work import UnitOfWork

__all__ = ["tell_before_deletion", "tell_of_states"]

_HANDFUL = 500
"""How many values one condition lists: databases bound them."""

_TOLD = ("id", "type", "name", "message", "timestamp", "state_details")

_state = task_run_state.c


def tell_of_states(work: UnitOfWork, entered: EnteredStates) -> None:
    """
    Emit states that were set aside, unless they would not be kept any more.

    Those of task runs that are gone were told before they went.
    """
    since = _kept_since(work)
    for first in range(0, len(entered.ids), _HANDFUL):
        ids = entered.ids[first : first + _HANDFUL]
        recent = select(_state.id, _state.task_run_id).where(_state.id.in_(ids), _state.timestamp >= since)
        wanted = {row[0]: row[1] for row in work.connection.execute(recent)}
        _tell(work, list(set(wanted.values())), _one_of(frozenset(wanted)), entered.decided_by)


def _one_of(ids: frozenset[UUID]) -> Callable[[State[Any]], bool]:
    return lambda state: state.id in ids


def _kept_since(work: UnitOfWork) -> datetime:
    from prefect.settings import get_current_settings

    return work.now - get_current_settings().server.events.retention_period


def tell_before_deletion(work: UnitOfWork, condition: ColumnElement[bool]) -> None:
    """Emit the states of task runs that are to be deleted, if they may have been set aside, and are kept that long."""
    if not has_backlog(work.connection):
        return
    since = _kept_since(work)
    runs = list(work.connection.execute(select(task_run.c.id).where(condition)).scalars())
    for first in range(0, len(runs), _HANDFUL):
        _tell(work, runs[first : first + _HANDFUL], lambda state: state.timestamp >= since, "client")


def _tell(work: UnitOfWork, run_ids: Sequence[UUID], is_wanted: Callable[[State[Any]], bool], decided_by: str) -> None:
    """Emit those states of task runs that are wanted."""
    histories = _read_histories(work.connection, run_ids)
    records, before = [], {}
    for run_id, row in read_runs_by_id(work.connection, TASK_RUNS, run_ids, work.now).items():
        history = histories[run_id]
        first = next((number for number, state in enumerate(history) if is_wanted(state)), len(history))
        records.append(TaskRunRecord(TaskRun.model_validate(row), history[first:]))
        if first:
            before[run_id] = Known.of(history[first - 1])
    tell_of_task_runs(work, records, before, decided_by, is_wanted)


def _read_histories(connection: Connection, run_ids: Sequence[UUID]) -> dict[UUID, list[State[Any]]]:
    """The states that task runs were in, in the order in which they entered them; without results."""
    statement = (
        select(_state.task_run_id, *(_state[name] for name in _TOLD))
        .where(_state.task_run_id.in_(run_ids))
        .order_by(_state.task_run_id, _state.timestamp, _state.id)
    )
    histories: dict[UUID, list[State[Any]]] = {run_id: [] for run_id in run_ids}
    for run_id, *told in connection.execute(statement):
        histories[run_id].append(State.model_validate(dict(zip(_TOLD, told, strict=True))))
    return histories
