"""
Call a storage, whatever colour its methods have.

Storage is written by many: methods may be plain functions, coroutine functions, or come in pairs (`read_path` and
`aread_path`). Each call here has one meaning in both colours.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio

from prefect.utilities.dual import Dual, Steps

__all__ = ["Either", "call_storage", "run_awaitable"]


def run_awaitable(awaitable: Awaitable[Any]) -> Any:
    """Wait for an awaitable from sync code, also on a thread whose event loop is running (which then waits)."""

    async def wait() -> Any:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, asyncio.run, wait()).result()


@dataclass(frozen=True, slots=True)
class _Call:
    storage: Any
    method: str
    args: tuple[Any, ...]

    def perform(self) -> Any:
        answer = getattr(self.storage, self.method)(*self.args)
        return run_awaitable(answer) if inspect.isawaitable(answer) else answer

    async def aperform(self) -> Any:
        function = getattr(self.storage, self.method)
        twin = getattr(self.storage, f"a{self.method}", None)
        if inspect.iscoroutinefunction(twin):
            return await twin(*self.args)
        if inspect.iscoroutinefunction(function):
            return await function(*self.args)
        answer = await anyio.to_thread.run_sync(partial(function, *self.args))
        return await answer if inspect.isawaitable(answer) else answer


@dataclass(frozen=True, slots=True)
class Either:
    """Call a function in sync code, its coroutine twin in async code."""

    function: Callable[..., Any]
    coroutine: Callable[..., Awaitable[Any]]
    args: tuple[Any, ...]

    def perform(self) -> Any:
        return self.function(*self.args)

    async def aperform(self) -> Any:
        return await self.coroutine(*self.args)


def call_storage(storage: Any, method: str, *args: Any) -> Steps[Any]:
    """Call a method of a storage, inside a step function."""
    function = getattr(type(storage), method, None)
    if isinstance(function, Dual):  # one of ours: take its steps
        return (yield from function.steps(storage, *args))
    answer = yield _Call(storage, method, args)
    return answer
