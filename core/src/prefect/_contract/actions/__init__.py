"""
Requests that make or change records.

Modules are imported when one of their names is first asked for.
"""

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
    "blocks": (
        "BlockDocumentCreate",
        "BlockDocumentReferenceCreate",
        "BlockDocumentUpdate",
        "BlockSchemaCreate",
        "BlockTypeCreate",
        "BlockTypeUpdate",
    ),
    "deployments": (
        "DeploymentBranch",
        "DeploymentCreate",
        "DeploymentScheduleCreate",
        "DeploymentScheduleUpdate",
        "DeploymentUpdate",
        "NormalizedSchedule",
    ),
    "runs": (
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
        "as_state_create",
    ),
    "settings": (
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
    globals(), {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}
)
