"""
Deletes what was kept long enough, in steps so small that nobody who writes waits for them.

Each step deletes a bounded number of rows of one table, beginning with what depends on others: a flow run with ten
thousand task runs goes row by row, and the flow run itself last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, delete, exists, select, update

from prefect._contract.state import TERMINAL_STATES
from prefect.server.database.queries.events import has_backlog
from prefect.server.database.tables import (
    answered_request,
    artifact,
    artifact_collection,
    audit_entry,
    concurrency_lease,
    csrf_token,
    event,
    event_resource,
    flow_run,
    flow_run_input,
    flow_run_state,
    log,
    task_run,
    task_run_state,
    task_worker,
    worker,
)
from prefect.server.operations.idempotency import KEPT_FOR
from prefect.server.services.service import Service

if TYPE_CHECKING:
    from prefect.server.operations.work import UnitOfWork
    from prefect.settings import Settings

__all__ = ["RETENTION"]

_ENDED = tuple(kind.value for kind in TERMINAL_STATES)

_DOOMED_AT_ONCE = 20
"""How many runs are being taken apart at a time."""

_WORKERS = timedelta(days=7)


class _Step(NamedTuple):
    """Rows of one table that can go now: the keys to delete, and the column that they are of."""

    table: Table
    key: ColumnElement[Any]
    doomed: Select[Any]


def _oldest(table: Table, key: ColumnElement[Any], *conditions: ColumnElement[bool]) -> _Step:
    return _Step(table, key, select(key).select_from(table).where(*conditions))


def _is_told(work: UnitOfWork, settings: Settings) -> bool:
    """Whether events have been made of all that runs have been through. That is not long in coming, unless it is not wanted."""
    return not settings.server.services.event_persister.enabled or not has_backlog(work.connection)


def _flow_runs(work: UnitOfWork, settings: Settings) -> Iterator[_Step]:
    cutoff = work.now - settings.server.services.db_vacuum.retention_period
    run = flow_run.c
    ended = [run.state_type.in_(_ENDED), run.end_time < cutoff]
    ids = list(
        work.connection.execute(select(run.id).where(*ended).order_by(run.end_time).limit(_DOOMED_AT_ONCE)).scalars()
    )
    if not ids or not _is_told(work, settings):
        return
    tasks = select(task_run.c.id).where(task_run.c.flow_run_id.in_(ids))
    yield _oldest(log, log.c.id, log.c.flow_run_id.in_(ids))
    yield _oldest(task_run_state, task_run_state.c.id, task_run_state.c.task_run_id.in_(tasks))
    yield _oldest(concurrency_lease, concurrency_lease.c.id, concurrency_lease.c.holder_id.in_([*ids]))
    yield _oldest(task_run, task_run.c.id, task_run.c.flow_run_id.in_(ids))
    yield _oldest(flow_run_state, flow_run_state.c.id, flow_run_state.c.flow_run_id.in_(ids))
    yield _oldest(flow_run_input, flow_run_input.c.id, flow_run_input.c.flow_run_id.in_(ids))
    yield _oldest(flow_run, run.id, run.id.in_(ids))


def _task_runs(work: UnitOfWork, settings: Settings) -> Iterator[_Step]:
    cutoff = work.now - settings.server.services.db_vacuum.task_runs_retention_period
    run = task_run.c
    alone = [run.flow_run_id.is_(None), run.state_type.in_(_ENDED), run.end_time < cutoff]
    ids = list(
        work.connection.execute(select(run.id).where(*alone).order_by(run.end_time).limit(_DOOMED_AT_ONCE)).scalars()
    )
    if ids and _is_told(work, settings):
        yield _oldest(log, log.c.id, log.c.task_run_id.in_(ids))
        yield _oldest(task_run_state, task_run_state.c.id, task_run_state.c.task_run_id.in_(ids))
        yield _oldest(task_run, run.id, run.id.in_(ids))


def _logs(work: UnitOfWork, settings: Settings) -> Iterator[_Step]:
    cutoff = work.now - settings.server.services.db_vacuum.logs_retention_period
    yield _oldest(log, log.c.id, log.c.timestamp < cutoff)


def _events(work: UnitOfWork, settings: Settings) -> Iterator[_Step]:
    cutoff = work.now - settings.server.events.retention_period
    ids = select(event.c.id).where(event.c.occurred < cutoff).order_by(event.c.occurred).limit(_DOOMED_AT_ONCE * 5)
    doomed = list(work.connection.execute(ids).scalars())
    if doomed:
        yield _oldest(event_resource, event_resource.c.event_id, event_resource.c.event_id.in_(doomed))
        yield _oldest(event, event.c.id, event.c.id.in_(doomed))
    for name, period in settings.server.services.db_vacuum.event_retention_overrides.items():
        named = [event.c.event == name, event.c.occurred < work.now - period]
        yield _oldest(event, event.c.id, *named)


def _artifacts(work: UnitOfWork, settings: Settings) -> Iterator[_Step]:
    cutoff = work.now - settings.server.services.db_vacuum.artifacts_retention_period
    latest = exists().where(artifact_collection.c.latest_id == artifact.c.id)
    yield _oldest(artifact, artifact.c.id, artifact.c.created < cutoff, ~latest)


def _audit(work: UnitOfWork, settings: Settings) -> Iterator[_Step]:
    cutoff = work.now - settings.server.services.db_vacuum.audit_retention_period
    yield _oldest(audit_entry, audit_entry.c.id, audit_entry.c.occurred < cutoff)


def _leftovers(work: UnitOfWork, settings: Settings) -> Iterator[_Step]:
    """What is good for nothing any more, whatever people want to keep."""
    yield _oldest(answered_request, answered_request.c.key, answered_request.c.created < work.now - KEPT_FOR)
    yield _oldest(csrf_token, csrf_token.c.id, csrf_token.c.expiration < work.now)
    yield _oldest(worker, worker.c.id, worker.c.last_heartbeat_time < work.now - _WORKERS)
    yield _oldest(task_worker, task_worker.c.identifier, task_worker.c.last_heartbeat < work.now - _WORKERS)


_KINDS: dict[str, Callable[[UnitOfWork, Settings], Iterator[_Step]]] = {
    "flow_runs": _flow_runs,
    "task_runs": _task_runs,
    "logs": _logs,
    "events": _events,
    "artifacts": _artifacts,
    "audit": _audit,
}


def _chosen(settings: Settings) -> list[Callable[[UnitOfWork, Settings], Iterator[_Step]]]:
    enabled = settings.server.services.db_vacuum.enabled
    named = set(_KINDS) if enabled is True else (enabled or set())
    return [*(steps for name, steps in _KINDS.items() if name in named), _leftovers]


def _steps(work: UnitOfWork, settings: Settings) -> Iterator[_Step]:
    for kind in _chosen(settings):
        yield from kind(work, settings)


def _is_something_old(work: UnitOfWork, settings: Settings) -> bool:
    return any(work.connection.execute(step.doomed.limit(1)).first() is not None for step in _steps(work, settings))


def _delete_some(work: UnitOfWork, settings: Settings) -> bool:
    """Delete a bounded number of rows. Returns whether there may be more."""
    size = settings.server.services.db_vacuum.batch_size
    for step in _steps(work, settings):
        keys = list(work.connection.execute(step.doomed.limit(size)).scalars())
        if keys:
            if step.table is task_run:
                orphans = update(flow_run).where(flow_run.c.parent_task_run_id.in_(keys))
                work.connection.execute(orphans.values(parent_task_run_id=None))
            work.connection.execute(delete(step.table).where(step.key.in_(keys)))
            return True
    return False


RETENTION = Service(
    name="retention",
    seconds=lambda settings: settings.server.services.db_vacuum.loop_seconds,
    is_enabled=lambda settings: settings.server.services.db_vacuum.enabled not in (False, None),
    look=_is_something_old,
    act=_delete_some,
    switch="PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED",
    does="Deletes what was kept long enough, in small steps.",
)
