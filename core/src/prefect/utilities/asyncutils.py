"""Sync code from async code, and the other way round."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial, wraps
from types import TracebackType
from typing import Any, Literal, Optional, ParamSpec, TypeVar, Union, cast
from uuid import UUID, uuid4

import anyio
import anyio.abc
import anyio.from_thread
import anyio.to_thread
from anyio.lowlevel import RunVar
from typing_extensions import Self, TypeVarTuple, Unpack

from prefect.utilities.background_loop import run_in_background_loop, run_in_new_thread, start_in_background_loop
from prefect.utilities.dual import is_async_code

__all__ = [
    "BACKGROUND_TASKS",
    "EVENT_LOOP_GC_REFS",
    "Async",
    "GatherIncomplete",
    "GatherTaskGroup",
    "LazySemaphore",
    "PosArgsT",
    "Sync",
    "add_event_loop_shutdown_callback",
    "asyncnullcontext",
    "background_task_lock",
    "call_with_mark",
    "create_gather_task_group",
    "create_task",
    "gather",
    "get_thread_limiter",
    "in_async_main_thread",
    "in_async_worker_thread",
    "is_async_fn",
    "is_async_gen_fn",
    "mark_as_worker_thread",
    "run_async_from_worker_thread",
    "run_async_in_new_loop",
    "run_coro_as_sync",
    "run_sync_in_worker_thread",
    "sync",
    "sync_compatible",
]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
PosArgsT = TypeVarTuple("PosArgsT")
Async = Literal[True]
Sync = Literal[False]

_THREADS = 250
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("prefect_thread_limiter")

EVENT_LOOP_GC_REFS: dict[int, Any] = {}
"""Keeps what `add_event_loop_shutdown_callback` needs until the loop ends."""

BACKGROUND_TASKS: set[asyncio.Task[Any]] = set()
"""Keeps the tasks of `create_task` until they are done: event loops do not."""

background_task_lock = threading.Lock()


def get_thread_limiter() -> anyio.CapacityLimiter:
    """What limits the threads that `run_sync_in_worker_thread` uses at the same time, for this event loop."""
    limiter = _limiter.get(None)
    if limiter is None:
        limiter = anyio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    return limiter


def is_async_fn(func: Callable[..., Any]) -> bool:
    """Whether a function, also behind decorators and partials, is a coroutine function."""
    return inspect.iscoroutinefunction(_unwrapped(func))


def is_async_gen_fn(func: Callable[..., Any]) -> bool:
    """Whether a function, also behind decorators and partials, is an async generator function."""
    return inspect.isasyncgenfunction(_unwrapped(func))


def _unwrapped(func: Any) -> Any:
    while True:
        if isinstance(func, partial):
            func = func.func
        elif hasattr(func, "__wrapped__"):
            func = func.__wrapped__
        else:
            return func


def create_task(coroutine: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
    """Run a coroutine beside the caller. Unlike asyncio's tasks it is not lost when nobody keeps it."""
    task = asyncio.create_task(coroutine)
    with background_task_lock:
        BACKGROUND_TASKS.add(task)
    task.add_done_callback(_forget)
    return task


def _forget(task: asyncio.Task[Any]) -> None:
    with background_task_lock:
        BACKGROUND_TASKS.discard(task)


def run_coro_as_sync(
    coroutine: Coroutine[Any, Any, R], *, force_new_thread: bool = False, wait_for_result: bool = True
) -> R | None:
    """
    Run a coroutine from sync code, whether or not an event loop runs on this thread.

    It runs on an event loop that this process has for such calls, on a thread of its own. So what is bound to a loop,
    such as a client, can be used by one call after another.

    Args:
        coroutine: The coroutine.
        force_new_thread: Whether to run it on a new loop and thread instead.
        wait_for_result: Whether to wait for it.

    Returns:
        What it returned; None if it is not waited for.
    """
    if not isinstance(coroutine, Coroutine):
        message = f"`coroutine` must be a coroutine object, not {coroutine!r}."
        raise TypeError(message)
    if not wait_for_result:
        start_in_background_loop(coroutine)
        return None
    if force_new_thread:
        return run_in_new_thread(coroutine)
    return run_in_background_loop(coroutine)


