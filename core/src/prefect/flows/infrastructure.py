"""Flows that are bound to infrastructure: calling one runs it there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from prefect.bundles.commands import normalize_launcher
from prefect.flows.definition import Flow
from prefect.futures import PrefectFlowRunFuture, resolve_futures_to_results
from prefect.utilities.annotations import NotSet
from prefect.utilities.callables import get_call_parameters

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect._contract.state import State
    from prefect.bundles import BundleLauncher
    from prefect.workers.base import BaseWorker

__all__ = ["InfrastructureBoundFlow", "bind_flow_to_infrastructure"]

P = ParamSpec("P")
R = TypeVar("R")


class InfrastructureBoundFlow(Flow[P, R]):
    """
    A flow whose runs are executed on the infrastructure of a work pool, wherever it is called.

    Its code goes along in a bundle: nothing has to be deployed. See `bind_flow_to_infrastructure`.

    Args:
        args: The arguments of `Flow`.
        work_pool: The work pool, by name.
        job_variables: Overrides for the work pool's job template.
        worker_cls: The type of worker that starts the infrastructure.
        launcher: What starts the storage steps of the work pool, rather than `uv run`.
        include_files: Files, folders and patterns that go along with the code.
        include_files_base_dir: What these start from; the folder of the flow's file without.
        kwargs: The arguments of `Flow` by name.

    Raises:
        ValueError: The launcher is empty, or names no side.
        TypeError: The launcher is no command.
    """

    __module__ = "prefect.flows"  # where users find it, and where pickles look for it

    def __init__(
        self,
        *args: Any,
        work_pool: str,
        job_variables: dict[str, Any],
        worker_cls: type[BaseWorker[Any, Any, Any]],
        launcher: BundleLauncher | None = None,
        include_files: Sequence[str] | None = None,
        include_files_base_dir: Path | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._bind(
            work_pool=work_pool,
            job_variables=job_variables,
            worker_cls=worker_cls,
            launcher=launcher,
            include_files=include_files,
            include_files_base_dir=include_files_base_dir,
        )

    def _bind(self, **binding: Any) -> None:
        normalize_launcher(binding["launcher"])
        self._binding = binding
        self.work_pool: str = binding["work_pool"]
        self.job_variables: dict[str, Any] = binding["job_variables"]
        self.worker_cls: type[BaseWorker[Any, Any, Any]] = binding["worker_cls"]
        self.launcher: BundleLauncher | None = binding["launcher"]
        self.include_files: Sequence[str] | None = binding["include_files"]
        self.include_files_base_dir: Path | str | None = binding["include_files_base_dir"]

    def unbound(self) -> Flow[P, R]:
        """The flow without its infrastructure: what is executed there. Its result is kept, to be read here."""
        plain: Flow[P, R] = Flow.__new__(Flow)
        mine = {"_binding", *self._binding, "_parameter_model", "_ids", "_stand_in"}
        plain.__dict__.update({name: value for name, value in self.__dict__.items() if name not in mine})
        plain.persist_result = True if plain.persist_result is None else plain.persist_result
        return plain

    def __call__(  # type: ignore[override]
        self, *args: Any, return_state: bool = False, wait_for: Any = None, **kwargs: Any
    ) -> R | State[R] | Coroutine[Any, Any, R | State[R]]:
        """
        Run the flow on its infrastructure, and wait for it. An async flow is to be awaited. Ctrl-C cancels the run.

        Args:
            args: The function's arguments.
            return_state: Return the run's final state rather than its result; failures are not raised then.
            wait_for: Runs that must have ended before.
            kwargs: The function's arguments by name.
        """
        future = self.submit(*args, wait_for=wait_for, **kwargs)
        if self.isasync:
            return _outcome_of(future, return_state)
        try:
            future.wait()
        except KeyboardInterrupt:
            _cancel(future)
            raise
        return future.state if return_state else future.result()

    def submit(self, *args: Any, wait_for: Any = None, **kwargs: Any) -> PrefectFlowRunFuture[R]:
        """
        Run the flow on its infrastructure, and do not wait for it.

        This process starts the infrastructure and looks after it until the run has ended; it does not end before.

        Args:
            args: The function's arguments. Futures are waited for.
            wait_for: Runs that must have ended before.
            kwargs: The function's arguments by name.

        Returns:
            A future of the run.

        Raises:
            ParameterTypeError: They are not of the declared types.
            RuntimeError: The work pool has no storage for the flow's code.
            prefect.exceptions.ConfigurationError: There is no such work pool.
        """
        for future in wait_for or ():
            future.wait()
        return self._start(self._parameters(args, kwargs))

    def submit_to_work_pool(self, *args: P.args, **kwargs: P.kwargs) -> PrefectFlowRunFuture[R]:
        """
        Let a worker of the work pool run the flow. This process need not wait for it.

        The flow's code goes into the storage of the work pool; without any, into the storage of results, if that is shared.

        Args:
            args: The function's arguments. Futures are waited for.
            kwargs: The function's arguments by name.

        Returns:
            A future of the run.

        Raises:
            ParameterTypeError: They are not of the declared types.
            RuntimeError: The work pool has no storage for the flow's code, or it could not be uploaded.
            prefect.exceptions.ConfigurationError: There is no such work pool.
        """
        parameters = self._parameters(args, kwargs)

        async def dispatch() -> FlowRun:
            async with self._worker() as worker:
                return await worker._dispatch_run(self, parameters, self.job_variables)

        return PrefectFlowRunFuture(_in_thread(dispatch).result().id)

    dispatch = submit_to_work_pool

    async def retry(self, flow_run: FlowRun) -> R | State[R]:
        """
        Run the flow again for a run that has ended, and wait for it.

        Args:
            flow_run: The run, whose parameters are used.

        Returns:
            What the flow returned.

        Raises:
            ValueError: The run has not ended.
        """
        if flow_run.state is not None and not flow_run.state.is_final():
            raise ValueError(f"Flow run {flow_run.name!r} ({flow_run.id}) is {flow_run.state.name} and has not ended.")
        future = await asyncio.to_thread(self._start, flow_run.parameters, flow_run)
        return await _outcome_of(future, return_state=False)

    def _parameters(self, args: Any, kwargs: Any) -> dict[str, Any]:
        parameters: dict[str, Any] = resolve_futures_to_results(get_call_parameters(self.fn, args, kwargs))
        return self.validate_parameters(parameters) if self.should_validate_parameters else parameters

    def _worker(self) -> BaseWorker[Any, Any, Any]:
        return self.worker_cls(work_pool_name=self.work_pool, create_pool_if_not_found=False)

    def _start(self, parameters: dict[str, Any], flow_run: FlowRun | None = None) -> PrefectFlowRunFuture[R]:
        submitted: Future[PrefectFlowRunFuture[R]] = Future()

        async def look_after() -> None:
            async with self._worker() as worker:
                submitted.set_result(await worker.submit(self, parameters, self.job_variables, flow_run))

        ended = _in_thread(look_after)
        ended.add_done_callback(
            lambda done: submitted.set_exception(done.exception()) if not submitted.done() else None
        )
        return _LookedAfter(submitted.result(), ended)

    def with_options(
        self,
        *,
        job_variables: dict[str, Any] | None = None,
        launcher: BundleLauncher | type[NotSet] | None = NotSet,
        include_files: Sequence[str] | type[NotSet] | None = NotSet,
        include_files_base_dir: Path | str | type[NotSet] | None = NotSet,
        **options: Any,  # those of `Flow.with_options`, which says what they mean
    ) -> InfrastructureBoundFlow[P, R]:
        """
        The same flow with some options changed.

        Args:
            job_variables: Overrides for the work pool's job template, beside those that there are.
            launcher: What starts the storage steps of the work pool.
            include_files: Files, folders and patterns that go along with the code.
            include_files_base_dir: What these start from.
            options: The options of `Flow.with_options`.
        """
        twin = cast("InfrastructureBoundFlow[P, R]", super().with_options(**options))
        given = {
            "launcher": launcher,
            "include_files": include_files,
            "include_files_base_dir": include_files_base_dir,
        }
        changes = {name: value for name, value in given.items() if value is not NotSet}
        twin._bind(**{**self._binding, "job_variables": {**self.job_variables, **(job_variables or {})}, **changes})
        return twin

    def _made_anew(self, **options: Any) -> Flow[P, R]:
        return InfrastructureBoundFlow(**options, **self._binding)


def bind_flow_to_infrastructure(
    flow: Flow[P, R],
    work_pool: str,
    worker_cls: type[BaseWorker[Any, Any, Any]],
    job_variables: dict[str, Any] | None = None,
    launcher: BundleLauncher | None = None,
    include_files: Sequence[str] | None = None,
    *,
    include_files_base_dir: Path | str | None = None,
) -> InfrastructureBoundFlow[P, R]:
    """
    Bind a flow to infrastructure: its runs are executed there.

        train = bind_flow_to_infrastructure(train, work_pool="gpus", worker_cls=KubernetesWorker)
        future = train.submit(epochs=3)

    Args:
        flow: The flow.
        work_pool: The work pool, by name.
        worker_cls: The type of worker that starts the infrastructure.
        job_variables: Overrides for the work pool's job template.
        launcher: What starts the storage steps of the work pool, rather than `uv run`.
        include_files: Files, folders and patterns that go along with the code.
        include_files_base_dir: What these start from; the folder of the flow's file without.

    Raises:
        ValueError: The launcher is empty, or names no side.
        TypeError: The launcher is no command.
    """
    bound = InfrastructureBoundFlow.__new__(InfrastructureBoundFlow)
    bound.__dict__.update(copy(flow.__dict__))
    bound._bind(
        work_pool=work_pool,
        job_variables=job_variables or {},
        worker_cls=worker_cls,
        launcher=launcher,
        include_files=include_files,
        include_files_base_dir=include_files_base_dir,
    )
    return bound


class _LookedAfter(PrefectFlowRunFuture[R]):
    """A future of a run whose infrastructure is looked after on a thread of this process, which ends when the run has."""

    def __init__(self, future: PrefectFlowRunFuture[R], ended: Future[Any]) -> None:
        super().__init__(future.flow_run_id)
        self._ended = ended

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, and nothing of it is left behind."""
        began = time.monotonic()
        super().wait(timeout)
        if self._final_state is not None:
            wait([self._ended], None if timeout is None else max(0.0, began + timeout - time.monotonic()))


def _cancel(future: PrefectFlowRunFuture[Any]) -> None:
    """Cancel a run, whose infrastructure is ended then by who looks after it."""
    from prefect._contract.endpoints.flow_runs import set_flow_run_state
    from prefect.client.base import current_transport
    from prefect.states import Cancelling

    cancelling: State[Any] = Cancelling(message="What waited for the flow run was interrupted.")
    current_transport().send(set_flow_run_state(future.flow_run_id, cancelling))


async def _outcome_of(future: PrefectFlowRunFuture[R], return_state: bool) -> R | State[R]:
    try:
        await future.wait_async()
    except asyncio.CancelledError:
        _cancel(future)
        raise
    return future.state if return_state else await future.aresult()


def _in_thread(function: Callable[[], Awaitable[Any]]) -> Future[Any]:
    """
    Run a coroutine on a thread of its own, with an event loop of its own and the settings and tags of this one.

    The process does not end before the thread: it looks after infrastructure.
    """
    outcome: Future[Any] = Future()
    context = copy_context()

    async def perform() -> Any:
        return await function()

    def run() -> None:
        try:
            outcome.set_result(context.run(asyncio.run, perform()))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="prefect-infrastructure").start()
    return outcome
