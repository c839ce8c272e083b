"""How a flow runs: create its run, call it, wait for what it submitted, record how it ended, try again if the rules say so."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from logging import LoggerAdapter
from typing import TYPE_CHECKING, Any

from prefect._contract.actions import FlowCreate, FlowRunCreate
from prefect._contract.endpoints import flow_runs as endpoints
from prefect._contract.endpoints.flows import create_flow
from prefect._contract.objects import FlowRun, FlowRunPolicy
from prefect._contract.state import RunType, State, StateType
from prefect._engine.effects import (
    Advance,
    Close,
    ConsumerStopped,
    Emit,
    Exhausted,
    Invoke,
    Overtime,
    Shielded,
    SleepUntil,
    adrive_stream,
    drive_stream,
)
from prefect._engine.hooks import run_hooks
from prefect._engine.inputs import PLAIN_TYPES, collect_inputs, current_results, resolve_parameters, wait_for_upstream
from prefect._engine.leases import HeldLease, keeper_of
from prefect._engine.ledger import Ledger, new_task_run
from prefect._engine.names import render_run_name
from prefect._engine.parameters import serialize_parameters
from prefect._engine.sessions import ensure_session
from prefect._engine.signals import CancellationRequest, capture_sigterm, interrupter
from prefect._engine.task_run import Colour, _trimmed, answer, shown_state
from prefect.client.base import Send, current_transport
from prefect.context import DynamicKeys, FlowRunContext, RunResults, TagsContext, TaskRunContext
from prefect.exceptions import Abort, ParameterTypeError, Pause, UpstreamTaskError
from prefect.futures import PrefectFuture, resolve_futures_to_states
from prefect.logging.loggers import flow_run_logger, patch_print
from prefect.results import ResultRecord, get_result_store, should_persist_result
from prefect.states import (
    Cancelled,
    Completed,
    Pending,
    Retrying,
    Running,
    StateGroup,
    crashed_state,
    failed_state,
    to_state_create,
    value_to_state,
)
from prefect.utilities.callables import parameters_to_args_kwargs
from prefect.utilities.dual import Run, Steps, adrive, drive
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.base import Transport
    from prefect.flows import Flow
    from prefect.results import ResultStore
    from prefect.task_runners import TaskRunner


@dataclass(slots=True)
class FlowExecution:
    """One flow run that is being executed in this process."""

    flow: Flow[Any, Any]
    parameters: dict[str, Any]
    flow_run: FlowRun | None = None
    wait_for: Any = None
    parent: FlowRunContext | None = None
    transport: Transport = field(default_factory=current_transport)
    store: ResultStore = field(init=False)
    persist: bool = field(init=False)
    parent_ledger: Ledger | None = None
    lease: HeldLease | None = None
    final: State[Any] | None = None
    logger: LoggerAdapter[Any] = field(init=False)
    dynamic_keys: DynamicKeys = field(default_factory=DynamicKeys)
    results: RunResults = field(default_factory=RunResults)

    def __post_init__(self) -> None:
        base = self.parent.result_store if self.parent is not None else None
        self.store = (base or get_result_store()).for_flow(self.flow)
        flow = self.flow
        self.persist = flow.persist_result if flow.persist_result is not None else should_persist_result()

    @property
    def run(self) -> FlowRun:
        """The flow run; it exists once `begin` has been driven."""
        assert self.flow_run is not None
        return self.flow_run

    @property
    def state(self) -> State[Any]:
        """The run's current state: the one of this process, which holds the result, once it is final."""
        return self.final or self.run.state or Pending()

    @property
    def log_prints(self) -> bool:
        if self.flow.log_prints is not None:
            return self.flow.log_prints
        if self.parent is not None:
            return self.parent.log_prints
        from prefect.settings import get_current_settings

        return get_current_settings().logging.log_prints

    def context(self, runner: TaskRunner[Any]) -> FlowRunContext:
        """The context of the flow's code."""
        return FlowRunContext(
            flow=self.flow,
            flow_run=self.run,
            task_runner=runner,
            log_prints=self.log_prints,
            parameters=self.parameters,
            result_store=self.store,
            persist_result=self.persist,
            task_run_dynamic_keys=self.dynamic_keys,
            run_results=self.results,
            lease_request=self.lease.request() if self.lease is not None else None,
        )

    def contexts(self, runner: TaskRunner[Any]) -> list[AbstractContextManager[Any]]:
        """What the flow's code runs within."""
        contexts: list[AbstractContextManager[Any]] = [
            self.context(runner),
            TagsContext(current_tags=set(self.run.tags)),
            NoTaskRun(),
            Colour(self.flow.isasync),
        ]
        if self.log_prints:
            contexts.append(patch_print())
        return contexts


