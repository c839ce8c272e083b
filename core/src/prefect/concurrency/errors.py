"""Why slots were not had, or lost."""

from __future__ import annotations

__all__ = ["AcquireConcurrencySlotTimeoutError", "ConcurrencyLeaseLostError", "ConcurrencySlotAcquisitionError"]


class ConcurrencySlotAcquisitionError(Exception):
    """Slots cannot be had: what was asked for is refused, or was asked for often enough."""


class AcquireConcurrencySlotTimeoutError(TimeoutError):
    """Slots were not free in time."""


class ConcurrencyLeaseLostError(ConcurrencySlotAcquisitionError):
    """Slots were given to others although they were still in use here: they could not be renewed."""
