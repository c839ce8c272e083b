"""Events: what happened, told to the orchestrator; and automations, which react to them."""

from typing import TYPE_CHECKING

from prefect.utilities.lazy import install

if TYPE_CHECKING:
    from prefect._contract.automation_actions import (
        Action,
        ActionTypes,
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
    from prefect._contract.automations import Automation, AutomationCore
    from prefect._contract.events import (
        Event,
        ReceivedEvent,
        RelatedResource,
        Resource,
        ResourceSpecification,
    )
    from prefect._contract.triggers import (
        CompositeTrigger,
        CompoundTrigger,
        EventTrigger,
        MetricTrigger,
        MetricTriggerOperator,
        MetricTriggerQuery,
        Posture,
        ResourceTrigger,
        SequenceTrigger,
        Trigger,
        TriggerTypes,
    )
    from prefect.events.clients import get_events_client, get_events_subscriber
    from prefect.events.schemas.deployment_triggers import (
        DeploymentCompoundTrigger,
        DeploymentEventTrigger,
        DeploymentMetricTrigger,
        DeploymentSequenceTrigger,
        DeploymentTriggerTypes,
    )
    from prefect.events.subscribers import FlowRunSubscriber
    from prefect.events.utilities import emit_event

__all__ = install(  # noqa: PLE0605 - it is a list
    globals(),
    {
        "Action": "prefect._contract.automation_actions",
        "ActionTypes": "prefect._contract.automation_actions",
        "Automation": "prefect._contract.automations",
        "AutomationCore": "prefect._contract.automations",
        "CallWebhook": "prefect._contract.automation_actions",
        "CancelFlowRun": "prefect._contract.automation_actions",
        "ChangeFlowRunState": "prefect._contract.automation_actions",
        "CompositeTrigger": "prefect._contract.triggers",
        "CompoundTrigger": "prefect._contract.triggers",
        "DeclareIncident": "prefect._contract.automation_actions",
        "DeleteFlowRun": "prefect._contract.automation_actions",
        "DeploymentCompoundTrigger": "prefect.events.schemas.deployment_triggers",
        "DeploymentEventTrigger": "prefect.events.schemas.deployment_triggers",
        "DeploymentMetricTrigger": "prefect.events.schemas.deployment_triggers",
        "DeploymentSequenceTrigger": "prefect.events.schemas.deployment_triggers",
        "DeploymentTriggerTypes": "prefect.events.schemas.deployment_triggers",
        "DoNothing": "prefect._contract.automation_actions",
        "Event": "prefect._contract.events",
        "EventTrigger": "prefect._contract.triggers",
        "FlowRunSubscriber": "prefect.events.subscribers",
        "MetricTrigger": "prefect._contract.triggers",
        "MetricTriggerOperator": "prefect._contract.triggers",
        "MetricTriggerQuery": "prefect._contract.triggers",
        "PauseAutomation": "prefect._contract.automation_actions",
        "PauseDeployment": "prefect._contract.automation_actions",
        "PauseWorkPool": "prefect._contract.automation_actions",
        "PauseWorkQueue": "prefect._contract.automation_actions",
        "Posture": "prefect._contract.triggers",
        "ReceivedEvent": "prefect._contract.events",
        "RelatedResource": "prefect._contract.events",
        "Resource": "prefect._contract.events",
        "ResourceSpecification": "prefect._contract.events",
        "ResourceTrigger": "prefect._contract.triggers",
        "ResumeAutomation": "prefect._contract.automation_actions",
        "ResumeDeployment": "prefect._contract.automation_actions",
        "ResumeFlowRun": "prefect._contract.automation_actions",
        "ResumeWorkPool": "prefect._contract.automation_actions",
        "ResumeWorkQueue": "prefect._contract.automation_actions",
        "RunDeployment": "prefect._contract.automation_actions",
        "SendNotification": "prefect._contract.automation_actions",
        "SequenceTrigger": "prefect._contract.triggers",
        "SuspendFlowRun": "prefect._contract.automation_actions",
        "Trigger": "prefect._contract.triggers",
        "TriggerTypes": "prefect._contract.triggers",
        "emit_event": "prefect.events.utilities",
        "get_events_client": "prefect.events.clients",
        "get_events_subscriber": "prefect.events.clients",
    },
)
