"""Limits: how much may happen at the same time."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from prefect._contract.base import ActionBaseModel, ObjectBaseModel, PrefectBaseModel
from prefect.utilities.collections import AutoEnum

__all__ = [
    "ConcurrencyLeaseHolder",
    "ConcurrencyLimit",
    "ConcurrencyLimitConfig",
    "ConcurrencyLimitStrategy",
    "ConcurrencyOptions",
    "GlobalConcurrencyLimit",
]


class ConcurrencyLimitStrategy(AutoEnum):
    """What becomes of a deployment's run for which no slot is free: it waits, or it is cancelled."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


class ConcurrencyOptions(PrefectBaseModel):
    """
    How the runs of a deployment share its concurrency limit.

    Args:
        collision_strategy: What becomes of a run for which no slot is free.
        grace_period_seconds: How long a run that was started may take to be running before its slot is freed.
    """

    collision_strategy: ConcurrencyLimitStrategy
    grace_period_seconds: Annotated[int, Field(ge=60)] | None = None


class ConcurrencyLimitConfig(PrefectBaseModel):
    """A concurrency limit of a deployment, as users write it."""

    limit: int
    collision_strategy: ConcurrencyLimitStrategy = ConcurrencyLimitStrategy.ENQUEUE
    grace_period_seconds: int | None = None


class ConcurrencyLeaseHolder(ActionBaseModel):
    """The run that holds a concurrency slot."""

    type: Literal["flow_run", "task_run", "deployment"]
    id: UUID


class ConcurrencyLimit(ObjectBaseModel):
    """How many task runs with a tag may be running, and the ids of those that are."""

    tag: str
    concurrency_limit: int
    active_slots: list[UUID] = Field(default_factory=list)


class GlobalConcurrencyLimit(ObjectBaseModel):
    """A number of slots that anything may take by name."""

    name: str
    limit: int
    active: bool | None = True
    active_slots: int | None = 0
    slot_decay_per_second: float | None = 0.0
