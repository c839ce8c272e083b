"""Automations: what the orchestrator does when certain events occur, or do not."""

from typing import TYPE_CHECKING, Any, Union
from uuid import UUID

from pydantic import ConfigDict

from prefect._contract.automation_actions import (
    CallWebhook,
    CancelFlowRun,
    ChangeFlowRunState,
    DeclareIncident,
    DeleteFlowRun,
    DoNothing,
    PauseAutomation,
    PauseDeployment,
    PauseWorkPool,
    PauseWorkQueue,
    ResumeAutomation,
    ResumeDeployment,
    ResumeFlowRun,
    ResumeWorkPool,
    ResumeWorkQueue,
    RunDeployment,
    SendNotification,
    SuspendFlowRun,
)
from prefect._contract.automations import AutomationCore
from prefect._contract.events import ResourceSpecification
from prefect._contract.triggers import (
    CompositeTrigger,
    CompoundTrigger,
    EventTrigger,
    MetricTrigger,
    MetricTriggerOperator,
    MetricTriggerQuery,
    Posture,
    PrefectMetric,
    ResourceTrigger,
    SequenceTrigger,
    Trigger,
)
from prefect.utilities.dual import Dual, Steps, asynchronous, dual
from prefect.utilities.dual_methods import ClassDual, class_asynchronous, class_dual

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Automation",
    "AutomationCore",
    "CallWebhook",
    "CancelFlowRun",
    "ChangeFlowRunState",
    "CompositeTrigger",
    "CompoundTrigger",
    "DeclareIncident",
    "DeleteFlowRun",
    "DoNothing",
    "EventTrigger",
    "MetricTrigger",
    "MetricTriggerOperator",
    "MetricTriggerQuery",
    "PauseAutomation",
    "PauseDeployment",
    "PauseWorkPool",
    "PauseWorkQueue",
    "Posture",
    "PrefectMetric",
    "ResourceSpecification",
    "ResourceTrigger",
    "ResumeAutomation",
    "ResumeDeployment",
    "ResumeFlowRun",
    "ResumeWorkPool",
    "ResumeWorkQueue",
    "RunDeployment",
    "SendNotification",
    "SequenceTrigger",
    "SuspendFlowRun",
    "Trigger",
]


class Automation(AutomationCore):
    """
    An automation: see `AutomationCore` for its fields.

        Automation(
            name="restart",
            trigger=EventTrigger(expect={"prefect.flow-run.Crashed"}),
            actions=[RunDeployment(deployment_id=deployment_id)],
        ).create()

    Args:
        id: Its id; None before it is created.
    """

    model_config = ConfigDict(extra="forbid", defer_build=True, ignored_types=(Dual, ClassDual))

    id: UUID | None = None

    def _required_id(self, what: str) -> UUID:
        if self.id is None:
            raise ValueError(f"Can't {what} an automation without an ID. Create it first, or read it.")
        return self.id

    def _create_steps(self) -> Steps["Self"]:
        """
        Create it.

        Returns:
            Itself, with its id.

        Raises:
            pydantic.ValidationError: It has a trigger or an action that an orchestrator does not know.
        """
        from prefect._contract.automations import AutomationCreate
        from prefect._contract.endpoints import automations
        from prefect.client.base import ask

        created = yield from ask(automations.create_automation(AutomationCreate.of(self)))
        self.id = created.id
        return self

    def _update_steps(self) -> Steps[None]:
        """
        Replace what it does, and when, by what it says now.

        Raises:
            ValueError: It has no id.
            prefect.exceptions.ObjectNotFound: It was deleted.
        """
        from prefect._contract.automations import AutomationUpdate
        from prefect._contract.endpoints import automations
        from prefect.client.base import ask

        id = self._required_id("update")
        yield from ask(automations.update_automation(id, AutomationUpdate.of(self)))

    @classmethod
    def _read_steps(cls, id: UUID | None = None, name: str | None = None) -> Steps["Self"]:
        """
        Read an automation by id, or by name.

        Raises:
            ValueError: There is none, or not exactly one of both was given.
        """
        if (id is None) == (name is None):
            raise ValueError("Say either the id or the name of the automation.")
        found = yield from _find(id, name)
        if found is None:
            raise ValueError(f"Automation with {'ID' if name is None else 'name'} {name or id!s} not found")
        fields = {field: getattr(found, field) for field in type(found).model_fields if field in cls.model_fields}
        return cls.model_validate(fields)

    def _delete_steps(self) -> Steps[bool]:
        """
        Delete it.

        Returns:
            Whether it was there.

        Raises:
            ValueError: It has no id.
        """
        from prefect._contract.endpoints import automations
        from prefect.client.base import ask
        from prefect.exceptions import ObjectNotFound

        id = self._required_id("delete")
        try:
            yield from ask(automations.delete_automation(id))
        except ObjectNotFound:
            return False
        return True

    def _switch_steps(self, enabled: bool) -> Steps[bool]:
        from prefect._contract.automations import AutomationPartialUpdate
        from prefect._contract.endpoints import automations
        from prefect.client.base import ask
        from prefect.exceptions import ObjectNotFound

        id = self._required_id("enable" if enabled else "disable")
        try:
            yield from ask(automations.patch_automation(id, AutomationPartialUpdate(enabled=enabled)))
        except ObjectNotFound:
            return False
        self.enabled = enabled
        return True

    def _disable_steps(self) -> Steps[bool]:
        """
        Let it act no more.

        Returns:
            Whether it is there.

        Raises:
            ValueError: It has no id.
        """
        return (yield from self._switch_steps(enabled=False))

    def _enable_steps(self) -> Steps[bool]:
        """
        Let it act again.

        Returns:
            Whether it is there.

        Raises:
            ValueError: It has no id.
        """
        return (yield from self._switch_steps(enabled=True))

    if TYPE_CHECKING:

        def create(self) -> Self: ...
        async def acreate(self) -> Self: ...
        def update(self) -> None: ...
        async def aupdate(self) -> None: ...
        @classmethod
        def read(cls, id: Union[UUID, None] = None, name: Union[str, None] = None) -> Self: ...
        @classmethod
        async def aread(cls, id: Union[UUID, None] = None, name: Union[str, None] = None) -> Self: ...
        def delete(self) -> bool: ...
        async def adelete(self) -> bool: ...
        def disable(self) -> bool: ...
        async def adisable(self) -> bool: ...
        def enable(self) -> bool: ...
        async def aenable(self) -> bool: ...

    else:
        create = dual(_create_steps)
        acreate = asynchronous(create)
        update = dual(_update_steps)
        aupdate = asynchronous(update)
        read = class_dual(_read_steps.__func__)
        aread = class_asynchronous(read)
        delete = dual(_delete_steps)
        adelete = asynchronous(delete)
        disable = dual(_disable_steps)
        adisable = asynchronous(disable)
        enable = dual(_enable_steps)
        aenable = asynchronous(enable)


def _find(id: UUID | None, name: str | None) -> Steps[Any]:
    """The automation of an id or a name; None if there is none."""
    from prefect._contract.endpoints import automations
    from prefect._contract.filters.automations import AutomationFilter, AutomationFilterName
    from prefect.client.base import ask
    from prefect.exceptions import ObjectNotFound

    if id is not None:
        try:
            return (yield from ask(automations.read_automation(id)))
        except ObjectNotFound:
            return None
    named = AutomationFilter(name=AutomationFilterName(any_=[str(name)]))
    found = yield from ask(automations.read_automations(automations=named))
    return found[0] if found else None
