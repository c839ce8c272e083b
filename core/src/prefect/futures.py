"""What a submitted run promises: futures, their states and results, and waiting for many of them."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

from prefect._contract.state import State
from prefect.exceptions import MissingResult
from prefect.states import Pending, read_state_result
from prefect.utilities.annotations import quote
from prefect.utilities.collections import visit_collection
from prefect.utilities.dual import adrive, drive

if TYPE_CHECKING:
    from prefect._contract.call import Call
    from prefect.utilities.dual import Steps

__all__ = [
    "DoneAndNotDoneFutures",
    "PrefectConcurrentFuture",
    "PrefectDistributedFuture",
    "PrefectFlowRunFuture",
    "PrefectFuture",
    "PrefectFutureList",
    "PrefectTaskRunFuture",
    "PrefectWrappedFuture",
    "as_completed",
    "resolve_futures_to_results",
    "resolve_futures_to_states",
    "wait",
]

R = TypeVar("R")
F = TypeVar("F")

POLL_INTERVAL = 0.1


def result_of(state: State[R], raise_on_failure: bool) -> R:
    """The result of a final state, on this thread whatever the calling code is."""
    return cast("R", drive(read_state_result.steps(state, raise_on_failure)))


class PrefectFuture(ABC, Generic[R]):
    """The eventual result of a run that was started elsewhere: in a thread, a process, on a cluster."""

    def __init__(self, task_run_id: UUID) -> None:
        self._task_run_id = task_run_id
        self._final_state: State[R] | None = None

    @property
    def task_run_id(self) -> UUID:
        """The id of the task run."""
        return self._task_run_id

    @property
    @abstractmethod
    def state(self) -> State[R]:
        """The run's current state."""

    @abstractmethod
    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, at most `timeout` seconds. A timeout is not an error: look at `state`."""

    @abstractmethod
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """
        Wait for the run, and return what it returned.

        Args:
            timeout: Seconds to wait at most.
            raise_on_failure: Raise the run's exception rather than return it.

        Raises:
            TimeoutError: The run has not ended in time.
        """

    @abstractmethod
    def add_done_callback(self, fn: Callable[[PrefectFuture[R]], None]) -> None:
        """Call `fn` with this future once the run has ended; at once if it has already."""


class PrefectTaskRunFuture(PrefectFuture[R]):
    """A future of a task run, whose state the orchestrator knows."""

    @property
    def state(self) -> State[R]:
        """The run's current state; Pending while the orchestrator has not heard of the run."""
        if self._final_state is not None:
            return self._final_state
        from prefect._contract.endpoints.task_runs import read_task_run

        return _state_of(read_task_run(self._task_run_id))


class PrefectWrappedFuture(PrefectTaskRunFuture[R], Generic[R, F]):
    """A future around the future of the machinery that runs the task."""

    def __init__(self, task_run_id: UUID, wrapped_future: F) -> None:
        self._wrapped_future = wrapped_future
        super().__init__(task_run_id)

    @property
    def wrapped_future(self) -> F:
        """The machinery's future; it resolves to the run's final state."""
        return self._wrapped_future

    def add_done_callback(self, fn: Callable[[PrefectFuture[R]], None]) -> None:
        if self._final_state is not None:
            fn(self)
            return
        cast("Any", self._wrapped_future).add_done_callback(lambda _: fn(self))


class PrefectConcurrentFuture(PrefectWrappedFuture[R, "concurrent.futures.Future[Any]"]):
    """A future of a task run in a pool of this process or host."""

    @property
    def state(self) -> State[R]:
        if self._final_state is None and self._wrapped_future.done():
            self._settle(self._wrapped_future.result())
        state = super().state
        if self._final_state is None and state.is_final():
            self.wait()  # it is about to arrive here, with its result
            return super().state
        return state

    def _settle(self, outcome: Any) -> None:
        self._final_state = outcome if isinstance(outcome, State) else None

    def wait(self, timeout: float | None = None) -> None:
        try:
            self._settle(self._wrapped_future.result(timeout))
        except (TimeoutError, concurrent.futures.TimeoutError):
            return

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        if self._final_state is None:
            try:
                outcome = self._wrapped_future.result(timeout)
            except concurrent.futures.TimeoutError as error:
                raise TimeoutError(
                    f"Task run {str(self._task_run_id)!r} did not end within {timeout} seconds."
                ) from error
            if not isinstance(outcome, State):
                return cast("R", outcome)
            self._settle(outcome)
        return result_of(cast("State[R]", self._final_state), raise_on_failure)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(task_run_id={str(self._task_run_id)!r})"


