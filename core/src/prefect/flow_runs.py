"""Pause, suspend, resume and await flow runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from prefect._contract.endpoints import flow_runs as endpoints
from prefect._contract.objects import FlowRun
from prefect._contract.state import State, StateType
from prefect._engine.effects import CallEither
from prefect._engine.proposing import ask_for_state
from prefect.client.base import ask
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import (
    FlowPauseTimeout,
    FlowRunWaitTimeout,
    NotPausedError,
    Pause,
)
from prefect.logging.loggers import get_logger
from prefect.states import Paused, Suspended
from prefect.utilities.dual import Sleep, Steps, asynchronous, dual

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

__all__ = [
    "apause_flow_run",
    "aresume_flow_run",
    "asuspend_flow_run",
    "pause_flow_run",
    "resume_flow_run",
    "suspend_flow_run",
    "wait_for_flow_run",
]

T = TypeVar("T")

QUICKEST_POLL = 0.1


@dual
def pause_flow_run(
    wait_for_input: type[T] | None = None, timeout: int = 3600, poll_interval: int = 10, key: str | None = None
) -> Steps[T | None]:
    """
    Pause the current flow run here, until someone resumes it. The process keeps running; submitted tasks do too.

    Args:
        wait_for_input: The type of what must be given when the run is resumed: a `RunInput`, a pydantic model, or any type.
        timeout: Seconds after which the run fails.
        poll_interval: Seconds between looks at the run, at most.
        key: Names the pause; a run passes the same pause once only. Counted without.

    Returns:
        What was given on resumption, if it was asked for.

    Raises:
        FlowPauseTimeout: Nobody resumed the run in time.
        RuntimeError: This is not called within a flow, or within a task.
    """
    context = _current_flow("paused")
    assert context.flow_run is not None
    pause_key = key or _counted_key(context)
    proposal: State[Any] = Paused(timeout_seconds=timeout, pause_key=pause_key)
    proposal, input_type = yield from _with_input(proposal, wait_for_input)
    state = yield from ask_for_state(context.flow_run.id, proposal, lease=context.lease_request)
    if state.type is StateType.PAUSED:
        get_logger("flow_runs").info(
            "Pausing flow run %r, execution will continue when it is resumed.", context.flow_run.name
        )
        yield from _until_resumed(context.flow_run.id, timeout, poll_interval)
    received: T | None = yield from _received(input_type, proposal)
    return received


def _until_resumed(flow_run_id: UUID, timeout: float, poll_interval: float) -> Steps[None]:
    deadline = time.monotonic() + timeout
    pause = min(QUICKEST_POLL, poll_interval)
    while True:
        run = yield from ask(endpoints.read_flow_run(flow_run_id))
        if run.state is not None and run.state.is_running():
            return
        if run.state is not None and run.state.is_final():
            raise Pause(f"The flow run ended while it was paused: it is {run.state.name}.", state=run.state)
        if time.monotonic() >= deadline:
            raise FlowPauseTimeout(f"Flow run was paused and not resumed within {timeout} second(s).")
        yield Sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 2, poll_interval)


@dual
def suspend_flow_run(
    wait_for_input: type[T] | None = None,
    flow_run_id: UUID | None = None,
    timeout: int | None = None,
    key: str | None = None,
) -> Steps[T | None]:
    """
    Suspend a flow run: its process ends; when it is resumed it runs from the start, with what was stored kept.

    Args:
        wait_for_input: The type of what must be given when the run is resumed.
        flow_run_id: The run; the current one without.
        timeout: Seconds after which the run can no longer be resumed.
        key: Names the suspension; a run passes the same one once only. Counted without.

    Returns:
        What was given on resumption, in the attempt after it.

    Raises:
        RuntimeError: This is called outside of a flow without an id, or within a task.
    """
    context = FlowRunContext.get()
    is_current = context is not None and context.flow_run is not None and flow_run_id in (None, context.flow_run.id)
    if not is_current:
        if flow_run_id is None:
            _current_flow("suspended")
        assert flow_run_id is not None
        yield from ask(endpoints.set_flow_run_state(flow_run_id, Suspended(timeout_seconds=timeout, pause_key=key)))
        return None
    context = _current_flow("suspended")
    assert context.flow_run is not None
    proposal: State[Any] = Suspended(timeout_seconds=timeout, pause_key=key or _counted_key(context))
    proposal, input_type = yield from _with_input(proposal, wait_for_input)
    state = yield from ask_for_state(context.flow_run.id, proposal, lease=context.lease_request)
    if state.type is StateType.PAUSED:
        raise Pause("The flow run is suspended.", state=state)
    received: T | None = yield from _received(input_type, proposal)
    return received


@dual
def resume_flow_run(flow_run_id: UUID, run_input: dict[str, Any] | None = None) -> Steps[None]:
    """
    Resume a paused or suspended flow run.

    Args:
        flow_run_id: The run.
        run_input: What the run waits for, if it waits for input: the fields by name.

    Raises:
        NotPausedError: The run is not paused.
        FlowPauseTimeout: It was paused for longer than it may be.
    """
    response = yield from ask(endpoints.resume_flow_run(flow_run_id, run_input=run_input))
    if response.status.value in ("ACCEPT", "WAIT"):
        return
    if response.state is not None and response.state.is_failed():
        raise FlowPauseTimeout("Flow run can no longer be resumed: its pause has expired, and it failed.")
    raise NotPausedError(f"Flow run {flow_run_id} cannot be resumed: {getattr(response.details, 'reason', None)}")


apause_flow_run = asynchronous(pause_flow_run)
asuspend_flow_run = asynchronous(suspend_flow_run)
aresume_flow_run = asynchronous(resume_flow_run)


def _current_flow(what: str) -> FlowRunContext:
    context = FlowRunContext.get()
    if TaskRunContext.get() is not None:
        raise RuntimeError(f"Cannot be {what} from within a task: only the flow itself can.")
    if context is None or context.flow_run is None:
        raise RuntimeError(f"Flow runs can only be {what} from within a flow run.")
    return context


def _counted_key(context: FlowRunContext) -> str:
    """The same pause of the flow's code gets the same key in each attempt."""
    number = context.observed_flow_pauses.get("counter", 0) + 1
    context.observed_flow_pauses["counter"] = number
    return str(number)


