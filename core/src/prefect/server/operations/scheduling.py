"""
Inserts the runs that schedules ask for, before they are due.

Each due time of a schedule gives one run, whoever inserts it and how often: its idempotency key names the deployment, the
schedule and the time, and there is one run of a flow with a key.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice, takewhile
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import delete, select, update

from prefect._contract.deployments import CatchUp
from prefect._contract.due_dates import due_dates
from prefect._contract.objects import CreatedBy, FlowRunPolicy
from prefect._contract.retry_labels import retries_of_labels
from prefect._contract.schedules import SCHEDULE_TYPES
from prefect._contract.state import State, StateDetails, StateType
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.deployment_runs import flow_labels
from prefect.server.operations.hydration import HydrationError, hydrate_all
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7
from prefect.utilities.names import generate_slug
from prefect.utilities.time import UTC

__all__ = [
    "Insertions",
    "Limits",
    "forget_scheduled_runs",
    "insert_runs_at",
    "insert_runs_of",
    "look_now",
    "schedule_due_deployments",
    "schedule_model",
]

Row = dict[str, Any]

_logger = logging.getLogger("prefect.server.operations")

AUTO_SCHEDULED_TAG = "auto-scheduled"
BACKFILL_TAG = "backfill"

_NOTHING = timedelta(0)

_SHORTLY = timedelta(minutes=1)
"""For how long a due time is inserted later than it should have been. What was due before, while nobody looked, is missed."""

_schedule = tables.deployment_schedule.c
_run = tables.flow_run.c


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How far ahead runs are inserted: `min_runs` and `min_time`, both, but never more than `max_runs` nor past `max_time`.

    Args:
        min_runs: How many runs of a schedule are waiting at least.
        max_runs: How many runs of a schedule are inserted at once at most.
        min_time: For how much time runs are waiting at least.
        max_time: How far ahead runs are inserted at most.
        schedules: How many schedules are looked at in one transaction.
        insertions: After how many runs a transaction inserts no more schedules' runs.
        seconds: After how much time a transaction looks at no more schedules: meanwhile nobody else may write on SQLite.
    """

    min_runs: int = 3
    max_runs: int = 100
    min_time: timedelta = timedelta(hours=1)
    max_time: timedelta = timedelta(days=100)
    schedules: int = 100
    insertions: int = 500
    seconds: float = math.inf


class _Waiting(NamedTuple):
    """The rows of a run that waits for its turn, and of its state."""

    run: Row
    state: Row


class Insertions(NamedTuple):
    """How many schedules were looked at, and how many runs were inserted for them."""

    schedules: int
    runs: int


def schedule_model(stored: Any) -> SCHEDULE_TYPES:
    """A schedule, as it was stored."""
    model: SCHEDULE_TYPES = _schedules().validate_python(stored)
    return model


@cache
def _schedules() -> TypeAdapter[Any]:
    return TypeAdapter(SCHEDULE_TYPES)


def schedule_due_deployments(work: UnitOfWork, limits: Limits) -> Insertions:
    """
    Insert the runs of those schedules that have too few, beginning with those that have waited longest for it.

    Only a bounded number of them in one transaction: ask again until none is looked at. Servers that ask at the same time
    share the work: those on Postgres skip what another one is at, those on SQLite take turns.
    """
    looked_at = 0
    waiting: list[_Waiting] = []
    end = time.monotonic() + limits.seconds
    for schedule in _due(work, limits.schedules):
        waiting += _runs_ahead(work, schedule, limits)
        looked_at += 1
        if len(waiting) >= limits.insertions or time.monotonic() >= end:
            break
    return Insertions(looked_at, _insert(work, waiting))


def _due(work: UnitOfWork, limit: int) -> list[Row]:
    statement = select(tables.deployment_schedule).where(_schedule.insert_at <= work.now)
    statement = statement.order_by(_schedule.insert_at).limit(limit)
    if work.connection.dialect.name != "sqlite":
        statement = statement.with_for_update(skip_locked=True)
    return records.read_all(work.connection, tables.deployment_schedule, statement)


