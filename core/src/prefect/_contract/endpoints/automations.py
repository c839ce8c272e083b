"""Automations: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

if TYPE_CHECKING:
    from prefect._contract.automations import Automation, AutomationCreate, AutomationPartialUpdate, AutomationUpdate
    from prefect._contract.filters.automations import AutomationFilter
    from prefect._contract.sorting import AutomationSort

__all__ = [
    "count_automations",
    "create_automation",
    "delete_automation",
    "delete_resource_owned_automations",
    "patch_automation",
    "read_automation",
    "read_automations",
    "read_resource_related_automations",
    "update_automation",
    "validate_automation_template",
]


def create_automation(automation: AutomationCreate) -> Call[Automation]:
    """Create an automation."""
    from prefect._contract.automations import Automation

    return Call("POST", "/automations/", Automation, body=automation)


def read_automation(automation_id: UUID) -> Call[Automation]:
    """Read an automation by id."""
    from prefect._contract.automations import Automation

    return Call("GET", "/automations/{id}", Automation, {"id": automation_id})


def update_automation(automation_id: UUID, automation: AutomationUpdate) -> Call[None]:
    """Replace what an automation does, and when."""
    return Call("PUT", "/automations/{id}", None, {"id": automation_id}, body=automation)


def patch_automation(automation_id: UUID, automation: AutomationPartialUpdate) -> Call[None]:
    """Pause or resume an automation."""
    return Call("PATCH", "/automations/{id}", None, {"id": automation_id}, body=automation)


def delete_automation(automation_id: UUID) -> Call[None]:
    """Delete an automation by id."""
    return Call("DELETE", "/automations/{id}", None, {"id": automation_id})


def read_automations(
    *,
    automations: AutomationFilter | None = None,
    sort: AutomationSort | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[list[Automation]]:
    """List the selected automations."""
    from prefect._contract.automations import Automation

    body = given(automations=automations, sort=sort, limit=limit, offset=offset)
    return Call("POST", "/automations/filter", list[Automation], body=body)


def count_automations(automations: AutomationFilter | None = None) -> Call[int]:
    """Count the selected automations."""
    return Call("POST", "/automations/count", int, body=given(automations=automations))


def read_resource_related_automations(resource_id: str) -> Call[list[Automation]]:
    """List the automations that act on a resource, given as `prefect.deployment.<uuid>`."""
    from prefect._contract.automations import Automation

    return Call("GET", "/automations/related-to/{resource_id}", list[Automation], {"resource_id": resource_id})


def delete_resource_owned_automations(resource_id: str) -> Call[None]:
    """Delete the automations that belong to a resource, given as `prefect.deployment.<uuid>`."""
    return Call("DELETE", "/automations/owned-by/{resource_id}", None, {"resource_id": resource_id})


def validate_automation_template(template: str) -> Call[None]:
    """Ask whether a template of an action is valid."""
    return Call("POST", "/automations/templates/validate", None, body=template)
