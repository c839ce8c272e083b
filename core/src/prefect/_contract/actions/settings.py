"""Requests that make or change variables, limits, work pools and saved searches."""

from typing import Any

from pydantic import Field

from prefect._contract.administration import SavedSearchFilter
from prefect._contract.base import ActionBaseModel, Moment
from prefect._contract.work_pools import QueueFilter, WorkPoolStorageConfiguration
from prefect.types import NonNegativeFloat, NonNegativeInteger, PositiveInteger, StrictVariableValue
from prefect.types.names import Name, NonEmptyishName, VariableName

__all__ = [
    "ConcurrencyLimitCreate",
    "ConcurrencyLimitV2Create",
    "ConcurrencyLimitV2Update",
    "GlobalConcurrencyLimitCreate",
    "GlobalConcurrencyLimitUpdate",
    "SavedSearchCreate",
    "VariableCreate",
    "VariableUpdate",
    "WorkPoolCreate",
    "WorkPoolUpdate",
    "WorkQueueCreate",
    "WorkQueueUpdate",
]


class VariableCreate(ActionBaseModel):
    """Asks for a variable."""

    name: VariableName
    value: StrictVariableValue
    tags: list[str] | None = None


class VariableUpdate(ActionBaseModel):
    """Changes a variable."""

    name: VariableName | None = None
    value: StrictVariableValue = None
    tags: list[str] | None = None


class ConcurrencyLimitCreate(ActionBaseModel):
    """Asks for a limit of task runs with a tag."""

    tag: str
    concurrency_limit: int


class ConcurrencyLimitV2Create(ActionBaseModel):
    """Asks for a limit of slots, in all its fields."""

    active: bool = True
    name: Name
    limit: NonNegativeInteger
    active_slots: NonNegativeInteger = 0
    denied_slots: NonNegativeInteger = 0
    slot_decay_per_second: NonNegativeFloat = 0


class ConcurrencyLimitV2Update(ActionBaseModel):
    """Changes a limit of slots."""

    active: bool | None = None
    name: Name | None = None
    limit: NonNegativeInteger | None = None
    active_slots: NonNegativeInteger | None = None
    denied_slots: NonNegativeInteger | None = None
    slot_decay_per_second: NonNegativeFloat | None = None


class GlobalConcurrencyLimitCreate(ActionBaseModel):
    """Asks for a limit of slots."""

    name: Name
    limit: NonNegativeInteger
    active: bool | None = True
    active_slots: NonNegativeInteger | None = 0
    slot_decay_per_second: NonNegativeFloat | None = 0.0


class GlobalConcurrencyLimitUpdate(ActionBaseModel):
    """Changes a limit of slots."""

    name: Name | None = None
    limit: NonNegativeInteger | None = None
    active: bool | None = None
    active_slots: NonNegativeInteger | None = None
    slot_decay_per_second: NonNegativeFloat | None = None


class WorkPoolCreate(ActionBaseModel):
    """Asks for a work pool."""

    name: NonEmptyishName
    description: str | None = None
    type: str = "prefect-agent"
    base_job_template: dict[str, Any] = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: NonNegativeInteger | None = None
    storage_configuration: WorkPoolStorageConfiguration = Field(default_factory=WorkPoolStorageConfiguration)


class WorkPoolUpdate(ActionBaseModel):
    """Changes a work pool."""

    description: str | None = None
    is_paused: bool | None = None
    base_job_template: dict[str, Any] | None = None
    concurrency_limit: NonNegativeInteger | None = None
    storage_configuration: WorkPoolStorageConfiguration | None = None


class WorkQueueCreate(ActionBaseModel):
    """Asks for a work queue."""

    name: Name
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: NonNegativeInteger | None = None
    priority: PositiveInteger | None = None
    filter: QueueFilter | None = None


class WorkQueueUpdate(ActionBaseModel):
    """Changes a work queue."""

    name: Name | None = None
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: NonNegativeInteger | None = None
    priority: PositiveInteger | None = None
    last_polled: Moment | None = None
    filter: QueueFilter | None = None


class SavedSearchCreate(ActionBaseModel):
    """Asks for a saved search."""

    name: str
    filters: list[SavedSearchFilter] = Field(default_factory=list)
