"""The clients' methods for automations."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.endpoints import automations
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.exceptions import ObjectNotFound
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect._contract.automations import Automation, AutomationCore

__all__ = ["AutomationAsyncClient", "AutomationClient"]

_AT_ONCE = 200


def create_automation(automation: AutomationCore) -> Steps[UUID]:
    """
    Create an automation.

    Returns:
        Its id.

    Raises:
        pydantic.ValidationError: It has a trigger or an action that an orchestrator does not know.
    """
    from prefect._contract.automations import AutomationCreate

    created = yield from ask(automations.create_automation(AutomationCreate.of(automation)))
    return created.id


def update_automation(automation_id: UUID, automation: AutomationCore) -> Steps[None]:
    """
    Replace what an automation does, and when. Who it belongs to stays.

    Raises:
        prefect.exceptions.ObjectNotFound: There is none.
        pydantic.ValidationError: It has a trigger or an action that an orchestrator does not know.
    """
    from prefect._contract.automations import AutomationUpdate

    yield from ask(automations.update_automation(automation_id, AutomationUpdate.of(automation)))


def read_automation(automation_id: UUID | str) -> Steps[Automation]:
    """
    Read an automation by id.

    Raises:
        prefect.exceptions.ObjectNotFound: There is none.
    """
    return (yield from ask(automations.read_automation(UUID(str(automation_id)))))


def read_automations_by_name(name: str) -> Steps[list[Automation]]:
    """List the automations of a name."""
    from prefect._contract.filters.automations import AutomationFilter, AutomationFilterName

    selected = AutomationFilter(name=AutomationFilterName(any_=[name]))
    return (yield from ask(automations.read_automations(automations=selected)))


def find_automation(id_or_name: str | UUID) -> Steps[Automation | None]:
    """
    Find an automation by id, or by name: by the name as it is written, else regardless of upper and lower case.

    Returns:
        None if there is none of that name.

    Raises:
        prefect.exceptions.ObjectNotFound: There is none with that id.
    """
    if isinstance(id_or_name, UUID):
        return (yield from read_automation(id_or_name))
    try:
        return (yield from read_automation(UUID(id_or_name)))
    except (ValueError, ObjectNotFound):
        pass
    exact = yield from read_automations_by_name(id_or_name)
    if exact:
        return exact[0]
    return (yield from _of_similar_name(id_or_name.casefold()))


def _of_similar_name(name: str) -> Steps[Automation | None]:
    offset = 0
    while True:
        page = yield from ask(automations.read_automations(limit=_AT_ONCE, offset=offset))
        for automation in page:
            if automation.name.casefold() == name:
                return automation
        if len(page) < _AT_ONCE:
            return None
        offset += _AT_ONCE


def _enable(automation_id: UUID, *, enabled: bool) -> Steps[None]:
    from prefect._contract.automations import AutomationPartialUpdate

    yield from ask(automations.patch_automation(automation_id, AutomationPartialUpdate(enabled=enabled)))


def pause_automation(automation_id: UUID) -> Steps[None]:
    """
    Let an automation act no more.

    Raises:
        prefect.exceptions.ObjectNotFound: There is none.
    """
    yield from _enable(automation_id, enabled=False)


def resume_automation(automation_id: UUID) -> Steps[None]:
    """
    Let an automation act again.

    Raises:
        prefect.exceptions.ObjectNotFound: There is none.
    """
    yield from _enable(automation_id, enabled=True)


class AutomationClient:
    """Automations."""

    transport: Transport
    create_automation = blocking_steps(create_automation)
    update_automation = blocking_steps(update_automation)
    read_automation = blocking_steps(read_automation)
    read_automations = blocking(automations.read_automations)
    read_automations_by_name = blocking_steps(read_automations_by_name)
    find_automation = blocking_steps(find_automation)
    pause_automation = blocking_steps(pause_automation)
    resume_automation = blocking_steps(resume_automation)
    delete_automation = blocking(automations.delete_automation)
    read_resource_related_automations = blocking(automations.read_resource_related_automations)
    delete_resource_owned_automations = blocking(automations.delete_resource_owned_automations)


class AutomationAsyncClient:
    """Automations."""

    transport: Transport
    create_automation = awaitable_steps(create_automation)
    update_automation = awaitable_steps(update_automation)
    read_automation = awaitable_steps(read_automation)
    read_automations = awaitable(automations.read_automations)
    read_automations_by_name = awaitable_steps(read_automations_by_name)
    find_automation = awaitable_steps(find_automation)
    pause_automation = awaitable_steps(pause_automation)
    resume_automation = awaitable_steps(resume_automation)
    delete_automation = awaitable(automations.delete_automation)
    read_resource_related_automations = awaitable(automations.read_resource_related_automations)
    delete_resource_owned_automations = awaitable(automations.delete_resource_owned_automations)
