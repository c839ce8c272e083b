"""Where submitted tasks run: in threads, in processes, or on whatever a plugin brings."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from prefect._engine.pool import ThreadPool
from prefect._engine.signals import CancellationRequest
from prefect.futures import PrefectConcurrentFuture, PrefectDistributedFuture, PrefectFuture, PrefectFutureList
from prefect.utilities.annotations import allow_failure, unmapped

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

    from typing_extensions import Self

    from prefect._contract.objects import RunInput
    from prefect.tasks import Task

__all__ = [
    "ConcurrentTaskRunner",
    "PrefectTaskRunner",
    "ProcessPoolTaskRunner",
    "SequentialTaskRunner",
    "TaskRunner",
    "ThreadPoolTaskRunner",
]

F_co = TypeVar("F_co", bound=PrefectFuture[Any], covariant=True)

CANCEL_GRACE_SECONDS = 3.0
"""How long running tasks may take to notice that their flow run ends by force."""


class TaskRunner(ABC, Generic[F_co]):
    """
    Runs submitted tasks. A flow run enters a fresh copy of its flow's runner with `with`.

    A runner of one's own implements `duplicate` and `submit`, and calls `prefect.task_engine.run_task_sync` or
    `run_task_async` wherever the work is to happen; the contexts to hydrate there come from
    `prefect.context.serialize_context()`.
    """

    def __init__(self) -> None:
        self._started = False

    @property
    def name(self) -> str:
        """The runner's name: its class's name in lower case, without `TaskRunner`."""
        return type(self).__name__.lower().replace("taskrunner", "")

    @abstractmethod
    def duplicate(self) -> Self:
        """A new runner with the same settings, not started."""

    @abstractmethod
    def submit(
        self,
        task: Task[Any, Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> F_co:
        """
        Run a task, and return a future at once.

        Args:
            task: The task.
            parameters: Its parameters, by name.
            wait_for: Futures that must have ended before it begins.
            dependencies: The runs whose results go into it; found in the parameters without it.
        """

    def map(
        self,
        task: Task[Any, Any],
        parameters: dict[str, Any | unmapped[Any] | allow_failure[Any]],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        max_in_flight: int | None = None,
    ) -> PrefectFutureList[Any]:
        """
        Run a task once for each element of its iterable parameters.

        Args:
            task: The task.
            parameters: Its parameters; iterables are taken element by element unless marked `unmapped`, everything else is
                passed to each run.
            wait_for: Futures that must have ended before any run begins.
            max_in_flight: How many runs may be unfinished at a time; submission waits beyond them.

        Raises:
            MappingMissingIterable: No parameter is iterable.
            MappingLengthMismatch: Iterable parameters differ in length.
        """
        calls = split_parameters(task, parameters)
        if max_in_flight is not None:
            return self._map_within(max_in_flight, task, calls, wait_for)
        return PrefectFutureList(self.submit(task, call, wait_for) for call in calls)

    def _map_within(
        self, window: int, task: Task[Any, Any], calls: Iterable[dict[str, Any]], wait_for: Any
    ) -> PrefectFutureList[Any]:
        import threading

        if window < 1:
            raise ValueError(f"max_in_flight must be at least 1, got {window}.")
        slots = threading.Semaphore(window)
        futures: PrefectFutureList[Any] = PrefectFutureList()
        for call in calls:
            slots.acquire()
            future = self.submit(task, call, wait_for)
            future.add_done_callback(lambda _: slots.release())
            futures.append(future)
        return futures

    def cancel_all(self) -> None:
        """Stop what can be stopped: the flow run is ending by force."""

    def __enter__(self) -> Self:
        if self._started:
            raise RuntimeError(f"This {type(self).__name__} is already started.")
        self._started = True
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._started = False

    def _require_start(self) -> None:
        if not self._started:
            raise RuntimeError("Task runner must be started before submitting work: use it in a flow or with `with`.")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _settings(self) == _settings(other)

    __hash__ = object.__hash__


def _settings(runner: Any) -> dict[str, Any]:
    """What two equal runners have in common: their public attributes and limits, not what they run now."""
    return {
        name: value
        for name, value in vars(runner).items()
        if name in ("_max_workers", "max_workers") or not name.startswith("_")
    }


def split_parameters(task: Task[Any, Any], parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters of each run of a mapped task. What a future promises is waited for, to be mapped over."""
    from prefect.utilities.callables import expand_mapping_parameters

    return expand_mapping_parameters(task.fn, {name: _arrived(value) for name, value in parameters.items()})


def _arrived(value: Any) -> Any:
    if isinstance(value, PrefectFuture):
        return value.result()
    if isinstance(value, allow_failure) and isinstance(future := value.unwrap(), PrefectFuture):
        return allow_failure(future.result())
    return value


