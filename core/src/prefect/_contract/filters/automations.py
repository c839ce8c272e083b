"""Which automations are looked for."""

from uuid import UUID

from prefect._contract.base import FilterBaseModel, Moment
from prefect._contract.filters.operators import OperatorMixin

__all__ = [
    "AutomationFilter",
    "AutomationFilterCreated",
    "AutomationFilterId",
    "AutomationFilterName",
    "AutomationFilterTags",
]


class AutomationFilterId(FilterBaseModel):
    """Selects automations by their id."""

    any_: list[UUID] | None = None


class AutomationFilterName(FilterBaseModel):
    """Selects automations by their name."""

    any_: list[str] | None = None


class AutomationFilterCreated(FilterBaseModel):
    """Selects automations by when they were created."""

    before_: Moment | None = None


class AutomationFilterTags(FilterBaseModel, OperatorMixin):
    """Selects automations by their tags."""

    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


class AutomationFilter(FilterBaseModel, OperatorMixin):
    """Selects automations."""

    id: AutomationFilterId | None = None
    name: AutomationFilterName | None = None
    created: AutomationFilterCreated | None = None
    tags: AutomationFilterTags | None = None
