"""The types that the product's models share, as annotations that pydantic validates: imported when they are asked for."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.types.kinds import *


def __getattr__(name: str) -> Any:
    if name == "__all__" or not name.startswith("__"):
        from importlib import import_module

        kinds = import_module("prefect.types.kinds")
        if name in {"__all__", *kinds.__all__}:
            return getattr(kinds, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
