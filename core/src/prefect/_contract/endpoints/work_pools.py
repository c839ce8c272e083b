"""Work pools and their workers: what is asked of them. Their queues are in `work_queues`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given
from prefect._contract.responses.work_pools import WorkPoolResponse

if TYPE_CHECKING:
    from datetime import datetime

    from prefect._contract.actions.settings import WorkPoolCreate, WorkPoolUpdate
    from prefect._contract.filters.work_pools import WorkerFilter, WorkPoolFilter
    from prefect._contract.responses.work_pools import (
        WorkerFlowRunResponse,
        WorkerResponse,
        WorkPoolConcurrencyStatus,
    )

__all__ = [
    "count_work_pools",
    "create_work_pool",
    "delete_work_pool",
    "delete_worker",
    "get_scheduled_flow_runs_for_work_pool",
    "read_work_pool",
    "read_work_pool_concurrency_status",
    "read_work_pools",
    "read_workers_for_work_pool",
    "send_worker_heartbeat",
    "update_work_pool",
]


def create_work_pool(work_pool: WorkPoolCreate) -> Call[WorkPoolResponse]:
    """Create a work pool, with a default queue."""
    return Call("POST", "/work_pools/", WorkPoolResponse, body=work_pool)


def read_work_pool(work_pool_name: str) -> Call[WorkPoolResponse]:
    """Read a work pool by name."""
    return Call("GET", "/work_pools/{name}", WorkPoolResponse, {"name": work_pool_name})


def update_work_pool(work_pool_name: str, work_pool: WorkPoolUpdate) -> Call[None]:
    """Change a work pool."""
    return Call("PATCH", "/work_pools/{name}", None, {"name": work_pool_name}, body=work_pool)


def delete_work_pool(work_pool_name: str) -> Call[None]:
    """Delete a work pool by name, with its queues and workers."""
    return Call("DELETE", "/work_pools/{name}", None, {"name": work_pool_name})


def read_work_pools(
    limit: int | None = None, offset: int = 0, work_pool_filter: WorkPoolFilter | None = None
) -> Call[list[WorkPoolResponse]]:
    """List the selected work pools."""
    body = given(work_pools=work_pool_filter, limit=limit, offset=offset)
    return Call("POST", "/work_pools/filter", list[WorkPoolResponse], body=body)


def count_work_pools(work_pool_filter: WorkPoolFilter | None = None) -> Call[int]:
    """Count the selected work pools."""
    return Call("POST", "/work_pools/count", int, body=given(work_pools=work_pool_filter))


def get_scheduled_flow_runs_for_work_pool(
    work_pool_name: str,
    work_queue_names: list[str] | None = None,
    scheduled_before: datetime | None = None,
    scheduled_after: datetime | None = None,
    limit: int | None = None,
) -> Call[list[WorkerFlowRunResponse]]:
    """
    List the scheduled runs of a work pool, for a worker: the most urgent first.

    Args:
        work_pool_name: The work pool.
        work_queue_names: Only those in these queues; by default those in all.
        scheduled_before: Only those that are due then.
        scheduled_after: Only those that are not due before.
        limit: How many at most.
    """
    from prefect._contract.responses.work_pools import WorkerFlowRunResponse

    body = given(
        work_queue_names=work_queue_names,
        scheduled_before=scheduled_before,
        scheduled_after=scheduled_after,
        limit=limit,
    )
    path = "/work_pools/{name}/get_scheduled_flow_runs"
    return Call("POST", path, list[WorkerFlowRunResponse], {"name": work_pool_name}, body=body)


def read_work_pool_concurrency_status(
    work_pool_name: str, page: int = 1, limit: int | None = None, flow_run_limit: int = 10
) -> Call[WorkPoolConcurrencyStatus]:
    """
    Read who occupies the slots of a work pool.

    Args:
        work_pool_name: The work pool.
        page: Which page of its queues.
        limit: How many queues are on a page.
        flow_run_limit: How many flow runs of each queue are told.
    """
    from prefect._contract.responses.work_pools import WorkPoolConcurrencyStatus

    body = given(page=page, limit=limit, flow_run_limit=flow_run_limit)
    path = "/work_pools/{name}/concurrency_status"
    return Call("POST", path, WorkPoolConcurrencyStatus, {"name": work_pool_name}, body=body)


def send_worker_heartbeat(
    work_pool_name: str, worker_name: str, heartbeat_interval_seconds: int | None = None
) -> Call[None]:
    """
    Tell that a worker is there; one that was not known is from now on.

    Args:
        work_pool_name: The work pool it takes runs from.
        worker_name: The worker.
        heartbeat_interval_seconds: After how many seconds it will tell again.
    """
    body = given(name=worker_name, heartbeat_interval_seconds=heartbeat_interval_seconds)
    path = {"work_pool_name": work_pool_name}
    return Call("POST", "/work_pools/{work_pool_name}/workers/heartbeat", None, path, body=body)


def read_workers_for_work_pool(
    work_pool_name: str,
    worker_filter: WorkerFilter | None = None,
    offset: int | None = None,
    limit: int | None = None,
) -> Call[list[WorkerResponse]]:
    """List the selected workers of a work pool."""
    from prefect._contract.responses.work_pools import WorkerResponse

    body = given(workers=worker_filter, offset=offset, limit=limit)
    path = {"work_pool_name": work_pool_name}
    return Call("POST", "/work_pools/{work_pool_name}/workers/filter", list[WorkerResponse], path, body=body)


def delete_worker(work_pool_name: str, worker_name: str) -> Call[None]:
    """Delete a worker of a work pool by name."""
    path = {"work_pool_name": work_pool_name, "name": worker_name}
    return Call("DELETE", "/work_pools/{work_pool_name}/workers/{name}", None, path)
