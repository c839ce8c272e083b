"""
Background task runs: made and stored where they are called, executed by a task worker.

What a run is called with is stored as results are, and the run's first state says where. So a worker on another host needs
the same storage, and the same task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from copy import copy
from functools import update_wrapper
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from prefect._contract.base import evolve
from prefect._contract.state import State, StateDetails
from prefect._engine.ledger import Ledger, new_task_run
from prefect._engine.recorder import recorder_of
from prefect._engine.sessions import ensure_session
from prefect.client.base import current_transport
from prefect.context import FlowRunContext, TagsContext, TaskRunContext, hydrated_context
from prefect.futures import PrefectDistributedFuture, PrefectFuture, PrefectFutureList
from prefect.states import Failed, Scheduled
from prefect.utilities.annotations import quote
from prefect.utilities.collections import StopVisiting, visit_collection
from prefect.utilities.dual import Run, Steps, drive
from prefect.utilities.time import now

if TYPE_CHECKING:
    from prefect._contract.objects import RunInput, TaskRun
    from prefect._engine.task_run import TaskExecution
    from prefect.results import ResultStore
    from prefect.tasks import Task

__all__ = [
    "context_of",
    "defer",
    "defer_all",
    "delete_parameters",
    "execution_of",
    "failed_without",
    "get_ready",
    "given_in",
    "packed_of",
    "parameter_store",
    "parameters_of",
    "read_parameters",
    "scheduled_in_background",
    "takes_parameters",
    "write_parameters",
]


# -- where they are called ------------------------------------------------------------------------------------------


def scheduled_in_background(parameters_id: UUID | None = None) -> State[Any]:
    """The first state of a run that a task worker will execute."""
    details = StateDetails(deferred=True, scheduled_time=now(), task_parameters_id=parameters_id)
    return Scheduled(state_details=details)


def defer(
    task: Task[Any, Any],
    parameters: dict[str, Any],
    wait_for: Iterable[PrefectFuture[Any]] | None = None,
    dependencies: dict[str, set[RunInput]] | None = None,
) -> PrefectDistributedFuture[Any]:
    """Schedule a run for a task worker. It is recorded when this returns."""
    future = _schedule(task, parameters, wait_for, dependencies)
    recorder_of(current_transport()).flush()
    return future


def _schedule(
    task: Task[Any, Any],
    parameters: dict[str, Any],
    wait_for: Iterable[PrefectFuture[Any]] | None,
    dependencies: dict[str, set[RunInput]] | None,
) -> PrefectDistributedFuture[Any]:
    from prefect._engine.inputs import collect_inputs, current_results

    ensure_session()
    context, caller = FlowRunContext.get(), TaskRunContext.get()
    if dependencies is None:
        dependencies = collect_inputs(parameters, wait_for, current_results(context))
    called_in = _packed_context()
    parameters_id = uuid4() if parameters or wait_for or called_in else None
    if parameters_id is not None:
        packed: dict[str, Any] = {"parameters": _portable(parameters), "context": called_in}
        if wait_for:
            packed["wait_for"] = [PrefectDistributedFuture(future.task_run_id) for future in wait_for]
        drive(write_parameters(task, parameters_id, packed))
    ledger = new_task_run(
        task,
        parameters,
        context,
        wait_for=wait_for,
        dependencies=dependencies,
        parent=caller.task_run if caller is not None else None,
        state=scheduled_in_background(parameters_id),
    )
    return PrefectDistributedFuture(ledger.task_run.id)


def _portable(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters as another process can have them: futures of this one are waited for, and their results are passed on."""

    def replace(item: Any, context: dict[str, Any]) -> Any:
        if isinstance(context.get("annotation"), quote):
            raise StopVisiting
        if isinstance(item, PrefectFuture) and not isinstance(item, PrefectDistributedFuture):
            return item.result()
        return item

    portable: dict[str, Any] = visit_collection(parameters, visit_fn=replace, return_data=True, context={})
    return portable


def _packed_context() -> dict[str, Any]:
    """What the run knows of where it was called: its flow run, and tags. Settings and secrets stay here."""
    tags = TagsContext.get().current_tags
    packed: dict[str, Any] = {"tags_context": {"current_tags": set(tags)}} if tags else {}
    context = FlowRunContext.get()
    if context is not None and context.flow_run is not None:
        packed["flow_run_context"] = {"flow_run": context.flow_run, "log_prints": context.log_prints}
    return packed


def defer_all(
    task: Task[Any, Any], calls: Iterable[dict[str, Any]], wait_for: Iterable[PrefectFuture[Any]] | None
) -> PrefectFutureList[Any]:
    """Schedule one run for each of several sets of parameters, and record them together."""
    futures = [_schedule(task, parameters, wait_for, None) for parameters in calls]
    recorder_of(current_transport()).flush()
    return PrefectFutureList(futures)


# -- parameters -----------------------------------------------------------------------------------------------------


def parameter_store(task: Task[Any, Any]) -> Steps[ResultStore]:
    """Where the parameters of a task's background runs are stored: its own storage for results, else the one for all."""
    from prefect.results import ResultStore
    from prefect.results.storage import is_storage, resolve_steps, task_scheduling_storage_steps
    from prefect.serializers import PickleSerializer

    storage: Any = task.result_storage
    if storage is None:
        storage = yield from task_scheduling_storage_steps()
    elif not is_storage(storage):
        storage = yield from resolve_steps(storage)
    return ResultStore(result_storage=storage, serializer=PickleSerializer(), cache_result_in_memory=False)


def key_of(identifier: UUID) -> str:
    """Under which key parameters are stored."""
    return f"parameters/{identifier}"


