"""How a task runs: wait for what it needs, call it, keep its result, try again if the rules say so."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from logging import LoggerAdapter
from typing import TYPE_CHECKING, Any

from prefect._contract.state import RunType, State, StateType
from prefect._engine.caching import TaskTransaction
from prefect._engine.effects import (
    Advance,
    CallEither,
    Close,
    Colour,
    ConsumerStopped,
    Contexts,
    Emit,
    Exhausted,
    Invoke,
    Overtime,
    SleepUntil,
    adrive_stream,
    drive_stream,
    run_coroutine,
)
from prefect._engine.hooks import run_hooks
from prefect._engine.inputs import PLAIN_TYPES, resolve_parameters, wait_for_upstream
from prefect._engine.ledger import Ledger, lease_token_of, new_task_run
from prefect._engine.names import render_run_name
from prefect._engine.scopes import logs_prints
from prefect._engine.sessions import ensure_session
from prefect._engine.slots import enter_running
from prefect._engine.tracebacks import user_traceback
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import UpstreamTaskError
from prefect.futures import resolve_futures_to_states
from prefect.logging.loggers import patch_print, task_run_logger
from prefect.results import get_result_store, should_persist_result
from prefect.states import Pending, Retrying, Running, crashed_state, failed_state, read_state_result, value_to_state
from prefect.utilities.callables import parameters_to_args_kwargs
from prefect.utilities.dual import Run, Steps, adrive, drive

if TYPE_CHECKING:
    from prefect._engine.submission import SubmittedRun
    from prefect.results import ResultStore
    from prefect.tasks import Task


@dataclass(slots=True)
class TaskExecution:
    """
    One task run that is being executed in this process.

    Args:
        task: The task.
        parameters: What it is called with.
        ledger: The run and its states.
        wait_for: Runs that must have ended before.
        flow_context: The flow run that it belongs to.
        confirm: Returns once an attempt is recorded, called before it begins: for runs that others take over should this
            process die, who must know that there was an attempt.
        keeps_exceptions: Whether the exception that it ends with is stored: for whoever wants the result elsewhere.
    """

    task: Task[Any, Any]
    parameters: dict[str, Any]
    ledger: Ledger
    wait_for: Any = None
    flow_context: FlowRunContext | None = None
    confirm: Callable[[], None] | None = None
    keeps_exceptions: bool = False
    store: ResultStore = field(init=False)
    persist: bool = field(init=False)
    log_prints: bool = field(init=False)
    logger: LoggerAdapter[Any] = field(init=False)
    asset_contexts: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        task, context = self.task, self.flow_context
        base = context.result_store if context is not None and context.result_store is not None else get_result_store()
        self.store = base.for_task(task)
        self.persist = task.persist_result if task.persist_result is not None else should_persist_result()
        self.log_prints = logs_prints(task.log_prints, context)
        self.logger = task_run_logger(
            task_run=self.ledger.task_run,
            task=task,
            flow_run=context.flow_run if context is not None else None,
            flow=context.flow if context is not None else None,
        )

    def context(self) -> TaskRunContext:
        """The context of the current attempt."""
        return TaskRunContext(
            task=self.task,
            task_run=self.ledger.task_run,
            log_prints=self.log_prints,
            parameters=self.parameters,
            result_store=self.store,
            persist_result=self.persist,
            asset_contexts=self.asset_contexts,
        )

    def contexts(self) -> list[AbstractContextManager[Any]]:
        """What the user's code runs within."""
        contexts: list[AbstractContextManager[Any]] = [self.context(), Colour(self.task.isasync)]
        if self.log_prints:
            contexts.append(patch_print())
        return contexts


# -- the run ------------------------------------------------------------------------------------------------------


