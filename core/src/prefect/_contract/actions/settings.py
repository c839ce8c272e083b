"""Requests that make or change variables, limits, work pools and saved searches."""

from typing import Any

from pydantic import Field

from prefect._contract.administration import SavedSearchFilter
from prefect._contract.base import ActionBaseModel, Moment
from prefect._contract.work_pools import QueueFilter, WorkPoolStorageConfiguration

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

    name: str
    value: str | int | bool | float | dict[str, Any] | list[Any] | None
    tags: list[str] | None = None


class VariableUpdate(ActionBaseModel):
    """Changes a variable."""

    name: str | None = None
    value: str | int | bool | float | dict[str, Any] | list[Any] | None = None
    tags: list[str] | None = None


class ConcurrencyLimitCreate(ActionBaseModel):
    """Asks for a limit of task runs with a tag."""

    tag: str
    concurrency_limit: int


class ConcurrencyLimitV2Create(ActionBaseModel):
    """Asks for a limit of slots, in all its fields."""

    active: bool = True
    name: str
    limit: int
    active_slots: int = 0
    denied_slots: int = 0
    slot_decay_per_second: float = 0


class ConcurrencyLimitV2Update(ActionBaseModel):
    """Changes a limit of slots."""

    active: bool | None = None
    name: str | None = None
    limit: int | None = None
    active_slots: int | None = None
    denied_slots: int | None = None
    slot_decay_per_second: float | None = None


class GlobalConcurrencyLimitCreate(ActionBaseModel):
    """Asks for a limit of slots."""

    name: str
    limit: int
    active: bool | None = True
    active_slots: int | None = 0
    slot_decay_per_second: float | None = 0.0


class GlobalConcurrencyLimitUpdate(ActionBaseModel):
    """Changes a limit of slots."""

    name: str | None = None
    limit: int | None = None
    active: bool | None = None
    active_slots: int | None = None
    slot_decay_per_second: float | None = None


class WorkPoolCreate(ActionBaseModel):
    """Asks for a work pool."""

    name: str
    description: str | None = None
    type: str = "prefect-agent"
    base_job_template: dict[str, Any] = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: int | None = None
    storage_configuration: WorkPoolStorageConfiguration = Field(default_factory=WorkPoolStorageConfiguration)


class WorkPoolUpdate(ActionBaseModel):
    """Changes a work pool."""

    description: str | None = None
    is_paused: bool | None = None
    base_job_template: dict[str, Any] | None = None
    concurrency_limit: int | None = None
    storage_configuration: WorkPoolStorageConfiguration | None = None


class WorkQueueCreate(ActionBaseModel):
    """Asks for a work queue."""

    name: str
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: int | None = None
    priority: int | None = None
    filter: QueueFilter | None = None


class WorkQueueUpdate(ActionBaseModel):
    """Changes a work queue."""

    name: str | None = None
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: int | None = None
    priority: int | None = None
    last_polled: Moment | None = None
    filter: QueueFilter | None = None


class SavedSearchCreate(ActionBaseModel):
    """Asks for a saved search."""

    name: str
    filters: list[SavedSearchFilter] = Field(default_factory=list)
