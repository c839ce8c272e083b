"""How a flow runs: create its run, call it, wait for what it submitted, record how it ended, try again if the rules say so."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from prefect._contract.endpoints import flow_runs as endpoints
from prefect._contract.objects import FlowRun
from prefect._contract.state import RunType, State
from prefect._engine.effects import (
    Advance,
    Close,
    ConsumerStopped,
    Emit,
    Exhausted,
    Invoke,
    Overtime,
    adrive_stream,
    drive_stream,
)
from prefect._engine.flow_execution import FlowExecution, begin, propose, release, start
from prefect._engine.hooks import run_hooks
from prefect._engine.inputs import PLAIN_TYPES, resolve_parameters, wait_for_upstream
from prefect._engine.names import render_run_name
from prefect._engine.proposing import wait_for_retry
from prefect._engine.recorder import flush_all
from prefect._engine.sessions import ensure_session
from prefect._engine.signals import CancellationRequest, capture_sigterm, is_rescheduled
from prefect._engine.task_run import answer, shown_state
from prefect._engine.tracebacks import user_traceback
from prefect.client.base import Send
from prefect.context import FlowRunContext
from prefect.exceptions import Abort, ParameterTypeError, Pause, TerminationSignal, UpstreamTaskError
from prefect.futures import PrefectFuture, resolve_futures_to_states
from prefect.logging.loggers import flow_run_logger
from prefect.results import ResultRecord
from prefect.states import (
    AwaitingRetry,
    Cancelled,
    Completed,
    Pending,
    StateGroup,
    crashed_state,
    failed_state,
    is_state_iterable,
    value_to_state,
)
from prefect.utilities.callables import parameters_to_args_kwargs
from prefect.utilities.dual import Run, Steps, adrive, drive

if TYPE_CHECKING:
    from prefect.flows import Flow
    from prefect.task_runners import TaskRunner


# -- the run ----------------------------------------------------------------------------------------------------------


def run_steps(run: FlowExecution) -> Steps[State[Any]]:
    """A flow run from its creation to its end."""
    yield from begin(run)
    try:
        state = yield from attempts(run)
    except (Pause, Abort) as signal:
        return stopped(run, signal)
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from end_by_force(run, error)
        if was_cancelled(run, error):
            return run.state
        raise
    finally:
        release(run)
    return state


def was_cancelled(run: FlowExecution, error: BaseException) -> bool:
    """
    Whether someone has cancelled this very run, which is then an end like others: `CancelledRun` to its caller.

    In a subflow whose parent was cancelled the interruption goes on to the parent.
    """
    if run.lease is None or not run.lease.cancelled:
        return False
    if isinstance(error, asyncio.CancelledError):
        uncancel = getattr(asyncio.current_task(), "uncancel", None)  # since Python 3.11
        if uncancel is not None:
            uncancel()
    return True


def attempts(run: FlowExecution) -> Steps[State[Any]]:
    """Run the flow until the rules let it end."""
    refused = yield from make_ready(run)
    state = yield from (conclude(run, refused) if refused is not None else start(run, giving_up(run)))
    while state.is_running():
        yield from run_hooks(run.flow, run.run, state, run.logger)
        state = yield from conclude(run, (yield from call_flow(run)))
        if state.is_scheduled():
            yield from wait_for_retry(state)
            run.dynamic_keys.clear()
            state = yield from start(run, giving_up(run))
    return state


def make_ready(run: FlowExecution) -> Steps[State[Any] | None]:
    """Wait for upstream runs, resolve and validate the parameters, name the run. A final state if that cannot be."""
    try:
        if run.wait_for is not None:
            yield from wait_for_upstream(run.wait_for)
        if any(type(value) not in PLAIN_TYPES for value in run.parameters.values()):
            run.parameters = yield from resolve_parameters(run.parameters)
    except UpstreamTaskError as error:
        return Pending(name="NotReady", message=str(error))
    try:
        if run.flow.should_validate_parameters:
            run.parameters = run.flow.validate_parameters(run.parameters)
    except ParameterTypeError as error:
        message = "Validation of flow parameters failed with error: ParameterTypeError:"
        run.logger.error("Validation of flow parameters failed with error: %s", error)
        return failed_state(error).model_copy(update={"message": f"{message} {error}"})
    if run.flow.flow_run_name is not None:
        with FlowRunContext(flow=run.flow, flow_run=run.run, parameters=run.parameters):
            name = render_run_name(run.flow.flow_run_name, run.parameters, "flow_run_name")
        if name != run.run.name:
            yield Send(endpoints.update_flow_run(run.run.id, name=name), run.transport)
            run.flow_run = run.run.model_copy(update={"name": name})
            run.logger = flow_run_logger(flow_run=run.run, flow=run.flow)
            if run.parent_ledger is not None:
                run.parent_ledger.update(name=name)
    return None


def call_flow(run: FlowExecution) -> Steps[State[Any]]:
    """Call the user's function, wait for the tasks it submitted, and say which state its outcome amounts to."""
    flow = run.flow
    runner = flow.task_runner.duplicate()
    runner.__enter__()
    try:
        args, kwargs = parameters_to_args_kwargs(flow.fn, run.parameters)
        value = yield Invoke(flow.fn, args, kwargs, run.contexts(runner), flow.timeout_seconds)
        yield Run(lambda: leave(run, runner))
        return (yield from outcome_state(run, value))
    except (Overtime, Abort) as error:
        leave(run, runner, Abort(str(error)))
        if isinstance(error, Abort):
            raise
        return failure_of(run, error)
    except (Exception, Pause) as error:
        error.__traceback__ = user_traceback(error)[2]
        yield Run(lambda: leave(run, runner))
        if isinstance(error, Pause):
            raise
        return failure_of(run, error)
    except BaseException as error:
        leave(run, runner, error)
        raise


