"""
Deliveries of background task runs to task workers.

A task run that is scheduled to be run in the background waits in the table `task_run_delivery`, from the transaction that
schedules it to the one in which it begins to run, or ends without. It is delivered at least once: claimed by one client at
a time, for as long as that client is connected or has it on hold, and then offered to others. That it is run once is decided
by its states: only one client can make it Pending.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from prefect._contract.objects import TaskRun
from prefect.server.database.queries import deliveries as queries
from prefect.server.database.queries.runs import TASK_RUNS, read_run
from prefect.server.operations.work import UnitOfWork

__all__ = ["abandon_deliveries", "claim_deliveries", "confirm_delivery", "renew_deliveries"]


def claim_deliveries(
    work: UnitOfWork, client_id: str, task_keys: Iterable[str], limit: int, hold_seconds: float
) -> list[TaskRun]:
    """
    Give task runs that are due to a client.

    Args:
        work: The transaction.
        client_id: Who gets them.
        task_keys: The tasks that it serves.
        limit: How many task runs at most.
        hold_seconds: After which the task runs that have not begun are given to others.

    Returns:
        The task runs, those that wait longest first.
    """
    until = work.now + timedelta(seconds=hold_seconds)
    claimed = queries.claim(work.connection, client_id, task_keys, limit, work.now, until)
    rows = (read_run(work.connection, TASK_RUNS, identifier, work.now) for identifier in claimed)
    return [TaskRun.model_validate(row) for row in rows if row is not None]


def confirm_delivery(work: UnitOfWork, client_id: str, task_run_id: UUID, hold_seconds: float = 60.0) -> bool:
    """
    Note that a client has received a task run: it has this long, from now, to begin it.

    Returns:
        Whether the task run is still the client's. If not, it was given to another, or has begun already.
    """
    until = work.now + timedelta(seconds=hold_seconds)
    return queries.extend(work.connection, client_id, until, task_run_id) > 0


def renew_deliveries(work: UnitOfWork, client_id: str, hold_seconds: float) -> int:
    """Let a client that is still connected keep what was given to it. Returns how many task runs that are."""
    return queries.extend(work.connection, client_id, work.now + timedelta(seconds=hold_seconds))


def abandon_deliveries(work: UnitOfWork, client_id: str) -> int:
    """
    Note that a client is gone: what it was given and has not begun is available to others at once.

    A task run that it has made Pending or that it was running stays as it is: what becomes of it is decided by who notices
    that its worker is gone, as is done for flow runs in `liveness`.
    """
    return queries.abandon(work.connection, client_id)
