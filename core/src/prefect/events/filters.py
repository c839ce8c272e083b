"""Filters that select events and automations."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.filters.automations import *
    from prefect._contract.filters.events import *

_NAMES = {
    "filters.automations": (
        "AutomationFilter",
        "AutomationFilterCreated",
        "AutomationFilterId",
        "AutomationFilterName",
        "AutomationFilterTags",
    ),
    "filters.events": (
        "EventAnyResourceFilter",
        "EventDataFilter",
        "EventFilter",
        "EventIDFilter",
        "EventNameFilter",
        "EventOccurredFilter",
        "EventOrder",
        "EventRelatedFilter",
        "EventResourceFilter",
        "EventTextFilter",
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
