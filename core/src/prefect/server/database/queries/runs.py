"""Flow runs, task runs and their states: what the two kinds have in common, which is nearly all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Float,
    Select,
    Table,
    bindparam,
    case,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.engine import Connection
from sqlalchemy.types import UserDefinedType

from prefect._contract.state import TERMINAL_STATES, State, StateType
from prefect._orchestration.bookkeeping import estimated_run_time, estimated_start_time_delta
from prefect.server.database import tables
from prefect.server.database.dialects import seconds_between
from prefect.server.database.queries.queued import pools_of_queues
from prefect.server.database.queries.records import ascending, create, descending, keys_of, order
from prefect.server.database.types import Document, Moment

__all__ = [
    "FLOW_RUNS",
    "TASK_RUNS",
    "RunKind",
    "add_states",
    "add_states_of",
    "history",
    "lateness",
    "list_runs",
    "read_columns",
    "read_run",
    "read_runs",
    "read_runs_by_id",
    "read_states",
]

Row = dict[str, Any]

_ENDED = tuple(kind.value for kind in TERMINAL_STATES)
_COMPOUND_LIMIT = 400
"""SQLite joins at most 500 selections by UNION."""


class _AsStored(UserDefinedType[Any]):
    """Whatever the driver answers."""

    cache_ok = True


_TYPES = {kind.value: kind for kind in StateType}

_USED = frozenset({"expected_start_time", "start_time", "state_timestamp", "total_run_time", "work_queue_id"})
"""The columns that are looked at here, before models are made of them."""


def _as_stored(column: Column[Any]) -> ColumnElement[Any]:
    if isinstance(column.type, Document) or column.name in _USED:
        return column
    return type_coerce(column, _AsStored())


@dataclass(frozen=True, slots=True, eq=False)
class RunKind:
    """
    One kind of runs.

    Args:
        table: Where the runs are.
        states: Where their states are.
        owner: The column of `states` that names the run.
        reading: Selects runs together with their current states.
        reading_one: Selects one of them.
        reading_some: Selects a handful of them.
        listing: Selects runs as `reading` does, but most of their columns as they are stored: see `list_runs`.
    """

    table: Table
    states: Table
    owner: str
    reading: Select[Any]
    reading_one: Select[Any]
    reading_some: Select[Any]
    listing: Select[Any]

    @classmethod
    def of(cls, table: Table, states: Table, owner: str) -> RunKind:
        """Prepare the statements of a kind."""
        is_current = states.c.id == table.c.state_id
        reading = select(table, states).outerjoin_from(table, states, is_current)
        listing = select(*map(_as_stored, [*table.c, *states.c])).outerjoin_from(table, states, is_current)
        one = reading.where(table.c.id == bindparam("run_id"))
        some = reading.where(table.c.id.in_(bindparam("run_ids", expanding=True, type_=table.c.id.type)))
        return cls(table, states, owner, reading, one, some, listing)


FLOW_RUNS = RunKind.of(tables.flow_run, tables.flow_run_state, "flow_run_id")
TASK_RUNS = RunKind.of(tables.task_run, tables.task_run_state, "task_run_id")


def _run(kind: RunKind, row: Sequence[Any], now: datetime) -> Row:
    """A run under the names of its columns, its current state as another such row, and how long and how late it is by now."""
    keys = keys_of(kind.table)
    width = len(keys)
    run = dict(zip(keys, row[:width], strict=True))
    run["state"] = None if row[width] is None else dict(zip(keys_of(kind.states), row[width:], strict=True))
    type_ = _TYPES.get(run["state_type"])
    run["estimated_run_time"] = estimated_run_time(run["total_run_time"], type_, run["state_timestamp"], now)
    run["estimated_start_time_delta"] = estimated_start_time_delta(
        run["expected_start_time"], run["start_time"], type_, now
    )
    return run


def _with_state(run: Row) -> Row:
    """The same run, its current state as a model."""
    if run["state"] is not None:
        run["state"] = State.model_validate(run["state"])
    return run


def read_run(connection: Connection, kind: RunKind, run_id: UUID, now: datetime) -> Row | None:
    """A run with its current state under `state`, ready to become a model; None if there is none."""
    row = connection.execute(kind.reading_one, {"run_id": run_id}).first()
    if row is None:
        return None
    run = _with_state(_run(kind, row, now))
    _add_pools(connection, [run])
    return run


def read_runs_by_id(connection: Connection, kind: RunKind, run_ids: Sequence[UUID], now: datetime) -> dict[UUID, Row]:
    """Those of some runs that exist, by their ids, each as `read_run` answers it."""
    wanted = {"run_ids": list(run_ids)}
    runs = (
        [_with_state(_run(kind, row, now)) for row in connection.execute(kind.reading_some, wanted)] if run_ids else []
    )
    _add_pools(connection, runs)
    return {run["id"]: run for run in runs}


def _add_pools(connection: Connection, runs: Sequence[Row]) -> None:
    """Add to flow runs that are in a queue which pool that belongs to; a queue that is gone is no longer named."""
    queued = [run for run in runs if run.get("work_queue_id") is not None]
    if not queued:
        return
    pools = pools_of_queues(connection, list({run["work_queue_id"] for run in queued}))
    for run in queued:
        pool = pools.get(run["work_queue_id"])
        if pool is None:
            run["work_queue_id"] = None
        else:
            run["work_pool_id"], run["work_pool_name"] = pool


def _order(kind: RunKind, sort: str) -> list[ColumnElement[Any]]:
    if not sort.startswith("START_TIME"):
        return order(kind.table, sort)
    run = kind.table.c
    started = func.coalesce(run.start_time, run.expected_start_time)
    if sort.endswith("DESC"):
        return [descending(started), run.id.desc()]
    return [ascending(started), run.id.asc()]


def read_runs(
    connection: Connection,
    kind: RunKind,
    conditions: Sequence[ColumnElement[bool]],
    *,
    sort: str,
    limit: int | None,
    offset: int,
    now: datetime,
) -> list[Row]:
    """Runs with their current states, in an order of the contract."""
    runs = _read(connection, kind, kind.reading, conditions, sort, limit, offset, now)
    return [_with_state(run) for run in runs]


def list_runs(
    connection: Connection,
    kind: RunKind,
    conditions: Sequence[ColumnElement[bool]],
    *,
    sort: str,
    limit: int,
    offset: int,
    now: datetime,
) -> list[Row]:
    """
    Runs as `read_runs` answers, for nothing else than to make models of them.

    Identifiers and moments are left as the driver answers them, and states as rows: models read them faster, by half of
    all that a list costs.
    """
    return _read(connection, kind, kind.listing, conditions, sort, limit, offset, now)


def _read(
    connection: Connection,
    kind: RunKind,
    reading: Select[Any],
    conditions: Sequence[ColumnElement[bool]],
    sort: str,
    limit: int | None,
    offset: int,
    now: datetime,
) -> list[Row]:
    ordered = _order(kind, sort)
    # Found by id first, so that what is sorted and skipped is narrow, and only what is listed is looked up.
    found = select(kind.table.c.id).where(*conditions).order_by(*ordered).limit(limit).offset(offset)
    statement = reading.where(kind.table.c.id.in_(found)).order_by(*ordered)
    runs = [_run(kind, row, now) for row in connection.execute(statement)]
    _add_pools(connection, runs)
    return runs


def read_columns(
    connection: Connection,
    kind: RunKind,
    columns: Sequence[str],
    conditions: Sequence[ColumnElement[bool]],
    *,
    sort: str,
    limit: int,
    offset: int,
) -> list[Row]:
    """Some columns of runs, in an order of the contract: for those who need not know all of them."""
    chosen = [kind.table.c[name] for name in columns]
    statement = select(*chosen).where(*conditions).order_by(*_order(kind, sort)).limit(limit).offset(offset)
    return [dict(zip(columns, row, strict=True)) for row in connection.execute(statement)]


def read_states(connection: Connection, kind: RunKind, run_id: UUID) -> list[Row]:
    """All states that a run was in, in the order in which it entered them."""
    states = kind.states
    statement = select(states).where(states.c[kind.owner] == run_id).order_by(states.c.timestamp, states.c.id)
    keys = keys_of(states)
    return [dict(zip(keys, row, strict=True)) for row in connection.execute(statement)]


def add_states(
    connection: Connection, kind: RunKind, run_id: UUID, states: Iterable[State[Any]], now: datetime
) -> None:
    """Store states of a run."""
    add_states_of(connection, kind, ((run_id, state) for state in states), now)


def add_states_of(
    connection: Connection, kind: RunKind, states: Iterable[tuple[UUID, State[Any]]], now: datetime
) -> None:
    """Store states of several runs, each with the id of its run."""
    create(connection, kind.states, *(_state(kind, run_id, state, now) for run_id, state in states))


def _state(kind: RunKind, run_id: UUID, state: State[Any], now: datetime) -> Row:
    return {
        "id": state.id,
        "created": now,
        "updated": now,
        kind.owner: run_id,
        "type": state.type.value,
        "timestamp": state.timestamp,
        "name": state.name,
        "message": state.message,
        "state_details": state.state_details,
        "data": state.data,
    }


def _running_seconds(run: Any, now: datetime) -> ColumnElement[Any]:
    current = seconds_between(run.state_timestamp, literal(now, Moment))
    return type_coerce(run.total_run_time, Float) + case(
        (run.state_type == StateType.RUNNING.value, current), else_=0.0
    )


def _late_seconds(run: Any, now: datetime) -> ColumnElement[Any]:
    waiting = run.state_type.not_in(_ENDED) & (run.expected_start_time < now)
    return case(
        (run.start_time > run.expected_start_time, seconds_between(run.expected_start_time, run.start_time)),
        (run.start_time.is_(None) & waiting, seconds_between(run.expected_start_time, literal(now, Moment))),
        else_=0.0,
    )


def lateness(
    connection: Connection, kind: RunKind, conditions: Sequence[ColumnElement[bool]], now: datetime
) -> float | None:
    """How many seconds after they were expected runs start, on average; None without runs."""
    statement = select(func.avg(_late_seconds(kind.table.c, now))).where(*conditions)
    value = connection.execute(statement).scalar()
    return None if value is None else float(value)


def history(
    connection: Connection,
    kind: RunKind,
    conditions: Sequence[ColumnElement[bool]],
    intervals: Sequence[tuple[datetime, datetime]],
    now: datetime,
) -> list[tuple[int, str, str, int, float, float]]:
    """
    Count the runs that are expected to start in intervals, by state.

    Returns:
        Rows of interval number, state type, state name, number of runs, seconds in Running, seconds of lateness.
    """
    run = kind.table.c
    parts = [
        select(
            literal(number).label("number"),
            run.state_type,
            run.state_name,
            func.count(),
            func.sum(_running_seconds(run, now)),
            func.sum(_late_seconds(run, now)),
        )
        .where(
            run.expected_start_time >= start, run.expected_start_time < end, run.state_type.is_not(None), *conditions
        )
        .group_by(run.state_type, run.state_name)
        for number, (start, end) in enumerate(intervals)
    ]
    chunks = (parts[first : first + _COMPOUND_LIMIT] for first in range(0, len(parts), _COMPOUND_LIMIT))
    return [tuple(row) for chunk in chunks for row in connection.execute(union_all(*chunk))]
