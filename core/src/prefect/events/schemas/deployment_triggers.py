"""Triggers that are part of a deployment, and run it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Field, Tag

from prefect._contract.automation_actions import ActionTypes, RunDeployment
from prefect._contract.automations import AutomationCore
from prefect._contract.base import Duration, PrefectBaseModel
from prefect._contract.triggers import (
    CompoundTrigger,
    EventTrigger,
    MetricTrigger,
    SequenceTrigger,
    trigger_discriminator,
)

if TYPE_CHECKING:
    from uuid import UUID

__all__ = [
    "BaseDeploymentTrigger",
    "DeploymentCompoundTrigger",
    "DeploymentEventTrigger",
    "DeploymentMetricTrigger",
    "DeploymentSequenceTrigger",
    "DeploymentTriggerTypes",
    "deployment_trigger_discriminator",
]


class BaseDeploymentTrigger(PrefectBaseModel):
    """
    What triggers have in common that are part of a deployment.

    Args:
        name: What the automation is called; by default it is named for the deployment.
        description: What the automation is for.
        enabled: Whether it acts.
        parameters: Replace the deployment's. They may be templates.
        job_variables: Replace the deployment's.
        schedule_after: How long to wait before the run.
    """

    name: str | None = None
    description: str = ""
    enabled: bool = True
    parameters: dict[str, Any] | None = None
    job_variables: dict[str, Any] | None = None
    schedule_after: Annotated[Duration, Field(ge=timedelta(0))] = Field(default_factory=timedelta)

    if TYPE_CHECKING:  # what the trigger beside it has

        def _required_deployment_id(self) -> UUID: ...
        def owner_resource(self) -> str | None: ...

    def actions(self) -> list[ActionTypes]:
        """
        What it leads to: a run of the deployment.

        Raises:
            ValueError: It is not known which deployment it is part of.
        """
        return [
            RunDeployment(
                deployment_id=self._required_deployment_id(),
                parameters=self.parameters,
                job_variables=self.job_variables,
                schedule_after=self.schedule_after,
            )
        ]

    def as_automation(self) -> AutomationCore:
        """
        The automation that it is. Its trigger says only when it acts.

        Raises:
            ValueError: It is not known which deployment it is part of.
        """
        own = set(BaseDeploymentTrigger.model_fields)
        return AutomationCore(
            name=self.name or f"Automation for deployment {self._required_deployment_id()}",
            description=self.description,
            enabled=self.enabled,
            trigger=self.model_dump(exclude=own, exclude_unset=True),
            actions=self.actions(),
            owner_resource=self.owner_resource(),
        )


class DeploymentEventTrigger(BaseDeploymentTrigger, EventTrigger):
    """Runs the deployment when events occur, or do not: see `EventTrigger`."""


class DeploymentMetricTrigger(BaseDeploymentTrigger, MetricTrigger):
    """Runs the deployment when a metric is out of bounds: see `MetricTrigger`."""


class DeploymentCompoundTrigger(BaseDeploymentTrigger, CompoundTrigger):
    """Runs the deployment when some of other triggers have acted: see `CompoundTrigger`."""


class DeploymentSequenceTrigger(BaseDeploymentTrigger, SequenceTrigger):
    """Runs the deployment when other triggers have acted, one after the other: see `SequenceTrigger`."""


def deployment_trigger_discriminator(value: Any) -> str:
    """Tell which kind of trigger something is: see `trigger_discriminator`."""
    return trigger_discriminator(value)


DeploymentTriggerTypes = Annotated[
    Union[
        Annotated[DeploymentEventTrigger, Tag("event")],
        Annotated[DeploymentMetricTrigger, Tag("metric")],
        Annotated[DeploymentCompoundTrigger, Tag("compound")],
        Annotated[DeploymentSequenceTrigger, Tag("sequence")],
    ],
    Discriminator(deployment_trigger_discriminator),
]
"""All triggers of deployments. The field `type` tells which it is."""
