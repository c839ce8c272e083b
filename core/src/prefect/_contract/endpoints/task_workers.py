"""Task workers: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

if TYPE_CHECKING:
    from prefect._contract.filters.task_workers import TaskWorkerFilter
    from prefect._contract.responses.work_pools import TaskWorkerResponse

__all__ = ["read_task_workers"]


def read_task_workers(task_worker_filter: TaskWorkerFilter | None = None) -> Call[list[TaskWorkerResponse]]:
    """List the selected task workers."""
    from prefect._contract.responses.work_pools import TaskWorkerResponse

    body = given(task_worker_filter=task_worker_filter)
    return Call("POST", "/task_workers/filter", list[TaskWorkerResponse], body=body)
