"""The clients' methods for work pools and workers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.endpoints import work_pools
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.exceptions import ObjectAlreadyExists
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from datetime import datetime

    from prefect._contract.actions.settings import WorkPoolCreate
    from prefect._contract.responses.work_pools import WorkerFlowRunResponse, WorkPoolResponse
    from prefect._contract.work_pools import WorkerMetadata

__all__ = ["WorkPoolAsyncClient", "WorkPoolClient"]


def create_work_pool(work_pool: WorkPoolCreate, overwrite: bool = False) -> Steps[WorkPoolResponse]:
    """
    Create a work pool.

    Args:
        work_pool: The work pool.
        overwrite: Whether one of this name is changed to what is asked for. Its type stays.

    Raises:
        prefect.exceptions.ObjectAlreadyExists: There is one of this name.
    """
    from prefect._contract.actions.settings import WorkPoolUpdate

    try:
        return (yield from ask(work_pools.create_work_pool(work_pool)))
    except ObjectAlreadyExists:
        if not overwrite:
            raise
    there = yield from ask(work_pools.read_work_pool(work_pool.name))
    if there.type != work_pool.type:
        import warnings

        message = (
            f"The type of the work pool '{there.name}' stays {there.type!r}: only a new one can be {work_pool.type!r}."
        )
        warnings.warn(message, UserWarning, stacklevel=2)
    changes = WorkPoolUpdate(**{name: getattr(work_pool, name) for name in WorkPoolUpdate.model_fields})
    yield from ask(work_pools.update_work_pool(work_pool.name, changes))
    return (yield from ask(work_pools.read_work_pool(work_pool.name)))


def send_worker_heartbeat(
    work_pool_name: str,
    worker_name: str,
    heartbeat_interval_seconds: float | None = None,
    get_worker_id: bool = False,
    worker_metadata: WorkerMetadata | None = None,
) -> Steps[UUID | None]:
    """
    Tell that a worker is there; one that was not known is from now on.

    Args:
        work_pool_name: The work pool it takes runs from.
        worker_name: The worker.
        heartbeat_interval_seconds: After how many seconds it will tell again.
        get_worker_id: Whether to ask for the worker's id. Only the orchestrator of a cloud service tells it.
        worker_metadata: What the worker tells of itself. Only such an orchestrator wants to know.

    Returns:
        None: nothing is told.
    """
    interval = None if heartbeat_interval_seconds is None else max(1, round(heartbeat_interval_seconds))
    yield from ask(work_pools.send_worker_heartbeat(work_pool_name, worker_name, interval))
    return None


def get_scheduled_flow_runs_for_work_pool(
    work_pool_name: str, work_queue_names: list[str] | None = None, scheduled_before: datetime | None = None
) -> Steps[list[WorkerFlowRunResponse]]:
    """
    List the runs of a work pool that wait for their turn, the most urgent first.

    Args:
        work_pool_name: The work pool.
        work_queue_names: Only those in these queues; by default those in all.
        scheduled_before: Only those that are due then.
    """
    call = work_pools.get_scheduled_flow_runs_for_work_pool(work_pool_name, work_queue_names, scheduled_before)
    return (yield from ask(call))


class WorkPoolClient:
    """Work pools and workers."""

    transport: Transport
    send_worker_heartbeat = blocking_steps(send_worker_heartbeat)
    read_workers_for_work_pool = blocking(work_pools.read_workers_for_work_pool)
    read_work_pool = blocking(work_pools.read_work_pool)
    read_work_pools = blocking(work_pools.read_work_pools)
    create_work_pool = blocking_steps(create_work_pool)
    update_work_pool = blocking(work_pools.update_work_pool)
    delete_work_pool = blocking(work_pools.delete_work_pool)
    get_scheduled_flow_runs_for_work_pool = blocking_steps(get_scheduled_flow_runs_for_work_pool)
    read_work_pool_concurrency_status = blocking(work_pools.read_work_pool_concurrency_status)


class WorkPoolAsyncClient:
    """Work pools and workers."""

    transport: Transport
    send_worker_heartbeat = awaitable_steps(send_worker_heartbeat)
    read_workers_for_work_pool = awaitable(work_pools.read_workers_for_work_pool)
    read_work_pool = awaitable(work_pools.read_work_pool)
    read_work_pools = awaitable(work_pools.read_work_pools)
    create_work_pool = awaitable_steps(create_work_pool)
    update_work_pool = awaitable(work_pools.update_work_pool)
    delete_work_pool = awaitable(work_pools.delete_work_pool)
    get_scheduled_flow_runs_for_work_pool = awaitable_steps(get_scheduled_flow_runs_for_work_pool)
    read_work_pool_concurrency_status = awaitable(work_pools.read_work_pool_concurrency_status)
