"""Flows: functions whose calls are runs with a record, parameters that are checked, and tasks inside."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, overload

from prefect._engine.scopes import names_in_scope
from prefect.exceptions import InvalidNameError
from prefect.flows.deploying import _Deployable, load_from_source
from prefect.tasks import _checked_name, _checked_timeout, check_hooks
from prefect.utilities.annotations import NotSet
from prefect.utilities.callables import get_call_parameters
from prefect.utilities.dual import dual
from prefect.utilities.hashing import file_hash
from prefect.utilities.visualization import build_mermaid_dependencies
from prefect.utilities.wrapped import WrappedFunction, unwrapped

if TYPE_CHECKING:
    from pydantic import BaseModel
    from typing_extensions import Self

    from prefect._contract.objects import FlowRun
    from prefect._contract.state import State
    from prefect.futures import PrefectFlowRunFuture, PrefectFuture
    from prefect.results import ResultSerializer, ResultStorage
    from prefect.task_runners import TaskRunner
    from prefect.utilities.callables import ParameterSchema
    from prefect.utilities.dual import Steps
    from prefect.utilities.visualization import TaskVizTracker

__all__ = ["Flow", "FlowDecorator", "FlowStateHook", "flow"]

P = ParamSpec("P")
R = TypeVar("R")


class FlowStateHook(Protocol):
    """A function of flow, run and state."""

    def __call__(self, flow: Flow[Any, Any], flow_run: FlowRun, state: State[Any]) -> Any: ...


class Flow(_Deployable, WrappedFunction[P, R]):
    """
    A function whose calls are flow runs. Made by `@flow`.

    Args:
        fn: The function: sync, async, a generator or an async generator; a static or class method too.
        name: The flow's name; the function's without, with hyphens for underscores.
        version: Its version, recorded with its runs; a hash of its file without.
        flow_run_name: A template of the parameters such as `import-{day}`, or a function.
        retries: How often a failed run is run again, in this process.
        retry_delay_seconds: Seconds before it is.
        task_runner: Where submitted tasks run; threads without.
        description: What it does; the function's docstring without.
        timeout_seconds: After which a run fails as TimedOut.
        validate_parameters: Whether parameters are converted to the annotated types, and refused if they cannot be.
        persist_result: Whether the result is written to storage; by settings without.
        result_storage: Where results of the flow and its tasks go.
        result_serializer: How they are written.
        cache_result_in_memory: Whether they are also kept in memory.
        log_prints: Whether `print` is logged, in the flow and its tasks.
        on_completion: Called with flow, run and state when a run completes.
        on_failure: The same for failed runs.
        on_cancellation: The same for cancelled runs.
        on_crashed: The same for crashed runs.
        on_running: The same for runs that begin.

    Raises:
        TypeError: `fn` is not callable, or an option has the wrong type.
        InvalidNameError: The name holds characters that names may not hold.
    """

    __module__ = "prefect.flows"  # where users find it, and where pickles look for it

    def __init__(
        self,
        fn: Callable[P, R] | classmethod[Any, P, R] | staticmethod[P, R],
        name: str | None = None,
        version: str | None = None,
        flow_run_name: Callable[[], str] | str | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | None = None,
        task_runner: type[TaskRunner[PrefectFuture[Any]]] | TaskRunner[PrefectFuture[Any]] | None = None,
        description: str | None = None,
        timeout_seconds: float | None = None,
        validate_parameters: bool = True,
        persist_result: bool | None = None,
        result_storage: ResultStorage | str | None = None,
        result_serializer: ResultSerializer | None = None,
        cache_result_in_memory: bool = True,
        log_prints: bool | None = None,
        on_completion: list[FlowStateHook] | None = None,
        on_failure: list[FlowStateHook] | None = None,
        on_cancellation: list[FlowStateHook] | None = None,
        on_crashed: list[FlowStateHook] | None = None,
        on_running: list[FlowStateHook] | None = None,
    ) -> None:
        hooks = {
            "on_completion": on_completion,
            "on_failure": on_failure,
            "on_cancellation": on_cancellation,
            "on_crashed": on_crashed,
            "on_running": on_running,
        }
        for option, given in hooks.items():
            check_hooks(option, given)
        super().__init__(fn)
        self._scope = names_in_scope(self.fn)
        self.name = checked_name(name) if name else default_name(self.fn)
        self.flow_run_name = _checked_name(flow_run_name, "flow_run_name")
        self.description = description or inspect.getdoc(fn)
        self._version = version
        self._task_runner = _runner(task_runner) if task_runner is not None else None
        self._set_retries(retries, retry_delay_seconds)
        self.timeout_seconds = _checked_timeout(timeout_seconds)
        self.should_validate_parameters = validate_parameters
        self.log_prints = log_prints
        if persist_result is None and (result_storage is not None or result_serializer is not None):
            persist_result = True
        self.persist_result = persist_result
        self.result_storage = result_storage
        self.result_serializer = result_serializer
        self.cache_result_in_memory = cache_result_in_memory
        self.on_completion_hooks: list[FlowStateHook] = on_completion or []
        self.on_failure_hooks: list[FlowStateHook] = on_failure or []
        self.on_cancellation_hooks: list[FlowStateHook] = on_cancellation or []
        self.on_crashed_hooks: list[FlowStateHook] = on_crashed or []
        self.on_running_hooks: list[FlowStateHook] = on_running or []

    def _set_retries(self, retries: int | None, delay: Any) -> None:
        if retries is None or delay is None:
            from prefect.settings import get_current_settings

            defaults = get_current_settings().flows
            retries = defaults.default_retries if retries is None else retries
            delay = defaults.default_retry_delay_seconds if delay is None else delay
        if not isinstance(retries, int) or retries < 0:
            raise ValueError(f"Flow {self.name!r}: retries must be a whole number of at least 0, got {retries!r}.")
        self.retries: int = retries
        # Settings may name one delay per retry; runs of flows record a single one.
        self.retry_delay_seconds: float = (delay[0] if delay else 0) if isinstance(delay, list) else delay

    # -- what the flow is

    @property
    def version(self) -> str | None:
        """The flow's version: the given one, else a hash of the file that defines it, None if there is no file."""
        if self._version is None:
            path = _source_file(self.fn)
            self._version = file_hash(path) if path is not None else None
        return self._version

    @property
    def task_runner(self) -> TaskRunner[Any]:
        """Where submitted tasks run. Each run of the flow uses a duplicate."""
        if self._task_runner is None:
            from prefect.task_runners import ThreadPoolTaskRunner

            self._task_runner = ThreadPoolTaskRunner()
        return self._task_runner

    @property
    def entrypoint(self) -> str | None:
        """Where the flow can be loaded from: `path/to/file.py:function`. None for flows of interactive sessions."""
        path = _source_file(self.fn)
        if path is None or "<locals>" in getattr(self.fn, "__qualname__", "<locals>"):
            return None
        return f"{path}:{self.fn.__qualname__}"

    @property
    def parameters(self) -> ParameterSchema:
        """The JSON schema of the flow's parameters."""
        from prefect.utilities.callables import parameter_schema

        return parameter_schema(self.fn)

    def _bound(self, first: Any) -> Self:
        twin = super()._bound(first)
        twin.__dict__.pop("_parameter_model", None)  # it is of the function with its first parameter
        return twin

    # -- options

    def with_options(
        self,
        *,
        name: str | None = None,
        version: str | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | None = None,
        description: str | None = None,
        flow_run_name: Callable[[], str] | str | None = None,
        task_runner: type[TaskRunner[PrefectFuture[Any]]] | TaskRunner[PrefectFuture[Any]] | None = None,
        timeout_seconds: float | None = None,
        validate_parameters: bool | None = None,
        persist_result: bool | type[NotSet] | None = NotSet,
        result_storage: ResultStorage | type[NotSet] | None = NotSet,
        result_serializer: ResultSerializer | type[NotSet] | None = NotSet,
        cache_result_in_memory: bool | None = None,
        log_prints: bool | type[NotSet] | None = NotSet,
        on_completion: list[FlowStateHook] | None = None,
        on_failure: list[FlowStateHook] | None = None,
        on_cancellation: list[FlowStateHook] | None = None,
        on_crashed: list[FlowStateHook] | None = None,
        on_running: list[FlowStateHook] | None = None,
    ) -> Flow[P, R]:
        """A flow of the same function with some options changed; see `Flow` for what they mean."""

        def pick(given: Any, current: Any) -> Any:
            return current if given is NotSet else given

        def or_current(given: Any, current: Any) -> Any:
            return current if given is None else given

        twin = self._made_anew(
            fn=self._original(),
            name=name or self.name,
            version=version or self._version,
            flow_run_name=flow_run_name or self.flow_run_name,
            retries=or_current(retries, self.retries),
            retry_delay_seconds=or_current(retry_delay_seconds, self.retry_delay_seconds),
            task_runner=task_runner or self._task_runner,
            description=description or self.description,
            timeout_seconds=or_current(timeout_seconds, self.timeout_seconds),
            validate_parameters=or_current(validate_parameters, self.should_validate_parameters),
            persist_result=pick(persist_result, self.persist_result),
            result_storage=pick(result_storage, self.result_storage),
            result_serializer=pick(result_serializer, self.result_serializer),
            cache_result_in_memory=or_current(cache_result_in_memory, self.cache_result_in_memory),
            log_prints=pick(log_prints, self.log_prints),
            on_completion=on_completion or self.on_completion_hooks,
            on_failure=on_failure or self.on_failure_hooks,
            on_cancellation=on_cancellation or self.on_cancellation_hooks,
            on_crashed=on_crashed or self.on_crashed_hooks,
            on_running=on_running or self.on_running_hooks,
        )
        twin._ismethod = self._ismethod
        twin._come_from(self)
        return twin

    def _made_anew(self, **options: Any) -> Flow[P, R]:
        return Flow(**options)

    def on_completion(self, fn: FlowStateHook) -> FlowStateHook:
        """Decorate a function of flow, run and state to be called when a run completes."""
        self.on_completion_hooks.append(fn)
        return fn

    def on_failure(self, fn: FlowStateHook) -> FlowStateHook:
        """Decorate a function of flow, run and state to be called when a run fails."""
        self.on_failure_hooks.append(fn)
        return fn

    def on_cancellation(self, fn: FlowStateHook) -> FlowStateHook:
        """Decorate a function of flow, run and state to be called when a run is cancelled."""
        self.on_cancellation_hooks.append(fn)
        return fn

    def on_crashed(self, fn: FlowStateHook) -> FlowStateHook:
        """Decorate a function of flow, run and state to be called when a run crashes."""
        self.on_crashed_hooks.append(fn)
        return fn

    def on_running(self, fn: FlowStateHook) -> FlowStateHook:
        """Decorate a function of flow, run and state to be called when a run begins."""
        self.on_running_hooks.append(fn)
        return fn

    # -- parameters

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """
        Parameters converted to the types that the function declares.

        Raises:
            ParameterTypeError: One of them cannot be.
        """
        from prefect._engine.parameters import parameter_model, validate_parameters

        model: type[BaseModel] | None = self.__dict__.get("_parameter_model")
        if model is None:
            model = self.__dict__["_parameter_model"] = parameter_model(self.fn, self._scope)
        return validate_parameters(model, parameters)

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Parameters as JSON values, as they are recorded with a run."""
        from prefect._engine.parameters import serialize_parameters

        return serialize_parameters(parameters)

    # -- runs

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    def __call__(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...

    def __call__(  # type: ignore[misc]
        self, *args: Any, return_state: bool = False, wait_for: Any = None, **kwargs: Any
    ) -> Any:
        """
        Run the flow here.

        Args:
            args: The function's arguments.
            return_state: Return the run's final state rather than its result; failures are not raised then.
            wait_for: Runs that must have ended before.
            kwargs: The function's arguments by name.

        Raises:
            ParameterBindError: The arguments do not fit the function's signature.
            ParameterTypeError: They are not of the declared types.
        """
        from prefect._engine.flow_run import execution

        parameters = get_call_parameters(self.fn, args, kwargs)
        run = execution(self, parameters, wait_for=wait_for)
        return run_execution(run, "state" if return_state else "result")

    def submit(self, *args: Any, wait_for: Any = None, **kwargs: Any) -> PrefectFlowRunFuture[R]:
        """
        Run the flow on a thread, beside the code that goes on here: subflows that run at the same time.

        The flow run that this is called in waits for it before it ends. Beyond the original.

        Args:
            args: The function's arguments. Futures among them are waited for on that thread.
            wait_for: Runs that must have ended before.
            kwargs: The function's arguments by name.

        Returns:
            A future of the flow run, which tasks and flows take as an argument.

        Raises:
            ParameterBindError: The arguments do not fit the function's signature.
            TypeError: The flow is a generator.
        """
        from prefect._engine.subflows import submit_flow

        return submit_flow(self, get_call_parameters(self.fn, args, kwargs), wait_for)

    # -- drawing

    def _tracked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps[TaskVizTracker]:
        """Call the function with tasks that are noted rather than run."""
        from prefect._engine.effects import CallEither
        from prefect.utilities.visualization import (
            FlowVisualizationError,
            TaskVizTracker,
            VisualizationUnsupportedError,
        )

        tracker = TaskVizTracker()
        try:
            yield CallEither(partial(self.fn, *args, **kwargs), (), (tracker,))
        except VisualizationUnsupportedError:
            raise
        except Exception as error:
            raise FlowVisualizationError(
                f"The flow {self.name!r} cannot be drawn, because its function failed with the placeholders that stand "
                "for results of tasks. Give tasks a viz_return_value that the function can work with."
            ) from error
        return tracker

    def generate_mermaid_graph(self, *args: Any, **kwargs: Any) -> Any:
        """
        The tasks of the flow and their dependencies, as Mermaid text. In async code this is to be awaited.

        Args:
            args: The function's arguments.
            kwargs: The function's arguments by name.

        Raises:
            FlowVisualizationError: The function fails when its tasks do not really run.
        """
        return self._drawn(build_mermaid_dependencies, args, kwargs)

    async def agenerate_mermaid_graph(self, *args: Any, **kwargs: Any) -> str:
        """Like `generate_mermaid_graph`, always to be awaited."""
        from prefect.utilities.dual import adrive

        return build_mermaid_dependencies(await adrive(self._tracked(args, kwargs)))

    def visualize(self, *args: Any, **kwargs: Any) -> Any:
        """
        Draw the tasks of the flow and their dependencies with Graphviz. In async code this is to be awaited.

        Args:
            args: The function's arguments.
            kwargs: The function's arguments by name.

        Raises:
            GraphvizImportError: The package graphviz is not installed.
            FlowVisualizationError: The function fails when its tasks do not really run.
        """
        return self._drawn(self._render, args, kwargs)

    async def avisualize(self, *args: Any, **kwargs: Any) -> None:
        """Like `visualize`, always to be awaited."""
        from prefect.utilities.dual import adrive

        self._render(await adrive(self._tracked(args, kwargs)))

    def _render(self, tracker: TaskVizTracker) -> None:
        from prefect.utilities.visualization import build_task_dependencies, visualize_task_dependencies

        visualize_task_dependencies(build_task_dependencies(tracker), self.name)

    def _drawn(self, draw: Callable[[TaskVizTracker], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from prefect.utilities.dual import dual

        def steps() -> Steps[Any]:
            return draw((yield from self._tracked(args, kwargs)))

        return dual(steps)()

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"


def run_execution(run: Any, return_type: str) -> Any:
    """Run a prepared flow run the way its function wants to be run."""
    from prefect._engine import flow_run as engine

    flow = run.flow
    if flow.isgenerator:
        return engine.astream(run) if flow.isasync else engine.stream(run)
    return engine.aexecute(run, return_type) if flow.isasync else engine.execute(run, return_type)


def default_name(function: Any) -> str:
    """The name of a flow that is given none."""
    name = getattr(function, "__name__", type(function).__name__)
    return "unknown-lambda" if name == "<lambda>" else name.replace("_", "-")


def checked_name(name: str) -> str:
    """
    A flow name, if it may be one.

    Raises:
        TypeError: It is not text.
        InvalidNameError: It holds a character that names may not hold.
    """
    if not isinstance(name, str):
        raise TypeError(f"Expected string for flow parameter 'name'; got {type(name).__name__} instead.")
    banned = [character for character in ("/", "%", "&", ">", "<") if character in name]
    if banned or not name.strip():
        raise InvalidNameError(
            f"Name {name!r} is not a possible flow name: it must not be empty nor hold any of / % & > <."
        )
    return name


def _runner(given: Any) -> TaskRunner[Any]:
    from prefect.task_runners import TaskRunner

    if isinstance(given, str):
        from prefect.plugins import registries

        given = registries.task_runners.get(given)
    runner = given() if inspect.isclass(given) else given
    if not isinstance(runner, TaskRunner):
        raise TypeError(f"Expected a task runner for 'task_runner'; got {type(runner).__name__} instead.")
    return runner


def _source_file(function: Any) -> str | None:
    try:
        path = inspect.getsourcefile(unwrapped(function))
    except TypeError:
        return None
    return str(Path(path).absolute()) if path is not None and Path(path).exists() else None


class FlowDecorator:
    """The type of `flow`: a decorator, and the place of `flow.from_source`."""

    __module__ = "prefect.flows"  # where users find it, and where pickles look for it

    @overload
    def __call__(self, __fn: Callable[P, R], /) -> Flow[P, R]: ...

    @overload
    def __call__(self, __fn: None = None, /, **options: Any) -> Callable[[Callable[P, R]], Flow[P, R]]: ...

    def __call__(  # type: ignore[misc]
        self,
        __fn: Callable[P, R] | None = None,
        *,
        name: str | None = None,
        version: str | None = None,
        flow_run_name: Callable[[], str] | str | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | None = None,
        task_runner: TaskRunner[PrefectFuture[Any]] | None = None,
        description: str | None = None,
        timeout_seconds: float | None = None,
        validate_parameters: bool = True,
        persist_result: bool | None = None,
        result_storage: ResultStorage | None = None,
        result_serializer: ResultSerializer | None = None,
        cache_result_in_memory: bool = True,
        log_prints: bool | None = None,
        on_completion: list[FlowStateHook] | None = None,
        on_failure: list[FlowStateHook] | None = None,
        on_cancellation: list[FlowStateHook] | None = None,
        on_crashed: list[FlowStateHook] | None = None,
        on_running: list[FlowStateHook] | None = None,
    ) -> Any:
        """Make a function a flow: `@flow` or `@flow(retries=3)`. See `Flow` for the options."""
        options = {key: value for key, value in locals().items() if key != "self" and not key.endswith("__fn")}
        if __fn is not None:
            return Flow(fn=__fn, **options)
        return partial(_decorate, options)

    if TYPE_CHECKING:

        @staticmethod
        def from_source(source: Any, entrypoint: str) -> Flow[..., Any]: ...

    else:
        from_source = staticmethod(dual(load_from_source))


def _decorate(options: dict[str, Any], fn: Any) -> Flow[Any, Any]:
    return Flow(fn=fn, **options)


flow = FlowDecorator()