def run_steps(run: TaskExecution) -> Steps[State[Any]]:
    """A task run from Pending to its end."""
    try:
        not_ready = yield from make_ready(run)
        if not_ready is not None:
            return not_ready
        transaction = TaskTransaction(run)
        yield from transaction.begin()
        try:
            if (cached := (yield from transaction.cached_state())) is not None:
                state = run.ledger.propose(cached, stored=True)
                yield from transaction.leave()
            else:
                state = yield from attempts(run, transaction)
        except BaseException as error:
            yield from transaction.fail(error)
            raise
        yield from finish(run, state)
    except GeneratorExit:
        raise
    except BaseException as error:
        yield from crash(run, error)
        raise
    return state


def attempts(run: TaskExecution, transaction: TaskTransaction) -> Steps[State[Any]]:
    """Run the task until the rules let it end."""
    state = yield from start(run, transaction, Running())
    while state.is_running():
        yield from run_hooks(run.task, run.ledger.task_run, state, run.logger)
        proposal = yield from call_task(run, transaction)
        if proposal.is_completed():
            state = run.ledger.propose((yield from transaction.complete(proposal)), stored=transaction.will_store)
        else:
            state = yield from settle(run, proposal)
            if not state.is_scheduled():
                yield from transaction.fail()
        if state.is_scheduled():
            moment = state.state_details.scheduled_time
            assert moment is not None
            yield SleepUntil(moment)
            state = yield from start(run, transaction, Retrying())
    return state


def start(run: TaskExecution, transaction: TaskTransaction, state: State[Any]) -> Steps[State[Any]]:
    """Begin an attempt, when the orchestrator lets it."""
    entered = yield from enter_running(run.ledger, state)
    if not entered.is_running():
        yield from transaction.fail()
    elif run.confirm is not None:
        yield Run(run.confirm)
    return entered


def call_task(run: TaskExecution, transaction: TaskTransaction) -> Steps[State[Any]]:
    """Call the user's function, and say which state its outcome amounts to."""
    task = run.task
    try:
        args, kwargs = parameters_to_args_kwargs(task.fn, run.parameters)
        value = yield Invoke(task.fn, args, kwargs, [*run.contexts(), transaction.scope()], task.timeout_seconds)
        if type(value) not in PLAIN_TYPES:
            value = yield Run(lambda: resolve_futures_to_states(value))
    except Exception as error:
        error.__traceback__ = user_traceback(error)[2]
        return failure_of(run, error)
    return value_to_state(value, run.store, transaction.result_key, transaction.expiration)


def failure_of(run: TaskExecution, error: Exception) -> State[Any]:
    """The state that an exception in the user's code amounts to."""
    task = run.task
    if isinstance(error, Overtime):
        message = f"Task run exceeded timeout of {task.timeout_seconds} second(s)"
        return failed_state(error, name="TimedOut").model_copy(update={"message": message})
    return failed_state(error, message="Task run encountered an exception")


def settle(run: TaskExecution, proposal: State[Any]) -> Steps[State[Any]]:
    """Propose the outcome of an attempt; a failure may become a retry."""
    if proposal.type is not StateType.FAILED:
        return run.ledger.propose(proposal)
    retries, count = run.ledger.retries, run.ledger.task_run.run_count
    has_retry = retries >= count
    retriable = has_retry and (yield from may_retry(run, proposal))
    delay = retry_delay(run.task, count) if retriable else 0.0
    error = proposal.data
    is_stored = False
    if run.keeps_exceptions and not retriable and isinstance(error, Exception):
        proposal, is_stored = yield from keep_exception(run, proposal, error)
    state = run.ledger.propose(proposal, retriable=retriable, retry_delay=delay, stored=is_stored)
    shown = error if isinstance(error, BaseException) else None
    if state.is_scheduled():
        when = "immediately" if delay <= 0 else f"{delay:g} second(s) from now"
        run.logger.warning(
            "Task run failed with exception: %r - Retry %s/%s will start %s",
            shown or proposal.message,
            count,
            retries,
            when,
        )
    elif proposal.name == "TimedOut":
        run.logger.error(proposal.message)
    elif shown is not None:
        why = "Retries are exhausted" if retries and not has_retry else "" if not retries else "It is not to be retried"
        run.logger.error(
            "Task run failed with exception: %r%s", shown, f" - {why}" if why else "", exc_info=user_traceback(shown)
        )
    else:
        run.logger.error("Task run failed with state: %s", proposal)
    return state


