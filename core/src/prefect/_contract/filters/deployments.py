"""Which deployments are looked for."""

from uuid import UUID

from prefect._contract.base import FilterBaseModel
from prefect._contract.filters.operators import OperatorMixin

__all__ = [
    "DeploymentFilter",
    "DeploymentFilterConcurrencyLimit",
    "DeploymentFilterId",
    "DeploymentFilterName",
    "DeploymentFilterPaused",
    "DeploymentFilterTags",
    "DeploymentFilterWorkQueueName",
    "DeploymentOrFlowNameFilter",
]


class DeploymentFilterId(FilterBaseModel):
    """Selects deployments by their id."""

    any_: list[UUID] | None = None
    not_any_: list[UUID] | None = None


class DeploymentFilterName(FilterBaseModel):
    """Selects deployments by their name."""

    any_: list[str] | None = None
    like_: str | None = None


class DeploymentFilterWorkQueueName(FilterBaseModel):
    """Selects deployments by the name of their work queue."""

    any_: list[str] | None = None


class DeploymentFilterTags(FilterBaseModel, OperatorMixin):
    """Selects deployments by their tags."""

    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


class DeploymentFilterConcurrencyLimit(FilterBaseModel):
    """Selects deployments by their concurrency limit."""

    ge_: int | None = None
    le_: int | None = None
    is_null_: bool | None = None


class DeploymentFilterPaused(FilterBaseModel):
    """Selects deployments by whether they are paused."""

    eq_: bool | None = None


class DeploymentOrFlowNameFilter(FilterBaseModel):
    """Selects deployments whose own name, or whose flow's name, contains a text."""

    like_: str | None = None


class DeploymentFilter(FilterBaseModel, OperatorMixin):
    """Selects deployments."""

    id: DeploymentFilterId | None = None
    name: DeploymentFilterName | None = None
    tags: DeploymentFilterTags | None = None
    work_queue_name: DeploymentFilterWorkQueueName | None = None
    concurrency_limit: DeploymentFilterConcurrencyLimit | None = None
    paused: DeploymentFilterPaused | None = None
    flow_or_deployment_name: DeploymentOrFlowNameFilter | None = None