def _runs_ahead(work: UnitOfWork, schedule: Row, limits: Limits) -> list[_Waiting]:
    """The next runs of a schedule that are not there yet. When to look at it again is written down."""
    deployment = records.read(work.connection, tables.deployment, id=schedule["deployment_id"])
    insert_at, waiting = None, []
    if deployment is not None and schedule["active"] and not deployment["paused"]:
        wanted = _Wanted(
            since=schedule["insert_at"],
            catchup=CatchUp(schedule["catchup"]),
            start=work.now,
            end=work.now + limits.max_time,
            min_time=limits.min_time,
            min_runs=limits.min_runs,
            max_runs=limits.max_runs,
        )
        choice = _choose_if_possible(schedule, wanted)
        waiting = _missing(work, deployment, schedule, choice.dates)
        insert_at = _next_insertion(choice, wanted, limits)
    records.revise(work.connection, tables.deployment_schedule, schedule["id"], insert_at=insert_at)
    return waiting


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which runs are wanted: what is caught up with since a moment, and from `start` on so many runs, over so much time."""

    since: datetime
    catchup: CatchUp
    start: datetime
    end: datetime | None
    min_time: timedelta
    min_runs: int
    max_runs: int


class _Choice(NamedTuple):
    """The due times of the runs that are wanted; and the next one, unless there is none, which may be long past, too."""

    dates: list[datetime]
    following: datetime | None


def _choose_if_possible(schedule: Row, wanted: _Wanted) -> _Choice:
    """The due times of a schedule; none if they cannot be told, so that the others are not held up by it."""
    try:
        schedule["schedule"] = schedule_model(schedule["schedule"])
        return _choose(schedule, wanted)
    except Exception:
        _logger.exception(
            "When schedule %s of deployment %s is due cannot be told. It makes no runs until it is changed.",
            schedule["id"],
            schedule["deployment_id"],
        )
        return _Choice([], None)


def _choose(schedule: Row, wanted: _Wanted) -> _Choice:
    """The due times of a schedule, until there are enough of them and they reach far enough."""
    most = wanted.max_runs
    if schedule["max_scheduled_runs"] is not None:
        most = min(most, schedule["max_scheduled_runs"])
    model = schedule_model(schedule["schedule"])
    chosen = _missed(model, wanted)
    if len(chosen) > most:
        return _Choice(chosen[:most], chosen[most])
    far_enough = False
    for ahead, date in enumerate(due_dates(model, wanted.start)):
        if far_enough or ahead >= most or (wanted.end is not None and date > wanted.end):
            return _Choice(chosen, date)
        chosen.append(date)
        far_enough = ahead + 1 >= wanted.min_runs and date - wanted.start >= wanted.min_time
    return _Choice(chosen, None)


def _missed(model: SCHEDULE_TYPES, wanted: _Wanted) -> list[datetime]:
    """The due times before `start` that give runs nevertheless, and one more than are inserted at once, if there is one."""
    shortly = max(wanted.since, wanted.start - _SHORTLY)
    since = wanted.since if wanted.catchup is CatchUp.ALL else shortly
    missed = list(islice(takewhile(lambda date: date < wanted.start, due_dates(model, since)), wanted.max_runs + 1))
    if missed or wanted.catchup is not CatchUp.LATEST:
        return missed
    return _latest_between(model, wanted.since, shortly)


def _latest_between(model: SCHEDULE_TYPES, since: datetime, before: datetime) -> list[datetime]:
    """The last due time in a span, looked for from its end on: there may be very many of them."""
    span = before - since
    looked_at = _SHORTLY
    while span > _NOTHING:
        begin = max(since, before - looked_at)
        latest = deque(takewhile(lambda date: date < before, due_dates(model, begin)), maxlen=1)
        if latest or begin == since:
            return list(latest)
        looked_at *= 2
    return []


def _next_insertion(choice: _Choice, wanted: _Wanted, limits: Limits) -> datetime | None:
    """When more runs are to be inserted: as soon as too few are waiting, or one comes within reach that was too far."""
    if choice.following is None:
        return None
    if choice.following < wanted.start:
        return choice.following
    ahead = [date for date in choice.dates if date >= wanted.start]
    if wanted.end is not None and choice.following > wanted.end and len(ahead) < limits.min_runs:
        return choice.following - limits.max_time
    enough = min(limits.min_runs, len(ahead))
    passed = min(ahead[len(ahead) - enough], max(ahead[-1] - limits.min_time, ahead[0])) if ahead else wanted.start
    return passed + timedelta(microseconds=1)


def insert_runs_of(
    work: UnitOfWork,
    deployment: Row,
    schedules: Iterable[Row],
    *,
    start: datetime,
    end: datetime | None,
    min_time: timedelta,
    min_runs: int,
    max_runs: int,
) -> int:
    """Insert the runs that schedules of a deployment ask for in a time. Returns how many there were not before."""
    wanted = _Wanted(start, CatchUp.NONE, start, end, min_time, min_runs, max_runs)
    waiting: list[_Waiting] = []
    for schedule in schedules:
        waiting += _missing(work, deployment, schedule, _choose(schedule, wanted).dates)
    return _insert(work, waiting)


def insert_runs_at(work: UnitOfWork, deployment: Row, schedule: Row, dates: Sequence[datetime]) -> int:
    """
    Insert the runs of a schedule at some of its due times, for good: they stay when it is paused or changed.

    Returns:
        How many there were not before.
    """
    waiting = _missing(work, deployment, schedule, dates)
    kept = [
        _Waiting({**each.run, "auto_scheduled": False, "tags": _backfilled(each.run["tags"])}, each.state)
        for each in waiting
    ]
    return _insert(work, kept)


def _backfilled(tags: Sequence[str]) -> list[str]:
    return [BACKFILL_TAG if tag == AUTO_SCHEDULED_TAG else tag for tag in tags]


def _missing(work: UnitOfWork, deployment: Row, schedule: Row, dates: Sequence[datetime]) -> list[_Waiting]:
    """The runs of a schedule that are due at some times and are not there yet."""
    keys = {f"scheduled {deployment['id']} {schedule['id']} {date.astimezone(UTC)}": date for date in dates}
    there = select(_run.idempotency_key).where(_run.flow_id == deployment["flow_id"], _run.idempotency_key.in_(keys))
    missing = keys.keys() - set(work.connection.execute(there).scalars()) if keys else set()
    if not missing:
        return []
    template, message = _template(work, deployment, schedule)
    return [_waiting(work, template, message, key, date) for key, date in keys.items() if key in missing]


def _insert(work: UnitOfWork, waiting: Sequence[_Waiting]) -> int:
    """
    Insert runs with their states.

    Another server may have been quicker since their keys were read. Then this transaction fails, and is begun again.
    """
    records.create(work.connection, tables.flow_run, *(each.run for each in waiting))
    records.create(work.connection, tables.flow_run_state, *(each.state for each in waiting))
    return len(waiting)


def _template(work: UnitOfWork, deployment: Row, schedule: Row) -> tuple[Row, str]:
    """What the runs of a schedule have in common, and the message of their states."""
    chosen = schedule_model(schedule["schedule"])
    creator = CreatedBy(id=schedule["id"], type="SCHEDULE", display_value=schedule["slug"] or type(chosen).__name__)
    parameters, message = {**deployment["parameters"], **schedule["parameters"]}, "Flow run scheduled"
    try:
        parameters = hydrate_all(work, parameters)
    except HydrationError as error:  # the run is there at its time nevertheless, so that it is seen what is wrong
        message = f"Flow run scheduled. Its parameters stay as they were written: {error}"
    return dict.fromkeys(records.keys_of(tables.flow_run)) | {
        "created": work.now,
        "updated": work.now,
        "flow_id": deployment["flow_id"],
        "deployment_id": deployment["id"],
        "deployment_version": deployment["version"],
        "work_queue_id": deployment["work_queue_id"],
        "work_queue_name": deployment["work_queue_name"],
        "parameters": parameters,
        "context": {},
        "empirical_policy": FlowRunPolicy(**retries_of_labels(deployment["labels"])),
        "tags": list(dict.fromkeys([AUTO_SCHEDULED_TAG, *deployment["tags"]])),
        "labels": flow_labels(work, deployment),
        "job_variables": {},
        "created_by": creator,
        "auto_scheduled": True,
        "run_count": 0,
        "total_run_time": _NOTHING,
        "state_type": StateType.SCHEDULED.value,
        "state_name": "Scheduled",
        "state_timestamp": work.now,
    }, message


def _waiting(work: UnitOfWork, template: Row, message: str, key: str, date: datetime) -> _Waiting:
    """A run that is due at a time."""
    run_id = uuid7()
    state: State[Any] = State(
        type=StateType.SCHEDULED,
        name="Scheduled",
        message=message,
        timestamp=work.now,
        state_details=StateDetails(flow_run_id=run_id, scheduled_time=date),
    )
    row = template | {
        "id": run_id,
        "name": generate_slug(2),
        "idempotency_key": key,
        "state_id": state.id,
        "expected_start_time": date,
        "next_scheduled_start_time": date,
    }
    stored = {
        "id": state.id,
        "created": work.now,
        "updated": work.now,
        "flow_run_id": run_id,
        "type": state.type.value,
        "timestamp": state.timestamp,
        "name": state.name,
        "message": state.message,
        "state_details": state.state_details,
        "data": None,
    }
    return _Waiting(row, stored)


def forget_scheduled_runs(
    work: UnitOfWork, deployment_id: UUID, schedule_id: UUID | None = None, *, late_ones: bool = False
) -> None:
    """
    Delete the runs of a deployment that schedules asked for and that wait for their turn.

    Args:
        work: The transaction.
        deployment_id: The deployment.
        schedule_id: Only those of this schedule.
        late_ones: Also those that are due already. Nobody would insert them again.
    """
    waiting = [
        _run.deployment_id == deployment_id,
        _run.state_type == StateType.SCHEDULED.value,
        _run.auto_scheduled.is_(True),
        _run.run_count == 0,
    ]
    if schedule_id is not None:
        waiting.append(_run.idempotency_key.startswith(f"scheduled {deployment_id} {schedule_id} "))
    if not late_ones:
        waiting.append(_run.next_scheduled_start_time > work.now)
    work.connection.execute(delete(tables.flow_run).where(*waiting))
    look_now(work, deployment_id)


def look_now(work: UnitOfWork, deployment_id: UUID) -> None:
    """Let the runs of a deployment be inserted again, as far as it is not paused."""
    mine = _schedule.deployment_id == deployment_id
    paused = select(tables.deployment.c.paused).where(tables.deployment.c.id == deployment_id).scalar_subquery()
    change = update(tables.deployment_schedule)
    work.connection.execute(change.where(mine).values(insert_at=None))
    work.connection.execute(
        change.where(mine, _schedule.active.is_(True), paused.is_(False)).values(insert_at=work.now)
    )
    work.schedules_changed = True