def write_parameters(task: Task[Any, Any], identifier: UUID, packed: dict[str, Any]) -> Steps[None]:
    """Store what a background run is called with."""
    store = yield from parameter_store(task)
    yield Run(lambda: store.write(packed, key_of(identifier)))


def read_parameters(task: Task[Any, Any], identifier: UUID) -> Steps[dict[str, Any]]:
    """
    What a background run is called with.

    Raises:
        ValueError: It is not there, where this process looks for it.
    """
    store = yield from parameter_store(task)
    record = yield Run(lambda: store.read(key_of(identifier)))
    packed: dict[str, Any] = record.result
    return packed


def delete_parameters(task: Task[Any, Any], identifier: UUID) -> Steps[None]:
    """Delete what a background run was called with that has ended. Storage that cannot delete keeps it."""
    from prefect.results.calls import call_storage
    from prefect.results.locations import located

    storage = (yield from parameter_store(task)).result_storage
    if callable(getattr(storage, "_delete_path", None)):
        yield from call_storage(storage, "_delete_path", located(storage, key_of(identifier)))


def takes_parameters(task: Task[Any, Any], task_run: TaskRun) -> bool:
    """Whether a run was stored with parameters that its task can be called with."""
    import inspect

    state = task_run.state
    has_stored = state is not None and state.state_details.task_parameters_id is not None
    return has_stored and bool(inspect.signature(task.fn).parameters)


def packed_of(task: Task[Any, Any], task_run: TaskRun) -> Steps[dict[str, Any] | Exception]:
    """What a run is called with, or why that cannot be read."""
    identifier = parameters_of(task_run)
    if identifier is None:
        return {}
    try:
        return (yield from read_parameters(task, identifier))
    except Exception as error:
        return error


def parameters_of(task_run: TaskRun) -> UUID | None:
    """Under which name is stored what a run is called with."""
    return None if task_run.state is None else task_run.state.state_details.task_parameters_id


def given_in(packed: dict[str, Any] | Exception) -> dict[str, Any]:
    """What a run is called with; nothing if that cannot be read."""
    return {} if isinstance(packed, Exception) else packed


def failed_without(run: TaskExecution, packed: dict[str, Any] | Exception) -> bool:
    """Fail a run whose parameters cannot be read. Says whether that was so."""
    if not isinstance(packed, Exception):
        return False
    message = (
        f"The parameters of this run cannot be read: {packed!r}. They are kept where results are: this worker needs the "
        "same storage as who called the task (PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK, or `result_storage` of the task)."
    )
    failed: State[Any] = Failed(message=message)
    run.ledger.propose(failed, retriable=False)
    run.logger.error(message)
    return True


def get_ready(tasks: Iterable[Task[Any, Any]]) -> None:
    """
    Load what the first runs of some tasks need, before there are any.

    Those begin at once, each on a thread, and would wait for each other to load the same modules.
    """
    from prefect._contract.endpoints.recording import record_task_runs
    from prefect.results.records import ResultRecord, ResultRecordMetadata

    ensure_session()
    current_transport().send(record_task_runs([]))
    for task in tasks:
        with suppress(Exception):  # each run says of itself that its parameters cannot be read
            drive(parameter_store(task))
    ResultRecord.deserialize(ResultRecord(ResultRecordMetadata(), {}).serialize())


# -- where they are executed ----------------------------------------------------------------------------------------


def context_of(packed: dict[str, Any]) -> AbstractContextManager[None]:
    """The contexts that a run was called in, as far as they go with it. Those of Prefect 3 bring their settings along."""
    packed = packed.get("context") or {}
    return hydrated_context({name: packed[name] for name in ("tags_context", "flow_run_context") if name in packed})


def _collecting(task: Task[Any, Any]) -> Task[Any, Any]:
    """The task with all of its values in a list as the result: nobody takes them one by one from another process."""
    if not task.isgenerator:
        return task
    generate: Any = task.fn

    def collect(*args: Any, **kwargs: Any) -> list[Any]:
        return list(generate(*args, **kwargs))

    async def acollect(*args: Any, **kwargs: Any) -> list[Any]:
        return [value async for value in generate(*args, **kwargs)]

    collecting = copy(task)
    collecting.fn = update_wrapper(acollect if task.isasync else collect, generate)
    collecting.isgenerator = False
    return collecting


def execution_of(
    task: Task[Any, Any],
    task_run: TaskRun,
    packed: dict[str, Any],
    token: UUID | None = None,
    confirm: Callable[[], None] | None = None,
) -> TaskExecution:
    """
    Prepare the execution of a background run in this process, in the contexts that it was called in.

    Its result is kept, and so is the exception that it ends with, unless the task says otherwise: whoever wants them is
    elsewhere.

    Args:
        task: The task.
        task_run: The run as it was claimed.
        packed: What it is called with.
        token: Names the claim.
        confirm: Returns once an attempt is recorded; flushes the recorder without.
    """
    from prefect._engine.task_run import TaskExecution

    ensure_session()
    state = task_run.state
    if state is not None:
        # It was due by the clock of who gave it to us.
        due = evolve(state, state_details=evolve(state.state_details, scheduled_time=None))
        task_run = evolve(task_run, state=due)
    ledger = Ledger(task_run, recorder_of(current_transport()), token)
    run = TaskExecution(
        _collecting(task), packed.get("parameters") or {}, ledger, packed.get("wait_for"), FlowRunContext.get()
    )
    run.persist = run.keeps_exceptions = task.persist_result is not False
    run.confirm = confirm or ledger.recorder.flush
    return run
