"""Records of task runs, written in batches: where a run of ten thousand tasks spends its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import bindparam, exists, select
from sqlalchemy.engine import Connection

from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import TERMINAL_STATES, State
from prefect.server.database import tables
from prefect.server.database.queries.batches import insert_new, upsert_newest
from prefect.server.database.types import document_text, moment_text

__all__ = ["OwnerRun", "is_anything_at_stake", "read_ended", "read_owner_runs", "record_task_runs"]


_ENDED = frozenset(kind.value for kind in TERMINAL_STATES)
_HANDFUL = 500
"""How many values one condition lists: databases bound them."""


class OwnerRun(NamedTuple):
    """
    What recording needs to know of a flow run.

    Args:
        state_type: The type of its state.
        token: Names the attempt that owns it; None if nobody does.
    """

    state_type: str | None
    token: UUID | None


def record_task_runs(connection: Connection, records: Sequence[TaskRunRecord], now: datetime) -> None:
    """Write the current rows of task runs and the states they entered. Doing so twice has one effect."""
    stamp = moment_text(now)
    owners: dict[UUID | None, str | None] = {None: None}  # the same few flow runs, again and again
    runs: list[tuple[Any, ...]] = []
    states: list[tuple[Any, ...]] = []
    for record in records:
        run = record.task_run
        run_id = str(run.id)
        flow_run_id = owners.get(run.flow_run_id)
        if flow_run_id is None and run.flow_run_id is not None:
            flow_run_id = owners[run.flow_run_id] = str(run.flow_run_id)
        state = run.state or (record.states[-1] if record.states else None)
        runs.append(_run_row(run, run_id, flow_run_id, state, stamp))
        states.extend([_state_row(entered, run_id, stamp) for entered in record.states])
    upsert_newest(connection, tables.task_run, runs)
    insert_new(connection, tables.task_run_state, states)


_at_stake = select(
    exists().where(tables.task_run_delivery.c.deliveries >= 0)
    | exists().where(tables.concurrency_lease.c.holder_id.is_not(None))
)
_owning = select(tables.flow_run.c.id, tables.flow_run.c.state_type, tables.flow_run_lease.c.token).outerjoin(
    tables.flow_run_lease
)
_owning_one = _owning.where(tables.flow_run.c.id == bindparam("named"))
_owning_some = _owning.where(tables.flow_run.c.id.in_(bindparam("named", expanding=True)))


def read_owner_runs(connection: Connection, records: Sequence[TaskRunRecord]) -> dict[UUID | None, OwnerRun]:
    """The flow runs that task runs belong to, by their ids. Those that do not exist are missing."""
    named = {record.task_run.flow_run_id for record in records} - {None}
    if not named:
        return {}
    if len(named) == 1:
        found = connection.execute(_owning_one, {"named": named.pop()})
    else:
        found = connection.execute(_owning_some, {"named": list(named)})
    return {identifier: OwnerRun(state_type, token) for identifier, state_type, token in found}


def is_anything_at_stake(connection: Connection) -> bool:
    """Whether task runs wait for task workers, or any run has slots. Nearly always neither, and it is asked for each batch."""
    return bool(connection.execute(_at_stake).scalar_one())


def read_ended(connection: Connection, task_run_ids: Iterable[UUID]) -> dict[UUID, bool]:
    """Which of some task runs exist, and whether they have ended."""
    run, wanted = tables.task_run.c, list(task_run_ids)
    found: dict[UUID, bool] = {}
    for first in range(0, len(wanted), _HANDFUL):
        part = select(run.id, run.state_type).where(run.id.in_(wanted[first : first + _HANDFUL]))
        found |= {identifier: state_type in _ENDED for identifier, state_type in connection.execute(part)}
    return found


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment_text(moment)


def _document(value: Any) -> str | None:
    if value is None:
        return None
    return "[]" if value == [] else "{}" if value == {} else document_text(value)


def _model(model: BaseModel) -> str:
    return model.__pydantic_serializer__.to_json(model, exclude_none=True).decode()


def _run_row(
    run: TaskRun, run_id: str, flow_run_id: str | None, state: State[Any] | None, stamp: str
) -> tuple[Any, ...]:
    """A row of the table `task_run`, its values in the order of the columns."""
    return (
        run_id,
        stamp if run.created is None else moment_text(run.created),
        stamp,
        run.name,
        _model(run.empirical_policy),
        _document(run.tags),
        _document(run.labels),
        None if state is None else str(state.id),
        None if state is None else state.type._value_,
        None if state is None else state.name,
        None if state is None else moment_text(state.timestamp),
        run.run_count,
        _moment(run.expected_start_time),
        _moment(run.next_scheduled_start_time),
        _moment(run.start_time),
        _moment(run.end_time),
        run.total_run_time.total_seconds(),
        flow_run_id,
        run.task_key,
        run.dynamic_key,
        run.cache_key,
        _moment(run.cache_expiration),
        run.task_version,
        run.flow_run_run_count,
        _document(run.task_inputs),
    )


def _state_row(state: State[Any], run_id: str, stamp: str) -> tuple[Any, ...]:
    """A row of the table `task_run_state`, its values in the order of the columns."""
    return (
        str(state.id),
        stamp,
        stamp,
        run_id,
        state.type._value_,
        moment_text(state.timestamp),
        state.name,
        state.message,
        _model(state.state_details),
        None if state.data is None else document_text(state.data),
        None,
    )
