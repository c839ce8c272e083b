"""Which flows are looked for."""

from uuid import UUID

from prefect._contract.base import FilterBaseModel
from prefect._contract.filters.operators import OperatorMixin

__all__ = [
    "FlowFilter",
    "FlowFilterDeployment",
    "FlowFilterId",
    "FlowFilterName",
    "FlowFilterTags",
]


class FlowFilterId(FilterBaseModel):
    """Selects flows by their id."""

    any_: list[UUID] | None = None
    not_any_: list[UUID] | None = None


class FlowFilterName(FilterBaseModel):
    """Selects flows by their name."""

    any_: list[str] | None = None
    like_: str | None = None


class FlowFilterTags(FilterBaseModel, OperatorMixin):
    """Selects flows by their tags."""

    all_: list[str] | None = None
    is_null_: bool | None = None


class FlowFilterDeployment(FilterBaseModel, OperatorMixin):
    """Selects flows by whether they have deployments."""

    is_null_: bool | None = None


class FlowFilter(FilterBaseModel, OperatorMixin):
    """Selects flows."""

    id: FlowFilterId | None = None
    name: FlowFilterName | None = None
    tags: FlowFilterTags | None = None
    deployment: FlowFilterDeployment | None = None
