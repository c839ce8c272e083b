"""Requests that make or change deployments."""

from typing import Any
from uuid import UUID

from pydantic import Field

from prefect._contract.base import ActionBaseModel, KeyValueLabels
from prefect._contract.concurrency import ConcurrencyOptions
from prefect._contract.deployments import DeploymentBranchingOptions, VersionInfo
from prefect._contract.schedules import SCHEDULE_TYPES

__all__ = [
    "DeploymentBranch",
    "DeploymentCreate",
    "DeploymentScheduleCreate",
    "DeploymentScheduleUpdate",
    "DeploymentUpdate",
]


def _empty_schema() -> dict[str, Any]:
    return {"type": "object", "properties": {}}


class DeploymentScheduleCreate(ActionBaseModel):
    """
    Asks for a schedule of a deployment.

    Args:
        slug: Names the schedule, so that deploying again finds it.
        replaces: The slug under which it was known before.
    """

    schedule: SCHEDULE_TYPES
    active: bool = True
    max_scheduled_runs: int | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    replaces: str | None = None


class DeploymentScheduleUpdate(ActionBaseModel):
    """Changes a schedule of a deployment."""

    schedule: SCHEDULE_TYPES | None = None
    active: bool | None = None
    max_scheduled_runs: int | None = None
    parameters: dict[str, Any] | None = None
    slug: str | None = None
    replaces: str | None = None


class DeploymentCreate(ActionBaseModel):
    """Asks for a deployment; one of the same flow and name is replaced."""

    name: str
    flow_id: UUID
    paused: bool | None = None
    schedules: list[DeploymentScheduleCreate] = Field(default_factory=list)
    concurrency_limit: int | None = None
    concurrency_options: ConcurrencyOptions | None = None
    enforce_parameter_schema: bool | None = None
    parameter_openapi_schema: dict[str, Any] | None = Field(default_factory=_empty_schema)
    parameters: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    labels: KeyValueLabels = Field(default_factory=dict)
    pull_steps: list[dict[str, Any]] | None = None
    work_queue_name: str | None = None
    work_pool_name: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    description: str | None = None
    path: str | None = None
    entrypoint: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    version: str | None = None
    version_info: VersionInfo | None = None
    branch: str | None = None
    base: UUID | None = None
    root: UUID | None = None
    global_concurrency_limit_id: UUID | None = None


class DeploymentUpdate(ActionBaseModel):
    """Changes a deployment."""

    version: str | None = None
    version_info: VersionInfo | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    paused: bool | None = None
    schedules: list[DeploymentScheduleUpdate] | None = None
    concurrency_limit: int | None = None
    concurrency_options: ConcurrencyOptions | None = None
    tags: list[str] = Field(default_factory=list)
    work_queue_name: str | None = None
    work_pool_name: str | None = None
    path: str | None = None
    job_variables: dict[str, Any] | None = Field(default_factory=dict)
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    enforce_parameter_schema: bool | None = None
    parameter_openapi_schema: dict[str, Any] | None = Field(default_factory=_empty_schema)
    pull_steps: list[dict[str, Any]] | None = None
    global_concurrency_limit_id: UUID | None = None


class DeploymentBranch(ActionBaseModel):
    """Asks for a branch of a deployment."""

    branch: str
    options: DeploymentBranchingOptions = Field(default_factory=DeploymentBranchingOptions)
    overrides: DeploymentUpdate | None = None
