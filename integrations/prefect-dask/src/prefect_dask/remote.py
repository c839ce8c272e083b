"""What happens on a worker of the cluster: a task is run as it would be in its flow's process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import cloudpickle

from prefect.client.orchestration import get_client
from prefect.context import hydrated_context
from prefect.logging.handlers import flush as flush_logs
from prefect.task_engine import run_task_async, run_task_sync
from prefect.utilities.collections import visit_collection

if TYPE_CHECKING:
    from prefect.client.schemas.objects import RunInput
    from prefect.tasks import Task

__all__ = ["Submission", "Upstream", "run_on_worker"]


@dataclass(frozen=True)
class Upstream:
    """Stands for what an earlier task has come to: the cluster sends that beside the call, from worker to worker."""

    index: int


@dataclass(frozen=True)
class Submission:
    """
    A task run as it travels to a worker.

    Args:
        task: The task.
        task_run_id: The id of its run.
        parameters: Its parameters by name, with an `Upstream` in the place of each future.
        wait_for: What must have ended before, likewise.
        dependencies: The runs that its values come from.
        context: The contexts of the flow run.
    """

    task: Task[Any, Any]
    task_run_id: UUID
    parameters: dict[str, Any]
    wait_for: Any
    dependencies: dict[str, set[RunInput]] | None
    context: dict[str, Any]


def run_on_worker(packed: bytes, upstreams: list[Any]) -> Any:
    """
    Run a task in this thread of a worker.

    Args:
        packed: A `Submission`, pickled.
        upstreams: What the earlier tasks have come to that it stands on.

    Returns:
        The final state of the run. It is recorded by then.
    """
    submission: Submission = cloudpickle.loads(packed)
    task = submission.task
    arguments: dict[str, Any] = {
        "task": task,
        "task_run_id": submission.task_run_id,
        "parameters": _filled(submission.parameters, upstreams),
        "wait_for": _filled(submission.wait_for, upstreams),
        "dependencies": submission.dependencies,
        "return_type": "state",
    }
    with hydrated_context(submission.context):
        try:
            if task.isasync:
                return asyncio.run(run_task_async(**arguments))
            return run_task_sync(**arguments)
        finally:
            # What the run has recorded is sent before anything is read, so it is there when this is.
            get_client(sync_client=True).read_task_run(submission.task_run_id)
            flush_logs()


def _filled(expression: Any, upstreams: Iterable[Any]) -> Any:
    known = list(upstreams)

    def visit(part: Any) -> Any:
        return known[part.index] if isinstance(part, Upstream) else part

    return visit_collection(expression, visit_fn=visit, return_data=True, max_depth=-1)
