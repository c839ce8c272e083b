"""Task workers: processes that are connected to be given background task runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from prefect.server.database.dialects import has_any
from prefect.server.database.queries import records
from prefect.server.database.tables import task_worker
from prefect.server.operations.work import UnitOfWork, read_only

if TYPE_CHECKING:
    from prefect._contract.filters.task_workers import TaskWorkerFilter
    from prefect._contract.responses.work_pools import TaskWorkerResponse

__all__ = ["forget_task_worker", "read_task_workers", "see_task_worker"]

_SEEN_WITHIN = timedelta(seconds=60)
"""Who was not seen for this long is taken for gone."""


@cache
def _seeing(kind: str) -> Any:
    insert = records.inserting(kind, task_worker)
    values = {name: insert.excluded[name] for name in ("task_keys", "last_heartbeat")}
    return insert.on_conflict_do_update(index_elements=["identifier"], set_=values)


def see_task_worker(work: UnitOfWork, client_id: str, task_keys: Iterable[str]) -> None:
    """Note that a task worker is connected, and which tasks it serves. Those not seen for long are forgotten."""
    row = {"identifier": client_id, "task_keys": sorted(set(task_keys)), "last_heartbeat": work.now}
    work.connection.execute(_seeing(work.connection.dialect.name), row)
    records.remove_where(work.connection, task_worker, task_worker.c.last_heartbeat < work.now - 10 * _SEEN_WITHIN)


def forget_task_worker(work: UnitOfWork, client_id: str) -> None:
    """Note that a task worker is gone."""
    records.remove(work.connection, task_worker, identifier=client_id)


@read_only
def read_task_workers(work: UnitOfWork, task_worker_filter: TaskWorkerFilter | None = None) -> list[TaskWorkerResponse]:
    """List the task workers that are connected: all, or those that serve any of some tasks."""
    from prefect._contract.responses.work_pools import TaskWorkerResponse

    seen = task_worker.c.last_heartbeat >= work.now - _SEEN_WITHIN
    statement = select(task_worker).where(seen).order_by(task_worker.c.identifier)
    if task_worker_filter is not None and task_worker_filter.task_keys:
        statement = statement.where(has_any(task_worker.c.task_keys, task_worker_filter.task_keys))
    rows = records.read_all(work.connection, task_worker, statement)
    return [
        TaskWorkerResponse(identifier=row["identifier"], task_keys=row["task_keys"], timestamp=row["last_heartbeat"])
        for row in rows
    ]
