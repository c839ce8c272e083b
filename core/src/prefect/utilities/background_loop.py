"""The event loop that sync code runs coroutines on: one for the process, on a daemon thread."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["run_in_background_loop", "run_in_new_thread", "start_in_background_loop"]

R = TypeVar("R")


class _BackgroundLoop:
    """Started when it is first needed."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew: after a fork the thread is not there any more."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def is_this_thread(self) -> bool:
        return self._thread is threading.current_thread()

    def submit(self, coroutine: Coroutine[Any, Any, R]) -> Future[R]:
        """Start a coroutine, which sees the context variables of the caller."""
        loop = self._running()
        future: Future[R] = Future()

        def start() -> None:
            task = loop.create_task(coroutine)
            asyncio.futures._chain_future(task, future)  # type: ignore[attr-defined]

        loop.call_soon_threadsafe(start, context=contextvars.copy_context())
        return future

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="prefect-background-loop", daemon=True
                )
                self._thread.start()
            return self._loop


_background = _BackgroundLoop()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_background.forget)


def run_in_background_loop(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine on the background loop and wait for it; from that loop itself, on another one."""
    if _background.is_this_thread():
        return run_in_new_thread(coroutine)
    future = _background.submit(coroutine)
    try:
        return future.result()
    except BaseException:
        future.cancel()  # the caller was interrupted: so is what it waits for
        raise


def start_in_background_loop(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Start a coroutine on the background loop. If it fails that is logged."""
    _background.submit(coroutine).add_done_callback(_log_failure)


def _log_failure(future: Future[Any]) -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None:
        logging.getLogger("prefect.background").error("A coroutine that nobody waits for failed.", exc_info=error)


def run_in_new_thread(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine on a new loop on a new thread, and wait for it."""
    future: Future[R] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(asyncio.run, coroutine))
        except BaseException as error:
            future.set_exception(error)

    thread = threading.Thread(target=run, name="prefect-coroutine", daemon=True)
    thread.start()
    try:
        return future.result()
    finally:
        thread.join(timeout=1)
