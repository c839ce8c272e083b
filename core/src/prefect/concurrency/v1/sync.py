"""Taking slots of tags for a task run, in sync code."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from uuid import UUID

from prefect.concurrency import slots
from prefect.utilities.dual import drive

__all__ = ["concurrency"]


@contextmanager
def concurrency(
    names: str | list[str], task_run_id: UUID, timeout_seconds: float | None = None
) -> Generator[None, None, None]:
    """
    Have a slot of each of some tags for a task run while the block lasts, and wait for them before.

    Args:
        names: The tags. Those without a limit are passed over.
        task_run_id: The task run.
        timeout_seconds: How long to wait at most.

    Raises:
        prefect.concurrency.errors.ConcurrencySlotAcquisitionError: It is refused.
        prefect.concurrency.errors.AcquireConcurrencySlotTimeoutError: The time is over.
    """
    taken = drive(slots.acquire_for_task_run(slots.names_in(names), task_run_id, timeout_seconds))
    try:
        yield
    finally:
        drive(slots.give_back_for_task_run(taken, task_run_id))