def keep_exception(run: TaskExecution, failure: State[Any], error: Exception) -> Steps[tuple[State[Any], bool]]:
    """Store the exception of a failure. The state that holds the record of it, and whether it could be stored."""
    try:
        record = run.store.create_result_record(error)
        yield Run(lambda: run.store.persist_result_record(record))
    except Exception as problem:
        run.logger.warning(
            "Whoever wants the result will only get the message of %r, which cannot be stored: %r", error, problem
        )
        return failure, False
    return failure.model_copy(update={"data": record}), True


def may_retry(run: TaskExecution, failure: State[Any]) -> Steps[bool]:
    """What the task's `retry_condition_fn` says of a failure; a condition that fails itself means no."""
    condition = run.task.retry_condition_fn
    if condition is None:
        return True
    try:
        contexts: Contexts = (Colour(run.task.isasync),)
        return bool((yield CallEither(condition, (run.task, run.ledger.task_run, failure), contexts)))
    except Exception:
        run.logger.exception("The retry condition of task %r raised; the task is not retried.", run.task.name)
        return False


def retry_delay(task: Task[Any, Any], run_count: int) -> float:
    """Seconds until the retry after attempt number `run_count`, jitter included."""
    delay = task.retry_delay_seconds
    if isinstance(delay, (list, tuple)):
        delay = delay[min(run_count - 1, len(delay) - 1)] if delay else 0
    seconds = float(delay or 0)
    if seconds and task.retry_jitter_factor:
        # Exponential around the delay, bounded by the factor: retries of many runs spread out.
        spread = random.uniform(0, float(task.retry_jitter_factor))  # noqa: S311 - not for secrets
        seconds *= 1 + spread
    return seconds


def make_ready(run: TaskExecution) -> Steps[State[Any] | None]:
    """Wait for upstream runs, put their results into the parameters, and name the run. The state if it cannot begin."""
    try:
        if run.wait_for is not None:
            yield from wait_for_upstream(run.wait_for)
        if any(type(value) not in PLAIN_TYPES for value in run.parameters.values()):
            run.parameters = yield from resolve_parameters(run.parameters)
    except UpstreamTaskError as error:
        state = run.ledger.propose(Pending(name="NotReady", message=str(error)))
        run.logger.error("Finished in state %s", shown_state(state))
        return state
    follow_assets(run)
    if run.task.task_run_name is not None:
        name = render_run_name(run.task.task_run_name, run.parameters, "task_run_name")
        run.ledger.update(name=name)
        run.logger = task_run_logger(
            task_run=run.ledger.task_run,
            task=run.task,
            flow_run=run.flow_context.flow_run if run.flow_context is not None else None,
            flow=run.flow_context.flow if run.flow_context is not None else None,
        )
    return None


def finish(run: TaskExecution, state: State[Any]) -> Steps[None]:
    """Say how the run ended, to its hooks, its log, and to whoever uses its result."""
    yield from run_hooks(run.task, run.ledger.task_run, state, run.logger)
    if state.is_final():
        tell_of_assets(run, state)
        if state.is_completed():
            run.logger.info("Finished in state %s", shown_state(state))
        else:
            run.logger.error("Finished in state %s", shown_state(state))
        if run.flow_context is not None and state.is_completed():
            remember_result(run.flow_context, state)


def follow_assets(run: TaskExecution) -> None:
    """Note what the run reads and makes. Where there are no assets, that costs nothing."""
    context = run.flow_context
    if run.task.asset_deps or getattr(run.task, "assets", None) or (context is not None and context.task_run_assets):
        from prefect.assets.tracking import begin_tracking

        with run.context():
            begin_tracking()