def _with_input(proposal: State[Any], wanted: Any) -> Steps[tuple[State[Any], Any]]:
    """A pause that waits for input: its schema is stored, and the state says under which keys."""
    if wanted is None:
        return proposal, None
    from prefect.input.run_input import keyset_from_paused_state, run_input_subclass_from_type

    input_type: Any = run_input_subclass_from_type(wanted)
    keyset = keyset_from_paused_state(proposal)
    details = proposal.state_details.model_copy(update={"run_input_keyset": keyset})
    yield CallEither(input_type.save, (keyset,))
    return proposal.model_copy(update={"state_details": details}), input_type


def _received(input_type: Any, proposal: State[Any]) -> Steps[Any]:
    if input_type is None:
        return None
    return (yield CallEither(input_type.load, (proposal.state_details.run_input_keyset,)))


async def wait_for_flow_run(
    flow_run_id: UUID,
    timeout: int | None = 10800,
    poll_interval: int | None = None,
    client: PrefectClient | None = None,
    log_states: bool = False,
) -> FlowRun:
    """
    Wait until a flow run has ended.

    Args:
        flow_run_id: The run.
        timeout: Seconds to wait at most.
        poll_interval: Seconds between looks, at most; 2 without.
        client: Not needed: the current orchestrator is used.
        log_states: Log each state that is seen.

    Returns:
        The run in its final state.

    Raises:
        FlowRunWaitTimeout: It has not ended in time.
    """
    return await _await_run.aio(flow_run_id, timeout, poll_interval or 2, log_states)


@dual
def _await_run(flow_run_id: UUID, timeout: float | None, poll_interval: float, log_states: bool) -> Steps[FlowRun]:
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, seen = QUICKEST_POLL, None
    while True:
        run = yield from ask(endpoints.read_flow_run(flow_run_id))
        state = run.state
        if log_states and state is not None and state.id != seen:
            seen = state.id
            get_logger("flow_runs").info("Flow run %r is in state %r", run.name, state.name)
        if state is not None and state.is_final():
            return run
        if deadline is not None and time.monotonic() >= deadline:
            raise FlowRunWaitTimeout(f"Flow run with ID {flow_run_id} exceeded watch timeout of {timeout} seconds")
        yield Sleep(pause)
        pause = min(pause * 2, poll_interval)
