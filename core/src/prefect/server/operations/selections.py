"""By what records can be selected: the filters that a request may carry, as the keyword arguments of an operation."""

from __future__ import annotations

from typing_extensions import TypedDict

from prefect._contract.filters.artifacts import ArtifactCollectionFilter, ArtifactFilter
from prefect._contract.filters.deployments import DeploymentFilter
from prefect._contract.filters.flow_runs import FlowRunFilter
from prefect._contract.filters.flows import FlowFilter
from prefect._contract.filters.task_runs import TaskRunFilter
from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter

__all__ = [
    "ArtifactCollectionSelection",
    "ArtifactSelection",
    "DeploymentSelection",
    "FlowRunSelection",
    "FlowSelection",
    "TaskRunSelection",
]


class TaskRunSelection(TypedDict, total=False):
    """What task runs are selected by."""

    flows: FlowFilter | None
    flow_runs: FlowRunFilter | None
    task_runs: TaskRunFilter | None
    deployments: DeploymentFilter | None


class FlowSelection(TaskRunSelection, total=False):
    """What flows are selected by."""

    work_pools: WorkPoolFilter | None


class DeploymentSelection(FlowSelection, total=False):
    """What deployments are selected by, and flow runs."""

    work_pool_queues: WorkQueueFilter | None


FlowRunSelection = DeploymentSelection


class ArtifactSelection(TaskRunSelection, total=False):
    """What artifacts are selected by."""

    artifacts: ArtifactFilter | None


class ArtifactCollectionSelection(TaskRunSelection, total=False):
    """What collections of artifacts are selected by."""

    artifacts: ArtifactCollectionFilter | None