class _Polled(PrefectFuture[R]):
    """A future whose end is learnt from the orchestrator."""

    def _read(self) -> State[R]:
        raise NotImplementedError

    @property
    def state(self) -> State[R]:
        return self._final_state or self._read()

    def wait(self, timeout: float | None = None) -> None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._final_state is None:
            state = self._read()
            if state.is_final():
                self._final_state = state
            elif deadline is not None and time.monotonic() >= deadline:
                return
            else:
                time.sleep(POLL_INTERVAL)

    async def wait_async(self, timeout: float | None = None) -> None:
        """Like `wait`, without blocking the event loop."""
        import anyio

        await anyio.to_thread.run_sync(self.wait, timeout, abandon_on_cancel=True)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        self.wait(timeout)
        if self._final_state is None:
            raise TimeoutError(f"Run {str(self._task_run_id)!r} did not end within {timeout} seconds.")
        return result_of(self._final_state, raise_on_failure)

    async def result_async(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Like `result`, without blocking the event loop."""
        await self.wait_async(timeout)
        if self._final_state is None:
            raise TimeoutError(f"Run {str(self._task_run_id)!r} did not end within {timeout} seconds.")
        return await read_state_result.aio(self._final_state, raise_on_failure)  # type: ignore[no-any-return]

    def add_done_callback(self, fn: Callable[[PrefectFuture[R]], None]) -> None:
        if self._final_state is not None:
            fn(self)
            return

        def watch() -> None:
            self.wait()
            fn(self)

        threading.Thread(target=watch, name="prefect-future-watch", daemon=True).start()


class PrefectDistributedFuture(_Polled[R], PrefectTaskRunFuture[R]):
    """
    A future of a task run in another process, on this host or another; its end is learnt from the orchestrator.

    It can be pickled, and made anew from the id of the run, to be waited for anywhere.
    """

    def wait(self, timeout: float | None = None) -> None:
        drive(self._wait_steps(timeout))

    async def wait_async(self, timeout: float | None = None) -> None:
        """Like `wait`, without blocking the event loop."""
        await adrive(self._wait_steps(timeout))

    def _wait_steps(self, timeout: float | None) -> Steps[None]:
        from prefect._contract.endpoints.waiting import read_ended_task_runs
        from prefect.client.questions import ask_until

        if self._final_state is not None:
            return
        question = partial(read_ended_task_runs, [self._task_run_id])
        if (yield from ask_until(question, timeout)):
            state = self._read()
            self._final_state = state if state.is_final() else None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._task_run_id,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(task_run_id={str(self._task_run_id)!r})"

    def _read(self) -> State[R]:
        from prefect._contract.endpoints.task_runs import read_task_run

        return _state_of(read_task_run(self._task_run_id))


class PrefectFlowRunFuture(_Polled[R]):
    """A future of a flow run."""

    def __init__(self, flow_run_id: UUID) -> None:
        super().__init__(flow_run_id)

    @property
    def flow_run_id(self) -> UUID:
        """The id of the flow run."""
        return self._task_run_id

    def _read(self) -> State[R]:
        from prefect._contract.endpoints.flow_runs import read_flow_run

        return _state_of(read_flow_run(self._task_run_id))

    async def aresult(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Like `result`, without blocking the event loop."""
        return await self.result_async(timeout, raise_on_failure)


def _state_of(call: Call[Any]) -> State[Any]:
    from prefect.client.base import current_transport
    from prefect.exceptions import ObjectNotFound

    try:
        run = current_transport().send(call)
    except ObjectNotFound:
        return Pending()
    return run.state or Pending()


class PrefectFutureList(list[PrefectFuture[R]], Iterator[PrefectFuture[R]]):
    """What `Task.map` returns: futures in the order of the inputs."""

    def wait(self, timeout: float | None = None) -> None:
        """Wait for all runs, at most `timeout` seconds together."""
        wait(self, timeout=timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R]:
        """
        Wait for all runs, and return what they returned, in order.

        Raises:
            TimeoutError: Not all have ended in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        results = []
        for done, future in enumerate(self):
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                results.append(future.result(timeout=left, raise_on_failure=raise_on_failure))
            except MissingResult:
                raise
            except TimeoutError as error:
                if future.state.is_final():
                    raise
                raise TimeoutError(
                    f"Timed out waiting for all futures to complete: {done} of {len(self)} within {timeout} seconds."
                ) from error
        return results

    def __iter__(self) -> Iterator[PrefectFuture[R]]:
        return list.__iter__(self)

    def __next__(self) -> PrefectFuture[R]:
        raise TypeError("Call iter() on the list of futures first.")


class _DoneAndNotDone(NamedTuple):
    done: set[Any]
    not_done: set[Any]


class DoneAndNotDoneFutures(_DoneAndNotDone, Generic[R]):
    """The two sets that `wait` sorts futures into: `done` and `not_done`."""


def as_completed(futures: list[PrefectFuture[R]], timeout: float | None = None) -> Generator[PrefectFuture[R], None]:
    """
    Yield futures in the order in which their runs end.

    Args:
        futures: The futures; a duplicate is yielded once.
        timeout: Seconds to wait for all of them.

    Raises:
        TimeoutError: Not all have ended in time.
    """
    import queue

    unique = set(futures)
    finished: queue.SimpleQueue[PrefectFuture[R]] = queue.SimpleQueue()
    for future in unique:
        future.add_done_callback(finished.put)
    deadline = None if timeout is None else time.monotonic() + timeout
    for number in range(len(unique)):
        try:
            yield finished.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise TimeoutError(f"{len(unique) - number} (of {len(unique)}) futures unfinished.") from None


def wait(futures: list[PrefectFuture[R]], timeout: float | None = None) -> DoneAndNotDoneFutures[R]:
    """
    Wait for futures, whether their runs succeed or fail.

    Args:
        futures: The futures.
        timeout: Seconds to wait for all of them.

    Returns:
        The futures that are done, and those that are not.
    """
    unique = set(futures)
    done: set[PrefectFuture[R]] = set()
    try:
        for future in as_completed(list(unique), timeout=timeout):
            done.add(future)
            future.wait(0)
    except TimeoutError:
        pass
    return DoneAndNotDoneFutures(done, unique - done)


def resolve_futures_to_states(expr: PrefectFuture[R] | Any) -> Any:
    """Wait for every future in a nested collection, and put its state in its place."""

    def resolve(future: PrefectFuture[Any]) -> State[Any]:
        future.wait()
        return future.state

    return _replace_futures(expr, resolve)


def resolve_futures_to_results(expr: PrefectFuture[R] | Any) -> Any:
    """
    Wait for every future in a nested collection, and put its result in its place.

    Raises:
        Exception: That of a run which did not complete.
    """
    return _replace_futures(expr, lambda future: future.result())


def _replace_futures(expr: Any, resolve: Callable[[PrefectFuture[Any]], Any]) -> Any:
    def visit(item: Any, context: dict[str, Any]) -> Any:
        if isinstance(context.get("annotation"), quote):
            return item
        return resolve(item) if isinstance(item, PrefectFuture) else item

    if isinstance(expr, PrefectFuture):
        return resolve(expr)
    return visit_collection(expr, visit_fn=visit, return_data=True, context={}, max_depth=-1)
