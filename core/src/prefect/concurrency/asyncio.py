"""Taking slots of concurrency limits in async code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from prefect.concurrency import slots
from prefect.concurrency.errors import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencyLeaseLostError,
    ConcurrencySlotAcquisitionError,
)
from prefect.concurrency.renewal import Renewals
from prefect.utilities.dual import adrive

if TYPE_CHECKING:
    from prefect._contract.concurrency import ConcurrencyLeaseHolder

__all__ = [
    "AcquireConcurrencySlotTimeoutError",
    "ConcurrencyLeaseLostError",
    "ConcurrencySlotAcquisitionError",
    "concurrency",
    "rate_limit",
]


@asynccontextmanager
async def concurrency(
    names: str | list[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300,
    strict: bool = False,
    holder: ConcurrencyLeaseHolder | None = None,
    raise_on_lease_renewal_failure: bool | None = None,
) -> AsyncGenerator[None, None]:
    """
    Have slots of concurrency limits while the block lasts, and wait for them before; see `prefect.concurrency.sync`.

    Example:
        >>> from prefect.concurrency.asyncio import concurrency
        >>> async def query() -> None:
        ...     async with concurrency("database", occupy=1):
        ...         ...
    """
    held = await adrive(
        slots.acquire(
            slots.names_in(names),
            occupy,
            timeout_seconds=timeout_seconds,
            max_retries=max_retries,
            lease_duration=lease_duration,
            strict=strict,
            holder=holder,
        )
    )
    if held is None:
        yield
        return
    ends = strict if raise_on_lease_renewal_failure is None else raise_on_lease_renewal_failure
    loop = asyncio.get_running_loop()
    scope = anyio.CancelScope()

    def lost() -> None:
        if ends:
            loop.call_soon_threadsafe(scope.cancel)

    try:
        with scope, Renewals.of_process(os.getpid()).renewing(held, lost):
            yield
    finally:
        if not held.lost:
            with anyio.CancelScope(shield=True):
                await adrive(slots.give_back(held))
    if scope.cancelled_caught:
        raise ConcurrencyLeaseLostError(f"The slots of {held.names!r} were lost while they were in use.")


async def rate_limit(
    names: str | list[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """Go on as often as limits with a slot decay allow, and wait before; see `prefect.concurrency.sync`."""
    await adrive(slots.spend(slots.names_in(names), occupy, timeout_seconds, strict))
