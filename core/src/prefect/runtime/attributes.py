"""
Module attributes that are looked up each time, and that environment variables can replace in tests.

`PREFECT__RUNTIME__FLOW_RUN__NAME=foo` makes `prefect.runtime.flow_run.name` answer `"foo"`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect.utilities.time import parse_datetime

__all__ = ["install"]

_FALSE = {"", "0", "f", "false", "n", "no", "off"}

_CASTS: Mapping[type, Callable[[str], Any]] = {
    str: str,
    type(None): str,
    bool: lambda text: text.strip().lower() not in _FALSE,
    int: int,
    float: float,
    datetime: parse_datetime,
    UUID: UUID,
}


def _cast(variable: str, text: str, real: Any) -> Any:
    cast = _CASTS.get(type(real))
    if cast is None:
        raise ValueError(
            f"{variable} cannot stand for a value of type '{type(real).__name__}'. Patch the attribute in your test instead."
        )
    return cast(text)


def install(namespace: dict[str, Any], getters: Mapping[str, Callable[[], Any]]) -> None:
    """
    Give a module attributes that are answered by functions.

    Args:
        namespace: The module's `globals()`.
        getters: By name, what answers.
    """
    module = namespace["__name__"]
    prefix = f"PREFECT__RUNTIME__{module.rpartition('.')[2].upper()}__"

    def __getattr__(name: str) -> Any:  # noqa: N807 - the name that Python looks for
        getter = getters.get(name)
        variable = f"{prefix}{name.upper()}"
        text = os.environ.get(variable)
        if getter is None:
            if text is None or name.startswith("__"):
                raise AttributeError(f"module '{module}' has no attribute '{name}'", name=name)
            return text
        real = getter()
        return real if text is None else _cast(variable, text, real)

    namespace["__getattr__"] = __getattr__
    namespace["__dir__"] = lambda: sorted(namespace["__all__"])
