"""The clients' methods for flow runs, their states and inputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints import flow_run_inputs, flow_runs, states, why
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.client.orchestration.flows import create_flow
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect._contract.responses.orchestration import OrchestrationResult
    from prefect._contract.state import State
    from prefect.flows import Flow

__all__ = ["FlowRunAsyncClient", "FlowRunClient"]


def create_flow_run(
    flow: Flow[Any, Any],
    name: str | None = None,
    parameters: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    tags: Iterable[str] | None = None,
    parent_task_run_id: UUID | None = None,
    state: State[Any] | None = None,
    work_pool_name: str | None = None,
    work_queue_name: str | None = None,
    job_variables: dict[str, Any] | None = None,
) -> Steps[FlowRun]:
    """
    Create a run of a flow.

    Args:
        flow: The flow; its record is created if there is none.
        name: The name of the run; a generated one by default.
        parameters: What the flow function is called with.
        context: Anything to be kept with the run.
        tags: Tags of the run.
        parent_task_run_id: The task run that stands for this run, if it is a subflow's.
        state: The state to begin in; Pending by default.
        work_pool_name: The work pool that is to run it.
        work_queue_name: The queue of that work pool.
        job_variables: Overrides for the work pool's job template.
    """
    from prefect._contract.actions.runs import FlowRunCreate, as_state_create
    from prefect._contract.objects import FlowRunPolicy

    flow_id = yield from create_flow(flow)
    retry_delay = flow.retry_delay_seconds
    request = FlowRunCreate(
        flow_id=flow_id,
        flow_version=flow.version,
        name=name,
        parameters=flow.serialize_parameters(parameters or {}),
        context=context or {},
        tags=list(tags or ()),
        parent_task_run_id=parent_task_run_id,
        state=None if state is None else as_state_create(state),
        empirical_policy=FlowRunPolicy(
            retries=flow.retries or 0, retry_delay=0 if retry_delay is None else int(retry_delay)
        ),
        work_pool_name=work_pool_name,
        work_queue_name=work_queue_name,
        job_variables=job_variables,
    )
    return (yield from ask(flow_runs.create_flow_run(request)))


def set_flow_run_state(
    flow_run_id: UUID | str, state: State[Any], force: bool = False
) -> Steps[OrchestrationResult[Any]]:
    """
    Propose a state for a flow run.

    Args:
        flow_run_id: The run.
        state: The proposed state.
        force: Whether the rules are skipped.

    Raises:
        prefect.exceptions.ObjectNotFound: There is no such run.
    """
    return (yield from ask(flow_runs.set_flow_run_state(flow_run_id, state, force)))


class FlowRunClient:
    """Flow runs."""

    transport: Transport
    create_flow_run = blocking_steps(create_flow_run)
    read_flow_run = blocking(flow_runs.read_flow_run)
    explain_flow_run = blocking(why.explain_flow_run)
    update_flow_run = blocking(flow_runs.update_flow_run)
    update_flow_run_labels = blocking(flow_runs.update_flow_run_labels)
    set_flow_run_name = blocking(flow_runs.set_flow_run_name)
    set_flow_run_state = blocking_steps(set_flow_run_state)
    resume_flow_run = blocking(flow_runs.resume_flow_run)
    read_flow_runs = blocking(flow_runs.read_flow_runs)
    count_flow_runs = blocking(flow_runs.count_flow_runs)
    delete_flow_run = blocking(flow_runs.delete_flow_run)
    read_flow_run_state = blocking(states.read_flow_run_state)
    read_flow_run_states = blocking(states.read_flow_run_states)
    create_flow_run_input = blocking(flow_run_inputs.create_flow_run_input)
    filter_flow_run_input = blocking(flow_run_inputs.filter_flow_run_input)
    read_flow_run_input = blocking(flow_run_inputs.read_flow_run_input)
    delete_flow_run_input = blocking(flow_run_inputs.delete_flow_run_input)


class FlowRunAsyncClient:
    """Flow runs."""

    transport: Transport
    create_flow_run = awaitable_steps(create_flow_run)
    read_flow_run = awaitable(flow_runs.read_flow_run)
    explain_flow_run = awaitable(why.explain_flow_run)
    update_flow_run = awaitable(flow_runs.update_flow_run)
    update_flow_run_labels = awaitable(flow_runs.update_flow_run_labels)
    set_flow_run_name = awaitable(flow_runs.set_flow_run_name)
    set_flow_run_state = awaitable_steps(set_flow_run_state)
    resume_flow_run = awaitable(flow_runs.resume_flow_run)
    read_flow_runs = awaitable(flow_runs.read_flow_runs)
    count_flow_runs = awaitable(flow_runs.count_flow_runs)
    delete_flow_run = awaitable(flow_runs.delete_flow_run)
    read_flow_run_state = awaitable(states.read_flow_run_state)
    read_flow_run_states = awaitable(states.read_flow_run_states)
    create_flow_run_input = awaitable(flow_run_inputs.create_flow_run_input)
    filter_flow_run_input = awaitable(flow_run_inputs.filter_flow_run_input)
    read_flow_run_input = awaitable(flow_run_inputs.read_flow_run_input)
    delete_flow_run_input = awaitable(flow_run_inputs.delete_flow_run_input)
