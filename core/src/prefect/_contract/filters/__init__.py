"""
Filters: which records are looked for.

The fields of a filter are its conditions. None is no condition, and a filter without conditions selects all. Names of
conditions mean the same everywhere:

- `any_`: equal to one of these; `not_any_`: to none of these (a missing value is none of them).
- `all_`: has all of these; for tags, each must be there.
- `like_`: contains this text, whatever the case; `startswith_`: begins with one of these.
- `before_`, `after_`: at or before, at or after this moment; `ge_`, `le_`: at least, at most.
- `is_null_`, `exists_`, `eq_`: whether there is none, there is one, it equals this.

Modules are imported when one of their names is first asked for.
"""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.filters.artifacts import *
    from prefect._contract.filters.automations import *
    from prefect._contract.filters.blocks import *
    from prefect._contract.filters.deployments import *
    from prefect._contract.filters.events import *
    from prefect._contract.filters.flow_runs import *
    from prefect._contract.filters.flows import *
    from prefect._contract.filters.logs import *
    from prefect._contract.filters.operators import *
    from prefect._contract.filters.sets import *
    from prefect._contract.filters.task_runs import *
    from prefect._contract.filters.task_workers import *
    from prefect._contract.filters.variables import *
    from prefect._contract.filters.work_pools import *

_NAMES = {
    "artifacts": (
        "ArtifactCollectionFilter",
        "ArtifactCollectionFilterFlowRunId",
        "ArtifactCollectionFilterKey",
        "ArtifactCollectionFilterLatestId",
        "ArtifactCollectionFilterTaskRunId",
        "ArtifactCollectionFilterType",
        "ArtifactFilter",
        "ArtifactFilterFlowRunId",
        "ArtifactFilterId",
        "ArtifactFilterKey",
        "ArtifactFilterTaskRunId",
        "ArtifactFilterType",
    ),
    "automations": (
        "AutomationFilter",
        "AutomationFilterCreated",
        "AutomationFilterId",
        "AutomationFilterName",
        "AutomationFilterTags",
    ),
    "blocks": (
        "BlockDocumentFilter",
        "BlockDocumentFilterBlockTypeId",
        "BlockDocumentFilterId",
        "BlockDocumentFilterIsAnonymous",
        "BlockDocumentFilterName",
        "BlockSchemaFilter",
        "BlockSchemaFilterBlockTypeId",
        "BlockSchemaFilterCapabilities",
        "BlockSchemaFilterId",
        "BlockSchemaFilterVersion",
        "BlockTypeFilter",
        "BlockTypeFilterName",
        "BlockTypeFilterSlug",
    ),
    "deployments": (
        "DeploymentFilter",
        "DeploymentFilterConcurrencyLimit",
        "DeploymentFilterId",
        "DeploymentFilterName",
        "DeploymentFilterPaused",
        "DeploymentFilterTags",
        "DeploymentFilterWorkQueueName",
        "DeploymentOrFlowNameFilter",
    ),
    "events": (
        "EventAnyResourceFilter",
        "EventDataFilter",
        "EventFilter",
        "EventIDFilter",
        "EventNameFilter",
        "EventOccurredFilter",
        "EventOrder",
        "EventRelatedFilter",
        "EventResourceFilter",
        "EventTextFilter",
    ),
    "flow_runs": (
        "FlowRunFilter",
        "FlowRunFilterCreatedBy",
        "FlowRunFilterDeploymentId",
        "FlowRunFilterEndTime",
        "FlowRunFilterExpectedStartTime",
        "FlowRunFilterFlowVersion",
        "FlowRunFilterId",
        "FlowRunFilterIdempotencyKey",
        "FlowRunFilterName",
        "FlowRunFilterNextScheduledStartTime",
        "FlowRunFilterParentFlowRunId",
        "FlowRunFilterParentTaskRunId",
        "FlowRunFilterStartTime",
        "FlowRunFilterState",
        "FlowRunFilterStateName",
        "FlowRunFilterStateType",
        "FlowRunFilterTags",
        "FlowRunFilterWorkQueueName",
    ),
    "flows": ("FlowFilter", "FlowFilterDeployment", "FlowFilterId", "FlowFilterName", "FlowFilterTags"),
    "logs": (
        "LogFilter",
        "LogFilterFlowRunId",
        "LogFilterLevel",
        "LogFilterName",
        "LogFilterTaskRunId",
        "LogFilterTextSearch",
        "LogFilterTimestamp",
    ),
    "operators": ("Operator", "OperatorMixin"),
    "sets": ("FilterSet",),
    "task_runs": (
        "TaskRunFilter",
        "TaskRunFilterEndTime",
        "TaskRunFilterExpectedStartTime",
        "TaskRunFilterFlowRunId",
        "TaskRunFilterId",
        "TaskRunFilterName",
        "TaskRunFilterStartTime",
        "TaskRunFilterState",
        "TaskRunFilterStateName",
        "TaskRunFilterStateType",
        "TaskRunFilterSubFlowRuns",
        "TaskRunFilterTags",
    ),
    "task_workers": ("TaskWorkerFilter",),
    "variables": ("VariableFilter", "VariableFilterId", "VariableFilterName", "VariableFilterTags"),
    "work_pools": (
        "WorkPoolFilter",
        "WorkPoolFilterId",
        "WorkPoolFilterName",
        "WorkPoolFilterType",
        "WorkQueueFilter",
        "WorkQueueFilterId",
        "WorkQueueFilterName",
        "WorkerFilter",
        "WorkerFilterLastHeartbeatTime",
        "WorkerFilterStatus",
        "WorkerFilterWorkPoolId",
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}
)
