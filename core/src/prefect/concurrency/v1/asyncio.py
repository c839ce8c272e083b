"""Taking slots of tags for a task run, in async code."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

import anyio

from prefect.concurrency import slots
from prefect.utilities.dual import adrive

__all__ = ["concurrency"]


@asynccontextmanager
async def concurrency(
    names: str | list[str], task_run_id: UUID, timeout_seconds: float | None = None
) -> AsyncGenerator[None, None]:
    """Have a slot of each of some tags for a task run while the block lasts; see `prefect.concurrency.v1.sync`."""
    taken = await adrive(slots.acquire_for_task_run(slots.names_in(names), task_run_id, timeout_seconds))
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await adrive(slots.give_back_for_task_run(taken, task_run_id))
