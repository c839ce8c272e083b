"""Questions that are asked to wait for the answer. Here they are answered at once: it is servers that wait."""

from __future__ import annotations

from uuid import UUID

from prefect.server.database.queries import deliveries
from prefect.server.database.queries.recording import read_ended
from prefect.server.database.queries.slots import read_limits
from prefect.server.database.tables import concurrency_limit
from prefect.server.operations.work import UnitOfWork, read_only

__all__ = ["are_slots_free", "are_task_runs_due", "read_ended_task_runs"]


@read_only
def are_slots_free(work: UnitOfWork, names: list[str], slots: int, wait_seconds: float = 0.0) -> bool:
    """Whether so many slots of each of these limits are free. Limits that do not exist limit nothing."""
    limits = read_limits(work.connection, work.now, concurrency_limit.c.name.in_(set(names)))
    return all(limit.free >= slots for limit in limits if limit.active)


@read_only
def are_task_runs_due(work: UnitOfWork, task_keys: list[str], wait_seconds: float = 0.0) -> bool:
    """Whether background task runs of some tasks wait for a worker."""
    if deliveries.are_any_due(work.connection, task_keys, work.now):
        return True
    # Where there is no server, whoever claims runs looks after those whose worker is gone.
    return not work.serves and bool(deliveries.read_expired(work.connection, work.now, 1))


@read_only
def read_ended_task_runs(work: UnitOfWork, task_run_ids: list[UUID], wait_seconds: float = 0.0) -> list[UUID]:
    """Which of some task runs have ended."""
    ended = read_ended(work.connection, task_run_ids)
    return [identifier for identifier in task_run_ids if ended.get(identifier)]
