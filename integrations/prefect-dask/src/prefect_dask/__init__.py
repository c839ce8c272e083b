"""Tasks on the workers of a Dask cluster."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect_dask.task_runners import DaskTaskRunner, PrefectDaskFuture
    from prefect_dask.utils import get_async_dask_client, get_dask_client

__all__ = ["DaskTaskRunner", "PrefectDaskFuture", "get_async_dask_client", "get_dask_client"]

_MODULES = {
    "DaskTaskRunner": "task_runners",
    "PrefectDaskFuture": "task_runners",
    "get_async_dask_client": "utils",
    "get_dask_client": "utils",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"prefect_dask.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
