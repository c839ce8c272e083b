"""What automations do."""

import json
from datetime import timedelta
from typing import Annotated, Any, Literal, Union
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from prefect._contract.base import Duration, PrefectBaseModel
from prefect._contract.state import StateType
from prefect.utilities.publishing import publish

__all__ = [
    "Action",
    "ActionTypes",
    "AutomationAction",
    "CallWebhook",
    "CancelFlowRun",
    "ChangeFlowRunState",
    "DeclareIncident",
    "DeleteFlowRun",
    "DeploymentAction",
    "DoNothing",
    "OrchestratedActionTypes",
    "PauseAutomation",
    "PauseDeployment",
    "PauseWorkPool",
    "PauseWorkQueue",
    "ResumeAutomation",
    "ResumeDeployment",
    "ResumeFlowRun",
    "ResumeWorkPool",
    "ResumeWorkQueue",
    "RunDeployment",
    "SendNotification",
    "SuspendFlowRun",
    "WorkPoolAction",
    "WorkQueueAction",
]


class Action(PrefectBaseModel):
    """Something that an automation does. `type` tells which, and is always sent."""

    type: str

    def model_post_init(self, context: Any, /) -> None:
        """Count the type among the fields that were given: without it, nobody could tell what the rest means."""
        self.__pydantic_fields_set__.add("type")

    def describe_for_cli(self) -> str:
        """What it does, for people: `Run deployment`."""
        return self.type.replace("-", " ").capitalize()


class _TargetedAction(Action):
    """An action on a record that was selected, or that is inferred from the event."""

    source: Literal["selected", "inferred"] = "selected"

    def model_post_init(self, context: Any, /) -> None:
        """Make sure that it is known what is acted on."""
        super().model_post_init(context)
        name, target = self._target()
        if self.source == "selected" and target is None:
            raise ValueError(
                f"{name} is required. Without it, say source='inferred' to act on what the event is about."
            )
        if self.source == "inferred" and target is not None:
            raise ValueError(
                f"{name} is not allowed when the source is 'inferred'. Say source='selected' to act on it."
            )

    def _target(self) -> tuple[str, UUID | None]:
        """The name and the value of the field that says what is acted on."""
        raise NotImplementedError


class DoNothing(Action):
    """Do nothing: for trying out triggers."""

    type: Literal["do-nothing"] = "do-nothing"


class DeploymentAction(_TargetedAction):
    """An action on a deployment."""

    deployment_id: UUID | None = None

    def _target(self) -> tuple[str, UUID | None]:
        return "deployment_id", self.deployment_id


def _not_negative(delay: timedelta) -> timedelta:
    if delay < timedelta(0):
        raise ValueError(f"schedule_after must be non-negative. It is {delay.total_seconds()} seconds.")
    return delay


class RunDeployment(DeploymentAction):
    """
    Run a deployment.

    Args:
        parameters: Replace the deployment's. They may be templates.
        job_variables: Replace the deployment's.
        schedule_after: How long to wait before.
    """

    type: Literal["run-deployment"] = "run-deployment"
    parameters: dict[str, Any] | None = None
    job_variables: dict[str, Any] | None = None
    schedule_after: Annotated[Duration, AfterValidator(_not_negative)] = Field(default_factory=timedelta)


class PauseDeployment(DeploymentAction):
    """Pause the schedules of a deployment."""

    type: Literal["pause-deployment"] = "pause-deployment"


class ResumeDeployment(DeploymentAction):
    """Resume the schedules of a deployment."""

    type: Literal["resume-deployment"] = "resume-deployment"


class ChangeFlowRunState(Action):
    """Change the state of the flow run that the event is about."""

    type: Literal["change-flow-run-state"] = "change-flow-run-state"
    name: str | None = None
    state: StateType
    message: str | None = None
    force: bool = False


class CancelFlowRun(Action):
    """Cancel the flow run that the event is about."""

    type: Literal["cancel-flow-run"] = "cancel-flow-run"


class DeleteFlowRun(Action):
    """Delete the flow run that the event is about."""

    type: Literal["delete-flow-run"] = "delete-flow-run"


class ResumeFlowRun(Action):
    """Resume the flow run that the event is about."""

    type: Literal["resume-flow-run"] = "resume-flow-run"


class SuspendFlowRun(Action):
    """Suspend the flow run that the event is about."""

    type: Literal["suspend-flow-run"] = "suspend-flow-run"


def _as_text(payload: Any) -> Any:
    return json.dumps(payload, indent=2) if isinstance(payload, dict) else payload


class CallWebhook(Action):
    """
    Call a webhook.

    Args:
        block_document_id: The webhook block.
        payload: What is sent: a template. A mapping becomes JSON.
    """

    type: Literal["call-webhook"] = "call-webhook"
    block_document_id: UUID
    payload: Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str)] = ""


class SendNotification(Action):
    """
    Send a notification.

    Args:
        block_document_id: The block that sends it.
        subject: A template.
        body: A template.
    """

    type: Literal["send-notification"] = "send-notification"
    block_document_id: UUID
    subject: str = "Prefect automated notification"
    body: str


class WorkPoolAction(_TargetedAction):
    """An action on a work pool."""

    work_pool_id: UUID | None = None

    def _target(self) -> tuple[str, UUID | None]:
        return "work_pool_id", self.work_pool_id


class PauseWorkPool(WorkPoolAction):
    """Pause a work pool."""

    type: Literal["pause-work-pool"] = "pause-work-pool"


class ResumeWorkPool(WorkPoolAction):
    """Resume a work pool."""

    type: Literal["resume-work-pool"] = "resume-work-pool"


class WorkQueueAction(_TargetedAction):
    """An action on a work queue."""

    work_queue_id: UUID | None = None

    def _target(self) -> tuple[str, UUID | None]:
        return "work_queue_id", self.work_queue_id


class PauseWorkQueue(WorkQueueAction):
    """Pause a work queue."""

    type: Literal["pause-work-queue"] = "pause-work-queue"


class ResumeWorkQueue(WorkQueueAction):
    """Resume a work queue."""

    type: Literal["resume-work-queue"] = "resume-work-queue"


class AutomationAction(_TargetedAction):
    """An action on an automation."""

    automation_id: UUID | None = None

    def _target(self) -> tuple[str, UUID | None]:
        return "automation_id", self.automation_id


class PauseAutomation(AutomationAction):
    """Pause an automation."""

    type: Literal["pause-automation"] = "pause-automation"


class ResumeAutomation(AutomationAction):
    """Resume an automation."""

    type: Literal["resume-automation"] = "resume-automation"


class DeclareIncident(Action):
    """Declare an incident: something that an orchestrator of one's own does not do."""

    type: Literal["declare-incident"] = "declare-incident"


_Orchestrated = Union[
    DoNothing,
    RunDeployment,
    PauseDeployment,
    ResumeDeployment,
    CancelFlowRun,
    DeleteFlowRun,
    ChangeFlowRunState,
    PauseWorkQueue,
    ResumeWorkQueue,
    SendNotification,
    CallWebhook,
    PauseAutomation,
    ResumeAutomation,
    SuspendFlowRun,
    ResumeFlowRun,
    PauseWorkPool,
    ResumeWorkPool,
]

OrchestratedActionTypes = Annotated[_Orchestrated, Field(discriminator="type")]
"""The actions that an orchestrator can do."""

ActionTypes = Annotated[Union[_Orchestrated, DeclareIncident], Field(discriminator="type")]
"""All actions. The field `type` tells which it is."""

publish(globals(), "prefect.events.actions")
