"""Requests that make or change records."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.actions.blocks import *
    from prefect._contract.actions.deployments import *
    from prefect._contract.actions.runs import *
    from prefect._contract.actions.settings import *

_NAMES = {
    "actions.blocks": (
        "BlockDocumentCreate",
        "BlockDocumentReferenceCreate",
        "BlockDocumentUpdate",
        "BlockSchemaCreate",
        "BlockTypeCreate",
        "BlockTypeUpdate",
    ),
    "actions.deployments": (
        "DeploymentBranch",
        "DeploymentCreate",
        "DeploymentScheduleCreate",
        "DeploymentScheduleUpdate",
        "DeploymentUpdate",
        "NormalizedSchedule",
    ),
    "actions.runs": (
        "ArtifactCreate",
        "ArtifactUpdate",
        "DeploymentFlowRunCreate",
        "FlowCreate",
        "FlowRunCreate",
        "FlowRunUpdate",
        "FlowUpdate",
        "LogCreate",
        "StateCreate",
        "TaskRunCreate",
        "TaskRunUpdate",
    ),
    "actions.settings": (
        "ConcurrencyLimitCreate",
        "ConcurrencyLimitV2Create",
        "ConcurrencyLimitV2Update",
        "GlobalConcurrencyLimitCreate",
        "GlobalConcurrencyLimitUpdate",
        "SavedSearchCreate",
        "VariableCreate",
        "VariableUpdate",
        "WorkPoolCreate",
        "WorkPoolUpdate",
        "WorkQueueCreate",
        "WorkQueueUpdate",
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
