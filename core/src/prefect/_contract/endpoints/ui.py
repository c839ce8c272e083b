"""What a user interface asks for besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given, selection

if TYPE_CHECKING:
    from prefect._contract.filters.deployments import DeploymentFilter
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.filters.task_runs import TaskRunFilter
    from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter
    from prefect._contract.responses.runs import (
        CountByState,
        SimpleFlowRun,
        TaskRunCount,
        UITaskRun,
    )
    from prefect._contract.responses.schema_values import SchemaValuesValidationResponse
    from prefect._contract.sorting import FlowRunSort

__all__ = [
    "count_task_runs_by_flow_run",
    "count_task_runs_by_state",
    "read_dashboard_task_run_counts",
    "read_flow_run_points",
    "read_task_run_with_flow_run_name",
    "validate_schema_values",
]


def count_task_runs_by_flow_run(flow_run_ids: list[UUID]) -> Call[dict[UUID, int]]:
    """Count the task runs of each of these flow runs."""
    return Call("POST", "/ui/flow_runs/count-task-runs", dict[UUID, int], body={"flow_run_ids": flow_run_ids})


def read_flow_run_points(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    sort: FlowRunSort | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[list[SimpleFlowRun]]:
    """List the selected flow runs as the points of a chart."""
    from prefect._contract.responses.runs import SimpleFlowRun

    body = selection(
        flow_filter,
        flow_run_filter,
        task_run_filter,
        deployment_filter,
        work_pool_filter,
        sort=sort,
        limit=limit,
        offset=offset,
    )
    return Call("POST", "/ui/flow_runs/history", list[SimpleFlowRun], body=body)


def count_task_runs_by_state(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
) -> Call[CountByState]:
    """Count the selected task runs by the type of their state."""
    from prefect._contract.responses.runs import CountByState

    body = selection(flow_filter, flow_run_filter, task_run_filter, deployment_filter)
    return Call("POST", "/ui/task_runs/count", CountByState, body=body)


def read_dashboard_task_run_counts(
    task_run_filter: TaskRunFilter,
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
) -> Call[list[TaskRunCount]]:
    """Count the task runs that completed and that failed, interval by interval of the time that the filter selects."""
    from prefect._contract.responses.runs import TaskRunCount

    body = given(
        task_runs=task_run_filter,
        flows=flow_filter,
        flow_runs=flow_run_filter,
        deployments=deployment_filter,
        work_pools=work_pool_filter,
        work_queues=work_queue_filter,
    )
    return Call("POST", "/ui/task_runs/dashboard/counts", list[TaskRunCount], body=body)


def read_task_run_with_flow_run_name(task_run_id: UUID) -> Call[UITaskRun]:
    """Read a task run by id, with the name of its flow run."""
    from prefect._contract.responses.runs import UITaskRun

    return Call("GET", "/ui/task_runs/{id}", UITaskRun, {"id": task_run_id})


def validate_schema_values(schema: dict[str, Any], values: dict[str, Any]) -> Call[SchemaValuesValidationResponse]:
    """Ask whether values fit the schema of a deployment's parameters."""
    from prefect._contract.responses.schema_values import SchemaValuesValidationResponse

    body = {"schema": schema, "values": values}
    return Call("POST", "/ui/schemas/validate", SchemaValuesValidationResponse, body=body)
