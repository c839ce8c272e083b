# Longer than 600 lines: one class whose signatures the public contract fixes, written out three times.
"""Tasks: functions whose calls are observed, retried, cached and recorded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypedDict, TypeVar, Union, cast, overload
from uuid import UUID

from prefect.cache_policies import DEFAULT, NO_CACHE, CachePolicy
from prefect.context import FlowRunContext, TaskRunContext
from prefect.utilities.annotations import NotSet
from prefect.utilities.callables import get_call_parameters
from prefect.utilities.hashing import hash_objects
from prefect.utilities.visualization import VisualizationUnsupportedError, get_task_viz_tracker, track_viz_task
from prefect.utilities.wrapped import WrappedFunction

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from prefect._contract.objects import RunInput, TaskRun
    from prefect._contract.state import State
    from prefect.assets.core import Asset
    from prefect.client.orchestration import PrefectClient
    from prefect.futures import PrefectDistributedFuture, PrefectFuture, PrefectFutureList
    from prefect.results import ResultSerializer, ResultStorage
    from prefect.transactions import Transaction

__all__ = [
    "NUM_CHARS_DYNAMIC_KEY",
    "FutureOrResult",
    "OneOrManyFutureOrResult",
    "RetryConditionCallable",
    "StateHookCallable",
    "Task",
    "TaskOptions",
    "TaskRunNameCallbackWithParameters",
    "TaskRunNameValueOrCallable",
    "exponential_backoff",
    "task",
    "task_input_hash",
]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

NUM_CHARS_DYNAMIC_KEY = 8

FutureOrResult = Union["PrefectFuture[T]", T]
OneOrManyFutureOrResult = Union[FutureOrResult[T], Iterable[FutureOrResult[T]]]


class TaskRunNameCallbackWithParameters(Protocol):
    """A function that names a run after its parameters."""

    @classmethod
    def is_callback_with_parameters(cls, callable: Callable[..., str]) -> bool:
        """Whether a function takes the run's parameters under that name."""
        return "parameters" in inspect.signature(callable).parameters

    def __call__(self, parameters: dict[str, Any]) -> str: ...


StateHookCallable = Callable[["Task[..., Any]", "TaskRun", "State[Any]"], Any]
RetryConditionCallable = Callable[["Task[..., Any]", "TaskRun", "State[Any]"], Any]
TaskRunNameValueOrCallable = Union[Callable[[], str], TaskRunNameCallbackWithParameters, str]


class TaskOptions(TypedDict, total=False):
    """The options of `@task`, for passing them on."""

    name: str | None
    description: str | None
    tags: Iterable[str] | None
    version: str | None
    cache_policy: Any
    cache_key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None] | None
    cache_expiration: timedelta | None
    task_run_name: Any
    retries: int | None
    retry_delay_seconds: Any
    retry_jitter_factor: float | None
    persist_result: bool | None
    result_storage: Any
    result_serializer: Any
    result_storage_key: str | None
    cache_result_in_memory: bool
    timeout_seconds: int | float | None
    log_prints: bool | None
    refresh_cache: bool | None
    on_completion: list[Any] | None
    on_failure: list[Any] | None
    on_running: list[Any] | None
    on_rollback: list[Any] | None
    on_commit: list[Any] | None
    retry_condition_fn: Any
    viz_return_value: Any
    asset_deps: list[str | Asset] | None


def task_input_hash(context: TaskRunContext, arguments: dict[str, Any]) -> str | None:
    """
    A `cache_key_fn` that finds a run again by its task's code and its arguments.

    Args:
        context: The task run's context.
        arguments: Its arguments by name.

    Returns:
        The key; None when an argument cannot be hashed.
    """
    return hash_objects(context.task.task_key, context.task.fn.__code__.co_code.hex(), arguments)


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """
    Delays that double with each retry: `retry_delay_seconds=exponential_backoff(backoff_factor=10)`.

    Args:
        backoff_factor: Seconds before the first retry.

    Returns:
        A function from the number of retries to their delays in seconds.
    """

    def delays(retries: int) -> list[float]:
        return [backoff_factor * max(0, 2**attempt) for attempt in range(retries)]

    return delays


