"""Workers: processes that take runs from work pools, and have them executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.workers.process import ProcessWorker

__all__ = ["ProcessWorker"]


def __getattr__(name: str) -> Any:
    if name == "ProcessWorker":
        from prefect.workers.process import ProcessWorker

        return ProcessWorker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