def leave(run: FlowExecution, runner: TaskRunner[Any], error: BaseException | None = None) -> None:
    """Wait for what the flow's code has submitted; if it was ended from outside, end that."""
    ended = (None, None, None) if error is None else (type(error), error, error.__traceback__)
    runner.__exit__(*ended)
    run.subflows.__exit__(*ended)


def outcome_state(run: FlowExecution, value: Any) -> Steps[State[Any]]:
    """The state that a returned value amounts to."""
    if type(value) in PLAIN_TYPES:
        return value_to_state(value, run.store)
    resolved = yield Run(lambda: resolve_futures_to_states(value))
    if isinstance(value, PrefectFuture):
        merged = StateGroup([resolved]).merged()
        return merged.model_copy(update={"data": run.store.create_result_record(resolved)})
    return value_to_state(resolved, run.store)


def failure_of(run: FlowExecution, error: Exception) -> State[Any]:
    """The state that an exception in the flow's code amounts to."""
    flow = run.flow
    if isinstance(error, Overtime):
        message = f"Flow run exceeded timeout of {flow.timeout_seconds} second(s)"
        run.logger.error(message)
        return failed_state(error, name="TimedOut").model_copy(update={"message": message})
    run.logger.error("Encountered an exception during execution: %r", error, exc_info=user_traceback(error))
    return failed_state(error, message="Flow run encountered an exception:")


def conclude(run: FlowExecution, proposal: State[Any]) -> Steps[State[Any]]:
    """Keep the result, propose the outcome, and say how the run ended. A failure may become a retry."""
    yield from persist(run, proposal)
    release(run)
    state = yield from propose(run, proposal)
    if state.is_scheduled():
        run.logger.info(
            "Received non-final state %r when proposing final state %r and will attempt to run again...",
            state.name,
            proposal.name,
        )
        return state
    if not state.is_final():
        return state
    run.final = state
    run.dynamic_keys.clear()
    yield from finish(run, state)
    return state


def persist(run: FlowExecution, state: State[Any]) -> Steps[None]:
    """Write the flow's result to storage, if results are kept."""
    record = state.data
    if not run.persist or not isinstance(record, ResultRecord):
        return
    try:
        yield Run(lambda: run.store.persist_result_record(record))
    except Exception as error:
        run.logger.warning("The flow's result could not be persisted and is kept in memory only: %s", error)


def finish(run: FlowExecution, state: State[Any]) -> Steps[None]:
    """Tell hooks, log and the parent how the run ended."""
    if run.pid != os.getpid():
        return
    log = run.logger.info if state.is_completed() else run.logger.error
    log("Finished in state %s", shown_state(state))
    yield from run_hooks(run.flow, run.run, state, run.logger)
    if run.parent_ledger is not None:
        details = state.state_details.model_copy(update={"child_flow_run_id": run.run.id})
        run.parent_ledger.propose(
            State(type=state.type, name=state.name, message=state.message, state_details=details), force=True
        )
    if run.parent is not None and state.is_completed():
        value = getattr(state.data, "result", state.data)
        if type(value) not in PLAIN_TYPES:
            run.parent.run_results.remember(value, state, RunType.FLOW_RUN)


def stopped(run: FlowExecution, signal: Pause | Abort) -> State[Any]:
    """The state of a run that stops here without an end of its own: paused, suspended, or taken away."""
    release(run)
    if isinstance(signal, Pause):
        state = signal.state or run.state
        run.logger.info("Flow run is %s: it goes on when it is resumed.", (state.name or "paused").lower())
        if run.parent_ledger is not None:
            run.parent_ledger.propose(State(type=state.type, name=state.name), force=True)
        return state
    run.logger.warning("This process stops executing the flow run: %s", signal)
    return run.state


def giving_up(run: FlowExecution) -> Callable[[], None]:
    """What ends a cancelled run from another thread, whose code does not end."""

    def give_up() -> None:
        run.logger.warning(
            "The flow's code does not end although its run is cancelled. This process is ended by force."
        )
        drive(end_by_force(run, CancellationRequest()))
        flush_all()

    return give_up


