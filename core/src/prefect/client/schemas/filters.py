"""Filters: which records are looked for."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.filters.artifacts import *
    from prefect._contract.filters.blocks import *
    from prefect._contract.filters.deployments import *
    from prefect._contract.filters.flow_runs import *
    from prefect._contract.filters.flows import *
    from prefect._contract.filters.logs import *
    from prefect._contract.filters.operators import *
    from prefect._contract.filters.sets import *
    from prefect._contract.filters.task_runs import *
    from prefect._contract.filters.variables import *
    from prefect._contract.filters.work_pools import *

_NAMES = {
    "filters.artifacts": (
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
    "filters.blocks": (
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
    "filters.deployments": (
        "DeploymentFilter",
        "DeploymentFilterConcurrencyLimit",
        "DeploymentFilterId",
        "DeploymentFilterName",
        "DeploymentFilterTags",
        "DeploymentFilterWorkQueueName",
    ),
    "filters.flow_runs": (
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
    "filters.flows": ("FlowFilter", "FlowFilterId", "FlowFilterName", "FlowFilterTags"),
    "filters.logs": (
        "LogFilter",
        "LogFilterFlowRunId",
        "LogFilterLevel",
        "LogFilterName",
        "LogFilterTaskRunId",
        "LogFilterTextSearch",
        "LogFilterTimestamp",
    ),
    "filters.operators": ("Operator", "OperatorMixin"),
    "filters.sets": ("FilterSet",),
    "filters.task_runs": (
        "TaskRunFilter",
        "TaskRunFilterEndTime",
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
    "filters.variables": ("VariableFilter", "VariableFilterId", "VariableFilterName", "VariableFilterTags"),
    "filters.work_pools": (
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
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
