"""Which work pools, queues and workers are looked for."""

from uuid import UUID

from prefect._contract.base import FilterBaseModel, Moment
from prefect._contract.filters.operators import OperatorMixin
from prefect._contract.work_pools import WorkerStatus

__all__ = [
    "WorkPoolFilter",
    "WorkPoolFilterId",
    "WorkPoolFilterName",
    "WorkPoolFilterType",
    "WorkQueueFilter",
    "WorkQueueFilterId",
    "WorkQueueFilterName",
    "WorkerFilter",
    "WorkerFilterLastHeartbeatTime",
    "WorkerFilterStatus",
    "WorkerFilterWorkPoolId",
]


class WorkQueueFilterId(FilterBaseModel):
    """Selects work queues by their id."""

    any_: list[UUID] | None = None


class WorkQueueFilterName(FilterBaseModel):
    """Selects work queues by their name."""

    any_: list[str] | None = None
    startswith_: list[str] | None = None


class WorkQueueFilter(FilterBaseModel, OperatorMixin):
    """Selects work queues."""

    id: WorkQueueFilterId | None = None
    name: WorkQueueFilterName | None = None


class WorkPoolFilterId(FilterBaseModel):
    """Selects work pools by their id."""

    any_: list[UUID] | None = None


class WorkPoolFilterName(FilterBaseModel):
    """Selects work pools by their name."""

    any_: list[str] | None = None


class WorkPoolFilterType(FilterBaseModel):
    """Selects work pools by their type."""

    any_: list[str] | None = None


class WorkPoolFilter(FilterBaseModel, OperatorMixin):
    """Selects work pools."""

    id: WorkPoolFilterId | None = None
    name: WorkPoolFilterName | None = None
    type: WorkPoolFilterType | None = None


class WorkerFilterWorkPoolId(FilterBaseModel):
    """Selects workers by their work pool."""

    any_: list[UUID] | None = None


class WorkerFilterLastHeartbeatTime(FilterBaseModel):
    """Selects workers by when they were last heard of."""

    before_: Moment | None = None
    after_: Moment | None = None


class WorkerFilterStatus(FilterBaseModel):
    """Selects workers by their status."""

    any_: list[WorkerStatus] | None = None
    not_any_: list[WorkerStatus] | None = None


class WorkerFilter(FilterBaseModel, OperatorMixin):
    """Selects workers."""

    last_heartbeat_time: WorkerFilterLastHeartbeatTime | None = None
    status: WorkerFilterStatus | None = None