def tell_of_assets(run: TaskExecution, state: State[Any]) -> None:
    """Say what the run has made of assets: of its task's, or of what its code has asked to be told of."""
    if run.asset_contexts or getattr(run.task, "assets", None):
        from prefect.assets import tracking

        with run.context():
            tracking.tell_of_assets(state)


def remember_result(context: FlowRunContext, state: State[Any]) -> None:
    """Link a result to its run, so that whoever gets it passed is known to depend on the run."""
    value = getattr(state.data, "result", state.data)
    if type(value) not in PLAIN_TYPES:
        context.run_results.remember(value, state, RunType.TASK_RUN)


def shown_state(state: State[Any]) -> str:
    """A state in a log line: `Completed()`, `Failed('why')`, `TimedOut('why', type=FAILED)`."""
    parts = [repr(state.message)] if state.message else []
    if (state.name or "").lower() != state.type.value.lower():
        parts.append(f"type={state.type.value}")
    return f"{state.name}({', '.join(parts)})"


def crash(run: TaskExecution, error: BaseException) -> Steps[None]:
    """End a run that something from outside of the user's code has ended: a signal, an exit, an error of the engine."""
    if run.ledger.state.is_final():
        return
    state = run.ledger.propose(crashed_state(error), force=True)
    run.logger.error("Crash detected! %s", state.message)
    run.logger.debug("Crash details:", exc_info=error)
    yield from run_hooks(run.task, run.ledger.task_run, state, run.logger)
    run.logger.error("Finished in state %s", shown_state(state))


# -- runs of generator functions ------------------------------------------------------------------------------------


def stream_steps(run: TaskExecution) -> Steps[State[Any]]:
    """
    The run of a generator task: each value is handed out as it comes, the result is the values together.

    A consumer that stops early closes the generator; what it took is what there was to do, so the run is Completed.
    """
    try:
        not_ready = yield from make_ready(run)
        if not_ready is not None:
            raise UpstreamTaskError(not_ready.message)
        state = yield from enter_running(run.ledger, Running())
        error: BaseException | None = state.data if isinstance(state.data, BaseException) else None
        while state.is_running():
            yield from run_hooks(run.task, run.ledger.task_run, state, run.logger)
            proposal, error = yield from stream_once(run)
            state = yield from settle(run, proposal)
            if state.is_scheduled():
                moment = state.state_details.scheduled_time
                assert moment is not None
                yield SleepUntil(moment)
                state = yield from enter_running(run.ledger, Retrying())
        yield from finish(run, state)
        if error is not None and not state.is_completed():
            raise error
    except UpstreamTaskError:
        raise
    except BaseException as failure:
        yield from crash(run, failure)
        raise
    return state


def stream_once(run: TaskExecution) -> Steps[tuple[State[Any], BaseException | None]]:
    """One attempt at a generator: its values emitted, the state it amounts to, and the error it ended with."""
    from prefect.states import Completed

    args, kwargs = parameters_to_args_kwargs(run.task.fn, run.parameters)
    generator = run.task.fn(*args, **kwargs)
    contexts = run.contexts()
    sent = None
    try:
        while True:
            value = yield Advance(generator, sent, contexts, run.task.timeout_seconds)
            try:
                sent = yield Emit(value)
            except ConsumerStopped:
                yield Close(generator, contexts)
                return Completed(message="The consumer took no further values."), None
    except Exhausted as end:
        return Completed(data=run.store.create_result_record(end.value)), None
    except Exception as error:
        return failure_of(run, error), error


# -- entry points ---------------------------------------------------------------------------------------------------


def execute(run: TaskExecution, return_type: str = "result") -> Any:
    """Run a sync task here, and return its result or final state."""
    state = drive(run_steps(run))
    return state if return_type == "state" else drive(answer(state))


async def aexecute(run: TaskExecution, return_type: str = "result") -> Any:
    """Run an async task here, and return its result or final state."""
    state = await adrive(run_steps(run))
    return state if return_type == "state" else await adrive(answer(state))


