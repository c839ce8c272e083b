"""Time limits for sync and async code."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Generic, TypeVar

import anyio

from prefect.utilities.deadlines import DeadlinePassed, alarm_available, alarm_deadline, send_exception, thread_deadline

__all__ = ["call_with_timeout", "fail_if_not_timeout_error", "timeout", "timeout_async"]

R = TypeVar("R")

# How long a thread may take to end after its deadline, until it is left to itself.
_LAST_WORDS_SECONDS = 1.0


def fail_if_not_timeout_error(timeout_exc_type: type[Exception]) -> None:
    """
    Check that an exception type can stand for a timeout.

    Raises:
        ValueError: It is no kind of `TimeoutError`.
    """
    if not issubclass(timeout_exc_type, TimeoutError):
        message = f"The `timeout_exc_type` argument must be a subclass of `TimeoutError`, not {timeout_exc_type!r}."
        raise ValueError(message)


def _message(seconds: float) -> str:
    return f"Scope timed out after {seconds} second(s)."


@contextmanager
def timeout_async(seconds: float | None = None, timeout_exc_type: type[TimeoutError] = TimeoutError) -> Iterator[None]:
    """
    Cancel the body of a `with` statement in async code when its time is over.

    Args:
        seconds: How long it may take; None for ever.
        timeout_exc_type: What is raised then.

    Raises:
        TimeoutError: It took longer.
    """
    fail_if_not_timeout_error(timeout_exc_type)
    if seconds is None:
        yield
        return
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise timeout_exc_type(_message(seconds))


def timeout(
    seconds: float | None = None, timeout_exc_type: type[TimeoutError] = TimeoutError
) -> AbstractContextManager[Any]:
    """
    Interrupt the body of a `with` statement in sync code when its time is over.

    On the main thread anything is interrupted; on other threads all but calls that block in C code.

    Args:
        seconds: How long it may take; None for ever.
        timeout_exc_type: What is raised then.

    Raises:
        TimeoutError: It took longer.
    """
    fail_if_not_timeout_error(timeout_exc_type)
    if seconds is None:
        return nullcontext()
    if alarm_available():
        return alarm_deadline(seconds, lambda: timeout_exc_type(_message(seconds)))
    return thread_deadline(seconds, timeout_exc_type, _message(seconds))


def call_with_timeout(
    fn: Callable[[], R], seconds: float | None, timeout_exc_type: type[TimeoutError] = TimeoutError
) -> R:
    """
    Call a sync function and end it when its time is over.

    On the main thread it is interrupted, whatever it does. Elsewhere it is called on a thread of its own, with a copy
    of the context variables; at the deadline it is interrupted there, and if it does not end within another second (it
    blocks in C code) it is left to itself.

    Args:
        fn: The function.
        seconds: How long it may take; None for ever.
        timeout_exc_type: What is raised then.

    Returns:
        What the function returned, if it did so in time.

    Raises:
        TimeoutError: It took longer.
    """
    if seconds is None:
        return fn()
    if alarm_available():
        with alarm_deadline(seconds, lambda: timeout_exc_type(_message(seconds))):
            return fn()
    return _Call(fn).run(seconds, timeout_exc_type)


class _Call(Generic[R]):
    """A call on a thread of its own."""

    def __init__(self, fn: Callable[[], R]) -> None:
        self._fn = fn
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._value: R
        self._error: BaseException | None = None

    def run(self, seconds: float, timeout_exc_type: type[TimeoutError]) -> R:
        context = contextvars.copy_context()
        thread = threading.Thread(target=self._body, args=(context,), daemon=True, name=threading.current_thread().name)
        deadline = time.monotonic() + seconds
        thread.start()
        self._over.wait(max(deadline - time.monotonic(), 0))
        with self._lock:
            # Only one that has not ended is interrupted: afterwards nothing would be there to catch it.
            in_time = self._over.is_set()
            if not in_time and thread.ident is not None:
                send_exception(thread.ident, _Interrupted)
        if not in_time:
            self._over.wait(_LAST_WORDS_SECONDS)
            raise timeout_exc_type(_message(seconds))
        if self._error is not None:
            raise self._error
        return self._value

    def _body(self, context: contextvars.Context) -> None:
        try:
            try:
                self._value = context.run(self._fn)
            except BaseException as error:
                self._error = error
            with self._lock:
                self._over.set()
        except DeadlinePassed:  # in the last moment: the caller has given up already
            self._over.set()


class _Interrupted(DeadlinePassed):
    """Sent to a thread, which makes its instance: without arguments."""

    def __init__(self) -> None:
        super().__init__(None)
