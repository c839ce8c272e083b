"""Flows: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given, selection
from prefect._contract.objects import Flow

if TYPE_CHECKING:
    from prefect._contract.actions.runs import FlowCreate, FlowUpdate
    from prefect._contract.filters.deployments import DeploymentFilter
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.filters.task_runs import TaskRunFilter
    from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter
    from prefect._contract.responses.runs import FlowBulkDeleteResponse, FlowPaginationResponse
    from prefect._contract.sorting import FlowSort

__all__ = [
    "bulk_delete_flows",
    "count_flows",
    "create_flow",
    "delete_flow",
    "paginate_flows",
    "read_flow",
    "read_flow_by_name",
    "read_flows",
    "update_flow",
]


def create_flow(flow: FlowCreate) -> Call[Flow]:
    """Create a flow, or find the one of that name."""
    return Call("POST", "/flows/", Flow, body=flow)


def read_flow(flow_id: UUID) -> Call[Flow]:
    """Read a flow by id."""
    return Call("GET", "/flows/{id}", Flow, {"id": flow_id})


def read_flow_by_name(flow_name: str) -> Call[Flow]:
    """Read a flow by name."""
    return Call("GET", "/flows/name/{name}", Flow, {"name": flow_name})


def update_flow(flow_id: UUID, flow: FlowUpdate) -> Call[None]:
    """Change a flow."""
    return Call("PATCH", "/flows/{id}", None, {"id": flow_id}, body=flow)


def delete_flow(flow_id: UUID) -> Call[None]:
    """Delete a flow by id."""
    return Call("DELETE", "/flows/{id}", None, {"id": flow_id})


def bulk_delete_flows(flow_filter: FlowFilter | None = None, limit: int = 50) -> Call[FlowBulkDeleteResponse]:
    """Delete the selected flows, at most `limit` of them."""
    from prefect._contract.responses.runs import FlowBulkDeleteResponse

    return Call("POST", "/flows/bulk_delete", FlowBulkDeleteResponse, body=given(flows=flow_filter, limit=limit))


def read_flows(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
    sort: FlowSort | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[list[Flow]]:
    """List the selected flows."""
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
    return Call("POST", "/flows/filter", list[Flow], body=body)


def paginate_flows(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    sort: FlowSort | None = None,
    limit: int | None = None,
    page: int = 1,
) -> Call[FlowPaginationResponse]:
    """List a page of the selected flows."""
    from prefect._contract.responses.runs import FlowPaginationResponse

    body = selection(
        flow_filter,
        flow_run_filter,
        task_run_filter,
        deployment_filter,
        work_pool_filter,
        sort=sort,
        limit=limit,
        page=page,
    )
    return Call("POST", "/flows/paginate", FlowPaginationResponse, body=body)


def count_flows(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
) -> Call[int]:
    """Count the selected flows."""
    body = selection(flow_filter, flow_run_filter, task_run_filter, deployment_filter, work_pool_filter)
    return Call("POST", "/flows/count", int, body=body)
