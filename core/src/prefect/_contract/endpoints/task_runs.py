"""Task runs: what is asked of them. How their states are recorded is in `recording`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given, selection
from prefect._contract.objects import TaskRun

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from prefect._contract.actions.runs import StateCreate, TaskRunCreate
    from prefect._contract.filters.deployments import DeploymentFilter
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.filters.task_runs import TaskRunFilter
    from prefect._contract.responses.orchestration import OrchestrationResult
    from prefect._contract.responses.runs import HistoryResponse, TaskRunPaginationResponse
    from prefect._contract.sorting import TaskRunSort
    from prefect._contract.state import State

__all__ = [
    "count_task_runs",
    "create_task_run",
    "delete_task_run",
    "paginate_task_runs",
    "read_task_run",
    "read_task_runs",
    "set_task_run_name",
    "set_task_run_state",
    "task_run_history",
]


def create_task_run(task_run: TaskRunCreate) -> Call[TaskRun]:
    """Create a task run, or find the one of the same flow run, task and dynamic key."""
    return Call("POST", "/task_runs/", TaskRun, body=task_run)


def read_task_run(task_run_id: UUID) -> Call[TaskRun]:
    """Read a task run by id."""
    return Call("GET", "/task_runs/{id}", TaskRun, {"id": task_run_id})


def set_task_run_name(task_run_id: UUID, name: str) -> Call[None]:
    """Rename a task run."""
    from prefect._contract.actions.runs import TaskRunUpdate

    return Call("PATCH", "/task_runs/{id}", None, {"id": task_run_id}, body=TaskRunUpdate(name=name))


def delete_task_run(task_run_id: UUID) -> Call[None]:
    """Delete a task run by id."""
    return Call("DELETE", "/task_runs/{id}", None, {"id": task_run_id})


def set_task_run_state(
    task_run_id: UUID, state: StateCreate | State[Any], force: bool = False, lease_token: UUID | None = None
) -> Call[OrchestrationResult[Any]]:
    """
    Propose a state for a task run.

    Args:
        task_run_id: The run.
        state: The proposed state.
        force: Whether the rules are skipped.
        lease_token: Shown by the process that runs it: names the attempt to run its flow. One that no longer owns the flow
            run is told to stop.
    """
    from prefect._contract.actions.runs import as_state_create
    from prefect._contract.responses.orchestration import OrchestrationResult

    body = {"state": as_state_create(state), "force": force, **given(lease_token=lease_token)}
    return Call("POST", "/task_runs/{id}/set_state", OrchestrationResult, {"id": task_run_id}, body=body)


def read_task_runs(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    sort: TaskRunSort | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[list[TaskRun]]:
    """List the selected task runs."""
    body = selection(
        flow_filter, flow_run_filter, task_run_filter, deployment_filter, sort=sort, limit=limit, offset=offset
    )
    return Call("POST", "/task_runs/filter", list[TaskRun], body=body)


def paginate_task_runs(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    sort: TaskRunSort | None = None,
    limit: int | None = None,
    page: int = 1,
) -> Call[TaskRunPaginationResponse]:
    """List a page of the selected task runs."""
    from prefect._contract.responses.runs import TaskRunPaginationResponse

    body = selection(
        flow_filter, flow_run_filter, task_run_filter, deployment_filter, sort=sort, limit=limit, page=page
    )
    return Call("POST", "/task_runs/paginate", TaskRunPaginationResponse, body=body)


def count_task_runs(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
) -> Call[int]:
    """Count the selected task runs."""
    body = selection(flow_filter, flow_run_filter, task_run_filter, deployment_filter)
    return Call("POST", "/task_runs/count", int, body=body)


def task_run_history(
    history_start: datetime,
    history_end: datetime,
    history_interval: timedelta,
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
) -> Call[list[HistoryResponse]]:
    """Count the selected task runs by state, interval by interval."""
    from prefect._contract.responses.runs import HistoryResponse

    body = given(
        history_start=history_start,
        history_end=history_end,
        history_interval_seconds=history_interval,
        flows=flow_filter,
        flow_runs=flow_run_filter,
        task_runs=task_run_filter,
        deployments=deployment_filter,
    )
    return Call("POST", "/task_runs/history", list[HistoryResponse], body=body)
