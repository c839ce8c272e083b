"""
What is wrong with JSON values, by a JSON schema.

Understood is what pydantic writes and people add by hand: types, alternatives, constants, bounds of numbers, texts, lists
and objects, references within the schema. `format` describes and does not forbid. A reference to a block document stands
for whatever the block is.

Patterns are looked for in a time that grows with the text alone. Those that this cannot be done for, as they look around or
back, are not held against anything: that is left to who gets the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaError, SchemaValidator, core_schema

__all__ = ["Flaw", "UnusableSchemaError", "find_flaws"]

Schema = dict[str, Any]
Path = tuple[str | int, ...]

_DEEPEST = 200
"""How many levels of values and references are followed."""

_MOST_STEPS = 100_000
"""How many parts of a value are held against parts of a schema: alternatives within alternatives can be any number."""

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


class UnusableSchemaError(ValueError):
    """A schema says nothing that values could be held against."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """
    Something that is wrong with a value.

    Args:
        path: Where: the names and positions that lead to it.
        reason: What.
        missing: The property that is required there, and absent.
    """

    path: Path
    reason: str
    missing: str | None = None

    @property
    def place(self) -> str:
        """Where, for people: `o.x` or `l[1]`; empty for the whole."""
        text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return text.removeprefix(".")

    def __str__(self) -> str:
        where = f" for field '{self.place}'" if self.path else ""
        return f"Validation failed{where}. Failure reason: {self.reason}"


def find_flaws(value: Any, schema: Schema) -> Iterator[Flaw]:
    """
    What is wrong with a value.

    Raises:
        UnusableSchemaError: The schema names a type that there is not, refers to nothing, is nested too deep, or says
            something where something else is expected.
    """
    try:
        yield from _Check(schema).flaws(value, schema, (), 0)
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise UnusableSchemaError(f"The schema is none: {error}.") from None


@lru_cache(256)
def _searcher(pattern: str) -> SchemaValidator | None:
    """What looks for a pattern without ever going back; None if that cannot be done."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UnusableSchemaError(f"The schema has a pattern that is none: {error}.") from None
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError:
        return None


def _has(text: str, pattern: str) -> bool | None:
    """Whether a pattern is in a text; None if it is not looked for."""
    searcher = _searcher(pattern)
    return None if searcher is None else searcher.isinstance_python(text)


