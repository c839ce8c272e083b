"""Dask in tasks: a client of the cluster on which the task runs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any

from distributed import Client, get_worker, rejoin, secede

from prefect.context import FlowRunContext

__all__ = ["get_async_dask_client", "get_dask_client"]

Timeout = int | float | str | timedelta | None


@contextmanager
def get_dask_client(timeout: Timeout = None, **client_kwargs: Any) -> Generator[Client, None, None]:
    """
    A client of the cluster on which this task runs, or of that of the flow whose code this is.

    Meanwhile the worker may run another task, so that what is computed here has a place to run.

    Args:
        timeout: How long connecting may take, in seconds or as text such as `"10s"`.
        client_kwargs: What `distributed.Client` is called with besides.

    Raises:
        RuntimeError: This code runs neither on a cluster nor in a flow with a `DaskTaskRunner`.
    """
    address, is_worker = _where()
    options = client_kwargs if timeout is None else {"timeout": timeout, **client_kwargs}
    with Client(address, set_as_default=False, **options) as client, client.as_current():
        if is_worker:
            secede()
        try:
            yield client
        finally:
            if is_worker:
                rejoin()


@asynccontextmanager
async def get_async_dask_client(timeout: Timeout = None, **client_kwargs: Any) -> AsyncGenerator[Client, None]:
    """
    Like `get_dask_client`, for async code.

    Args:
        timeout: How long connecting may take, in seconds or as text such as `"10s"`.
        client_kwargs: What `distributed.Client` is called with besides.

    Raises:
        RuntimeError: This code runs neither on a cluster nor in a flow with a `DaskTaskRunner`.
    """
    address, is_worker = _where()
    options = client_kwargs if timeout is None else {"timeout": timeout, **client_kwargs}
    async with Client(address, asynchronous=True, set_as_default=False, **options) as client:
        if is_worker:
            secede()
        try:
            yield client
        finally:
            if is_worker:
                rejoin()


def _where() -> tuple[str, bool]:
    """The address of the cluster, and whether this code runs on it."""
    from prefect_dask.task_runners import DaskTaskRunner

    try:
        return str(get_worker().scheduler.address), True
    except ValueError:
        context = FlowRunContext.get()
        runner = None if context is None else context.task_runner
        if isinstance(runner, DaskTaskRunner):
            return str(runner.client.scheduler.address), False
    raise RuntimeError(
        "There is no Dask cluster here: use a DaskTaskRunner for the flow, and call this in it or its tasks."
    )
