"""Triggers that are part of a deployment: automations that belong to it, and run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect._contract.automations import AutomationCore, AutomationCreate
from prefect._contract.endpoints import automations
from prefect._contract.triggers import Trigger
from prefect.client.base import ask
from prefect.utilities.dual import Steps

__all__ = ["declare_triggers"]


def declare_triggers(deployment_id: UUID, full_name: str, triggers: Sequence[Trigger]) -> Steps[None]:
    """
    Let a deployment have these triggers, as it is deployed.

    Automations that it has already stay as they are, with their ids and even if somebody paused them; others that belonged
    to it are deleted.

    Args:
        deployment_id: The deployment.
        full_name: Its flow's name and its own, which names automations whose triggers name none.
        triggers: The triggers.
    """
    resource = f"prefect.deployment.{deployment_id}"
    related = yield from ask(automations.read_resource_related_automations(resource))
    there = [automation for automation in related if automation.owner_resource == resource]
    for number, trigger in enumerate(triggers, 1):
        wanted = _automation(trigger, deployment_id, f"{full_name}__automation_{number}")
        same = next((automation for automation in there if _essence(automation) == _essence(wanted)), None)
        if same is not None:
            there.remove(same)
        else:
            yield from ask(automations.create_automation(AutomationCreate.of(wanted)))
    for gone in there:
        yield from ask(automations.delete_automation(gone.id))


def _automation(trigger: Trigger, deployment_id: UUID, default_name: str) -> AutomationCore:
    trigger.set_deployment_id(deployment_id)
    automation = trigger.as_automation()
    named = getattr(trigger, "name", None)
    return automation if named else automation.model_copy(update={"name": default_name})


def _essence(automation: AutomationCore) -> dict[str, Any]:
    """What an automation does, and when: without ids, and whether it is paused."""
    values = automation.model_dump(mode="json", include={"name", "description", "trigger", "actions"})
    return _without_ids(values)  # type: ignore[no-any-return]


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_ids(part) for name, part in value.items() if name != "id"}
    return [_without_ids(part) for part in value] if isinstance(value, list) else value
