"""What automations do."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.automation_actions import *

_NAMES = {
    "automation_actions": (
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
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
