"""Answers about deployments."""

from typing import Any
from uuid import UUID

from pydantic import Field

from prefect._contract.base import KeyValueLabels, Moment, ObjectBaseModel, PrefectBaseModel
from prefect._contract.concurrency import ConcurrencyOptions
from prefect._contract.deployments import DeploymentSchedule, DeploymentStatus, VersionInfo
from prefect._contract.objects import CreatedBy, UpdatedBy
from prefect._contract.responses.concurrency import GlobalConcurrencyLimitResponse
from prefect._contract.responses.pages import Page

__all__ = [
    "BackfillResponse",
    "DeploymentBulkDeleteResponse",
    "DeploymentPaginationResponse",
    "DeploymentResponse",
]


class DeploymentResponse(ObjectBaseModel):
    """A deployment, as an orchestrator answers."""

    name: str
    version: str | None = None
    version_id: UUID | None = None
    version_info: VersionInfo | None = None
    branch: str | None = None
    base: UUID | None = None
    root: UUID | None = None
    description: str | None = None
    flow_id: UUID
    concurrency_limit: int | None = None
    global_concurrency_limit: GlobalConcurrencyLimitResponse | None = None
    concurrency_options: ConcurrencyOptions | None = None
    paused: bool = False
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
    work_pool_name: str | None = None
    status: DeploymentStatus | None = None


class DeploymentPaginationResponse(Page):
    """A page of deployments."""

    results: list[DeploymentResponse]


class DeploymentBulkDeleteResponse(PrefectBaseModel):
    """The ids of the deployments that were deleted."""

    deleted: list[UUID] = Field(default_factory=list)


class BackfillResponse(PrefectBaseModel):
    """
    What became of a part of a backfill.

    Args:
        created: How many runs were created.
        existing: How many of the due times had a run before.
        next: The next due time in the span, to go on from; None if all have runs now.
    """

    created: int
    existing: int
    next: Moment | None = None
