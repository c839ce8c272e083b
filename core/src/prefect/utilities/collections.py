"""Collections: enums that name themselves, nested dictionaries, iterables."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from enum import Enum, auto
from typing import Any, TypeVar, Union, cast, overload

from prefect.utilities.visiting import StopVisiting, visit_collection

__all__ = [
    "AutoEnum",
    "NestedDict",
    "StopVisiting",
    "batched_iterable",
    "deep_merge",
    "deep_merge_dicts",
    "dict_to_flatdict",
    "distinct",
    "ensure_iterable",
    "extract_instances",
    "flatdict_to_dict",
    "get_from_dict",
    "isiterable",
    "listrepr",
    "remove_nested_keys",
    "set_in_dict",
    "visit_collection",
]

T = TypeVar("T")
KT = TypeVar("KT")
VT = TypeVar("VT")
R = TypeVar("R")

NestedDict = dict[KT, Union[VT, "NestedDict[KT, VT]"]]


class AutoEnum(str, Enum):
    """An enum whose members' values are their names: `RED = AutoEnum.auto()` has the value `"RED"`."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[Any]) -> str:
        return name

    @staticmethod
    def auto() -> Any:
        """The value of a member that shall be the member's name."""
        return auto()

    # Python 3.10 and 3.11 would format the value, later versions the name: here all do the same.
    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    __repr__ = __str__


def dict_to_flatdict(dct: NestedDict[KT, Any]) -> dict[tuple[KT, ...], Any]:
    """Flatten a nested dict: `{1: {2: 3}}` becomes `{(1, 2): 3}`. Empty dicts are values."""

    def flatten(part: dict[KT, Any], path: tuple[KT, ...]) -> Iterator[tuple[tuple[KT, ...], Any]]:
        for key, value in part.items():
            here = (*path, key)
            if isinstance(value, dict) and value:
                yield from flatten(value, here)
            else:
                yield here, value

    return dict(flatten(dct, ()))


def flatdict_to_dict(dct: dict[tuple[KT, ...], VT]) -> NestedDict[KT, VT]:
    """Undo `dict_to_flatdict`."""
    nested: dict[KT, Any] = {}
    for path, value in dct.items():
        part = nested
        for key in path[:-1]:
            part = part.setdefault(key, {})
        part[path[-1]] = value
    return nested


def isiterable(obj: Any) -> bool:
    """Whether `obj` is a collection: iterable, but no text, bytes or file."""
    return not isinstance(obj, (str, bytes, io.IOBase)) and hasattr(type(obj), "__iter__")


def ensure_iterable(obj: Union[T, Iterable[T]]) -> Iterable[T]:
    """Return `obj` if it can be iterated over (a string can), else a list of it alone."""
    return cast("Iterable[T]", obj) if hasattr(type(obj), "__iter__") else [cast("T", obj)]


def listrepr(objs: Iterable[Any], sep: str = " ") -> str:
    """The representations of objects, joined by `sep`."""
    return sep.join(repr(obj) for obj in objs)


@overload
def extract_instances(objects: Iterable[Any], types: type[T]) -> list[T]: ...
@overload
def extract_instances(objects: Iterable[Any], types: tuple[type[T], ...]) -> dict[type[T], list[T]]: ...
def extract_instances(
    objects: Iterable[Any],
    types: Union[type[Any], tuple[type[Any], ...]] = object,
) -> Union[list[Any], dict[type[Any], list[Any]]]:
    """Pick the objects of one type as a list, or of several types as a dict of lists."""
    if not isinstance(types, tuple):
        return [obj for obj in objects if isinstance(obj, types)]
    found: dict[type[Any], list[Any]] = {}
    for obj in objects:
        for type_ in types:
            if isinstance(obj, type_):
                found.setdefault(type_, []).append(obj)
                break
    return found


def batched_iterable(iterable: Iterable[T], size: int) -> Generator[tuple[T, ...], None, None]:
    """Yield tuples of `size` items; the last one may be shorter."""
    iterator = iter(iterable)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def remove_nested_keys(keys_to_remove: list[Any], obj: Any) -> Any:
    """Return a copy of a nested dict without some keys, at any depth. What is no dict is returned as it is."""
    if not isinstance(obj, dict):
        return obj
    return {key: remove_nested_keys(keys_to_remove, value) for key, value in obj.items() if key not in keys_to_remove}


def distinct(iterable: Iterable[T], key: Callable[[T], Hashable] | None = None) -> Iterator[T]:
    """Yield each item the first time that it, or its key, is met."""
    seen: set[Any] = set()
    for item in iterable:
        mark: Any = item if key is None else key(item)
        if mark not in seen:
            seen.add(mark)
            yield item


def _path(keys: Union[str, list[str]]) -> list[Union[str, int]]:
    """The steps of `a.b[2].c`: names, and positions in lists."""
    if not isinstance(keys, str):
        return list(keys)
    steps = keys.replace("[", ".").replace("]", "").split(".")
    return [int(step) if re.fullmatch(r"-?\d+", step) else step for step in steps]


@overload
def get_from_dict(dct: dict[str, Any], keys: Union[str, list[str]], default: None = None) -> Any | None: ...
@overload
def get_from_dict(dct: dict[str, Any], keys: Union[str, list[str]], default: R) -> Any | R: ...
def get_from_dict(dct: dict[str, Any], keys: Union[str, list[str]], default: R | None = None) -> Any | R | None:
    """
    Look into nested dicts and lists: `get_from_dict(d, "a.b[2].c")`.

    Args:
        dct: Where to look.
        keys: A path, as text or as a list of steps.
        default: Returned when the path leads nowhere.
    """
    found: Any = dct
    for step in _path(keys):
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            if not (isinstance(found, dict) and str(step) in found):
                return default
            found = found[str(step)]
    return found


def set_in_dict(dct: dict[str, Any], keys: Union[str, list[str]], value: Any) -> None:
    """
    Put a value into nested dicts, which are made where they are missing: `set_in_dict(d, "a.b.c", 3)`.

    Raises:
        TypeError: There is something else than a dict on the way.
    """
    *parents, last = [str(step) for step in _path(keys)]
    part: Any = dct
    for depth, step in enumerate(parents, start=1):
        part = part.setdefault(step, {})
        if not isinstance(part, dict):
            message = f"Key path exists and contains a non-dict value: {'.'.join(parents[:depth])!r} is {part!r}."
            raise TypeError(message)
    part[last] = value


def deep_merge(dct: dict[str, Any], merge: dict[str, Any]) -> dict[str, Any]:
    """Return a new dict with the items of both; dicts on both sides are merged, else `merge` wins."""
    merged = dict(dct)
    for key, value in merge.items():
        present = merged.get(key)
        both = isinstance(present, dict) and isinstance(value, dict)
        merged[key] = deep_merge(cast("dict[str, Any]", present), value) if both else value
    return merged


def deep_merge_dicts(*dicts: dict[str, Any]) -> dict[str, Any]:
    """Merge any number of dicts like `deep_merge`, from left to right."""
    merged: dict[str, Any] = {}
    for dct in dicts:
        merged = deep_merge(merged, dct)
    return merged