def answer(state: State[Any]) -> Steps[Any]:
    """What calling a task returns: its result, or its exception raised."""
    if state.type is StateType.PENDING:
        raise UpstreamTaskError(state.message)
    data = state.data
    if state.type is StateType.COMPLETED and hasattr(data, "result"):
        return data.result
    return (yield from read_state_result.steps(state))


def stream(run: TaskExecution) -> Generator[Any, Any, Any]:
    """Run a generator task here."""
    state = yield from drive_stream(stream_steps(run))
    return getattr(state.data, "result", None)


async def astream(run: TaskExecution) -> AsyncGenerator[Any, Any]:
    """Run an async generator task here."""
    steps = adrive_stream(stream_steps(run))
    try:
        async for value in steps:
            yield value
    finally:
        await steps.aclose()


def execution(
    task: Task[Any, Any],
    parameters: dict[str, Any],
    *,
    wait_for: Any = None,
    task_run: Any = None,
    task_run_id: Any = None,
    dependencies: Any = None,
) -> TaskExecution:
    """Prepare the run of a task that is called here."""
    ensure_session()
    context = FlowRunContext.get()
    if task_run is not None:
        from prefect._engine.recorder import recorder_of
        from prefect.client.base import current_transport

        ledger = Ledger(task_run, recorder_of(current_transport()), lease_token_of(context))
        if task_run.state is None:
            ledger.propose(Pending())
    else:
        caller = TaskRunContext.get()
        ledger = new_task_run(
            task,
            parameters,
            context,
            task_run_id=task_run_id,
            wait_for=wait_for,
            dependencies=dependencies,
            parent=caller.task_run if caller is not None else None,
        )
    return TaskExecution(task, parameters, ledger, wait_for, context)


def execute_submitted(submitted: SubmittedRun) -> State[Any]:
    """Execute a submitted run on this thread; async tasks in an event loop of their own. Returns the final state."""
    return execute_to_end(
        TaskExecution(submitted.task, submitted.parameters, submitted.ledger, submitted.wait_for, FlowRunContext.get())
    )


def execute_to_end(run: TaskExecution) -> State[Any]:
    """Execute a run on this thread, whatever its task is like. Returns the final state, and does not raise."""
    task = run.task
    try:
        if task.isgenerator:
            return _collect(run)
        if task.isasync:
            return run_coroutine(adrive(run_steps(run)))  # type: ignore[no-any-return]
        return drive(run_steps(run))
    except BaseException as error:
        return _ended_by(run, error)


async def aexecute_to_end(run: TaskExecution) -> State[Any]:
    """Execute the run of an async task in this event loop. Returns the final state; only a cancellation is raised."""
    import asyncio

    try:
        return await adrive(run_steps(run))
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        return _ended_by(run, error)


def _ended_by(run: TaskExecution, error: BaseException) -> State[Any]:
    state = run.ledger.state
    return state if state.is_final() else run.ledger.propose(crashed_state(error), force=True)


def _collect(run: TaskExecution) -> State[Any]:
    """Exhaust a submitted generator task; its result is the list of its values."""

    async def gather() -> list[Any]:
        return [value async for value in astream(run)]

    try:
        values = run_coroutine(gather()) if run.task.isasync else list(stream(run))
    except Exception:
        if run.ledger.state.is_final():
            return run.ledger.state
        raise
    return run.ledger.state.model_copy(update={"data": run.store.create_result_record(values)})


def ready_parameters_now(submitted: SubmittedRun) -> dict[str, Any] | State[Any]:
    """The parameters of a submitted run, its upstream runs having ended; or the state that keeps it from running."""
    run = TaskExecution(
        submitted.task, submitted.parameters, submitted.ledger, submitted.wait_for, FlowRunContext.get()
    )
    not_ready = drive(make_ready(run))
    return run.parameters if not_ready is None else not_ready


__all__ = [
    "TaskExecution",
    "aexecute",
    "aexecute_to_end",
    "astream",
    "execute",
    "execute_to_end",
    "execution",
    "stream",
]
