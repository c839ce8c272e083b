"""Answers about limits and slots."""

from uuid import UUID

from prefect._contract.base import ObjectBaseModel, PrefectBaseModel

__all__ = [
    "ConcurrencyLimitV2",
    "ConcurrencyLimitWithLeaseResponse",
    "GlobalConcurrencyLimitResponse",
    "MinimalConcurrencyLimitResponse",
]


class MinimalConcurrencyLimitResponse(PrefectBaseModel):
    """Which limit a slot was taken from."""

    id: UUID
    name: str
    limit: int


class ConcurrencyLimitWithLeaseResponse(PrefectBaseModel):
    """Which slots were taken, and the lease that holds them."""

    lease_id: UUID
    limits: list[MinimalConcurrencyLimitResponse]


class GlobalConcurrencyLimitResponse(ObjectBaseModel):
    """A limit of slots, and how many are taken."""

    active: bool = True
    name: str
    limit: int
    active_slots: int
    slot_decay_per_second: float = 2.0


class ConcurrencyLimitV2(ObjectBaseModel):
    """A limit of slots, in all its fields."""

    active: bool = True
    name: str
    limit: int
    active_slots: int = 0
    denied_slots: int = 0
    slot_decay_per_second: float = 0
    avg_slot_occupancy_seconds: float = 2.0
