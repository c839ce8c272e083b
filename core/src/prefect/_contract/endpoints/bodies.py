"""How the bodies of requests are put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect._contract.filters.deployments import DeploymentFilter
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.filters.task_runs import TaskRunFilter
    from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter

__all__ = ["given", "selection"]


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None: what is left out has the orchestrator's default."""
    return {name: value for name, value in fields.items() if value is not None}


def selection(
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
    **fields: Any,
) -> Mapping[str, Any]:
    """A body that selects by filters of several kinds, with further fields."""
    return given(
        flows=flow_filter,
        flow_runs=flow_run_filter,
        task_runs=task_run_filter,
        deployments=deployment_filter,
        work_pools=work_pool_filter,
        work_pool_queues=work_queue_filter,
        **fields,
    )
