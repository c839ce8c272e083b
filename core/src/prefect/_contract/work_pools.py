"""Work pools, their queues and their workers."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from prefect._contract.base import ActionBaseModel, Moment, ObjectBaseModel, PrefectBaseModel, new_name
from prefect.utilities.collections import AutoEnum
from prefect.utilities.time import now

__all__ = [
    "DEFAULT_AGENT_WORK_POOL_NAME",
    "Agent",
    "Integration",
    "QueueFilter",
    "WorkPool",
    "WorkPoolStatus",
    "WorkPoolStorageConfiguration",
    "WorkQueue",
    "WorkQueueHealthPolicy",
    "WorkQueueStatus",
    "WorkQueueStatusDetail",
    "Worker",
    "WorkerMetadata",
    "WorkerStatus",
]

DEFAULT_AGENT_WORK_POOL_NAME = "default-agent-pool"


class WorkPoolStatus(AutoEnum):
    """Whether a work pool has workers."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"

    @property
    def display_name(self) -> str:
        """The status for people: `Not ready`."""
        return self.value.replace("_", " ").capitalize()


class WorkerStatus(AutoEnum):
    """Whether a worker was heard of lately."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"


class WorkQueueStatus(AutoEnum):
    """Whether a work queue is polled."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


class QueueFilter(PrefectBaseModel):
    """Which runs a work queue of the old kind takes."""

    tags: list[str] | None = None
    deployment_ids: list[UUID] | None = None


class WorkQueue(ObjectBaseModel):
    """A queue of a work pool. A smaller `priority` goes first."""

    name: str
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: int | None = None
    priority: int = 1
    work_pool_name: str | None = None
    work_pool_id: UUID | None = None
    filter: QueueFilter | None = None
    last_polled: Moment | None = None
    status: WorkQueueStatus | None = None
    active_slots: int | None = None


class WorkQueueHealthPolicy(PrefectBaseModel):
    """When a work queue counts as healthy. None means: whatever it is."""

    maximum_late_runs: int | None = 0
    maximum_seconds_since_last_polled: int | None = 60

    def evaluate_health_status(self, late_runs_count: int, last_polled: datetime | None = None) -> bool:
        """
        Whether a work queue is healthy.

        Args:
            late_runs_count: How many of its runs are late.
            last_polled: When it was polled last, None if never.
        """
        return self.is_met_at(now(), late_runs_count, last_polled)

    def is_met_at(self, moment: datetime, late_runs_count: int, last_polled: datetime | None) -> bool:
        """Whether a work queue is healthy at a moment: see `evaluate_health_status`."""
        if self.maximum_late_runs is not None and late_runs_count > self.maximum_late_runs:
            return False
        if self.maximum_seconds_since_last_polled is None:
            return True
        allowed = timedelta(seconds=self.maximum_seconds_since_last_polled)
        return last_polled is not None and moment - last_polled <= allowed


class WorkQueueStatusDetail(PrefectBaseModel):
    """Whether a work queue is healthy, and why."""

    healthy: bool
    late_runs_count: int = 0
    last_polled: Moment | None = None
    health_check_policy: WorkQueueHealthPolicy


class Agent(ObjectBaseModel):
    """A process that polls a work queue of the old kind."""

    name: str = Field(default_factory=new_name)
    work_queue_id: UUID
    last_activity_time: Moment | None = None


class WorkPoolStorageConfiguration(ActionBaseModel):
    """Where code bundles and results of a work pool's runs are kept."""

    bundle_upload_step: dict[str, Any] | None = None
    bundle_execution_step: dict[str, Any] | None = None
    default_result_storage_block_id: UUID | None = None


class WorkPool(ObjectBaseModel):
    """Runs of deployments wait here for a worker of the right type."""

    name: str
    description: str | None = None
    type: str
    base_job_template: dict[str, Any] = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: int | None = None
    status: WorkPoolStatus | None = None
    active_slots: int | None = None
    storage_configuration: WorkPoolStorageConfiguration = Field(default_factory=WorkPoolStorageConfiguration)
    default_queue_id: UUID | None = None

    @property
    def is_push_pool(self) -> bool:
        """Whether runs are pushed to a service, so that no worker is needed."""
        return self.type.endswith(":push")

    @property
    def is_managed_pool(self) -> bool:
        """Whether the orchestrator itself runs what is queued here."""
        return self.type.endswith(":managed")


class Worker(ObjectBaseModel):
    """A process that takes runs from a work pool."""

    name: str
    work_pool_id: UUID
    last_heartbeat_time: Moment | None = None
    heartbeat_interval_seconds: int | None = None
    status: WorkerStatus = WorkerStatus.OFFLINE


class Integration(PrefectBaseModel):
    """A package that a worker has installed."""

    name: str
    version: str


class WorkerMetadata(PrefectBaseModel):
    """What a worker tells of itself. Kinds of workers may tell more than is declared here."""

    model_config = ConfigDict(extra="allow", defer_build=True, ser_json_timedelta="float")

    integrations: list[Integration]
