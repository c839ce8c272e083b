"""Answers about work pools, queues, workers and task workers."""

from datetime import timedelta
from uuid import UUID

from pydantic import Field

from prefect._contract.base import Moment, PrefectBaseModel
from prefect._contract.objects import FlowRun
from prefect._contract.state import StateType
from prefect._contract.work_pools import Worker, WorkPool, WorkQueue

__all__ = [
    "FlowRunSlotSummary",
    "TaskWorkerResponse",
    "WorkPoolConcurrencyStatus",
    "WorkPoolResponse",
    "WorkQueueConcurrencyStatus",
    "WorkQueueConcurrencyStatusDetail",
    "WorkQueueResponse",
    "WorkerFlowRunResponse",
    "WorkerResponse",
]


class WorkPoolResponse(WorkPool):
    """A work pool, as an orchestrator answers."""


class WorkQueueResponse(WorkQueue):
    """A work queue, as an orchestrator answers."""


class WorkerResponse(Worker):
    """A worker, as an orchestrator answers."""


class TaskWorkerResponse(PrefectBaseModel):
    """A process that serves background tasks."""

    identifier: str
    task_keys: list[str]
    timestamp: Moment


class WorkerFlowRunResponse(PrefectBaseModel):
    """A flow run for a worker, and where it was queued."""

    work_pool_id: UUID
    work_queue_id: UUID
    flow_run: FlowRun


class FlowRunSlotSummary(PrefectBaseModel):
    """A flow run that occupies a slot."""

    id: UUID
    name: str
    state_type: StateType | None = None
    state_name: str | None = None
    start_time: Moment | None = None
    state_timestamp: Moment | None = None
    time_in_current_state: timedelta | None = None


class WorkQueueConcurrencyStatusDetail(PrefectBaseModel):
    """Who occupies the slots of a work queue."""

    queue_id: UUID
    queue_name: str
    active_slots: int
    concurrency_limit: int | None = None
    flow_runs: list[FlowRunSlotSummary] = Field(default_factory=list)
    flow_run_count: int | None = None


class WorkPoolConcurrencyStatus(PrefectBaseModel):
    """Who occupies the slots of a work pool, queue by queue, in pages."""

    active_slots: int
    concurrency_limit: int | None = None
    queues: list[WorkQueueConcurrencyStatusDetail] = Field(default_factory=list)
    count: int
    limit: int
    pages: int
    page: int


class WorkQueueConcurrencyStatus(PrefectBaseModel):
    """Who occupies the slots of a work queue, in pages."""

    active_slots: int
    concurrency_limit: int | None = None
    flow_runs: list[FlowRunSlotSummary] = Field(default_factory=list)
    count: int
    limit: int
    pages: int
    page: int