class ThreadPoolTaskRunner(TaskRunner[PrefectConcurrentFuture[Any]]):
    """
    Runs tasks in threads of this process; async tasks each in an event loop of their own.

    Args:
        max_workers: The most tasks at a time. Without it, PREFECT_TASK_RUNNER_THREAD_POOL_MAX_WORKERS; without that, as
            many threads as there are tasks that block.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        super().__init__()
        if max_workers is not None and max_workers < 1:
            raise ValueError(f"max_workers must be at least 1, got {max_workers}.")
        self._max_workers = max_workers
        self._pool: ThreadPool | None = None

    def duplicate(self) -> Self:
        return type(self)(max_workers=self._max_workers)

    def _threads(self) -> ThreadPool:
        if self._pool is None:
            from prefect.settings import get_current_settings

            limit = self._max_workers or get_current_settings().tasks.runner.thread_pool_max_workers
            self._pool = ThreadPool(limit)
        return self._pool

    def submit(
        self,
        task: Task[Any, Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> PrefectConcurrentFuture[Any]:
        from prefect._engine.submission import prepare

        self._require_start()
        run = prepare(task, parameters, wait_for, dependencies)
        context = copy_context()
        future = self._threads().submit(partial(context.run, run.call))
        return PrefectConcurrentFuture(task_run_id=run.task_run_id, wrapped_future=future)

    def cancel_all(self) -> None:
        if self._pool is not None:
            self._pool.cancel(CancellationRequest)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if (pool := self._pool) is not None:
            if exc is not None and not isinstance(exc, Exception):
                self.cancel_all()
                pool.wait(CANCEL_GRACE_SECONDS)
            else:
                pool.wait()
            pool.close()
            self._pool = None
        super().__exit__(exc_type, exc, traceback)


ConcurrentTaskRunner = ThreadPoolTaskRunner


class ProcessPoolTaskRunner(TaskRunner[PrefectConcurrentFuture[Any]]):
    """
    Runs tasks in processes of this host, for work that needs more than one core.

    Tasks, parameters and results travel by cloudpickle. Start it from a file guarded by `if __name__ == "__main__"`.

    Args:
        max_workers: The most processes. Without it PREFECT_TASKS_RUNNER_PROCESS_POOL_MAX_WORKERS, else one per core.
        initializer: Called in each process before its first task.
        initargs: Its arguments.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        initializer: Callable[..., None] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        super().__init__()
        if max_workers is not None and max_workers < 1:
            raise ValueError(f"max_workers must be at least 1, got {max_workers}.")
        self._max_workers = max_workers
        self._initializer = initializer
        self._initargs = initargs
        self._executor: ProcessPoolExecutor | None = None

    def duplicate(self) -> Self:
        return type(self)(self._max_workers, self._initializer, self._initargs)

    def _processes(self) -> ProcessPoolExecutor:
        if self._executor is None:
            import multiprocessing
            import os
            from concurrent.futures import ProcessPoolExecutor

            from prefect.settings import get_current_settings

            limit = self._max_workers or get_current_settings().tasks.runner.process_pool_max_workers
            self._executor = ProcessPoolExecutor(
                max_workers=limit or os.cpu_count() or 1,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=self._initializer,
                initargs=self._initargs,
            )
        return self._executor

    def submit(
        self,
        task: Task[Any, Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> PrefectConcurrentFuture[Any]:
        from prefect._engine.submission import prepare, submit_to_process

        self._require_start()
        run = prepare(task, parameters, wait_for, dependencies)
        return PrefectConcurrentFuture(
            task_run_id=run.task_run_id, wrapped_future=submit_to_process(self._processes(), run)
        )

    def cancel_all(self) -> None:
        if self._executor is not None:
            processes = list((getattr(self._executor, "_processes", None) or {}).values())
            self._executor.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._executor is not None:
            if exc is not None and not isinstance(exc, Exception):
                self.cancel_all()
            else:
                self._executor.shutdown(wait=True)
            self._executor = None
        super().__exit__(exc_type, exc, traceback)


class PrefectTaskRunner(TaskRunner[PrefectDistributedFuture[Any]]):
    """
    Lets task workers run tasks, on this machine or others: `task.serve()` starts one.

    Runs outlive the flow run that submitted them. Wait for their futures where the flow should.
    """

    def duplicate(self) -> Self:
        return type(self)()

    def submit(
        self,
        task: Task[Any, Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> PrefectDistributedFuture[Any]:
        self._require_start()
        return task.apply_async(kwargs=parameters, wait_for=wait_for, dependencies=dependencies)


class SequentialTaskRunner(TaskRunner[PrefectConcurrentFuture[Any]]):
    """Runs each submitted task at once, on the submitting thread: for debugging, and where threads are not wanted."""

    def duplicate(self) -> Self:
        return copy.copy(self)

    def submit(
        self,
        task: Task[Any, Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> PrefectConcurrentFuture[Any]:
        from concurrent.futures import Future

        from prefect._engine.submission import prepare

        self._require_start()
        run = prepare(task, parameters, wait_for, dependencies)
        future: Future[Any] = Future()
        future.set_result(copy_context().run(run.call))
        return PrefectConcurrentFuture(task_run_id=run.task_run_id, wrapped_future=future)
