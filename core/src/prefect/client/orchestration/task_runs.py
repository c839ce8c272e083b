"""The clients' methods for task runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints import states, task_runs
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect._contract.objects import Constant, FlowRunResult, Parameter, TaskRun, TaskRunResult
    from prefect._contract.responses.orchestration import OrchestrationResult
    from prefect._contract.state import State
    from prefect.tasks import Task

__all__ = ["TaskRunAsyncClient", "TaskRunClient"]


def create_task_run(
    task: Task[Any, Any],
    flow_run_id: UUID | None,
    dynamic_key: str,
    id: UUID | None = None,
    name: str | None = None,
    extra_tags: Iterable[str] | None = None,
    state: State[Any] | None = None,
    task_inputs: dict[str, list[TaskRunResult | FlowRunResult | Parameter | Constant]] | None = None,
) -> Steps[TaskRun]:
    """
    Create a run of a task, or find the one of the same flow run, task and dynamic key.

    Args:
        task: The task.
        flow_run_id: The flow run it belongs to; None outside of flows.
        dynamic_key: Tells the runs of one task in one flow run apart.
        id: The id of the run; a new one by default.
        name: The name of the run; a generated one by default.
        extra_tags: Tags besides those of the task.
        state: The state to begin in; Pending by default.
        task_inputs: For each parameter, where its value came from.
    """
    from prefect._contract.actions.runs import TaskRunCreate, as_state_create
    from prefect._contract.objects import TaskRunPolicy

    request = TaskRunCreate(
        id=id,
        name=name,
        flow_run_id=flow_run_id,
        task_key=task.task_key,
        dynamic_key=str(dynamic_key),
        tags=sorted({*task.tags, *(extra_tags or ())}),
        task_version=task.version,
        empirical_policy=TaskRunPolicy(
            retries=task.retries,
            retry_delay=task.retry_delay_seconds,
            retry_jitter_factor=task.retry_jitter_factor,
        ),
        state=None if state is None else as_state_create(state),
        task_inputs=task_inputs or {},
    )
    return (yield from ask(task_runs.create_task_run(request)))


def set_task_run_state(task_run_id: UUID, state: State[Any], force: bool = False) -> Steps[OrchestrationResult[Any]]:
    """
    Propose a state for a task run.

    Args:
        task_run_id: The run.
        state: The proposed state.
        force: Whether the rules are skipped.

    Raises:
        prefect.exceptions.ObjectNotFound: There is no such run.
    """
    return (yield from ask(task_runs.set_task_run_state(task_run_id, state, force)))


class TaskRunClient:
    """Task runs."""

    transport: Transport
    create_task_run = blocking_steps(create_task_run)
    read_task_run = blocking(task_runs.read_task_run)
    read_task_runs = blocking(task_runs.read_task_runs)
    set_task_run_name = blocking(task_runs.set_task_run_name)
    set_task_run_state = blocking_steps(set_task_run_state)
    read_task_run_states = blocking(states.read_task_run_states)
    delete_task_run = blocking(task_runs.delete_task_run)


class TaskRunAsyncClient:
    """Task runs."""

    transport: Transport
    create_task_run = awaitable_steps(create_task_run)
    read_task_run = awaitable(task_runs.read_task_run)
    read_task_runs = awaitable(task_runs.read_task_runs)
    set_task_run_name = awaitable(task_runs.set_task_run_name)
    set_task_run_state = awaitable_steps(set_task_run_state)
    read_task_run_states = awaitable(states.read_task_run_states)
    delete_task_run = awaitable(task_runs.delete_task_run)