class _Check:
    """Holds values against parts of one schema."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._steps = 0

    def flaws(self, value: Any, schema: Any, path: Path, depth: int) -> Iterator[Flaw]:
        if depth > _DEEPEST:
            raise UnusableSchemaError(f"The schema or the value is nested deeper than {_DEEPEST} levels.")
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise UnusableSchemaError(f"It takes more than {_MOST_STEPS} steps to hold the value against the schema.")
        if schema is False:
            yield Flaw(path, f"{value!r} is not allowed here")
        if not isinstance(schema, dict) or (_is_block_reference(value) and self._is_of_block(schema)):
            return
        if "$ref" in schema:
            yield from self.flaws(value, self._definition(schema["$ref"]), path, depth + 1)
        for keyword, check in _VALUE_CHECKS.items():
            if keyword in schema:
                reason = check(value, schema[keyword])
                if reason is not None:
                    yield Flaw(path, reason)
                    return
        yield from self._combined(value, schema, path, depth)
        if isinstance(value, dict):
            yield from self._members(value, schema, path, depth)
        elif isinstance(value, list):
            yield from self._items(value, schema, path, depth)

    def fits(self, value: Any, schema: Any, path: Path, depth: int) -> bool:
        return next(self.flaws(value, schema, path, depth + 1), None) is None

    def _combined(self, value: Any, schema: Schema, path: Path, depth: int) -> Iterator[Flaw]:
        for part in schema.get("allOf", ()):
            yield from self.flaws(value, part, path, depth + 1)
        if "anyOf" in schema and not any(self.fits(value, part, path, depth) for part in schema["anyOf"]):
            yield Flaw(path, f"{value!r} is not valid under any of the given schemas")
        if "oneOf" in schema:
            fitting = sum(self.fits(value, part, path, depth) for part in schema["oneOf"])
            if fitting != 1:
                how_many = "any" if fitting == 0 else "exactly one"
                yield Flaw(path, f"{value!r} is not valid under {how_many} of the given schemas")
        if "not" in schema and self.fits(value, schema["not"], path, depth):
            yield Flaw(path, f"{value!r} should not be valid under {schema['not']!r}")

    def _members(self, value: dict[str, Any], schema: Schema, path: Path, depth: int) -> Iterator[Flaw]:
        for name in schema.get("required", ()):
            if name not in value:
                yield Flaw(path, f"{name!r} is a required property", missing=name)
        properties = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        others = schema.get("additionalProperties", True)
        unexpected = []
        for name, member in value.items():
            parts = [properties[name]] if name in properties else []
            for pattern, part in patterns.items():
                found = _has(name, pattern)
                parts += [part] if found else [True] if found is None else []
            if not parts and others is False:
                unexpected.append(repr(name))
            for part in parts or ([] if others is False else [others]):
                yield from self.flaws(member, part, (*path, name), depth + 1)
        if unexpected:
            verb = "was" if len(unexpected) == 1 else "were"
            yield Flaw(path, f"Additional properties are not allowed ({', '.join(unexpected)} {verb} unexpected)")

    def _items(self, value: list[Any], schema: Schema, path: Path, depth: int) -> Iterator[Flaw]:
        first = schema.get("prefixItems", ())
        rest = schema.get("items", True)
        if isinstance(rest, list):  # as drafts before 2020 say `prefixItems`
            first, rest = rest, schema.get("additionalItems", True)
        for position, item in enumerate(value):
            part = first[position] if position < len(first) else rest
            yield from self.flaws(item, part, (*path, position), depth + 1)

    def _is_of_block(self, schema: Schema) -> bool:
        parts = [schema, *schema.get("anyOf", ()), *schema.get("allOf", ())]
        resolved = [self._definition(part["$ref"]) if "$ref" in part else part for part in parts]
        return any("block_type_slug" in part for part in resolved)

    def _definition(self, reference: str) -> Schema:
        node: Any = self._root
        for part in reference.removeprefix("#").split("/")[1:]:
            node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            raise UnusableSchemaError(f"The schema refers to {reference!r}, and has nothing there.")
        return node


def _is_block_reference(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"$ref"}


def _of_type(value: Any, wanted: str | list[str]) -> str | None:
    names = [wanted] if isinstance(wanted, str) else wanted
    for name in names:
        if name not in _TYPES:
            raise UnusableSchemaError(f"The schema asks for the type {name!r}. There are: {', '.join(_TYPES)}.")
    if any(_is_of(value, name) for name in names):
        return None
    return f"{value!r} is not of type {', '.join(map(repr, names))}"


def _is_of(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, float) and value.is_integer() and name == "integer":
        return True
    return isinstance(value, _TYPES[name])


def _same(value: Any, other: Any) -> bool:
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def _unless(kind: type | tuple[type, ...], holds: Callable[[Any, Any], bool], reason: str) -> Callable[[Any, Any], Any]:
    """A check that concerns values of a kind alone."""

    def check(value: Any, limit: Any) -> str | None:
        concerned = isinstance(value, kind) and not isinstance(value, bool)
        return None if not concerned or holds(value, limit) else f"{value!r} {reason.format(limit=limit)}"

    return check


_NUMBER = (int, float)

_VALUE_CHECKS: dict[str, Callable[[Any, Any], str | None]] = {
    "type": _of_type,
    "enum": lambda value, among: (
        None if any(_same(value, item) for item in among) else f"{value!r} is not one of {among!r}"
    ),
    "const": lambda value, wanted: None if _same(value, wanted) else f"{wanted!r} was expected",
    "minimum": _unless(_NUMBER, lambda value, limit: value >= limit, "is less than the minimum of {limit}"),
    "maximum": _unless(_NUMBER, lambda value, limit: value <= limit, "is greater than the maximum of {limit}"),
    "exclusiveMinimum": _unless(_NUMBER, lambda value, limit: value > limit, "is not greater than {limit}"),
    "exclusiveMaximum": _unless(_NUMBER, lambda value, limit: value < limit, "is not less than {limit}"),
    "multipleOf": _unless(_NUMBER, lambda value, limit: not value % limit, "is not a multiple of {limit}"),
    "minLength": _unless(str, lambda value, limit: len(value) >= limit, "is too short"),
    "maxLength": _unless(str, lambda value, limit: len(value) <= limit, "is too long"),
    "pattern": _unless(str, lambda value, pattern: _has(value, pattern) is not False, "does not match {limit!r}"),
    "minItems": _unless(list, lambda value, limit: len(value) >= limit, "is too short"),
    "maxItems": _unless(list, lambda value, limit: len(value) <= limit, "is too long"),
    "uniqueItems": _unless(list, lambda value, wanted: not wanted or _all_differ(value), "has non-unique elements"),
    "minProperties": _unless(dict, lambda value, limit: len(value) >= limit, "does not have enough properties"),
    "maxProperties": _unless(dict, lambda value, limit: len(value) <= limit, "has too many properties"),
}


def _all_differ(items: list[Any]) -> bool:
    texts = [repr(item) for item in items]
    return len(set(texts)) == len(texts)