class Task(WrappedFunction[P, R]):
    """
    A function whose calls are runs: observed, retried, cached and recorded. Made by `@task`.

    Args:
        fn: The function: sync, async, a generator or an async generator; a static or class method too.
        name: The task's name; the function's without.
        description: What it does; the function's docstring without.
        tags: Tags of its runs.
        version: Its version, recorded with its runs.
        cache_policy: What its cache key is made of; `DEFAULT` when results are persisted.
        cache_key_fn: Makes the cache key instead of a policy: a function of the run context and the arguments.
        cache_expiration: How long a cached result is valid.
        task_run_name: A template of the parameters such as `load-{table}`, or a function.
        retries: How often a failed run is run again.
        retry_delay_seconds: Seconds before a retry: a number, one for each retry, or a function from their number to them.
        retry_jitter_factor: By how much of itself a delay is lengthened at random, at most.
        persist_result: Whether the result is written to storage; by settings and caching without.
        result_storage: Where to: a block, a path, a URL, or a block's slug.
        result_storage_key: Under which key; may be a template of `parameters`, `task_run` and `flow_run`.
        result_serializer: How: a serializer or its name.
        cache_result_in_memory: Whether results are also kept in memory.
        timeout_seconds: After which a run fails as TimedOut.
        log_prints: Whether `print` is logged; as in the flow without.
        refresh_cache: Whether to run although a cached result exists.
        on_completion: Called with task, run and state when a run completes.
        on_failure: The same for failed runs.
        on_running: The same for runs that begin.
        on_rollback: Called with the transaction when it is rolled back after the task.
        on_commit: Called with the transaction when it is committed.
        retry_condition_fn: Says, from task, run and failed state, whether to retry.
        viz_return_value: What the task returns when a flow is drawn rather than run.
        asset_deps: What it reads, by key or as `Asset`.

    Raises:
        TypeError: `fn` is not callable, or an option has the wrong type.
        ValueError: Options contradict each other.
    """

    def __init__(
        self,
        fn: Callable[P, R] | classmethod[Any, P, R] | staticmethod[P, R],
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        version: str | None = None,
        cache_policy: CachePolicy | type[NotSet] = NotSet,
        cache_key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None] | None = None,
        cache_expiration: timedelta | None = None,
        task_run_name: TaskRunNameValueOrCallable | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | list[float] | Callable[[int], list[float]] | None = None,
        retry_jitter_factor: float | None = None,
        persist_result: bool | None = None,
        result_storage: ResultStorage | None = None,
        result_serializer: ResultSerializer | None = None,
        result_storage_key: str | None = None,
        cache_result_in_memory: bool = True,
        timeout_seconds: float | None = None,
        log_prints: bool | None = False,
        refresh_cache: bool | None = None,
        on_completion: list[StateHookCallable] | None = None,
        on_failure: list[StateHookCallable] | None = None,
        on_running: list[StateHookCallable] | None = None,
        on_rollback: list[Callable[[Transaction], None]] | None = None,
        on_commit: list[Callable[[Transaction], None]] | None = None,
        retry_condition_fn: RetryConditionCallable | None = None,
        viz_return_value: Any | None = None,
        asset_deps: list[str | Asset] | None = None,
    ) -> None:
        super().__init__(fn)
        hooks = {"on_completion": on_completion, "on_failure": on_failure, "on_running": on_running}
        for option, given in hooks.items():
            check_hooks(option, given)
        self.name: str = name or str(getattr(self.fn, "__name__", type(self.fn).__name__))
        self.description = description or inspect.getdoc(fn)
        self.tags: set[str] = set(tags or ())
        self.version = version
        self.task_run_name = _checked_name(task_run_name, "task_run_name")
        self._set_caching(cache_policy, cache_key_fn, cache_expiration, refresh_cache)
        self._set_results(
            persist_result, result_storage, result_serializer, result_storage_key, cache_result_in_memory, cache_policy
        )
        self._set_retries(retries, retry_delay_seconds, retry_jitter_factor, retry_condition_fn)
        self.timeout_seconds = _checked_timeout(timeout_seconds)
        self.log_prints = log_prints
        self.viz_return_value = viz_return_value
        self.asset_deps: list[Asset] = _checked_assets(asset_deps)
        self.on_rollback_hooks: list[Callable[[Transaction], None]] = on_rollback or []
        self.on_commit_hooks: list[Callable[[Transaction], None]] = on_commit or []
        self.on_completion_hooks: list[StateHookCallable] = on_completion or []
        self.on_failure_hooks: list[StateHookCallable] = on_failure or []
        self.on_running_hooks: list[StateHookCallable] = on_running or []

    @cached_property
    def task_key(self) -> str:
        """Names the function wherever its file is, and however it is imported: a script is a module to its task worker."""
        return f"{getattr(self.fn, '__qualname__', self.name)}-{_origin(self.fn)}"

    def _set_caching(
        self,
        policy: CachePolicy | type[NotSet],
        key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None] | None,
        expiration: timedelta | None,
        refresh: bool | None,
    ) -> None:
        self.cache_key_fn = key_fn
        self.cache_expiration = expiration
        self.refresh_cache = refresh
        self._given_policy = policy
        if key_fn is not None:
            if policy is not NotSet:
                raise ValueError(
                    "Both 'cache_policy' and 'cache_key_fn' were given: a cache_key_fn makes the whole key, so give one."
                )
            self.cache_policy: CachePolicy | type[NotSet] = CachePolicy.from_cache_key_fn(key_fn)
        elif policy is None:
            self.cache_policy = NO_CACHE
        else:
            self.cache_policy = policy

    def _set_results(
        self,
        persist: bool | None,
        storage: ResultStorage | None,
        serializer: ResultSerializer | None,
        key: str | None,
        in_memory: bool,
        policy: Any,
    ) -> None:
        wants_results = any(
            (
                self.cache_key_fn is not None,
                key is not None,
                storage is not None,
                serializer is not None,
                isinstance(self.cache_policy, CachePolicy) and self.cache_policy != NO_CACHE,
            )
        )
        if persist is None and wants_results:
            persist = True
        if persist is False and isinstance(policy, CachePolicy) and policy != NO_CACHE:
            from prefect.logging.loggers import get_logger

            get_logger("tasks").warning("Ignoring cache_policy of task %r because persist_result is False.", self.name)
        if persist is False:
            self.cache_policy = NO_CACHE
        if self.cache_policy is NotSet:
            self.cache_policy = DEFAULT if key is None and not _default_no_cache() else NO_CACHE
        self.persist_result = persist
        self.result_storage = storage
        self.result_serializer = serializer
        self.result_storage_key = key
        self.cache_result_in_memory = in_memory

    def _set_retries(self, retries: Any, delay: Any, jitter: Any, condition: Any) -> None:
        if retries is None or delay is None:
            from prefect.settings import get_current_settings

            defaults = get_current_settings().tasks
            retries = defaults.default_retries if retries is None else retries
            delay = defaults.default_retry_delay_seconds if delay is None else delay
        if not isinstance(retries, int) or retries < 0:
            raise ValueError(f"Task {self.name!r}: retries must be a whole number of at least 0, got {retries!r}.")
        self.retries: int = retries
        self.retry_delay_seconds: float | list[float] = delay(retries) if callable(delay) else delay
        if isinstance(self.retry_delay_seconds, list) and len(self.retry_delay_seconds) > 50:
            raise ValueError(f"Task {self.name!r}: can not configure more than 50 retry delays.")
        if jitter is not None and jitter < 0:
            raise ValueError(f"Task {self.name!r}: retry_jitter_factor must be >= 0, got {jitter!r}.")
        self.retry_jitter_factor: float | None = jitter
        if condition is not None and not callable(condition):
            raise TypeError(f"Expected retry_condition_fn to be callable, got {type(condition).__name__} instead.")
        self.retry_condition_fn: RetryConditionCallable | None = condition

    # -- options

    def with_options(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        cache_policy: CachePolicy | type[NotSet] = NotSet,
        cache_key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None] | None = None,
        task_run_name: TaskRunNameValueOrCallable | type[NotSet] | None = NotSet,
        cache_expiration: timedelta | None = None,
        retries: int | type[NotSet] = NotSet,
        retry_delay_seconds: float | list[float] | Callable[[int], list[float]] | type[NotSet] = NotSet,
        retry_jitter_factor: float | type[NotSet] = NotSet,
        persist_result: bool | type[NotSet] = NotSet,
        result_storage: ResultStorage | type[NotSet] = NotSet,
        result_serializer: ResultSerializer | type[NotSet] = NotSet,
        result_storage_key: str | type[NotSet] = NotSet,
        cache_result_in_memory: bool | None = None,
        timeout_seconds: float | None = None,
        log_prints: bool | type[NotSet] = NotSet,
        refresh_cache: bool | type[NotSet] = NotSet,
        on_completion: list[StateHookCallable] | None = None,
        on_failure: list[StateHookCallable] | None = None,
        on_running: list[StateHookCallable] | None = None,
        retry_condition_fn: RetryConditionCallable | None = None,
        viz_return_value: Any | None = None,
        asset_deps: list[str | Asset] | None = None,
    ) -> Task[P, R]:
        """A task of the same function with some options changed; see `Task` for what they mean."""

        def pick(given: Any, current: Any) -> Any:
            return current if given is NotSet else given

        policy = cache_policy
        if cache_policy is NotSet and cache_key_fn is None and self.cache_key_fn is None:
            policy = self._given_policy
        twin: Task[P, R] = self._kind()(
            fn=self._original(),
            name=name or self.name,
            description=description or self.description,
            tags=self.tags if tags is None else tags,
            version=self.version,
            cache_policy=policy,
            cache_key_fn=cache_key_fn or (self.cache_key_fn if cache_policy is NotSet else None),
            cache_expiration=cache_expiration or self.cache_expiration,
            task_run_name=pick(task_run_name, self.task_run_name),
            retries=pick(retries, self.retries),
            retry_delay_seconds=pick(retry_delay_seconds, self.retry_delay_seconds),
            retry_jitter_factor=pick(retry_jitter_factor, self.retry_jitter_factor),
            persist_result=pick(persist_result, self.persist_result),
            result_storage=pick(result_storage, self.result_storage),
            result_serializer=pick(result_serializer, self.result_serializer),
            result_storage_key=pick(result_storage_key, self.result_storage_key),
            cache_result_in_memory=self.cache_result_in_memory
            if cache_result_in_memory is None
            else cache_result_in_memory,
            timeout_seconds=self.timeout_seconds if timeout_seconds is None else timeout_seconds,
            log_prints=pick(log_prints, self.log_prints),
            refresh_cache=pick(refresh_cache, self.refresh_cache),
            on_completion=on_completion or self.on_completion_hooks,
            on_failure=on_failure or self.on_failure_hooks,
            on_running=on_running or self.on_running_hooks,
            on_rollback=self.on_rollback_hooks,
            on_commit=self.on_commit_hooks,
            retry_condition_fn=retry_condition_fn or self.retry_condition_fn,
            viz_return_value=viz_return_value or self.viz_return_value,
            asset_deps=[*self.asset_deps] if asset_deps is None else asset_deps,
        )
        twin._ismethod = self._ismethod
        return twin

    def _kind(self) -> Callable[..., Task[P, R]]:
        """What makes a task like this one."""
        return Task

    def on_completion(self, fn: StateHookCallable) -> StateHookCallable:
        """Decorate a function of task, run and state to be called when a run completes."""
        self.on_completion_hooks.append(fn)
        return fn

    def on_failure(self, fn: StateHookCallable) -> StateHookCallable:
        """Decorate a function of task, run and state to be called when a run fails."""
        self.on_failure_hooks.append(fn)
        return fn

    def on_running(self, fn: StateHookCallable) -> StateHookCallable:
        """Decorate a function of task, run and state to be called when a run begins."""
        self.on_running_hooks.append(fn)
        return fn

    def on_commit(self, fn: Callable[[Transaction], None]) -> Callable[[Transaction], None]:
        """Decorate a function of the transaction to be called when it is committed."""
        self.on_commit_hooks.append(fn)
        return fn

    def on_rollback(self, fn: Callable[[Transaction], None]) -> Callable[[Transaction], None]:
        """Decorate a function of the transaction to be called when it is rolled back."""
        self.on_rollback_hooks.append(fn)
        return fn

    # -- runs

    async def create_run(
        self,
        client: PrefectClient | None = None,
        id: UUID | None = None,
        parameters: dict[str, Any] | None = None,
        flow_run_context: FlowRunContext | None = None,
        parent_task_run_context: TaskRunContext | None = None,
        wait_for: OneOrManyFutureOrResult[Any] | None = None,
        extra_task_inputs: dict[str, set[RunInput]] | None = None,
        deferred: bool = False,
    ) -> TaskRun:
        """
        Create a run of this task, and have it recorded, without executing it.

        Args:
            client: Not needed: the current orchestrator is used.
            id: The run's id; a new one without.
            parameters: What it will be called with.
            flow_run_context: The flow run that it belongs to; the current one without.
            parent_task_run_context: The task run that calls it; the current one without.
            wait_for: What it waits for.
            extra_task_inputs: Further runs that its values came from.
            deferred: Whether a background worker will execute it.
        """
        return await self.create_local_run(
            client, id, parameters, flow_run_context, parent_task_run_context, wait_for, extra_task_inputs, deferred
        )

    async def create_local_run(
        self,
        client: PrefectClient | None = None,
        id: UUID | None = None,
        parameters: dict[str, Any] | None = None,
        flow_run_context: FlowRunContext | None = None,
        parent_task_run_context: TaskRunContext | None = None,
        wait_for: OneOrManyFutureOrResult[Any] | None = None,
        extra_task_inputs: dict[str, set[RunInput]] | None = None,
        deferred: bool = False,
    ) -> TaskRun:
        """Like `create_run`."""
        from prefect._engine.background import scheduled_in_background
        from prefect._engine.inputs import collect_inputs, current_results
        from prefect._engine.ledger import new_task_run
        from prefect.states import Pending

        context = flow_run_context or FlowRunContext.get()
        caller = parent_task_run_context or TaskRunContext.get()
        inputs = collect_inputs(parameters or {}, wait_for, current_results(context))
        for name, found in (extra_task_inputs or {}).items():
            inputs[name] = inputs.get(name, set()) | found
        ledger = new_task_run(
            self,
            parameters or {},
            context,
            task_run_id=id,
            wait_for=wait_for,
            dependencies=inputs,
            parent=caller.task_run if caller is not None else None,
            state=scheduled_in_background() if deferred else Pending(),
        )
        return ledger.task_run

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    def __call__(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...

    def __call__(  # type: ignore[misc]
        self, *args: Any, return_state: bool = False, wait_for: Any = None, **kwargs: Any
    ) -> Any:
        """
        Run the task here.

        Args:
            args: The function's arguments.
            return_state: Return the run's final state rather than its result; failures are not raised then.
            wait_for: Runs that must have ended before.
            kwargs: The function's arguments by name.
        """
        from prefect._engine import task_run as engine

        parameters = get_call_parameters(self.fn, args, kwargs)
        if get_task_viz_tracker() is not None:
            return track_viz_task(self.isasync, self.name, parameters, self.viz_return_value)
        run = engine.execution(self, parameters, wait_for=wait_for)
        return_type = "state" if return_state else "result"
        if self.isgenerator:
            return engine.astream(run) if self.isasync else engine.stream(run)
        return engine.aexecute(run, return_type) if self.isasync else engine.execute(run, return_type)

    def submit(self, *args: Any, return_state: bool = False, wait_for: Any = None, **kwargs: Any) -> Any:
        """
        Run the task by the flow's task runner, and go on.

        Args:
            args: The function's arguments; futures of other runs are waited for where the task runs.
            return_state: Wait, and return the final state.
            wait_for: Runs that must have ended before this begins.
            kwargs: The function's arguments by name.

        Returns:
            A future of the run.

        Raises:
            RuntimeError: This is not called within a flow.
        """
        parameters = get_call_parameters(self.fn, args, kwargs)
        future = self._runner("submission").submit(self, parameters, _as_list(wait_for))
        if return_state:
            future.wait()
            return future.state
        return future

    def map(
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        deferred: bool = False,
        max_in_flight: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """
        Run the task once for each element of its iterable arguments, by the flow's task runner.

        Args:
            args: The function's arguments. Iterables are taken element by element and must be of one length; others, and
                those marked `unmapped`, go to each run as they are.
            return_state: Wait, and return the list of final states.
            wait_for: Runs that must have ended before any of these begins.
            deferred: Have task workers run them, as `delay` does.
            max_in_flight: How many runs may be unfinished at a time; `map` waits when there are as many.
            kwargs: The function's arguments by name.

        Returns:
            A list of futures, with `wait()` and `result()` of its own.

        Raises:
            MappingMissingIterable: No argument is iterable.
            MappingLengthMismatch: The iterable arguments differ in length.
        """
        parameters = get_call_parameters(self.fn, args, kwargs, apply_defaults=False)
        futures: PrefectFutureList[Any]
        if deferred:
            futures = self._defer_all(parameters, _as_list(wait_for), max_in_flight)
        else:
            extra = {} if max_in_flight is None else {"max_in_flight": max_in_flight}
            futures = self._runner("mapping").map(self, parameters, _as_list(wait_for), **extra)
        if return_state:
            futures.wait()
            return [future.state for future in futures]
        return futures

    # -- background

    def apply_async(
        self,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> PrefectDistributedFuture[R]:
        """
        Have a task worker run the task. Returns as soon as the run is stored.

        Args:
            args: The function's arguments.
            kwargs: The function's arguments by name.
            wait_for: Runs that must have ended before this begins.
            dependencies: The runs that its values came from; found in the arguments without.

        Returns:
            A future of the run, which can be waited for in any process.
        """
        from prefect._engine.background import defer

        parameters = get_call_parameters(self.fn, args or (), kwargs or {})
        return defer(self, parameters, wait_for, dependencies)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> PrefectDistributedFuture[R]:
        """
        Have a task worker run the task, with these arguments: `apply_async` with fewer brackets.

        Example:
            >>> future = send_mail.delay("ada@example.org")
        """
        return self.apply_async(args=args, kwargs=kwargs)

    def serve(self) -> None:
        """Execute the runs of this task that are scheduled by `delay`, until this process is told to stop."""
        from prefect.task_worker import serve

        serve.sync(self)

    async def aserve(self) -> None:
        """Like `serve`, in this event loop."""
        from prefect.task_worker import aserve

        await aserve(self)

    def _defer_all(self, parameters: dict[str, Any], wait_for: Any, max_in_flight: int | None) -> Any:
        from prefect._engine.background import defer_all
        from prefect.task_runners import split_parameters

        if max_in_flight is not None:
            raise ValueError("max_in_flight does not go with deferred=True: task workers have limits of their own.")
        return defer_all(self, split_parameters(self, parameters), wait_for)

    def _runner(self, what: str) -> Any:
        if get_task_viz_tracker() is not None:
            raise VisualizationUnsupportedError(
                f"The {what} of task {self.name!r} cannot be drawn: only tasks that are called can."
            )
        context = FlowRunContext.get()
        if context is None or context.task_runner is None:
            raise RuntimeError(
                f"Unable to determine the task runner to use for {what} of task {self.name!r}: call it within a flow."
            )
        return context.task_runner

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"


def _default_no_cache() -> bool:
    from prefect.settings import get_current_settings

    return get_current_settings().tasks.default_no_cache


def _as_list(wait_for: Any) -> Any:
    if wait_for is None or isinstance(wait_for, (list, tuple, set)):
        return wait_for
    return [wait_for]


def _origin(function: Any) -> str:
    """Eight characters that tell functions of one name apart: from their source, or their module where there is none."""
    from hashlib import sha256

    try:
        told = inspect.getsource(function)
    except (OSError, TypeError):
        told = getattr(function, "__module__", None) or type(function).__module__
    return sha256(told.encode("utf-8", "replace")).hexdigest()[:8]


def check_hooks(option: str, hooks: Any) -> None:
    """
    Refuse hooks that are not a list of callables.

    Raises:
        TypeError: With what was given instead.
    """
    if hooks is None:
        return
    if not isinstance(hooks, (list, tuple)):
        raise TypeError(
            f"Expected iterable for '{option}'; got {type(hooks).__name__} instead. Please provide a list of hooks to "
            f"'{option}':\n\n{option}=[hook1, hook2]"
        )
    for hook in hooks:
        if not callable(hook):
            raise TypeError(
                f"Expected callables in '{option}'; got {type(hook).__name__} instead. Please provide a list of hooks "
                f"to '{option}':\n\n{option}=[hook1, hook2]"
            )


def _checked_name(given: Any, option: str) -> Any:
    if given is not None and not isinstance(given, str) and not callable(given):
        raise TypeError(f"Expected string or callable for '{option}'; got {type(given).__name__} instead.")
    return given


def _checked_timeout(seconds: float | None) -> float | None:
    if seconds is not None and seconds < 0:
        raise ValueError(f"timeout_seconds must not be negative, got {seconds!r}.")
    return float(seconds) if seconds else None


@overload
def task(__fn: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(__fn: Literal[None] = None, /, **options: Any) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(  # type: ignore[misc]
    __fn: Callable[P, R] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    version: str | None = None,
    cache_policy: CachePolicy | type[NotSet] = NotSet,
    cache_key_fn: Callable[[TaskRunContext, dict[str, Any]], str | None] | None = None,
    cache_expiration: timedelta | None = None,
    task_run_name: TaskRunNameValueOrCallable | None = None,
    retries: int | None = None,
    retry_delay_seconds: float | list[float] | Callable[[int], list[float]] | None = None,
    retry_jitter_factor: float | None = None,
    persist_result: bool | None = None,
    result_storage: ResultStorage | None = None,
    result_storage_key: str | None = None,
    result_serializer: ResultSerializer | None = None,
    cache_result_in_memory: bool = True,
    timeout_seconds: float | None = None,
    log_prints: bool | None = None,
    refresh_cache: bool | None = None,
    on_completion: list[StateHookCallable] | None = None,
    on_failure: list[StateHookCallable] | None = None,
    on_running: list[StateHookCallable] | None = None,
    retry_condition_fn: RetryConditionCallable | None = None,
    viz_return_value: Any = None,
    asset_deps: list[str | Asset] | None = None,
) -> Any:
    """
    Make a function a task: `@task` or `@task(retries=3)`. See `Task` for the options.

    Example:
        >>> from prefect import task
        >>> @task(retries=3, retry_delay_seconds=10)
        ... def fetch(url: str) -> bytes: ...
    """
    options = {key: value for key, value in locals().items() if not key.endswith("__fn")}
    if __fn is not None:
        return Task(fn=__fn, **options)
    return cast("Any", partial(_decorate, options))


class MaterializingTask(Task[P, R]):
    """
    A task that makes assets: see `prefect.assets.materialize`.

    Args:
        fn: The function.
        assets: What it makes, by key or as `Asset`.
        materialized_by: What makes them in truth, if the task only drives it.
        task_kwargs: Options of the task.
    """

    def __init__(
        self,
        fn: Callable[P, R],
        *,
        assets: Sequence[str | Asset],
        materialized_by: str | None = None,
        **task_kwargs: Unpack[TaskOptions],
    ) -> None:
        super().__init__(fn, **task_kwargs)
        self.assets: list[Asset] = _checked_assets(assets)
        self.materialized_by = materialized_by

    def with_options(  # type: ignore[override]
        self, assets: Sequence[str | Asset] | None = None, **task_kwargs: Unpack[TaskOptions]
    ) -> MaterializingTask[P, R]:
        """A task of the same function with some options changed; see `Task` for what they mean."""
        options: dict[str, Any] = dict(task_kwargs)
        twin = cast("MaterializingTask[P, R]", super().with_options(**options))
        if assets is not None:
            twin.assets = _checked_assets(assets)
        return twin

    def _kind(self) -> Callable[..., Task[P, R]]:
        return partial(MaterializingTask, assets=self.assets, materialized_by=self.materialized_by)


def _checked_assets(given: Iterable[str | Asset] | None) -> list[Asset]:
    """Assets, of which some were given by their keys. Most tasks have none."""
    if not given:
        return []
    from prefect.assets.tracking import as_assets

    return as_assets(given)


def _decorate(options: dict[str, Any], fn: Any) -> Task[Any, Any]:
    return Task(fn=fn, **options)
