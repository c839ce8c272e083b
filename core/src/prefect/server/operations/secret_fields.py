"""
Which values of a block are secret, and what is shown instead of them.

The schema of a block lists them under `secret_fields`, as paths: `password`, `credentials.token`, or `headers.*` when
all values of a mapping are secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["MASK", "has_secrets", "keep_masked", "mask"]

MASK = "********"

_MISSING = object()


def has_secrets(fields: Mapping[str, Any]) -> bool:
    """Whether a schema has secret fields."""
    return bool(fields.get("secret_fields"))


def mask(fields: Mapping[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """A copy of the values of a block in which those that are secret are replaced by a mask."""
    return _at_secrets(fields, data, lambda value, _: MASK if value is not None else None)


def keep_masked(fields: Mapping[str, Any], data: dict[str, Any], stored: dict[str, Any]) -> dict[str, Any]:
    """A copy of new values in which masks, which somebody has read and sent back, are the stored values again."""

    def restore(value: Any, path: tuple[str | int, ...]) -> Any:
        if value != MASK:
            return value
        known: Any = stored
        for name in path:
            known = _inside(known, name)
        return value if known is _MISSING else known

    return _at_secrets(fields, data, restore)


def _inside(value: Any, name: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(name, _MISSING)
    if isinstance(value, list) and isinstance(name, int) and name < len(value):
        return value[name]
    return _MISSING


def _at_secrets(
    fields: Mapping[str, Any], data: dict[str, Any], change: Callable[[Any, tuple[str | int, ...]], Any]
) -> dict[str, Any]:
    for path in fields.get("secret_fields") or ():
        data = _change(data, tuple(path.split(".")), (), change)
    return data


def _change(
    value: Any,
    path: tuple[str, ...],
    passed: tuple[str | int, ...],
    change: Callable[[Any, tuple[str | int, ...]], Any],
) -> Any:
    if not path:
        return change(value, passed)
    if isinstance(value, list):  # of blocks: what is secret in one is secret in all
        return [_change(item, path, (*passed, index), change) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    names = list(value) if path[0] == "*" else [path[0]] if path[0] in value else []
    return {**value, **{name: _change(value[name], path[1:], (*passed, name), change) for name in names}}
