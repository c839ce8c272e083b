"""Makes the methods of both clients from one endpoint, or from one step function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar

from prefect._contract.call import Call
from prefect.client.base import Transport, through
from prefect.utilities.dual import Steps, adrive, drive

__all__ = ["awaitable", "awaitable_steps", "blocking", "blocking_steps"]

P = ParamSpec("P")
R = TypeVar("R")


def _describe(method: Any, function: Callable[..., Any]) -> None:
    """Give a method the name, the documentation and the parameters of a function, after `self`."""
    update_wrapper(method, function)
    del method.__wrapped__
    signature = inspect.signature(function)
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = signature.replace(parameters=[this, *signature.parameters.values()])


def blocking(endpoint: Callable[P, Call[R]]) -> Callable[Concatenate[Any, P], R]:
    """The method that sends the call of an endpoint and returns the answer."""

    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        transport: Transport = self.transport
        return transport.send(endpoint(*args, **kwargs))

    _describe(method, endpoint)
    return method


def awaitable(endpoint: Callable[P, Call[R]]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, R]]:
    """The coroutine method that sends the call of an endpoint and returns the answer."""

    async def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        transport: Transport = self.transport
        return await transport.asend(endpoint(*args, **kwargs))

    _describe(method, endpoint)
    return method


def blocking_steps(steps: Callable[P, Steps[R]]) -> Callable[Concatenate[Any, P], R]:
    """The method that takes the steps of a step function, asking over the client's transport."""

    def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return drive(through(self.transport, steps(*args, **kwargs)))

    _describe(method, steps)
    return method


def awaitable_steps(steps: Callable[P, Steps[R]]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, R]]:
    """The coroutine method that takes the steps of a step function, asking over the client's transport."""

    async def method(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await adrive(through(self.transport, steps(*args, **kwargs)))

    _describe(method, steps)
    return method
