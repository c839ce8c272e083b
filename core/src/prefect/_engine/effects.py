"""
The effects of a run: what its logic asks the outside for.

The logic (`flow_run`, `task_run`) is a generator of these; `prefect.utilities.dual` drives it from sync code or from async
code. The contexts of a run are entered around the user's code only, never around the engine's own steps, so that a consumer
of a generator task does not find itself inside of the task.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import anyio

from prefect.utilities.dual import Effect, Steps, user_code_is_async
from prefect.utilities.time import now
from prefect.utilities.timeout import call_with_timeout

R = TypeVar("R")

Contexts = Sequence[AbstractContextManager[Any]]


class Overtime(TimeoutError):
    """The user's code took longer than its run may take; not to be mixed up with a timeout inside of that code."""


class Colour(AbstractContextManager[None]):
    """Tells dual functions whether the user's code around them is async."""

    __slots__ = ("_is_async", "_token")

    def __init__(self, is_async: bool) -> None:
        self._is_async = is_async

    def __enter__(self) -> None:
        self._token = user_code_is_async.set(self._is_async)

    def __exit__(self, *_: object) -> None:
        user_code_is_async.reset(self._token)


@contextmanager
def _entered(contexts: Contexts) -> Iterator[None]:
    with ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        yield


def call_within(function: Callable[[], R], timeout: float | None) -> R:
    """
    Call a function, for at most `timeout` seconds.

    Raises:
        Overtime: It took longer.
    """
    if timeout is None:
        return function()
    return call_with_timeout(function, timeout, Overtime)


async def await_within(function: Callable[[], Awaitable[R]], timeout: float | None) -> R:
    """
    Await what a function returns, for at most `timeout` seconds.

    Raises:
        Overtime: It took longer.
    """
    if timeout is None:
        return await function()
    with anyio.move_on_after(timeout) as scope:
        return await function()
    raise Overtime(f"Timed out after {timeout} second(s).") if scope.cancelled_caught else RuntimeError("unreachable")


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call the user's function within the run's contexts, for at most `timeout` seconds."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    contexts: Contexts = ()
    timeout: float | None = None

    def perform(self) -> Any:
        with _entered(self.contexts):
            return call_within(lambda: self.function(*self.args, **self.kwargs), self.timeout)

    async def aperform(self) -> Any:
        with _entered(self.contexts):
            return await await_within(lambda: self.function(*self.args, **self.kwargs), self.timeout)


@dataclass(frozen=True, slots=True)
class Advance:
    """
    Take the next value of the user's generator, sync or async, within the run's contexts.

    Performing it returns the value, or raises `StopIteration`/`StopAsyncIteration` wrapped as `Exhausted`.
    """

    generator: Any
    sent: Any = None
    contexts: Contexts = ()
    timeout: float | None = None

    def perform(self) -> Any:
        with _entered(self.contexts):
            try:
                return call_within(lambda: self.generator.send(self.sent), self.timeout)
            except StopIteration as stop:
                raise Exhausted(stop.value) from None

    async def aperform(self) -> Any:
        with _entered(self.contexts):
            try:
                return await await_within(lambda: self.generator.asend(self.sent), self.timeout)
            except StopAsyncIteration:
                raise Exhausted(None) from None


class Exhausted(Exception):
    """The user's generator has ended; `value` is what it returned."""

    def __init__(self, value: Any) -> None:
        self.value = value
        super().__init__()


class ConsumerStopped(BaseException):
    """The consumer of a generator run takes no further values. (`GeneratorExit` itself does not pass `yield from`.)"""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the user's generator, so that its `finally` blocks run within the run's contexts."""

    generator: Any
    contexts: Contexts = ()

    def perform(self) -> None:
        with _entered(self.contexts):
            self.generator.close()

    async def aperform(self) -> None:
        with _entered(self.contexts):
            await self.generator.aclose()


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand a value of a generator run to its consumer. Only the stream drivers know it."""

    value: Any

    def perform(self) -> Any:
        raise TypeError("Only a stream driver can hand values out.")

    async def aperform(self) -> Any:
        raise TypeError("Only a stream driver can hand values out.")


@dataclass(frozen=True, slots=True)
class SleepUntil:
    """Wait until a moment."""

    moment: datetime

    @property
    def seconds(self) -> float:
        return max(0.0, (self.moment - now()).total_seconds())

    def perform(self) -> None:
        time.sleep(self.seconds)

    async def aperform(self) -> None:
        await anyio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Shielded:
    """Perform an effect that a cancellation may not interrupt, such as telling the orchestrator about it."""

    effect: Effect

    def perform(self) -> Any:
        return self.effect.perform()

    async def aperform(self) -> Any:
        with anyio.CancelScope(shield=True):
            return await self.effect.aperform()


@dataclass(frozen=True, slots=True)
class CallEither:
    """Call a user's callback (a hook, a retry condition), which may be sync or async whatever the run is."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    contexts: Contexts = ()

    def perform(self) -> Any:
        with _entered(self.contexts):
            answer = self.function(*self.args)
            return run_coroutine(answer) if inspect.isawaitable(answer) else answer

    async def aperform(self) -> Any:
        with _entered(self.contexts):
            answer = self.function(*self.args)
            return await answer if inspect.isawaitable(answer) else answer


def run_coroutine(awaitable: Any) -> Any:
    """Run an awaitable to its end from sync code: here, or in a thread of its own when an event loop runs here already."""

    async def finish() -> Any:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(finish())
    from concurrent.futures import ThreadPoolExecutor
    from contextvars import copy_context

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, asyncio.run, finish()).result()


# -- streams: runs whose function is a generator --------------------------------------------------------------------


def drive_stream(steps: Steps[R]) -> Generator[Any, Any, R]:
    """Drive a run that emits values, as a generator of these values."""
    try:
        effect = next(steps)
        while True:
            try:
                value = (yield effect.value) if isinstance(effect, Emit) else effect.perform()
            except GeneratorExit:
                effect = steps.throw(ConsumerStopped())
            except BaseException as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def adrive_stream(steps: Steps[R]) -> AsyncGenerator[Any, Any]:
    """Drive a run that emits values, as an async generator of these values."""
    try:
        effect = next(steps)
        while True:
            try:
                value = (yield effect.value) if isinstance(effect, Emit) else await effect.aperform()
            except GeneratorExit:
                effect = steps.throw(ConsumerStopped())
            except BaseException as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(value)
    except StopIteration:
        return
