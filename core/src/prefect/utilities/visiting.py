"""Walk through nested data: call a function on everything in it, and rebuild what it changes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Union

from prefect.utilities.annotations import BaseAnnotation, opaque

__all__ = ["StopVisiting", "visit_collection"]

# Nothing is inside of these. Looked up by exact type, which is what makes plain data cheap.
_SCALARS = frozenset({str, int, float, bool, bytes, type(None), complex})


class StopVisiting(BaseException):
    """Raised by a visiting function to say: leave this value as it is, and do not look into it."""


class _Walk:
    """One walk. Values that were not changed are kept, not copied."""

    __slots__ = ("keeps_annotations", "memo", "open", "visit_fn")

    def __init__(self, visit_fn: Callable[..., Any], keeps_annotations: bool, memo: dict[int, Any] | None) -> None:
        self.visit_fn = visit_fn
        self.keeps_annotations = keeps_annotations
        # With a memo each container is visited once. Without one (its context or depth may differ from place to place)
        # only those that are being visited are known, so that a cycle ends.
        self.memo = memo
        self.open: set[int] = set()

    def visit(self, expr: Any, depth: int, context: dict[str, Any] | None) -> Any:
        try:
            value = self.visit_fn(expr) if context is None else self.visit_fn(expr, context)
        except StopVisiting:
            return expr
        if type(value) in _SCALARS or depth == 0:
            return value
        rebuild = _rebuilder(type(value))
        if rebuild is None:
            return value
        return self._enter(value, rebuild, depth, context)

    def _enter(self, value: Any, rebuild: _Rebuild, depth: int, context: dict[str, Any] | None) -> Any:
        key = id(value)
        if key in self.open:
            return value
        if self.memo is not None and key in self.memo:
            return self.memo[key][1]
        self.open.add(key)
        try:
            result = rebuild(self, value, depth - 1, context)
        finally:
            self.open.discard(key)
        if self.memo is not None:
            self.memo[key] = (value, result)  # the value too: while it lives nothing else has its id
        return result

    def all(self, items: Any, depth: int, context: dict[str, Any] | None) -> tuple[list[Any], bool]:
        """The visited items, and whether any of them changed."""
        visit = self.visit
        visited = []
        changed = False
        for item in items:
            result = visit(item, depth, None if context is None else context.copy())
            changed = changed or result is not item
            visited.append(result)
        return visited, changed


_Rebuild = Callable[[_Walk, Any, int, Union[dict[str, Any], None]], Any]


def _list(walk: _Walk, value: Any, depth: int, context: dict[str, Any] | None) -> Any:
    items, changed = walk.all(value, depth, context)
    if not changed:
        return value
    return items if type(value) is list else type(value)(items)


def _tuple(walk: _Walk, value: Any, depth: int, context: dict[str, Any] | None) -> Any:
    items, changed = walk.all(value, depth, context)
    if not changed:
        return value
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


def _set(walk: _Walk, value: Any, depth: int, context: dict[str, Any] | None) -> Any:
    items, changed = walk.all(value, depth, context)
    return type(value)(items) if changed else value


def _dict(walk: _Walk, value: Any, depth: int, context: dict[str, Any] | None) -> Any:
    keys: list[Any] = []
    values: list[Any] = []
    changed = False
    for key, item in value.items():
        new_key = walk.visit(key, depth, None if context is None else context.copy())
        new_item = walk.visit(item, depth, None if context is None else context.copy())
        changed = changed or new_key is not key or new_item is not item
        keys.append(new_key)
        values.append(new_item)
    if not changed:
        return value
    pairs = zip(keys, values)  # noqa: B905 - made side by side
    if type(value) is dict:
        return dict(pairs)
    # A subclass may want other arguments than items (`defaultdict`), so its instance is copied and refilled.
    filled = copy.copy(value)
    filled.clear()
    filled.update(pairs)
    return filled


def _changes(walk: _Walk, items: dict[str, Any], depth: int, context: dict[str, Any] | None) -> dict[str, Any]:
    visited, changed = walk.all(items.values(), depth, context)
    if not changed:
        return {}
    return {name: new for (name, old), new in zip(items.items(), visited, strict=True) if new is not old}


def _model(walk: _Walk, value: Any, depth: int, context: dict[str, Any] | None) -> Any:
    extra = value.__pydantic_extra__ or {}
    fields = _changes(walk, dict(value.__dict__), depth, context)
    extras = _changes(walk, extra, depth, context)
    if not fields and not extras:
        return value
    changed = value.model_copy()  # keeps private attributes and which fields were set; validates nothing
    changed.__dict__.update(fields)
    if extras:
        changed.__pydantic_extra__.update(extras)
    return changed


def _dataclass(walk: _Walk, value: Any, depth: int, context: dict[str, Any] | None) -> Any:
    unset = object()
    items = {name: getattr(value, name, unset) for name in type(value).__dataclass_fields__}
    fields = _changes(walk, {name: item for name, item in items.items() if item is not unset}, depth, context)
    if not fields:
        return value
    changed = copy.copy(value)
    for name, item in fields.items():
        object.__setattr__(changed, name, item)  # also if it is frozen
    return changed


def _annotation(walk: _Walk, value: Any, depth: int, context: dict[str, Any] | None) -> Any:
    if context is not None:
        context = {**context, "annotation": value}
    wrapped = value.unwrap()
    result = walk.visit(wrapped, depth, context)
    if not walk.keeps_annotations:
        return result
    return value if result is wrapped else value.rewrap(result)


def _opaque(walk: _Walk, value: Any, depth: int, context: dict[str, Any] | None) -> Any:
    return _annotation(walk, value, 0, context)  # what is wrapped is visited, but not looked into


def _rebuilder(kind: type) -> _Rebuild | None:
    """How to look into values of a type; None if there is nothing inside."""
    known = _EXACT.get(kind)
    if known is not None:
        return known
    if issubclass(kind, BaseAnnotation):
        return _opaque if issubclass(kind, opaque) else _annotation
    for base, rebuild in _EXACT.items():
        if issubclass(kind, base):
            return rebuild
    if hasattr(kind, "__pydantic_fields__"):
        return _model
    if hasattr(kind, "__dataclass_fields__"):
        return _dataclass
    return None


_EXACT: dict[type, _Rebuild] = {list: _list, dict: _dict, tuple: _tuple, set: _set}


def visit_collection(
    expr: Any,
    visit_fn: Union[Callable[[Any, dict[str, Any]], Any], Callable[[Any], Any]],
    *,
    return_data: bool = False,
    max_depth: int = -1,
    context: dict[str, Any] | None = None,
    remove_annotations: bool = False,
    _seen: dict[int, Any] | None = None,
) -> Any:
    """
    Call `visit_fn` on a value, then on all that is inside of what it returns.

    Lists, tuples, sets, dicts (keys and values), dataclasses, pydantic models and annotations are looked into;
    iterators are not, as that would exhaust them. Nothing is changed in place.

    Args:
        expr: The value.
        visit_fn: Gets each value, and the context if one is given; returns what stands in its place. Raising
            `StopVisiting` keeps a value and what is inside.
        return_data: Whether to return the result; else None is returned.
        max_depth: How many levels to look into: 0 visits `expr` alone, -1 all.
        context: Handed to `visit_fn` together with each value. What it changes is seen inside of that value only.
            Inside of an annotation, the key `annotation` holds it.
        remove_annotations: Whether to put wrapped values in the place of annotations.
        _seen: Containers that were visited already: their ids, with the container and its result.

    Returns:
        The result: `expr` itself when nothing changed.
    """
    same_everywhere = context is None and max_depth < 0
    memo = ({} if _seen is None else _seen) if same_everywhere else None
    result = _Walk(visit_fn, not remove_annotations, memo).visit(expr, max_depth, context)
    return result if return_data else None
