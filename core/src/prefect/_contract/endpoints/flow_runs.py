"""Flow runs: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.actions.runs import as_state_create
from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given, selection
from prefect._contract.objects import FlowRun
from prefect._contract.responses.orchestration import OrchestrationResult

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from prefect._contract.actions.runs import FlowRunCreate, StateCreate
    from prefect._contract.base import KeyValueLabels
    from prefect._contract.filters.deployments import DeploymentFilter
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.filters.task_runs import TaskRunFilter
    from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter
    from prefect._contract.liveness import LeaseRequest
    from prefect._contract.objects import FlowRunPolicy
    from prefect._contract.responses.graph import DependencyResult, Graph
    from prefect._contract.responses.orchestration import FlowRunBulkSetStateResponse
    from prefect._contract.responses.runs import (
        FlowRunBulkDeleteResponse,
        FlowRunPaginationResponse,
        HistoryResponse,
    )
    from prefect._contract.sorting import FlowRunSort
    from prefect._contract.state import State

__all__ = [
    "average_flow_run_lateness",
    "bulk_delete_flow_runs",
    "bulk_set_flow_run_state",
    "count_flow_runs",
    "create_flow_run",
    "delete_flow_run",
    "download_flow_run_logs",
    "flow_run_history",
    "paginate_flow_runs",
    "read_flow_run",
    "read_flow_run_dependencies",
    "read_flow_run_graph",
    "read_flow_runs",
    "resume_flow_run",
    "set_flow_run_name",
    "set_flow_run_state",
    "update_flow_run",
    "update_flow_run_labels",
]


def create_flow_run(flow_run: FlowRunCreate) -> Call[FlowRun]:
    """Create a flow run, or find the one with its idempotency key."""
    return Call("POST", "/flow_runs/", FlowRun, body=flow_run)


def read_flow_run(flow_run_id: UUID) -> Call[FlowRun]:
    """Read a flow run by id."""
    return Call("GET", "/flow_runs/{id}", FlowRun, {"id": flow_run_id})


def update_flow_run(
    flow_run_id: UUID,
    flow_version: str | None = None,
    parameters: dict[str, Any] | None = None,
    name: str | None = None,
    tags: Iterable[str] | None = None,
    empirical_policy: FlowRunPolicy | None = None,
    infrastructure_pid: str | None = None,
    job_variables: dict[str, Any] | None = None,
) -> Call[None]:
    """Change the fields of a flow run that are not None."""
    from prefect._contract.actions.runs import FlowRunUpdate

    changes = given(
        flow_version=flow_version,
        parameters=parameters,
        name=name,
        tags=None if tags is None else list(tags),
        empirical_policy=empirical_policy,
        infrastructure_pid=infrastructure_pid,
        job_variables=job_variables,
    )
    return Call("PATCH", "/flow_runs/{id}", None, {"id": flow_run_id}, body=FlowRunUpdate(**changes))


def set_flow_run_name(flow_run_id: UUID, name: str) -> Call[None]:
    """Rename a flow run."""
    return update_flow_run(flow_run_id, name=name)


def update_flow_run_labels(flow_run_id: UUID, labels: KeyValueLabels) -> Call[None]:
    """Add labels to a flow run; those with the same key are replaced."""
    return Call("PATCH", "/flow_runs/{id}/labels", None, {"id": flow_run_id}, body=labels)


def delete_flow_run(flow_run_id: UUID) -> Call[None]:
    """Delete a flow run by id."""
    return Call("DELETE", "/flow_runs/{id}", None, {"id": flow_run_id})


def bulk_delete_flow_runs(
    flow_run_filter: FlowRunFilter | None = None, limit: int = 50
) -> Call[FlowRunBulkDeleteResponse]:
    """Delete the selected flow runs, at most `limit` of them."""
    from prefect._contract.responses.runs import FlowRunBulkDeleteResponse

    body = given(flow_runs=flow_run_filter, limit=limit)
    return Call("POST", "/flow_runs/bulk_delete", FlowRunBulkDeleteResponse, body=body)


def set_flow_run_state(
    flow_run_id: UUID | str,
    state: StateCreate | State[Any],
    force: bool = False,
    lease: LeaseRequest | None = None,
) -> Call[OrchestrationResult[Any]]:
    """
    Propose a state for a flow run.

    Args:
        flow_run_id: The run.
        state: The proposed state.
        force: Whether the rules are skipped.
        lease: Shown by the process that runs it, so that no other can change its state meanwhile.
    """
    run_id = UUID(flow_run_id) if isinstance(flow_run_id, str) else flow_run_id
    body: dict[str, Any] = {"state": as_state_create(state), "force": force}
    if lease is not None:
        body["lease"] = lease
    return Call("POST", "/flow_runs/{id}/set_state", OrchestrationResult, {"id": run_id}, body=body)


def bulk_set_flow_run_state(
    state: StateCreate | State[Any],
    flow_run_filter: FlowRunFilter | None = None,
    force: bool = False,
    limit: int = 50,
) -> Call[FlowRunBulkSetStateResponse]:
    """Propose a state for the selected flow runs, at most `limit` of them."""
    from prefect._contract.responses.orchestration import FlowRunBulkSetStateResponse

    body = given(flow_runs=flow_run_filter, state=as_state_create(state), force=force, limit=limit)
    return Call("POST", "/flow_runs/bulk_set_state", FlowRunBulkSetStateResponse, body=body)


def resume_flow_run(flow_run_id: UUID, run_input: dict[str, Any] | None = None) -> Call[OrchestrationResult[Any]]:
    """Resume a paused flow run, with the values of the input that it waits for."""
    body = given(run_input=run_input)
    return Call("POST", "/flow_runs/{id}/resume", OrchestrationResult, {"id": flow_run_id}, body=body)


def read_flow_runs(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
    sort: FlowRunSort | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[list[FlowRun]]:
    """List the selected flow runs."""
    body = selection(
        flow_filter,
        flow_run_filter,
        task_run_filter,
        deployment_filter,
        work_pool_filter,
        work_queue_filter,
        sort=sort,
        limit=limit,
        offset=offset,
    )
    return Call("POST", "/flow_runs/filter", list[FlowRun], body=body)


def paginate_flow_runs(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
    sort: FlowRunSort | None = None,
    limit: int | None = None,
    page: int = 1,
) -> Call[FlowRunPaginationResponse]:
    """List a page of the selected flow runs."""
    from prefect._contract.responses.runs import FlowRunPaginationResponse

    body = selection(
        flow_filter,
        flow_run_filter,
        task_run_filter,
        deployment_filter,
        work_pool_filter,
        work_queue_filter,
        sort=sort,
        limit=limit,
        page=page,
    )
    return Call("POST", "/flow_runs/paginate", FlowRunPaginationResponse, body=body)


def count_flow_runs(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
) -> Call[int]:
    """Count the selected flow runs."""
    body = selection(
        flow_filter, flow_run_filter, task_run_filter, deployment_filter, work_pool_filter, work_queue_filter
    )
    return Call("POST", "/flow_runs/count", int, body=body)


def average_flow_run_lateness(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
) -> Call[float | None]:
    """How late the selected flow runs started on average, in seconds; None when none is selected."""
    body = selection(
        flow_filter, flow_run_filter, task_run_filter, deployment_filter, work_pool_filter, work_queue_filter
    )
    return Call("POST", "/flow_runs/lateness", float | None, body=body)


def flow_run_history(
    history_start: datetime,
    history_end: datetime,
    history_interval: timedelta,
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
) -> Call[list[HistoryResponse]]:
    """Count the selected flow runs by state, interval by interval."""
    from prefect._contract.responses.runs import HistoryResponse

    body = given(
        history_start=history_start,
        history_end=history_end,
        history_interval_seconds=history_interval,
        flows=flow_filter,
        flow_runs=flow_run_filter,
        task_runs=task_run_filter,
        deployments=deployment_filter,
        work_pools=work_pool_filter,
        work_queues=work_queue_filter,
    )
    return Call("POST", "/flow_runs/history", list[HistoryResponse], body=body)


def read_flow_run_graph(flow_run_id: UUID, since: datetime | None = None) -> Call[Graph]:
    """
    Read the graph of a flow run: its task runs and subflows, and what they waited for.

    Args:
        flow_run_id: The run.
        since: Leave out nodes that ended before.
    """
    from prefect._contract.responses.graph import Graph

    return Call("GET", "/flow_runs/{id}/graph-v2", Graph, {"id": flow_run_id}, given(since=since))


def read_flow_run_dependencies(flow_run_id: UUID) -> Call[list[DependencyResult]]:
    """Read the task runs of a flow run, each with those whose results it was given."""
    from prefect._contract.responses.graph import DependencyResult

    return Call("GET", "/flow_runs/{id}/graph", list[DependencyResult], {"id": flow_run_id})


def download_flow_run_logs(flow_run_id: UUID) -> Call[str]:
    """Read the logs of a flow run as comma-separated values."""
    return Call("GET", "/flow_runs/{id}/logs/download", str, {"id": flow_run_id})
