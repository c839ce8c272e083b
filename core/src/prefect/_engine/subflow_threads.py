"""The threads on which submitted subflows are executed."""

from __future__ import annotations

from concurrent.futures import Future
from types import TracebackType
from typing import Any

from prefect._engine.pool import ThreadPool
from prefect._engine.signals import CancellationRequest

__all__ = ["Subflows"]

_GRACE_SECONDS = 8.0
"""How long submitted subflows may take to end when their parent is ended."""


class Subflows:
    """The threads of the subflows that a flow run submits. They end with its code."""

    def __init__(self) -> None:
        self._pool: ThreadPool | None = None

    def submit(self, call: Any) -> Future[Any]:
        """Execute a subflow, as soon as PREFECT_TASK_RUNNER_THREAD_POOL_MAX_WORKERS lets one more begin."""
        if self._pool is None:
            from prefect.settings import get_current_settings

            self._pool = ThreadPool(get_current_settings().tasks.runner.thread_pool_max_workers, name="prefect-subflow")
        return self._pool.submit(call)

    def __enter__(self) -> Subflows:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Wait for the subflows; if the parent is ended from outside, end them."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if exc is not None and not isinstance(exc, Exception):
            pool.cancel(CancellationRequest)
            pool.wait(_GRACE_SECONDS)
        else:
            pool.wait()
        pool.close()
