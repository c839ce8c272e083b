"""Inserts the runs that schedules ask for, marks those late that nobody has begun in time, and sees who is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, select

from prefect._contract.state import State, StateType
from prefect.server.database.queries.runs import FLOW_RUNS, read_runs
from prefect.server.database.tables import deployment_schedule, flow_run
from prefect.server.operations.readiness import settle_statuses
from prefect.server.operations.scheduling import Limits, schedule_due_deployments
from prefect.server.operations.transitions import propose_for_flow_run
from prefect.server.services.service import Service

if TYPE_CHECKING:
    from prefect.server.operations.work import UnitOfWork
    from prefect.settings import Settings

__all__ = ["LATE_RUNS", "SCHEDULER", "STATUSES"]

_MOST_AT_ONCE = 100

_SECONDS_AT_ONCE = 0.04
"""To insert the runs of the schedules that were looked at takes about as long again, and all of it less than 0.1 s."""


def _limits(settings: Settings) -> Limits:
    scheduler = settings.server.services.scheduler
    return Limits(
        min_runs=scheduler.min_runs,
        max_runs=scheduler.max_runs,
        min_time=scheduler.min_scheduled_time,
        max_time=scheduler.max_scheduled_time,
        schedules=scheduler.deployment_batch_size,
        insertions=scheduler.insert_batch_size,
        seconds=_SECONDS_AT_ONCE,
    )


def _schedules_are_due(work: UnitOfWork, settings: Settings) -> bool:
    due = select(deployment_schedule.c.id).where(deployment_schedule.c.insert_at <= work.now).limit(1)
    return work.connection.execute(due).first() is not None


def _schedule(work: UnitOfWork, settings: Settings) -> bool:
    return schedule_due_deployments(work, _limits(settings)).schedules > 0


SCHEDULER = Service(
    name="scheduler",
    seconds=lambda settings: settings.server.services.scheduler.recent_deployments_loop_seconds,
    is_enabled=lambda settings: settings.server.services.scheduler.enabled,
    look=_schedules_are_due,
    act=_schedule,
    switch="PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED",
    does="Inserts the runs that schedules ask for, before they are due.",
    hears="schedules",
)


def _late(work: UnitOfWork, settings: Settings) -> list[ColumnElement[bool]]:
    """The conditions of a flow run that should have begun a while ago."""
    run = flow_run.c
    since = work.now - settings.server.services.late_runs.after_seconds
    return [
        run.state_type == StateType.SCHEDULED.value,
        run.state_name == "Scheduled",
        run.next_scheduled_start_time <= since,
    ]


def _runs_are_late(work: UnitOfWork, settings: Settings) -> bool:
    late = select(flow_run.c.id).where(*_late(work, settings)).limit(1)
    return work.connection.execute(late).first() is not None


def _mark_late(work: UnitOfWork, settings: Settings) -> bool:
    conditions = _late(work, settings)
    found = read_runs(
        work.connection, FLOW_RUNS, conditions, sort="ID_DESC", limit=_MOST_AT_ONCE, offset=0, now=work.now
    )
    for run in found:
        before: State[Any] = run["state"]
        late: State[Any] = State(
            type=StateType.SCHEDULED, name="Late", timestamp=work.now, state_details=before.state_details
        )
        propose_for_flow_run(work, run, late)
    return len(found) == _MOST_AT_ONCE


LATE_RUNS = Service(
    name="late-runs",
    seconds=lambda settings: settings.server.services.late_runs.loop_seconds,
    is_enabled=lambda settings: settings.server.services.late_runs.enabled,
    look=_runs_are_late,
    act=_mark_late,
    switch="PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED",
    does="Marks scheduled runs as Late that nobody has begun in time.",
)


def _settle(work: UnitOfWork, settings: Settings) -> bool:
    return settle_statuses(work, limit=_MOST_AT_ONCE) >= _MOST_AT_ONCE


STATUSES = Service(
    name="statuses",
    seconds=lambda settings: settings.server.services.foreman.loop_seconds,
    is_enabled=lambda settings: settings.server.services.foreman.enabled,
    act=_settle,
    switch="PREFECT_SERVER_SERVICES_FOREMAN_ENABLED",
    does="Tells of work pools, queues and deployments that nobody looks after any more.",
)
