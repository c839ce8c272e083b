"""The clients' methods for work queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints import work_queues
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable_steps, blocking_steps
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from datetime import datetime

    from prefect._contract.filters.work_pools import WorkQueueFilter
    from prefect._contract.responses.runs import FlowRunResponse
    from prefect._contract.responses.work_pools import WorkQueueConcurrencyStatus, WorkQueueResponse
    from prefect._contract.work_pools import WorkQueueStatusDetail

__all__ = ["WorkQueueAsyncClient", "WorkQueueClient"]

_PAGE = 100


def create_work_queue(
    name: str,
    description: str | None = None,
    is_paused: bool | None = None,
    concurrency_limit: int | None = None,
    priority: int | None = None,
    work_pool_name: str | None = None,
) -> Steps[WorkQueueResponse]:
    """
    Create a work queue.

    Args:
        name: Names it among those of its work pool.
        description: What it is for.
        is_paused: Whether its runs have to wait.
        concurrency_limit: How many of its runs there may be at the same time.
        priority: Its place among the queues of its pool; the smallest goes first.
        work_pool_name: Its work pool; by default that of queues which name none.

    Raises:
        prefect.exceptions.ObjectAlreadyExists: The pool has a queue of this name.
        prefect.exceptions.ObjectNotFound: There is no such pool.
    """
    from prefect._contract.actions.settings import WorkQueueCreate

    request = WorkQueueCreate(
        name=name,
        description=description,
        is_paused=bool(is_paused),
        concurrency_limit=concurrency_limit,
        priority=priority,
    )
    if work_pool_name is None:
        return (yield from ask(work_queues.create_work_queue(request)))
    return (yield from ask(work_queues.create_work_pool_queue(work_pool_name, request)))


def read_work_queue_by_name(name: str, work_pool_name: str | None = None) -> Steps[WorkQueueResponse]:
    """
    Read a work queue by name.

    Args:
        name: The queue.
        work_pool_name: Its work pool; by default that of queues which name none.
    """
    if work_pool_name is None:
        return (yield from ask(work_queues.read_work_queue_by_name(name)))
    return (yield from ask(work_queues.read_work_pool_queue(work_pool_name, name)))


def update_work_queue(id: UUID, **kwargs: Any) -> Steps[None]:
    """
    Change a work queue.

    Args:
        id: The queue.
        **kwargs: The fields that change: `name`, `description`, `is_paused`, `concurrency_limit`, `priority` ...

    Raises:
        ValueError: No field is given.
    """
    from prefect._contract.actions.settings import WorkQueueUpdate

    if not kwargs:
        raise ValueError(f"No fields provided to update. There are: {', '.join(WorkQueueUpdate.model_fields)}.")
    yield from ask(work_queues.update_work_queue(id, WorkQueueUpdate(**kwargs)))


def get_runs_in_work_queue(
    id: UUID, limit: int = 10, scheduled_before: datetime | None = None
) -> Steps[list[FlowRunResponse]]:
    """
    List the runs of a work queue that wait for their turn.

    Args:
        id: The queue.
        limit: How many at most.
        scheduled_before: Only those that are due then; by default now.
    """
    from prefect.utilities.time import now

    return (yield from ask(work_queues.get_runs_in_work_queue(id, limit, scheduled_before or now())))


def read_work_queue(id: UUID) -> Steps[WorkQueueResponse]:
    """Read a work queue by id."""
    return (yield from ask(work_queues.read_work_queue(id)))


def read_work_queue_status(id: UUID) -> Steps[WorkQueueStatusDetail]:
    """Read whether a work queue is healthy."""
    return (yield from ask(work_queues.read_work_queue_status(id)))


def read_work_queue_concurrency_status(
    id: UUID, page: int = 1, limit: int | None = None
) -> Steps[WorkQueueConcurrencyStatus]:
    """
    Read which runs occupy the slots of a work queue.

    Args:
        id: The queue.
        page: Which page of the runs.
        limit: How many are on a page.
    """
    return (yield from ask(work_queues.read_work_queue_concurrency_status(id, page, limit)))


def read_work_queues(
    work_pool_name: str | None = None,
    work_queue_filter: WorkQueueFilter | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Steps[list[WorkQueueResponse]]:
    """
    List work queues.

    Args:
        work_pool_name: Only those of this work pool.
        work_queue_filter: Only those that it selects.
        limit: How many at most.
        offset: How many to skip.
    """
    if work_pool_name is None:
        return (yield from ask(work_queues.read_work_queues(work_queue_filter, limit, offset)))
    return (yield from ask(work_queues.read_work_pool_queues(work_pool_name, work_queue_filter, limit, offset)))


def match_work_queues(prefixes: list[str], work_pool_name: str | None = None) -> Steps[list[WorkQueueResponse]]:
    """
    List the work queues whose names begin with one of some texts.

    Args:
        prefixes: The texts.
        work_pool_name: Only queues of this work pool.
    """
    from prefect._contract.filters.work_pools import WorkQueueFilter, WorkQueueFilterName

    chosen = WorkQueueFilter(name=WorkQueueFilterName(startswith_=prefixes))
    found: list[WorkQueueResponse] = []
    while True:
        page = yield from read_work_queues(work_pool_name, chosen, _PAGE, len(found))
        found += page
        if len(page) < _PAGE:
            return found


def delete_work_queue_by_id(id: UUID) -> Steps[None]:
    """Delete a work queue by id."""
    yield from ask(work_queues.delete_work_queue(id))


class WorkQueueClient:
    """Work queues."""

    transport: Transport
    create_work_queue = blocking_steps(create_work_queue)
    read_work_queue_by_name = blocking_steps(read_work_queue_by_name)
    update_work_queue = blocking_steps(update_work_queue)
    get_runs_in_work_queue = blocking_steps(get_runs_in_work_queue)
    read_work_queue = blocking_steps(read_work_queue)
    read_work_queue_status = blocking_steps(read_work_queue_status)
    read_work_queue_concurrency_status = blocking_steps(read_work_queue_concurrency_status)
    match_work_queues = blocking_steps(match_work_queues)
    delete_work_queue_by_id = blocking_steps(delete_work_queue_by_id)
    read_work_queues = blocking_steps(read_work_queues)


class WorkQueueAsyncClient:
    """Work queues."""

    transport: Transport
    create_work_queue = awaitable_steps(create_work_queue)
    read_work_queue_by_name = awaitable_steps(read_work_queue_by_name)
    update_work_queue = awaitable_steps(update_work_queue)
    get_runs_in_work_queue = awaitable_steps(get_runs_in_work_queue)
    read_work_queue = awaitable_steps(read_work_queue)
    read_work_queue_status = awaitable_steps(read_work_queue_status)
    read_work_queue_concurrency_status = awaitable_steps(read_work_queue_concurrency_status)
    match_work_queues = awaitable_steps(match_work_queues)
    delete_work_queue_by_id = awaitable_steps(delete_work_queue_by_id)
    read_work_queues = awaitable_steps(read_work_queues)
