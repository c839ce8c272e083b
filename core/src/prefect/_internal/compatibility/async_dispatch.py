"""A sync function and an async function under one name. Own code writes one body instead: `prefect.utilities.dual`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Optional, ParamSpec, TypeVar, Union, cast

from prefect.utilities.dual import is_async_code

__all__ = ["async_dispatch", "is_in_async_context"]

P = ParamSpec("P")
R = TypeVar("R")


def is_in_async_context() -> bool:
    """Whether the caller is async code: an async flow or task, or, outside of runs, a running event loop."""
    return is_async_code()


def async_dispatch(
    async_impl: Callable[P, Coroutine[Any, Any, R]],
) -> Callable[[Callable[P, R]], Callable[P, Union[R, Coroutine[Any, Any, R]]]]:
    """
    Let calls of a sync function from async code go to an async one.

    The function gets a keyword `_sync`, which decides whatever the caller is, and `.aio`, which is the async one.

    Args:
        async_impl: The async function, class method or task.

    Raises:
        TypeError: It is not async.
    """
    function = async_impl.__func__ if isinstance(async_impl, (classmethod, staticmethod)) else async_impl
    if not iscoroutinefunction(getattr(function, "fn", function)):  # a task has its function as `fn`
        raise TypeError(f"async_impl must be an async function, which {async_impl!r} is not.")

    def decorate(sync_fn: Callable[P, R]) -> Callable[P, Union[R, Coroutine[Any, Any, R]]]:
        @wraps(sync_fn)
        def call(*args: Any, _sync: Optional[bool] = None, **kwargs: Any) -> Any:
            is_async = is_async_code() if _sync is None else not _sync
            return (function if is_async else sync_fn)(*args, **kwargs)

        call.aio = async_impl  # type: ignore[attr-defined]
        return cast("Callable[P, Union[R, Coroutine[Any, Any, R]]]", call)

    return decorate
