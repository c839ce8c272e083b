"""Runners: processes that serve deployments, and execute their runs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.runner.runner import Runner

__all__ = ["Runner"]


def __getattr__(name: str) -> Any:
    if name == "Runner":
        from prefect.runner.runner import Runner

        return Runner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
