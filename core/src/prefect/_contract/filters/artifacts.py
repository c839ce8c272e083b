"""Which artifacts are looked for."""

from uuid import UUID

from prefect._contract.base import FilterBaseModel
from prefect._contract.filters.operators import OperatorMixin

__all__ = [
    "ArtifactCollectionFilter",
    "ArtifactCollectionFilterFlowRunId",
    "ArtifactCollectionFilterKey",
    "ArtifactCollectionFilterLatestId",
    "ArtifactCollectionFilterTaskRunId",
    "ArtifactCollectionFilterType",
    "ArtifactFilter",
    "ArtifactFilterFlowRunId",
    "ArtifactFilterId",
    "ArtifactFilterKey",
    "ArtifactFilterTaskRunId",
    "ArtifactFilterType",
]


class ArtifactFilterId(FilterBaseModel):
    """Selects artifacts by their id."""

    any_: list[UUID] | None = None


class ArtifactFilterKey(FilterBaseModel):
    """Selects artifacts by their key."""

    any_: list[str] | None = None
    like_: str | None = None
    exists_: bool | None = None


class ArtifactFilterFlowRunId(FilterBaseModel):
    """Selects artifacts by the flow run that they belong to."""

    any_: list[UUID] | None = None


class ArtifactFilterTaskRunId(FilterBaseModel):
    """Selects artifacts by the task run that they belong to."""

    any_: list[UUID] | None = None


class ArtifactFilterType(FilterBaseModel):
    """Selects artifacts by their type."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class ArtifactFilter(FilterBaseModel, OperatorMixin):
    """Selects artifacts."""

    id: ArtifactFilterId | None = None
    key: ArtifactFilterKey | None = None
    flow_run_id: ArtifactFilterFlowRunId | None = None
    task_run_id: ArtifactFilterTaskRunId | None = None
    type: ArtifactFilterType | None = None


class ArtifactCollectionFilterLatestId(FilterBaseModel):
    """Selects artifact collections by the id of their latest artifact."""

    any_: list[UUID] | None = None


class ArtifactCollectionFilterKey(FilterBaseModel):
    """Selects artifact collections by their key."""

    any_: list[str] | None = None
    like_: str | None = None
    exists_: bool | None = None


class ArtifactCollectionFilterFlowRunId(FilterBaseModel):
    """Selects artifact collections by the flow run that they belong to."""

    any_: list[UUID] | None = None


class ArtifactCollectionFilterTaskRunId(FilterBaseModel):
    """Selects artifact collections by the task run that they belong to."""

    any_: list[UUID] | None = None


class ArtifactCollectionFilterType(FilterBaseModel):
    """Selects artifact collections by their type."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class ArtifactCollectionFilter(FilterBaseModel, OperatorMixin):
    """Selects artifact collections."""

    latest_id: ArtifactCollectionFilterLatestId | None = None
    key: ArtifactCollectionFilterKey | None = None
    flow_run_id: ArtifactCollectionFilterFlowRunId | None = None
    task_run_id: ArtifactCollectionFilterTaskRunId | None = None
    type: ArtifactCollectionFilterType | None = None
