"""Deployments: flows made ready to be run elsewhere."""

from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import Field

from prefect._contract.base import KeyValueLabels, Moment, ObjectBaseModel, PrefectBaseModel
from prefect._contract.objects import CreatedBy, UpdatedBy
from prefect._contract.schedules import SCHEDULE_TYPES
from prefect.utilities.collections import AutoEnum

__all__ = [
    "BranchingScheduleHandling",
    "CatchUp",
    "Deployment",
    "DeploymentBranchingOptions",
    "DeploymentSchedule",
    "DeploymentStatus",
    "VersionInfo",
]


class DeploymentStatus(AutoEnum):
    """Whether somebody would pick up a run of the deployment."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    DISABLED = "DISABLED"


class CatchUp(str, Enum):
    """What becomes of the times at which a schedule was due while no server looked: none of them, the latest, or all."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class DeploymentSchedule(ObjectBaseModel):
    """A schedule of a deployment."""

    deployment_id: UUID | None = None
    schedule: SCHEDULE_TYPES
    active: bool = True
    max_scheduled_runs: int | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    catchup: CatchUp = CatchUp.NONE


class VersionInfo(PrefectBaseModel):
    """Names the version of a deployment's code: which kind of version, and which."""

    type: str
    version: str


class BranchingScheduleHandling(str, Enum):
    """What becomes of the schedules in a branch of a deployment."""

    KEEP = "keep"
    REMOVE = "remove"
    INACTIVE = "inactive"


class DeploymentBranchingOptions(ObjectBaseModel):
    """How a branch of a deployment is made."""

    schedule_handling: BranchingScheduleHandling = BranchingScheduleHandling.REMOVE


class Deployment(ObjectBaseModel):
    """A flow made ready to be run elsewhere: where its code is, what it is called with, and when."""

    name: str
    version: str | None = None
    version_id: UUID | None = None
    version_info: VersionInfo | None = None
    description: str | None = None
    flow_id: UUID
    paused: bool = False
    concurrency_limit: int | None = None
    schedules: list[DeploymentSchedule] = Field(default_factory=list)
    job_variables: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    pull_steps: list[dict[str, Any]] | None = None
    tags: list[str] = Field(default_factory=list)
    labels: KeyValueLabels = Field(default_factory=dict)
    work_queue_name: str | None = None
    last_polled: Moment | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    path: str | None = None
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    created_by: CreatedBy | None = None
    updated_by: UpdatedBy | None = None
    work_queue_id: UUID | None = None
    enforce_parameter_schema: bool = True
