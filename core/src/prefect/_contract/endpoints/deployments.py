"""Deployments, their schedules and their runs: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given, selection
from prefect._contract.objects import FlowRun
from prefect._contract.responses.deployments import DeploymentResponse

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from prefect._contract.actions.deployments import (
        DeploymentCreate,
        DeploymentScheduleCreate,
        DeploymentScheduleUpdate,
        DeploymentUpdate,
    )
    from prefect._contract.actions.runs import DeploymentFlowRunCreate
    from prefect._contract.deployments import DeploymentSchedule
    from prefect._contract.filters.deployments import DeploymentFilter
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.filters.task_runs import TaskRunFilter
    from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter
    from prefect._contract.responses.deployments import DeploymentBulkDeleteResponse, DeploymentPaginationResponse
    from prefect._contract.responses.runs import FlowRunBulkCreateResponse
    from prefect._contract.sorting import DeploymentSort
    from prefect._contract.work_pools import WorkQueue

__all__ = [
    "bulk_create_flow_runs_from_deployment",
    "bulk_delete_deployments",
    "count_deployments",
    "create_deployment",
    "create_deployment_schedules",
    "create_flow_run_from_deployment",
    "delete_deployment",
    "delete_deployment_schedule",
    "get_scheduled_flow_runs_for_deployments",
    "paginate_deployments",
    "pause_deployment",
    "read_deployment",
    "read_deployment_by_name",
    "read_deployment_schedules",
    "read_deployments",
    "read_work_queues_of_deployment",
    "resume_deployment",
    "schedule_deployment",
    "update_deployment",
    "update_deployment_schedule",
]


def create_deployment(deployment: DeploymentCreate) -> Call[DeploymentResponse]:
    """Create a deployment, or replace the one of the same flow and name."""
    return Call("POST", "/deployments/", DeploymentResponse, body=deployment)


def read_deployment(deployment_id: UUID) -> Call[DeploymentResponse]:
    """Read a deployment by id."""
    return Call("GET", "/deployments/{id}", DeploymentResponse, {"id": deployment_id})


def read_deployment_by_name(flow_name: str, deployment_name: str) -> Call[DeploymentResponse]:
    """Read a deployment by the name of its flow and its own."""
    path = {"flow_name": flow_name, "deployment_name": deployment_name}
    return Call("GET", "/deployments/name/{flow_name}/{deployment_name}", DeploymentResponse, path)


def update_deployment(deployment_id: UUID, deployment: DeploymentUpdate) -> Call[None]:
    """Change a deployment."""
    return Call("PATCH", "/deployments/{id}", None, {"id": deployment_id}, body=deployment)


def delete_deployment(deployment_id: UUID) -> Call[None]:
    """Delete a deployment by id."""
    return Call("DELETE", "/deployments/{id}", None, {"id": deployment_id})


def bulk_delete_deployments(
    deployment_filter: DeploymentFilter | None = None, limit: int = 50
) -> Call[DeploymentBulkDeleteResponse]:
    """Delete the selected deployments, at most `limit` of them."""
    from prefect._contract.responses.deployments import DeploymentBulkDeleteResponse

    body = given(deployments=deployment_filter, limit=limit)
    return Call("POST", "/deployments/bulk_delete", DeploymentBulkDeleteResponse, body=body)


def read_deployments(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
    limit: int | None = None,
    sort: DeploymentSort | None = None,
    offset: int = 0,
) -> Call[list[DeploymentResponse]]:
    """List the selected deployments."""
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
    return Call("POST", "/deployments/filter", list[DeploymentResponse], body=body)


def paginate_deployments(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
    sort: DeploymentSort | None = None,
    limit: int | None = None,
    page: int = 1,
) -> Call[DeploymentPaginationResponse]:
    """List a page of the selected deployments."""
    from prefect._contract.responses.deployments import DeploymentPaginationResponse

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
    return Call("POST", "/deployments/paginate", DeploymentPaginationResponse, body=body)


def count_deployments(
    *,
    flow_filter: FlowFilter | None = None,
    flow_run_filter: FlowRunFilter | None = None,
    task_run_filter: TaskRunFilter | None = None,
    deployment_filter: DeploymentFilter | None = None,
    work_pool_filter: WorkPoolFilter | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
) -> Call[int]:
    """Count the selected deployments."""
    body = selection(
        flow_filter, flow_run_filter, task_run_filter, deployment_filter, work_pool_filter, work_queue_filter
    )
    return Call("POST", "/deployments/count", int, body=body)


def pause_deployment(deployment_id: UUID, until_served: bool = False) -> Call[None]:
    """
    Pause the schedules of a deployment; its scheduled runs are deleted.

    Args:
        deployment_id: The deployment.
        until_served: Whether that is only for as long as nobody serves it. One that is paused already stays so.
    """
    query = {"until_served": True} if until_served else {}
    return Call("POST", "/deployments/{id}/pause_deployment", None, {"id": deployment_id}, query)


def resume_deployment(deployment_id: UUID, if_until_served: bool = False) -> Call[None]:
    """
    Resume the schedules of a deployment.

    Args:
        deployment_id: The deployment.
        if_until_served: Whether to do so only if it was paused until it is served, and not by anybody else.
    """
    query = {"if_until_served": True} if if_until_served else {}
    return Call("POST", "/deployments/{id}/resume_deployment", None, {"id": deployment_id}, query)


def create_flow_run_from_deployment(deployment_id: UUID, flow_run: DeploymentFlowRunCreate) -> Call[FlowRun]:
    """Create a run of a deployment, or find the one with its idempotency key."""
    return Call("POST", "/deployments/{id}/create_flow_run", FlowRun, {"id": deployment_id}, body=flow_run)


def bulk_create_flow_runs_from_deployment(
    deployment_id: UUID, flow_runs: list[DeploymentFlowRunCreate]
) -> Call[FlowRunBulkCreateResponse]:
    """Create several runs of a deployment, and tell of each what became of it."""
    from prefect._contract.responses.runs import FlowRunBulkCreateResponse

    path = "/deployments/{id}/create_flow_run/bulk"
    return Call("POST", path, FlowRunBulkCreateResponse, {"id": deployment_id}, body=list(flow_runs))


def get_scheduled_flow_runs_for_deployments(
    deployment_ids: list[UUID], scheduled_before: datetime | None = None, limit: int | None = None
) -> Call[list[FlowRun]]:
    """
    List the scheduled runs of some deployments, for who runs them.

    Args:
        deployment_ids: The deployments.
        scheduled_before: Only those that are due then.
        limit: How many at most.
    """
    body = given(deployment_ids=deployment_ids, scheduled_before=scheduled_before, limit=limit)
    return Call("POST", "/deployments/get_scheduled_flow_runs", list[FlowRun], body=body)


def schedule_deployment(
    deployment_id: UUID,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    min_time: timedelta | None = None,
    min_runs: int | None = None,
    max_runs: int | None = None,
) -> Call[None]:
    """
    Create the runs that the schedules of a deployment ask for.

    Args:
        deployment_id: The deployment.
        start_time: From when on; by default from now on.
        end_time: Until when, at most.
        min_time: Over how much time, at least.
        min_runs: How many runs, at least.
        max_runs: How many runs, at most.
    """
    body = given(start_time=start_time, end_time=end_time, min_time=min_time, min_runs=min_runs, max_runs=max_runs)
    return Call("POST", "/deployments/{id}/schedule", None, {"id": deployment_id}, body=body)


def read_deployment_schedules(deployment_id: UUID) -> Call[list[DeploymentSchedule]]:
    """List the schedules of a deployment."""
    from prefect._contract.deployments import DeploymentSchedule

    return Call("GET", "/deployments/{id}/schedules", list[DeploymentSchedule], {"id": deployment_id})


def create_deployment_schedules(
    deployment_id: UUID, schedules: list[DeploymentScheduleCreate]
) -> Call[list[DeploymentSchedule]]:
    """Add schedules to a deployment."""
    from prefect._contract.deployments import DeploymentSchedule

    path = "/deployments/{id}/schedules"
    return Call("POST", path, list[DeploymentSchedule], {"id": deployment_id}, body=list(schedules))


def update_deployment_schedule(
    deployment_id: UUID, schedule_id: UUID, schedule: DeploymentScheduleUpdate
) -> Call[None]:
    """Change a schedule of a deployment."""
    path = {"id": deployment_id, "schedule_id": schedule_id}
    return Call("PATCH", "/deployments/{id}/schedules/{schedule_id}", None, path, body=schedule)


def delete_deployment_schedule(deployment_id: UUID, schedule_id: UUID) -> Call[None]:
    """Delete a schedule of a deployment."""
    path = {"id": deployment_id, "schedule_id": schedule_id}
    return Call("DELETE", "/deployments/{id}/schedules/{schedule_id}", None, path)


def read_work_queues_of_deployment(deployment_id: UUID) -> Call[list[WorkQueue]]:
    """List the work queues, of those that take runs by tags, that would take a run of a deployment."""
    from prefect._contract.work_pools import WorkQueue

    return Call("GET", "/deployments/{id}/work_queue_check", list[WorkQueue], {"id": deployment_id})
