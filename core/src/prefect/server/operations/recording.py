"""Recording task runs that were decided on where they run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from prefect._contract.base import evolve
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import StateType
from prefect.server.database.queries import deliveries
from prefect.server.database.queries.events import EnteredStates, set_states_aside
from prefect.server.database.queries.recording import (
    OwnerRun,
    is_anything_at_stake,
    read_ended,
    read_owner_runs,
    record_task_runs as write,
)
from prefect.server.operations import slots
from prefect.server.operations.task_run_telling import read_current_states, tell_of_task_runs
from prefect.server.operations.work import UnitOfWork

__all__ = ["keep", "record_task_runs"]

_ENDED_BY_THEMSELVES = frozenset({StateType.COMPLETED.value, StateType.FAILED.value, StateType.CANCELLED.value})


def record_task_runs(work: UnitOfWork, body: list[TaskRunRecord]) -> None:
    """
    Record task runs and the states they have entered. Those of a flow run that was deleted went with it.

    Of an attempt that no longer owns its flow run nothing is recorded but how its task runs end that have not ended yet.
    What was written about them by who found its process gone, it does not undo. Of a background task run only the worker
    is believed that has it.
    """
    if not work.serves:
        kept = keep(work, body)
        set_states_aside(
            work.connection, EnteredStates([state.id for record in kept for state in record.states], "client")
        )
        return
    before = read_current_states(work.connection, [record.task_run.id for record in body])
    tell_of_task_runs(work, keep(work, body), before)


def keep(work: UnitOfWork, body: list[TaskRunRecord]) -> list[TaskRunRecord]:
    """Record task runs without telling of it. Returns what was recorded."""
    kept = _accepted(work, body)
    for record in kept:
        _correct_due(work, record)
    write(work.connection, kept, work.now)
    _settle(work, kept)
    return kept


def _accepted(work: UnitOfWork, body: list[TaskRunRecord]) -> list[TaskRunRecord]:
    owners = read_owner_runs(work.connection, body)
    claimed = deliveries.claimants(work.connection, [record.task_run.id for record in body if record.lease_token])
    kept: list[TaskRunRecord] = []
    late: list[tuple[TaskRunRecord, OwnerRun]] = []
    for record in body:
        if record.lease_token is not None and record.task_run.id in claimed:
            # A background task run belongs to the worker that has claimed it, whatever has become of its flow run.
            if deliveries.token_of(claimed[record.task_run.id]) == record.lease_token:
                kept.append(record)
            continue
        if record.task_run.flow_run_id is None:
            if record.lease_token is None:
                kept.append(record)
            continue
        owner = owners.get(record.task_run.flow_run_id)
        if owner is None:
            continue
        if record.lease_token is None or record.lease_token == owner.token:
            kept.append(record)
        else:
            late.append((record, owner))
    return kept + _still_welcome(work, late) if late else kept


def _still_welcome(work: UnitOfWork, late: Sequence[tuple[TaskRunRecord, OwnerRun]]) -> list[TaskRunRecord]:
    """Those of an attempt that no longer owns its flow run which contradict nothing that was written since."""
    ended = read_ended(work.connection, {record.task_run.id for record, _ in late})
    welcome = []
    for record, owner in late:
        has_ended = ended.get(record.task_run.id)
        is_over = owner.token is None and owner.state_type in _ENDED_BY_THEMSELVES
        if has_ended is False or (has_ended is None and is_over):
            welcome.append(record)
    return welcome


def _settle(work: UnitOfWork, records: Sequence[TaskRunRecord]) -> None:
    """Free the slots of task runs that no longer run, and let background task runs wait that are scheduled, and no others."""
    scheduled = [record for record in records if _is_deferred(record)]
    if scheduled:
        _offer(work, scheduled)
    runs = [record.task_run.id for record in records if not _is_deferred(record)]
    if not runs or not is_anything_at_stake(work.connection):
        return
    slots.free_those_not_running(work, runs)
    deliveries.settle(work.connection, runs)


def _is_deferred(record: TaskRunRecord) -> bool:
    if not record.states:
        return False
    state = record.states[-1]
    return state.type is StateType.SCHEDULED and bool(state.state_details.deferred)


def _offer(work: UnitOfWork, scheduled: Sequence[TaskRunRecord]) -> None:
    due = [record.states[-1].state_details.scheduled_time or work.now for record in scheduled]
    runs = [record.task_run for record in scheduled]
    deliveries.offer_once(
        work.connection, [(run.id, run.task_key, moment) for run, moment in zip(runs, due, strict=True)]
    )


def _correct_due(work: UnitOfWork, record: TaskRunRecord) -> None:
    """
    Have a run that waits, for a worker or to be tried again, be due by this clock, which it is held against from now on.

    Who has scheduled it may have a clock that is ahead, and is trusted for how long it waits.
    """
    state = record.states[-1] if record.states else None
    due = None if state is None else state.state_details.scheduled_time
    if state is None or due is None or due <= work.now or state.type is not StateType.SCHEDULED:
        return
    latest = work.now + max(due - state.timestamp, timedelta())
    if due > latest:
        details = evolve(state.state_details, scheduled_time=latest)
        record.states[-1] = evolve(state, state_details=details)
        record.task_run = evolve(record.task_run, next_scheduled_start_time=latest)
