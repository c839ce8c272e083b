"""Automations: what is done when certain events occur, or do not."""

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from pydantic import Field

from prefect._contract.automation_actions import ActionTypes, OrchestratedActionTypes
from prefect._contract.base import ActionBaseModel, Moment, PrefectBaseModel
from prefect._contract.triggers import TriggerTypes
from prefect.utilities.publishing import publish

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Automation",
    "AutomationCore",
    "AutomationCreate",
    "AutomationPartialUpdate",
    "AutomationUpdate",
]


class AutomationCore(PrefectBaseModel):
    """
    An automation, as users define it.

    Args:
        name: What people call it.
        description: What it is for.
        enabled: Whether it acts.
        tags: Its tags.
        trigger: When it acts.
        actions: What it does each time.
        actions_on_trigger: What else it does when the trigger becomes true.
        actions_on_resolve: What it does when the trigger is true no longer.
        owner_resource: The resource that it belongs to, and with which it is deleted: `prefect.deployment.<uuid>`.
    """

    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = Field(default_factory=list)
    trigger: TriggerTypes
    actions: list[ActionTypes]
    actions_on_trigger: list[ActionTypes] = Field(default_factory=list)
    actions_on_resolve: list[ActionTypes] = Field(default_factory=list)
    owner_resource: str | None = None


class Automation(AutomationCore):
    """An automation, as an orchestrator answers."""

    id: UUID
    created: Moment | None = None
    updated: Moment | None = None

    _always_answered: ClassVar[tuple[str, ...]] = ("created", "updated")

    @classmethod
    def _reset_fields(cls) -> frozenset[str]:
        return super()._reset_fields() | {"created", "updated"}


class _AutomationRequest(ActionBaseModel):
    name: str
    description: str = ""
    enabled: bool = True
    tags: list[str] = Field(default_factory=list)
    trigger: TriggerTypes
    actions: list[OrchestratedActionTypes]
    actions_on_trigger: list[OrchestratedActionTypes] = Field(default_factory=list)
    actions_on_resolve: list[OrchestratedActionTypes] = Field(default_factory=list)

    @classmethod
    def of(cls, automation: AutomationCore) -> "Self":
        """
        Ask for an automation that a user has defined.

        Raises:
            pydantic.ValidationError: It has a trigger or an action that an orchestrator does not know.
        """
        return cls.model_validate({name: getattr(automation, name) for name in cls.model_fields})


class AutomationCreate(_AutomationRequest):
    """Asks for an automation: see `AutomationCore`."""

    owner_resource: str | None = None


class AutomationUpdate(_AutomationRequest):
    """Replaces what an automation does, and when: see `AutomationCore`."""


class AutomationPartialUpdate(ActionBaseModel):
    """Pauses or resumes an automation."""

    enabled: bool = True


publish(globals(), "prefect.events.schemas.automations")