async def run_sync_in_worker_thread(__fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """
    Call a blocking function on a thread, and wait for it without blocking the event loop.

    A cancelled call goes on: a thread cannot be stopped.
    """
    call = partial(__fn, *args, **kwargs)
    return await anyio.to_thread.run_sync(call_with_mark, call, abandon_on_cancel=True, limiter=get_thread_limiter())


_worker = threading.local()


def call_with_mark(call: Callable[..., R]) -> R:
    """Call a function on a thread that is marked as a worker meanwhile."""
    before = getattr(_worker, "is_marked", False)
    mark_as_worker_thread()
    try:
        return call()
    finally:
        _worker.is_marked = before


def mark_as_worker_thread() -> None:
    """Say that this thread works for an event loop: see `in_async_worker_thread`."""
    _worker.is_marked = True


def in_async_worker_thread() -> bool:
    """Whether the caller is on a thread that works for an event loop."""
    return bool(getattr(_worker, "is_marked", False))


def in_async_main_thread() -> bool:
    """Whether the caller is on the thread of an event loop that runs."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def run_async_from_worker_thread(__fn: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call an async function on the event loop that this worker thread works for, and wait for it."""
    call = partial(__fn, *args, **kwargs)
    return anyio.from_thread.run(_call_async, call)


def run_async_in_new_loop(__fn: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call an async function on a new event loop on this thread."""
    call = partial(__fn, *args, **kwargs)
    return anyio.run(_call_async, call)


def sync(__async_fn: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    Call an async function from sync code, wherever that runs.

    On a worker thread it is called on the loop that the thread works for; on the thread of a running loop, which waits
    meanwhile, on another thread; else here, on a new loop.
    """
    if in_async_worker_thread():
        return run_async_from_worker_thread(__async_fn, *args, **kwargs)
    if in_async_main_thread():
        return run_in_new_thread(_awaited(__async_fn(*args, **kwargs)))
    return run_async_in_new_loop(__async_fn, *args, **kwargs)


async def _call_async(call: Callable[[], Awaitable[T]]) -> T:
    return await call()


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable


def sync_compatible(async_fn: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Union[R, Coroutine[Any, Any, R]]]:
    """
    Let an async function be called from sync code too: there it returns its result, in async code a coroutine.

    The function gets a keyword `_sync`, which says what it is to do whatever the caller is, and `.aio`, which is the
    function itself.
    """
    if not is_async_fn(async_fn):
        message = f"The decorated function must be async, which {async_fn!r} is not."
        raise TypeError(message)

    @wraps(async_fn)
    def call(*args: Any, _sync: Optional[bool] = None, **kwargs: Any) -> Any:
        coroutine = async_fn(*args, **kwargs)
        is_async = is_async_code() if _sync is None else not _sync
        return coroutine if is_async else run_coro_as_sync(coroutine)

    call.aio = async_fn  # type: ignore[attr-defined]
    return cast("Callable[P, Union[R, Coroutine[Any, Any, R]]]", call)


@asynccontextmanager
async def asyncnullcontext(value: Optional[R] = None, *args: Any, **kwargs: Any) -> AsyncIterator[Optional[R]]:
    """An async context manager that does nothing but yield a value."""
    yield value


async def add_event_loop_shutdown_callback(coroutine_fn: Callable[[], Awaitable[Any]]) -> None:
    """Call an async function when the running event loop ends."""

    async def wait_for_the_end(key: int) -> AsyncIterator[None]:
        try:
            yield
        except GeneratorExit:
            await coroutine_fn()
            EVENT_LOOP_GC_REFS.pop(key, None)

    # Event loops close the async generators that are left when they end.
    key = id(coroutine_fn)
    while key in EVENT_LOOP_GC_REFS:
        key += 1
    EVENT_LOOP_GC_REFS[key] = generator = wait_for_the_end(key)
    await generator.__anext__()


class GatherIncomplete(RuntimeError):
    """A result was asked for before the task group was left."""


class GatherTaskGroup:
    """A task group that keeps the results of its tasks. Made by `create_gather_task_group`."""

    def __init__(self, task_group: anyio.abc.TaskGroup) -> None:
        self._task_group = task_group
        self._results: dict[UUID, Any] = {}

    @property
    def cancel_scope(self) -> anyio.CancelScope:
        """What cancels all tasks."""
        return self._task_group.cancel_scope

    def start_soon(
        self, func: Callable[[Unpack[PosArgsT]], Awaitable[Any]], *args: Unpack[PosArgsT], name: object = None
    ) -> UUID:
        """
        Start a task.

        Returns:
            The key of its result, for `get_result`.
        """
        key = uuid4()
        self._results[key] = GatherIncomplete

        async def keep_result() -> None:
            self._results[key] = await func(*args)

        self._task_group.start_soon(keep_result, name=name)
        return key

    async def start(self, func: object, *args: object, name: object = None) -> Any:
        """
        Not possible: what such a task says when it has started is no result.

        Raises:
            RuntimeError: Always.
        """
        message = "A GatherTaskGroup cannot wait until a task has started: use `start_soon`."
        raise RuntimeError(message)

    def get_result(self, key: UUID) -> Any:
        """
        The result of a task, after the group was left.

        Args:
            key: What `start_soon` returned.

        Raises:
            GatherIncomplete: The task is not done.
        """
        result = self._results[key]
        if result is GatherIncomplete:
            message = "Task is not complete. Results are available only once the task group was left."
            raise GatherIncomplete(message)
        return result

    async def __aenter__(self) -> Self:
        await self._task_group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._task_group.__aexit__(kind, error, trace)


def create_gather_task_group() -> GatherTaskGroup:
    """A task group that keeps the results of its tasks."""
    return GatherTaskGroup(anyio.create_task_group())


async def gather(*calls: Callable[[], Coroutine[Any, Any, T]]) -> list[T]:
    """
    Call async functions at the same time, and wait for all of them. If one fails the others are cancelled.

    Returns:
        Their results, in the order of the functions.
    """
    keys = []
    async with create_gather_task_group() as group:
        keys = [group.start_soon(call) for call in calls]
    return [group.get_result(key) for key in keys]


class LazySemaphore(AbstractAsyncContextManager["LazySemaphore"]):
    """
    A semaphore whose size is known only when it is first used.

    Args:
        initial_value_func: Returns the size.
    """

    def __init__(self, initial_value_func: Callable[[], int]) -> None:
        self._initial_value_func = initial_value_func
        self._semaphore: anyio.Semaphore | None = None

    async def __aenter__(self) -> LazySemaphore:
        if self._semaphore is None:
            self._semaphore = anyio.Semaphore(self._initial_value_func())
        await self._semaphore.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._semaphore is not None:
            self._semaphore.release()