def end_by_force(run: FlowExecution, error: BaseException) -> Steps[None]:
    """End a run that a signal, an exit, a cancellation or an error of the engine has ended."""
    if run.final is not None:
        return
    cancelled = isinstance(error, CancellationRequest) or (run.lease is not None and run.lease.cancelled)
    state = Cancelled(message="The flow run was cancelled.") if cancelled else crashed_state(error)
    has_not_begun = isinstance(error, TerminationSignal) and run.state.is_pending()
    is_for_others = (is_rescheduled(error) or has_not_begun) and not cancelled
    if is_for_others and run.run.deployment_id is not None and run.parent is None:
        state = AwaitingRetry(message="The process was told to terminate. The run is executed elsewhere.")
    release(run)
    if run.lease is not None and run.lease.lost:
        return
    if state.is_crashed():
        run.logger.error("Crash detected! %s", state.message)
        run.logger.debug("Crash details:", exc_info=error)
    try:
        entered = yield from propose(run, state, force=state.is_cancelled())
        if entered.is_cancelling():  # of which this process has not heard yet
            entered = yield from propose(run, Cancelled(message="The flow run was cancelled."), force=True)
    except Abort:
        return
    if not entered.is_final():
        run.logger.warning("The flow run is %s: it is executed elsewhere.", shown_state(entered))
        return
    run.final = entered.model_copy(update={"data": state.data})
    yield from finish(run, run.final)


# -- flows that are generators ------------------------------------------------------------------------------------------


def stream_steps(run: FlowExecution) -> Steps[State[Any]]:
    """The run of a generator flow: each value is handed out as it comes."""
    yield from begin(run)
    try:
        refused = yield from make_ready(run)
        if refused is not None:
            return (yield from conclude(run, refused))
        state = yield from start(run, giving_up(run))
        error: BaseException | None = None
        while state.is_running():
            yield from run_hooks(run.flow, run.run, state, run.logger)
            proposal, error = yield from stream_once(run)
            state = yield from conclude(run, proposal)
            if state.is_scheduled():
                yield from wait_for_retry(state)
                state = yield from start(run, giving_up(run))
        if error is not None and not state.is_completed():
            raise error
    except (Pause, Abort) as signal:
        return stopped(run, signal)
    except BaseException as failure:
        yield from end_by_force(run, failure)
        raise
    finally:
        release(run)
    return state


def stream_once(run: FlowExecution) -> Steps[tuple[State[Any], BaseException | None]]:
    """One attempt at a generator flow: its values emitted, the state it amounts to, and the error it ended with."""
    runner = run.flow.task_runner.duplicate()
    args, kwargs = parameters_to_args_kwargs(run.flow.fn, run.parameters)
    contexts = run.contexts(runner)
    generator = run.flow.fn(*args, **kwargs)
    sent = None
    with run.subflows, runner:
        try:
            while True:
                value = yield Advance(generator, sent, contexts, run.flow.timeout_seconds)
                try:
                    sent = yield Emit(value)
                except ConsumerStopped:
                    yield Close(generator, contexts)
                    return Completed(message="The consumer took no further values."), None
        except Exhausted as end:
            return (yield from outcome_state(run, end.value)), None
        except (Pause, Abort):
            raise
        except Exception as error:
            return failure_of(run, error), error


# -- entry points ---------------------------------------------------------------------------------------------------


def execution(
    flow: Flow[Any, Any], parameters: dict[str, Any], *, flow_run: FlowRun | None = None, wait_for: Any = None
) -> FlowExecution:
    """Prepare the run of a flow that is called here."""
    ensure_session()
    return FlowExecution(flow, parameters, flow_run, wait_for, FlowRunContext.get())


def outermost(run: FlowExecution) -> AbstractContextManager[Any]:
    """What surrounds a whole run: termination signals become exceptions, except in a subflow, whose parent does it."""
    return capture_sigterm() if run.parent is None else ExitStack()


def execute(run: FlowExecution, return_type: str = "result") -> Any:
    """Run a sync flow here, and return its result or final state."""
    with outermost(run):
        state = drive(run_steps(run))
        return state if return_type == "state" else drive(flow_answer(run, state))


async def aexecute(run: FlowExecution, return_type: str = "result") -> Any:
    """Run an async flow here, and return its result or final state."""
    with outermost(run):
        state = await adrive(run_steps(run))
        return state if return_type == "state" else await adrive(flow_answer(run, state))


def flow_answer(run: FlowExecution, state: State[Any]) -> Steps[Any]:
    """What calling a flow returns: its result, or its exception raised."""
    record = state.data
    if isinstance(record, ResultRecord) and not isinstance(record.result, BaseException):
        value = record.result
        if state.is_completed() or is_state_iterable(value):
            return value
    return (yield from answer(state))


def stream(run: FlowExecution) -> Generator[Any, Any, Any]:
    """Run a generator flow here."""
    with outermost(run):
        state = yield from drive_stream(stream_steps(run))
    return getattr(state.data, "result", None)


async def astream(run: FlowExecution) -> AsyncGenerator[Any, Any]:
    """Run an async generator flow here."""
    with outermost(run):
        steps = adrive_stream(stream_steps(run))
        try:
            async for value in steps:
                yield value
        finally:
            await steps.aclose()


__all__ = ["FlowExecution", "aexecute", "astream", "execute", "execution", "stream"]
