"""Work queues, found by id or in their work pool: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given
from prefect._contract.responses.work_pools import WorkQueueResponse

if TYPE_CHECKING:
    from datetime import datetime

    from prefect._contract.actions.settings import WorkQueueCreate, WorkQueueUpdate
    from prefect._contract.filters.work_pools import WorkQueueFilter
    from prefect._contract.responses.runs import FlowRunResponse
    from prefect._contract.responses.work_pools import WorkQueueConcurrencyStatus
    from prefect._contract.work_pools import WorkQueueStatusDetail

__all__ = [
    "create_work_pool_queue",
    "create_work_queue",
    "delete_work_pool_queue",
    "delete_work_queue",
    "get_runs_in_work_queue",
    "read_work_pool_queue",
    "read_work_pool_queues",
    "read_work_queue",
    "read_work_queue_by_name",
    "read_work_queue_concurrency_status",
    "read_work_queue_status",
    "read_work_queues",
    "update_work_pool_queue",
    "update_work_queue",
]


def create_work_queue(work_queue: WorkQueueCreate) -> Call[WorkQueueResponse]:
    """Create a work queue of the default work pool."""
    return Call("POST", "/work_queues/", WorkQueueResponse, body=work_queue)


def read_work_queue(work_queue_id: UUID) -> Call[WorkQueueResponse]:
    """Read a work queue by id."""
    return Call("GET", "/work_queues/{id}", WorkQueueResponse, {"id": work_queue_id})


def read_work_queue_by_name(name: str) -> Call[WorkQueueResponse]:
    """Read a work queue of the default work pool by name."""
    return Call("GET", "/work_queues/name/{name}", WorkQueueResponse, {"name": name})


def update_work_queue(work_queue_id: UUID, work_queue: WorkQueueUpdate) -> Call[None]:
    """Change a work queue."""
    return Call("PATCH", "/work_queues/{id}", None, {"id": work_queue_id}, body=work_queue)


def delete_work_queue(work_queue_id: UUID) -> Call[None]:
    """Delete a work queue by id."""
    return Call("DELETE", "/work_queues/{id}", None, {"id": work_queue_id})


def read_work_queues(
    work_queue_filter: WorkQueueFilter | None = None, limit: int | None = None, offset: int | None = None
) -> Call[list[WorkQueueResponse]]:
    """List the selected work queues of all work pools."""
    body = given(work_queues=work_queue_filter, limit=limit, offset=offset)
    return Call("POST", "/work_queues/filter", list[WorkQueueResponse], body=body)


def get_runs_in_work_queue(
    work_queue_id: UUID, limit: int | None = None, scheduled_before: datetime | None = None
) -> Call[list[FlowRunResponse]]:
    """List the scheduled runs of a work queue, for who runs them."""
    from prefect._contract.responses.runs import FlowRunResponse

    body = given(limit=limit, scheduled_before=scheduled_before)
    return Call("POST", "/work_queues/{id}/get_runs", list[FlowRunResponse], {"id": work_queue_id}, body=body)


def read_work_queue_status(work_queue_id: UUID) -> Call[WorkQueueStatusDetail]:
    """Read whether a work queue is healthy."""
    from prefect._contract.work_pools import WorkQueueStatusDetail

    return Call("GET", "/work_queues/{id}/status", WorkQueueStatusDetail, {"id": work_queue_id})


def read_work_queue_concurrency_status(
    work_queue_id: UUID, page: int = 1, limit: int | None = None
) -> Call[WorkQueueConcurrencyStatus]:
    """Read who occupies the slots of a work queue, page by page."""
    from prefect._contract.responses.work_pools import WorkQueueConcurrencyStatus

    body = given(page=page, limit=limit)
    path = "/work_queues/{id}/concurrency_status"
    return Call("POST", path, WorkQueueConcurrencyStatus, {"id": work_queue_id}, body=body)


def create_work_pool_queue(work_pool_name: str, work_queue: WorkQueueCreate) -> Call[WorkQueueResponse]:
    """Create a queue of a work pool."""
    path = {"work_pool_name": work_pool_name}
    return Call("POST", "/work_pools/{work_pool_name}/queues", WorkQueueResponse, path, body=work_queue)


def read_work_pool_queue(work_pool_name: str, work_queue_name: str) -> Call[WorkQueueResponse]:
    """Read a queue of a work pool by name."""
    path = {"work_pool_name": work_pool_name, "name": work_queue_name}
    return Call("GET", "/work_pools/{work_pool_name}/queues/{name}", WorkQueueResponse, path)


def read_work_pool_queues(
    work_pool_name: str,
    work_queue_filter: WorkQueueFilter | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Call[list[WorkQueueResponse]]:
    """List the selected queues of a work pool."""
    body = given(work_queues=work_queue_filter, limit=limit, offset=offset)
    path = {"work_pool_name": work_pool_name}
    return Call("POST", "/work_pools/{work_pool_name}/queues/filter", list[WorkQueueResponse], path, body=body)


def update_work_pool_queue(work_pool_name: str, work_queue_name: str, work_queue: WorkQueueUpdate) -> Call[None]:
    """Change a queue of a work pool."""
    path = {"work_pool_name": work_pool_name, "name": work_queue_name}
    return Call("PATCH", "/work_pools/{work_pool_name}/queues/{name}", None, path, body=work_queue)


def delete_work_pool_queue(work_pool_name: str, work_queue_name: str) -> Call[None]:
    """Delete a queue of a work pool by name."""
    path = {"work_pool_name": work_pool_name, "name": work_queue_name}
    return Call("DELETE", "/work_pools/{work_pool_name}/queues/{name}", None, path)
