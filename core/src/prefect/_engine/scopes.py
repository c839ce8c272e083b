"""What surrounds the code of a flow or task: names that annotations refer to, and what its flow run says of prints."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.context import FlowRunContext


def names_in_scope(function: Callable[..., Any]) -> dict[str, Any]:
    """
    What the annotations of a nested function name, as the calling frames know it now.

    Annotations that are text (`from __future__ import annotations`) can name classes that only exist inside of a function.
    """
    wanted = {name for text in _texts(function) for name in _names(text)} - set(getattr(function, "__globals__", {}))
    found: dict[str, Any] = {}
    if "<locals>" not in getattr(function, "__qualname__", "") or not wanted:
        return found
    frame = sys._getframe(1)
    while frame is not None and not wanted <= found.keys():
        if not frame.f_globals.get("__name__", "").startswith("prefect."):
            found |= {name: frame.f_locals[name] for name in wanted.intersection(frame.f_locals) if name not in found}
        frame = frame.f_back  # type: ignore[assignment]
    return found


def _texts(function: Callable[..., Any]) -> list[str]:
    annotations = getattr(function, "__annotations__", {})
    return [text for name, text in annotations.items() if isinstance(text, str) and name != "return"]


def _names(text: str) -> set[str]:
    import ast

    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def logs_prints(own: bool | None, surrounding: FlowRunContext | None) -> bool:
    """Whether `print` is logged: by the option of the flow or task itself, its flow run's, or the settings."""
    if own is not None:
        return own
    if surrounding is not None:
        return surrounding.log_prints
    from prefect.settings import get_current_settings

    return get_current_settings().logging.log_prints
