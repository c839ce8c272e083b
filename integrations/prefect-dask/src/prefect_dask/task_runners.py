"""The task runner: each task run of a flow is a task of a Dask cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, Union
from uuid import UUID, uuid4
from weakref import WeakSet

import cloudpickle
from distributed import Client, Future, LocalCluster, performance_report

from prefect.client.orchestration import get_client
from prefect.context import serialize_context
from prefect.exceptions import ObjectNotFound
from prefect.futures import PrefectFuture, PrefectWrappedFuture, result_of
from prefect.logging import get_logger
from prefect.states import Cancelled, Crashed
from prefect.task_runners import TaskRunner
from prefect.utilities.collections import visit_collection
from prefect.utilities.importtools import from_qualified_name
from prefect_dask.remote import Submission, Upstream, run_on_worker

if TYPE_CHECKING:
    from typing_extensions import Self

    from prefect.client.schemas.objects import RunInput, State
    from prefect.tasks import Task

__all__ = ["DaskTaskRunner", "PrefectDaskFuture"]

R = TypeVar("R")
ClusterClass = Union[str, Callable[..., Any], None]


class PrefectDaskFuture(PrefectWrappedFuture[R, Any]):
    """The eventual result of a task run on a Dask cluster; `wrapped_future` is Dask's future of the run's state."""

    @property
    def state(self) -> State[R]:
        """The run's current state."""
        if self._final_state is None and self._wrapped_future.done():
            self.wait()
        return super().state

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, at most `timeout` seconds. A timeout is not an error: look at `state`."""
        if self._final_state is not None:
            return
        try:
            # What has ended is only to be fetched: this takes a moment, whatever the timeout.
            self._final_state = self._wrapped_future.result(None if self._wrapped_future.done() else timeout)
        except (TimeoutError, asyncio.TimeoutError):
            return
        except Exception as error:
            self._final_state = self._record_end(error)

    def _record_end(self, error: Exception) -> State[R]:
        """The cluster has lost the run: record that, as nobody else can."""
        message = f"The Dask cluster did not end the task: {type(error).__name__}: {error}"
        is_cancelled = self._wrapped_future.status == "cancelled"
        state: State[Any] = Cancelled(message=message) if is_cancelled else Crashed(message=message, data=error)
        client = get_client(sync_client=True)
        with suppress(ObjectNotFound):  # it may not have begun
            recorded = client.read_task_run(self.task_run_id).state
            if recorded is not None and recorded.is_final():
                return recorded  # it ended there before the cluster was lost
            client.set_task_run_state(self.task_run_id, state, force=True)
        return state

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """
        Wait for the run, and return what it returned.

        Args:
            timeout: Seconds to wait at most.
            raise_on_failure: Raise the run's exception rather than return it.

        Raises:
            TimeoutError: The run has not ended in time.
        """
        self.wait(timeout)
        if self._final_state is None:
            raise TimeoutError(f"Task run {str(self.task_run_id)!r} did not end within {timeout} seconds.")
        return result_of(self._final_state, raise_on_failure)


class DaskTaskRunner(TaskRunner[PrefectDaskFuture[Any]]):
    """
    Runs tasks on a Dask cluster: one that exists, or one that is made for each flow run and closed after it.

    Args:
        cluster: A cluster that runs already; it is not closed.
        address: The address of the scheduler of one, such as `tcp://10.0.0.1:8786`.
        cluster_class: What makes a cluster, or its import path; `distributed.LocalCluster` by default.
        cluster_kwargs: What it is called with.
        adapt_kwargs: Let the cluster grow and shrink: what its method `adapt` is called with, such as
            `{"minimum": 1, "maximum": 8}`.
        client_kwargs: What `distributed.Client` is called with besides.
        performance_report_path: Where Dask's report on the run is written, as HTML. This needs the package `bokeh`.

    Raises:
        ValueError: What is given contradicts itself.
        ModuleNotFoundError: A report is wanted, and `bokeh` is not installed.
    """

    def __init__(
        self,
        cluster: Any = None,
        address: str | None = None,
        cluster_class: ClusterClass = None,
        cluster_kwargs: dict[str, Any] | None = None,
        adapt_kwargs: dict[str, Any] | None = None,
        client_kwargs: dict[str, Any] | None = None,
        performance_report_path: str | None = None,
    ) -> None:
        super().__init__()
        exists = [name for name, value in (("cluster", cluster), ("address", address)) if value is not None]
        made = [name for name, value in (("cluster_class", cluster_class), ("cluster_kwargs", cluster_kwargs)) if value]
        if len(exists) > 1 or (exists and made):
            raise ValueError(f"Give either {exists[0]!r} or {' and '.join(exists[1:] or made)!r}, not both.")
        if address is not None and adapt_kwargs:
            raise ValueError(
                "'adapt_kwargs' needs a cluster that is made here, or 'cluster': an address cannot be told to."
            )
        if cluster is not None and getattr(cluster, "asynchronous", False):
            raise ValueError("The cluster is asynchronous. Make it with `asynchronous=False`.")
        if performance_report_path and find_spec("bokeh") is None:
            raise ModuleNotFoundError("'performance_report_path' needs the package 'bokeh': pip install bokeh")
        self.cluster = cluster
        self.address = address
        self.cluster_class = from_qualified_name(cluster_class) if isinstance(cluster_class, str) else cluster_class
        self.cluster_kwargs = dict(cluster_kwargs or {})
        self.adapt_kwargs = dict(adapt_kwargs or {})
        self.client_kwargs = dict(client_kwargs or {})
        self.performance_report_path = performance_report_path
        self._client: Any = None
        self._open: ExitStack | None = None
        self._pending: set[PrefectDaskFuture[Any]] = set()
        self._made: WeakSet[PrefectDaskFuture[Any]] = WeakSet()

    def duplicate(self) -> Self:
        """A new runner with the same settings, not started."""
        return type(self)(
            self.cluster,
            self.address,
            self.cluster_class,
            self.cluster_kwargs,
            self.adapt_kwargs,
            self.client_kwargs,
            self.performance_report_path,
        )

    @property
    def client(self) -> Client:
        """
        The client of the cluster, while the runner is started.

        Raises:
            RuntimeError: It is not.
        """
        if self._client is None:
            raise RuntimeError("The task runner is not started: use it in a flow, or with `with`.")
        return self._client

    def submit(
        self,
        task: Task[Any, Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> PrefectDaskFuture[Any]:
        """
        Run a task on the cluster, and return a future at once.

        What earlier tasks on the cluster return goes to this one directly, without coming here.

        Args:
            task: The task.
            parameters: Its parameters, by name.
            wait_for: Futures that must have ended before it begins.
            dependencies: The runs whose results go into it; found in the parameters without it.

        Raises:
            TypeError: The task or its parameters cannot be pickled.
        """
        self._require_start()
        upstreams: list[Any] = []
        run_id = uuid4()
        submission = Submission(
            task,
            run_id,
            _with_upstreams(parameters, upstreams),
            _with_upstreams(list(wait_for or ()), upstreams),
            dependencies,
            serialize_context(),
        )
        key = f"{task.name}-{run_id}"
        wrapped = self.client.submit(run_on_worker, _packed(submission), upstreams, key=key, pure=False)
        return self._watched(run_id, wrapped)

    def _watched(self, run_id: UUID, wrapped: Future) -> PrefectDaskFuture[Any]:
        future: PrefectDaskFuture[Any] = PrefectDaskFuture(run_id, wrapped)
        self._pending.add(future)  # Dask gives up tasks of which nobody keeps the future
        self._made.add(future)

        def release(ended: Future) -> None:
            if ended.status == "finished":
                self._pending.discard(future)

        wrapped.add_done_callback(release)
        return future

    def __getstate__(self) -> dict[str, Any]:
        """Flows travel to workers with their runners: there, a cluster is its address."""
        address = self.address if self.cluster is None else str(self.cluster.scheduler_address)
        alone: dict[str, Any] = {
            "cluster": None,
            "address": address,
            "_client": None,
            "_open": None,
            "_pending": set(),
            "_made": None,
        }
        return {**vars(self), **alone, "_started": False}

    def cancel_all(self) -> None:
        """Give up the tasks that have not begun. Those that have are ended with the cluster, if it was made here."""
        if self._client is not None:
            self._client.cancel([future.wrapped_future for future in self._pending], force=True)

    def __enter__(self) -> Self:
        super().__enter__()
        self._made = WeakSet()
        with ExitStack() as opening:
            where: Any = self.cluster or self.address
            if where is None:
                where = opening.enter_context((self.cluster_class or LocalCluster)(**self.cluster_kwargs))
            if self.adapt_kwargs:
                where.adapt(**self.adapt_kwargs)
            self._client = opening.enter_context(Client(where, set_as_default=False, **self.client_kwargs))
            if self.performance_report_path:
                opening.enter_context(self._client.as_current())
                opening.enter_context(performance_report(self.performance_report_path))
            if self._client.dashboard_link:
                get_logger("task_runner.dask").info("The Dask dashboard is at %s", self._client.dashboard_link)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        opened, self._open = self._open, None
        try:
            if exc is not None and not isinstance(exc, Exception):
                self.cancel_all()
            for future in {
                *self._pending,
                *self._made,
            }:  # what somebody still has is asked for while the cluster is there
                future.wait()
        finally:
            if opened is not None:
                opened.close()
            self._client = None
            self._pending.clear()
            self._made.clear()
            super().__exit__(exc_type, exc, traceback)


def _with_upstreams(expression: Any, upstreams: list[Any]) -> Any:
    """An expression with an `Upstream` in the place of each future, whose outcome is put into a list."""

    def visit(part: Any) -> Any:
        if not isinstance(part, PrefectFuture):
            return part
        if isinstance(part, PrefectDaskFuture):
            upstreams.append(part.wrapped_future)
        else:
            part.wait()
            upstreams.append(part.state)
        return Upstream(len(upstreams) - 1)

    return visit_collection(expression, visit_fn=visit, return_data=True, max_depth=-1)


def _packed(submission: Submission) -> bytes:
    try:
        return bytes(cloudpickle.dumps(submission))
    except Exception as error:
        name = submission.task.name
        raise TypeError(f"Task {name!r} or its parameters cannot be sent to the cluster: {error}") from error
