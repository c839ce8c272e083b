"""Gives functions a client when their caller has none."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

__all__ = ["client_injector", "get_or_create_client", "inject_client"]

P = ParamSpec("P")
R = TypeVar("R")


def get_or_create_client(client: PrefectClient | None = None) -> tuple[PrefectClient, bool]:
    """
    A client to use.

    Args:
        client: The caller's, if there is one.

    Returns:
        The caller's client, or the one of the current run, or a new one; and whether it is not a new one.
    """
    from prefect.client.orchestration import PrefectClient, get_client
    from prefect.context import FlowRunContext, TaskRunContext

    if client is not None:
        return client, True
    for context in (TaskRunContext.get(), FlowRunContext.get()):
        current = None if context is None else context.client
        if isinstance(current, PrefectClient):
            return current, True
    return get_client(), False


def client_injector(
    func: Callable[Concatenate[PrefectClient, P], Coroutine[Any, Any, R]],
) -> Callable[P, Coroutine[Any, Any, R]]:
    """Make a coroutine function, whose first parameter is a client, one that finds its client itself."""

    @wraps(func)
    async def with_client(*args: P.args, **kwargs: P.kwargs) -> R:
        client, _ = get_or_create_client()
        return await func(client, *args, **kwargs)

    return with_client


def inject_client(fn: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Give a coroutine function, which has a parameter `client`, a client when it is called with none."""

    @wraps(fn)
    async def with_client(*args: P.args, **kwargs: P.kwargs) -> R:
        given: Any = kwargs.get("client")
        kwargs["client"], _ = get_or_create_client(given)
        return await fn(*args, **kwargs)

    return with_client
