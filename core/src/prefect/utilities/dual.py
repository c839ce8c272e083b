"""
Write an operation once, as a generator of effects; publish it in both colours.

A *step function* yields effects and returns a value. It never blocks and never awaits:

    def load(name: str) -> Steps[Block]:
        document = yield from ask(read_block_document_by_name(name))
        return Block.from_document(document)

`drive` performs its effects on the calling thread, `adrive` awaits them. `dual` publishes a step function as one callable
whose plain call answers at once in sync code and returns an awaitable in async code, and whose `.aio` always returns an
awaitable.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

__all__ = [
    "Dual",
    "Effect",
    "Run",
    "Sleep",
    "Steps",
    "adrive",
    "asynchronous",
    "drive",
    "dual",
    "is_async_code",
    "user_code_is_async",
]

P = ParamSpec("P")
R = TypeVar("R")


class Effect(Protocol):
    """Something to be done outside of a step function, in either colour."""

    def perform(self) -> Any: ...

    async def aperform(self) -> Any: ...


Steps = Generator[Effect, Any, R]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for a number of seconds."""

    seconds: float

    def perform(self) -> None:
        time.sleep(self.seconds)

    async def aperform(self) -> None:
        import anyio

        await anyio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Run:
    """Call a blocking function: in place when driven from sync code, in a worker thread from async code."""

    function: Callable[[], Any]

    def perform(self) -> Any:
        return self.function()

    async def aperform(self) -> Any:
        import anyio

        return await anyio.to_thread.run_sync(self.function)


def drive(steps: Steps[R]) -> R:
    """Perform the effects of `steps` on this thread, and return what it returns."""
    try:
        effect = next(steps)
        while True:
            try:
                value = effect.perform()
            except BaseException as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def adrive(steps: Steps[R]) -> R:
    """Await the effects of `steps` one after another, and return what it returns."""
    try:
        effect = next(steps)
        while True:
            try:
                value = await effect.aperform()
            except BaseException as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


user_code_is_async: ContextVar[bool | None] = ContextVar("user_code_is_async", default=None)
"""Set by the engine around a user's function: whether it is an async one. None outside of runs."""


def is_async_code() -> bool:
    """Whether the caller is async code: an async flow or task, or, outside of runs, a running event loop."""
    declared = user_code_is_async.get()
    if declared is not None:
        return declared
    asyncio = sys.modules.get("asyncio")  # not loaded, there is no event loop, and loading it takes long
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Dual(Generic[P, R]):
    """A step function published in both colours. See `dual`."""

    def __init__(self, function: Callable[P, Steps[R]]) -> None:
        self.steps = function
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Answer at once in sync code; in async code return an awaitable of the answer."""
        if is_async_code():
            return adrive(self.steps(*args, **kwargs))  # type: ignore[return-value]
        return drive(self.steps(*args, **kwargs))

    def aio(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Return an awaitable of the answer."""
        return adrive(self.steps(*args, **kwargs))

    def sync(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Answer at once, also in async code (the event loop waits)."""
        return drive(self.steps(*args, **kwargs))

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind like a function does, so that a dual works as a method."""
        if instance is None:
            return self
        bound = self.steps.__get__(instance, owner)
        return Dual(bound)


def dual(function: Callable[P, Steps[R]]) -> Dual[P, R]:
    """Publish a step function as a callable of both colours."""
    return Dual(function)


def asynchronous(function: Dual[P, R]) -> Callable[P, Awaitable[R]]:
    """The always-async twin of a dual, as a plain coroutine function (`aload = asynchronous(load)`)."""

    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return await function.aio(*args, **kwargs)

    update_wrapper(call, function.steps)
    call.__name__ = f"a{function.steps.__name__}"
    return call
