"""Taking slots of concurrency limits in sync code."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefect.concurrency import slots
from prefect.concurrency.errors import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencyLeaseLostError,
    ConcurrencySlotAcquisitionError,
)
from prefect.concurrency.renewal import Renewals
from prefect.utilities.deadlines import DeadlinePassed, send_exception
from prefect.utilities.dual import drive

if TYPE_CHECKING:
    from prefect._contract.concurrency import ConcurrencyLeaseHolder

__all__ = [
    "AcquireConcurrencySlotTimeoutError",
    "ConcurrencyLeaseLostError",
    "ConcurrencySlotAcquisitionError",
    "concurrency",
    "rate_limit",
]


@contextmanager
def concurrency(
    names: str | list[str],
    occupy: int = 1,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300,
    strict: bool = False,
    holder: ConcurrencyLeaseHolder | None = None,
    raise_on_lease_renewal_failure: bool | None = None,
) -> Generator[None, None, None]:
    """
    Have slots of concurrency limits while the block lasts, and wait for them before.

    Args:
        names: The limits. Those that do not exist are passed over with a warning, unless `strict`.
        occupy: How many slots of each.
        timeout_seconds: How long to wait at most.
        max_retries: How often to ask again at most.
        lease_duration: Seconds after which the slots are free if this process is gone, at the latest; at least 60.
        strict: Whether limits that do not exist are an error, and the block is ended when the slots are lost.
        holder: Who has the slots; the current run without.
        raise_on_lease_renewal_failure: Whether the block is ended when the slots are lost; as `strict` says without.

    Raises:
        ConcurrencySlotAcquisitionError: It is refused: so many slots there are not, say.
        AcquireConcurrencySlotTimeoutError: The time is over.
        ConcurrencyLeaseLostError: The slots were lost, and that ends the block.

    Example:
        >>> from prefect.concurrency.sync import concurrency
        >>> with concurrency("database", occupy=1):
        ...     pass
    """
    held = drive(
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
    thread = threading.get_ident()
    lost = (lambda: send_exception(thread, _SlotsLost)) if ends else lambda: None
    try:
        with Renewals.of_process(os.getpid()).renewing(held, lost):
            yield
    except _SlotsLost:
        raise ConcurrencyLeaseLostError(f"The slots of {held.names!r} were lost while they were in use.") from None
    finally:
        if not held.lost:
            drive(slots.give_back(held))


class _SlotsLost(DeadlinePassed):
    """Ends a block whose slots are lost."""

    def __init__(self) -> None:
        super().__init__(None)


def rate_limit(
    names: str | list[str], occupy: int = 1, timeout_seconds: float | None = None, strict: bool = False
) -> None:
    """
    Go on as often as limits with a slot decay allow, and wait before.

    Args:
        names: The limits. Those that do not exist are passed over with a warning, unless `strict`.
        occupy: How many slots of each.
        timeout_seconds: How long to wait at most.
        strict: Whether limits that do not exist are an error.

    Raises:
        ConcurrencySlotAcquisitionError: It is refused: a limit has no slot decay, say.
        AcquireConcurrencySlotTimeoutError: The time is over.
    """
    drive(slots.spend(slots.names_in(names), occupy, timeout_seconds, strict))
