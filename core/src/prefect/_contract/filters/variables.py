"""Which variables are looked for."""

from uuid import UUID

from prefect._contract.base import FilterBaseModel
from prefect._contract.filters.operators import OperatorMixin

__all__ = [
    "VariableFilter",
    "VariableFilterId",
    "VariableFilterName",
    "VariableFilterTags",
]


class VariableFilterId(FilterBaseModel):
    """Selects variables by their id."""

    any_: list[UUID] | None = None


class VariableFilterName(FilterBaseModel):
    """Selects variables by their name."""

    any_: list[str] | None = None
    like_: str | None = None


class VariableFilterTags(FilterBaseModel, OperatorMixin):
    """Selects variables by their tags."""

    all_: list[str] | None = None
    is_null_: bool | None = None


class VariableFilter(FilterBaseModel, OperatorMixin):
    """Selects variables."""

    id: VariableFilterId | None = None
    name: VariableFilterName | None = None
    tags: VariableFilterTags | None = None