class NoTaskRun(AbstractContextManager[None]):
    """Inside of a subflow, the task that called it is not the current run."""

    def __enter__(self) -> None:
        self._token = TaskRunContext.__var__.set(None)

    def __exit__(self, *_: object) -> None:
        TaskRunContext.__var__.reset(self._token)


# -- proposing states -----------------------------------------------------------------------------------------------


def propose(run: FlowExecution, state: State[Any], force: bool = False) -> Steps[State[Any]]:
    """Propose a state for the flow run, and return the one that it is in afterwards.

    Raises:
        Abort: The orchestrator says that this process must stop executing the run.
    """
    state = state.model_copy(
        update={"state_details": state.state_details.model_copy(update={"transition_id": uuid7()})}
    )
    while True:
        result = yield Shielded(
            Send(
                endpoints.set_flow_run_state(
                    run.run.id, to_state_create(state), force, run.lease.request() if run.lease is not None else None
                ),
                run.transport,
            )
        )
        status = str(getattr(result.status, "value", result.status))
        if status == "WAIT":
            yield SleepUntil(_later(result.details.delay_seconds))
            continue
        if status == "ABORT":
            raise Abort(result.details.reason)
        entered: State[Any] = result.state
        if status == "ACCEPT":
            entered = entered.model_copy(update={"data": state.data})
        elif entered.type is StateType.PAUSED:
            raise Pause(result.details.reason, state=entered)
        run.flow_run = run.run.model_copy(
            update={
                "state": entered,
                "state_id": entered.id,
                "state_type": entered.type,
                "state_name": entered.name,
                "run_count": run.run.run_count + (entered.type is StateType.RUNNING),
            }
        )
        return entered


def propose_from_outside(context: FlowRunContext, state: State[Any]) -> Steps[State[Any]]:
    """Propose a state for the current run from its own code: a pause, say. Returns the state that it is in afterwards.

    Raises:
        Abort: The orchestrator says that this process must stop executing the run.
    """
    flow_run = context.flow_run
    assert flow_run is not None
    result = yield Shielded(
        Send(endpoints.set_flow_run_state(flow_run.id, to_state_create(state), False, context.lease_request))
    )
    status = str(getattr(result.status, "value", result.status))
    if status == "ABORT":
        raise Abort(result.details.reason)
    return result.state or Running()


def _later(seconds: float) -> Any:
    from datetime import timedelta

    from prefect.utilities.time import now

    return now() + timedelta(seconds=seconds)


# -- creating the run -----------------------------------------------------------------------------------------------


def begin(run: FlowExecution) -> Steps[None]:
    """Create the flow run, unless it exists, and its task run in the parent flow."""
    flow = run.flow
    if run.parent is not None and run.flow_run is None:
        run.parent_ledger = parent_task_run(run)
    if run.flow_run is None:
        flow_id = yield from id_of_flow(flow, run.transport)
        tags = sorted(TagsContext.get().current_tags)
        name = {"name": given} if (given := _early_name(run)) is not None else {}
        request = FlowRunCreate(
            flow_id=flow_id,
            flow_version=flow.version,
            parameters=serialize_parameters(run.parameters),
            tags=tags,
            labels=labels_of(flow),
            empirical_policy=FlowRunPolicy(retries=flow.retries or 0, retry_delay=int(flow.retry_delay_seconds or 0)),
            parent_task_run_id=run.parent_ledger.task_run.id if run.parent_ledger is not None else None,
            state=to_state_create(Pending()),
            **name,
        )
        run.flow_run = yield Send(endpoints.create_flow_run(request), run.transport)
    run.logger = flow_run_logger(flow_run=run.run, flow=flow)
    if run.parent_ledger is not None:
        details = run.parent_ledger.state.state_details.model_copy(update={"child_flow_run_id": run.run.id})
        run.parent_ledger.propose(Running(state_details=details))
    run.logger.info("Beginning flow run %r for flow %r", run.run.name, flow.name)


def labels_of(flow: Flow[Any, Any]) -> dict[str, Any]:
    """Where the flow's code is, so that the run can be run again from the command line."""
    entrypoint = flow.entrypoint
    return {} if entrypoint is None else {"prefect.flow.entrypoint": entrypoint}


def _early_name(run: FlowExecution) -> str | None:
    """The run's name when it does not depend on results of other runs."""
    given = run.flow.flow_run_name
    if given is None or any(isinstance(value, (PrefectFuture, State)) for value in run.parameters.values()):
        return None
    if callable(given):
        return None  # it may look at the run's context
    return render_run_name(given, run.parameters, "flow_run_name")


