"""Async functions that are tried again."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Optional, ParamSpec, TypeVar

import anyio

__all__ = ["exponential_backoff_with_jitter", "retry_async_fn"]

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("prefect.retries")


def exponential_backoff_with_jitter(attempt: int, base_delay: float, max_delay: float) -> float:
    """
    How long to wait before the next attempt: twice as long each time, more or less a third.

    Args:
        attempt: How many attempts there were before the last one.
        base_delay: The wait after the first one, in seconds.
        max_delay: What the wait grows to, in seconds.
    """
    return min(base_delay * 2.0**attempt, max_delay) * random.uniform(0.7, 1.3)  # noqa: S311


def retry_async_fn(
    max_attempts: int = 3,
    backoff_strategy: Callable[[int, float, float], float] = exponential_backoff_with_jitter,
    base_delay: float = 1,
    max_delay: float = 10,
    retry_on_exceptions: tuple[type[Exception], ...] = (Exception,),
    operation_name: Optional[str] = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """
    Call an async function again when it fails.

    Args:
        max_attempts: How often it is called at most, at least once.
        backoff_strategy: From the number of attempts before the last one, `base_delay` and `max_delay`: how long to wait.
        base_delay: In seconds.
        max_delay: In seconds.
        retry_on_exceptions: What is worth another attempt; anything else is raised at once.
        operation_name: What to call it in the log, instead of the function's name.

    Raises:
        ValueError: `max_attempts` is less than one.
    """
    if max_attempts < 1:
        raise ValueError(f"max_attempts must be at least 1, not {max_attempts}.")

    def decorate(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        name = operation_name or function.__name__

        @wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for attempt in range(max_attempts - 1):
                try:
                    return await function(*args, **kwargs)
                except retry_on_exceptions as error:
                    delay = backoff_strategy(attempt, base_delay, max_delay)
                    logger.warning(
                        "%r failed (attempt %s of %s): %s. Next in %.1f s.",
                        name,
                        attempt + 1,
                        max_attempts,
                        error,
                        delay,
                    )
                await anyio.sleep(delay)
            return await function(*args, **kwargs)

        return call

    return decorate
