"""
Tells that task runs have entered states, as events about the task runs.

A server makes these events with the records. A process that is its own orchestrator notes which states they are of, and they
are made once somebody asks for events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State, StateType
from prefect.server.database import tables
from prefect.server.database.queries.events import EnteredStates, Occurrence, only_new, set_states_aside
from prefect.server.operations.run_events import Labels, related_resource
from prefect.server.operations.work import UnitOfWork

__all__ = ["Known", "read_current_states", "read_owners", "tell_of_decisions", "tell_of_task_runs"]

Row = dict[str, Any]

_HANDFUL = 500
"""How many values one condition lists: databases bound them."""

_TOLD_ELSEWHERE = {
    "id",
    "created",
    "updated",
    "flow_run_id",
    "state",
    "state_id",
    "state_type",
    "state_name",
    "estimated_run_time",
    "estimated_start_time_delta",
}


class Known(NamedTuple):
    """What is known of a state: enough to say that another one followed it."""

    id: UUID
    type: str
    name: str | None

    @classmethod
    def of(cls, state: State[Any]) -> Known:
        """What is to be known of a state."""
        return cls(state.id, state.type.value, state.name)


_run = tables.task_run.c
_current = select(_run.id, _run.state_id, _run.state_type, _run.state_name).where(_run.state_id.is_not(None))
_current_of_one = _current.where(_run.id == bindparam("run", type_=_run.id.type))
_current_of_some = _current.where(_run.id.in_(bindparam("runs", expanding=True, type_=_run.id.type)))


def read_current_states(connection: Connection, task_run_ids: Iterable[UUID]) -> dict[UUID, Known]:
    """The states that task runs are in, by the ids of those that exist and are in one."""
    wanted = list(task_run_ids)
    if len(wanted) == 1:
        return {row[0]: Known(*row[1:]) for row in connection.execute(_current_of_one, {"run": wanted[0]})}
    found: dict[UUID, Known] = {}
    for first in range(0, len(wanted), _HANDFUL):
        rows = connection.execute(_current_of_some, {"runs": wanted[first : first + _HANDFUL]})
        found |= {row[0]: Known(*row[1:]) for row in rows}
    return found


def tell_of_decisions(work: UnitOfWork, entered: Iterable[tuple[Row, State[Any] | None]]) -> None:
    """
    Tell the states that task runs have entered which were decided on here.

    Args:
        work: The transaction.
        entered: The task runs, as they are now, and the states that they were in before.
    """
    if not work.serves:
        states = [row["state"].id for row, _ in entered]
        set_states_aside(work.connection, EnteredStates(states, "server"))
        return
    records, before = [], {}
    for row, initial in entered:
        run = TaskRun.model_validate(row)
        assert run.state is not None
        records.append(TaskRunRecord(run, [run.state]))
        if initial is not None:
            before[run.id] = Known.of(initial)
    tell_of_task_runs(work, records, before, decided_by="server")


def tell_of_task_runs(
    work: UnitOfWork,
    records: Sequence[TaskRunRecord],
    before: dict[UUID, Known],
    decided_by: str = "client",
    is_wanted: Callable[[State[Any]], bool] = lambda state: True,
) -> None:
    """
    Emit the states that task runs have entered. Each event has the id of the state, so that it is told once.

    Args:
        work: The transaction.
        records: What was recorded.
        before: The states that the task runs were in before.
        decided_by: Who has decided that they enter them: `client` or `server`.
        is_wanted: Which of the states are emitted.
    """
    owners = read_owners(work.connection, {record.task_run.flow_run_id for record in records} - {None})
    occurrences = []
    for record in records:
        run, initial = record.task_run, before.get(record.task_run.id)
        related = [related_resource("tag", tag, None) for tag in sorted(set(run.tags))]
        related += owners.get(run.flow_run_id, [])
        told = run.model_dump(mode="json", exclude=_TOLD_ELSEWHERE, exclude_none=True)
        run_count = run.run_count - sum(map(_is_running, record.states))
        for state in record.states:
            run_count += _is_running(state)
            if is_wanted(state):
                occurrences.append(_occurrence(run, run_count, initial, state, related, told, decided_by))
            initial = Known.of(state)
    for occurrence in only_new(work.connection, occurrences):
        work.emit(occurrence)


def _is_running(state: State[Any]) -> bool:
    return state.type is StateType.RUNNING


def read_owners(connection: Connection, flow_run_ids: Set[UUID | None]) -> dict[UUID | None, list[Labels]]:
    """Flow runs and their flows, as related resources."""
    if not flow_run_ids:
        return {}
    run, flow, wanted = tables.flow_run.c, tables.flow.c, list(flow_run_ids)
    statement = select(run.id, run.name, flow.id, flow.name).join_from(
        tables.flow_run, tables.flow, flow.id == run.flow_id
    )
    owners: dict[UUID | None, list[Labels]] = {}
    for first in range(0, len(wanted), _HANDFUL):
        for row in connection.execute(statement.where(run.id.in_(wanted[first : first + _HANDFUL]))):
            owners[row[0]] = [related_resource("flow-run", row[0], row[1]), related_resource("flow", row[2], row[3])]
    return owners


def _occurrence(
    run: TaskRun,
    run_count: int,
    initial: Known | None,
    state: State[Any],
    related: list[Labels],
    told: dict[str, Any],
    decided_by: str,
) -> Occurrence:
    kind = state.type.value
    return Occurrence(
        state.id,
        state.timestamp,
        f"prefect.task-run.{state.name}",
        {
            "prefect.resource.id": f"prefect.task-run.{run.id}",
            "prefect.resource.name": run.name,
            "prefect.run-count": str(max(run_count, 0)),
            "prefect.state-message": state.message or "",
            "prefect.state-name": state.name or "",
            "prefect.state-timestamp": state.timestamp.isoformat(),
            "prefect.state-type": kind,
            "prefect.orchestration": decided_by,
        },
        related,
        {
            "intended": {"from": None if initial is None else initial.type, "to": kind},
            "initial_state": None if initial is None else {"type": initial.type, "name": initial.name},
            "validated_state": {
                "type": kind,
                "name": state.name,
                "message": state.message or "",
                "state_details": state.state_details.model_dump(
                    mode="json", exclude_defaults=True, exclude={"flow_run_id", "task_run_id"}
                ),
            },
            "task_run": told,
        },
        None if initial is None else initial.id,
    )
