"""Run tasks as the engine does: for task runners of one's own, which call these where the work happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from prefect._engine import task_run as _engine
from prefect._engine.effects import Overtime as TaskRunTimeoutError
from prefect.context import hydrated_context

if TYPE_CHECKING:
    from prefect._contract.objects import RunInput, TaskRun
    from prefect.tasks import Task

__all__ = [
    "TaskRunTimeoutError",
    "run_generator_task_async",
    "run_generator_task_sync",
    "run_task",
    "run_task_async",
    "run_task_sync",
]

ReturnType = Literal["state", "result"]


def _execution(
    task: Task[Any, Any],
    task_run_id: UUID | None,
    task_run: TaskRun | None,
    parameters: dict[str, Any] | None,
    wait_for: Any,
    dependencies: dict[str, set[RunInput]] | None,
) -> _engine.TaskExecution:
    return _engine.execution(
        task,
        parameters or {},
        wait_for=wait_for,
        task_run=task_run,
        task_run_id=task_run_id,
        dependencies=dependencies,
    )


def run_task_sync(
    task: Task[Any, Any],
    task_run_id: UUID | None = None,
    task_run: TaskRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Any = None,
    return_type: ReturnType = "result",
    dependencies: dict[str, set[RunInput]] | None = None,
    context: dict[str, Any] | None = None,
) -> Any:
    """
    Run a sync task on this thread.

    Args:
        task: The task.
        task_run_id: The id that its run gets; a new one without.
        task_run: The run, if it exists already.
        parameters: What it is called with, by name.
        wait_for: Runs that must have ended before.
        return_type: Return its result, or its final state.
        dependencies: The runs that its values came from; found in the parameters without.
        context: What `serialize_context()` returned where it was submitted, for another process or host.
    """
    with hydrated_context(context):
        run = _execution(task, task_run_id, task_run, parameters, wait_for, dependencies)
        return _engine.execute(run, return_type)


async def run_task_async(
    task: Task[Any, Any],
    task_run_id: UUID | None = None,
    task_run: TaskRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Any = None,
    return_type: ReturnType = "result",
    dependencies: dict[str, set[RunInput]] | None = None,
    context: dict[str, Any] | None = None,
) -> Any:
    """Run an async task in this event loop; see `run_task_sync`."""
    with hydrated_context(context):
        run = _execution(task, task_run_id, task_run, parameters, wait_for, dependencies)
        return await _engine.aexecute(run, return_type)


def run_generator_task_sync(
    task: Task[Any, Any],
    task_run_id: UUID | None = None,
    task_run: TaskRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Any = None,
    return_type: ReturnType = "result",
    dependencies: dict[str, set[RunInput]] | None = None,
    context: dict[str, Any] | None = None,
) -> Generator[Any, None, Any]:
    """Run a generator task on this thread, value by value; see `run_task_sync`."""
    _refuse_state(return_type)
    with hydrated_context(context):
        run = _execution(task, task_run_id, task_run, parameters, wait_for, dependencies)
        return (yield from _engine.stream(run))


async def run_generator_task_async(
    task: Task[Any, Any],
    task_run_id: UUID | None = None,
    task_run: TaskRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Any = None,
    return_type: ReturnType = "result",
    dependencies: dict[str, set[RunInput]] | None = None,
    context: dict[str, Any] | None = None,
) -> AsyncGenerator[Any, None]:
    """Run an async generator task in this event loop, value by value; see `run_task_sync`."""
    _refuse_state(return_type)
    with hydrated_context(context):
        run = _execution(task, task_run_id, task_run, parameters, wait_for, dependencies)
        async for value in _engine.astream(run):
            yield value


def run_task(
    task: Task[Any, Any],
    task_run_id: UUID | None = None,
    task_run: TaskRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Any = None,
    return_type: ReturnType = "result",
    dependencies: dict[str, set[RunInput]] | None = None,
    context: dict[str, Any] | None = None,
) -> Any:
    """Run a task the way its function wants to be run: a value, an awaitable, a generator or an async generator."""
    arguments = (task, task_run_id, task_run, parameters, wait_for, return_type, dependencies, context)
    if task.isgenerator:
        return run_generator_task_async(*arguments) if task.isasync else run_generator_task_sync(*arguments)
    return run_task_async(*arguments) if task.isasync else run_task_sync(*arguments)


def _refuse_state(return_type: ReturnType) -> None:
    if return_type != "result":
        raise ValueError(f"The return_type for a generator task must be 'result', got {return_type!r}.")