def id_of_flow(flow: Flow[Any, Any], transport: Transport) -> Steps[UUID]:
    """The id that the orchestrator knows the flow by; asked once per process and orchestrator."""
    import os

    known: dict[Any, UUID] = flow.__dict__.setdefault("_ids", {})
    key = (os.getpid(), id(transport), flow.name)
    if key not in known:
        created = yield Send(create_flow(FlowCreate(name=flow.name, tags=[])), transport)
        known[key] = created.id
    return known[key]


def parent_task_run(run: FlowExecution) -> Ledger:
    """The task run that stands for this subflow in its parent."""
    from prefect.tasks import Task

    flow = run.flow
    stand_in: Task[Any, Any] | None = flow.__dict__.get("_stand_in")
    if stand_in is None:
        stand_in = flow.__dict__["_stand_in"] = Task(fn=flow.fn, name=flow.name, version=flow.version)
    caller = TaskRunContext.get()
    return new_task_run(
        stand_in,
        {},
        run.parent,
        dependencies=collect_inputs(run.parameters, run.wait_for, current_results(run.parent)),
        parent=caller.task_run if caller is not None else None,
    )


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
        raise
    finally:
        release(run)
    return state


def attempts(run: FlowExecution) -> Steps[State[Any]]:
    """Run the flow until the rules let it end."""
    refused = yield from make_ready(run)
    state = yield from (conclude(run, refused) if refused is not None else start(run, Running()))
    while state.is_running():
        yield from run_hooks(run.flow, run.run, state, run.logger)
        state = yield from conclude(run, (yield from call_flow(run)))
        if state.is_scheduled():
            moment = state.state_details.scheduled_time
            assert moment is not None
            yield SleepUntil(moment)
            run.dynamic_keys.clear()
            state = yield from start(run, Retrying())
    return state


def start(run: FlowExecution, state: State[Any]) -> Steps[State[Any]]:
    """Take the run's lease and enter Running."""
    run.lease = keeper_of(run.transport).hold(run.run.id, interrupter())
    return (yield from propose(run, state))


def release(run: FlowExecution) -> None:
    """Stop renewing the run's lease."""
    if run.lease is not None:
        keeper_of(run.transport).release(run.lease)


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
        return failed_state(error, run.store).model_copy(update={"message": f"{message} {error}"})
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
        yield Run(lambda: runner.__exit__(None, None, None))
        return (yield from outcome_state(run, value))
    except (Overtime, Abort) as error:
        runner.__exit__(Abort, Abort(str(error)), error.__traceback__)
        if isinstance(error, Abort):
            raise
        return failure_of(run, error)
    except (Exception, Pause) as error:
        yield Run(lambda: runner.__exit__(None, None, None))
        if isinstance(error, Pause):
            raise
        return failure_of(run, error)
    except BaseException as error:
        runner.__exit__(type(error), error, error.__traceback__)
        raise


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
        return failed_state(error, run.store, name="TimedOut").model_copy(update={"message": message})
    run.logger.error("Encountered an exception during execution: %r", error, exc_info=_trimmed(error))
    return failed_state(error, run.store, message="Flow run encountered an exception:")


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


def end_by_force(run: FlowExecution, error: BaseException) -> Steps[None]:
    """End a run that a signal, an exit, a cancellation or an error of the engine has ended."""
    if run.final is not None:
        return
    cancelled = isinstance(error, CancellationRequest) or (run.lease is not None and run.lease.cancelled)
    state = Cancelled(message="The flow run was cancelled.") if cancelled else crashed_state(error, run.store)
    release(run)
    if run.lease is not None and run.lease.lost:
        return
    if not cancelled:
        run.logger.error("Crash detected! %s", state.message)
        run.logger.debug("Crash details:", exc_info=error)
    try:
        entered = yield from propose(run, state, force=True)
    except Abort:
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
        state = yield from start(run, Running())
        error: BaseException | None = None
        while state.is_running():
            yield from run_hooks(run.flow, run.run, state, run.logger)
            proposal, error = yield from stream_once(run)
            state = yield from conclude(run, proposal)
            if state.is_scheduled():
                moment = state.state_details.scheduled_time
                assert moment is not None
                yield SleepUntil(moment)
                state = yield from start(run, Retrying())
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
    with runner:
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
        if state.is_completed() or _returned_states(value):
            return value
    return (yield from answer(state))


def _returned_states(value: Any) -> bool:
    from prefect.states import is_state_iterable

    return is_state_iterable(value)


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
