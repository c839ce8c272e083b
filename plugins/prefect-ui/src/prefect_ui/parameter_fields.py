"""The fields of a form whose values a JSON schema describes: the parameters of flows, the data of blocks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from prefect_ui.inputs import InputError, as_text, decimal, json_in, moment, whole

__all__ = ["Field", "fields_of", "values_of"]

_LONG = 80


@dataclass(frozen=True, slots=True)
class Field:
    """
    A field.

    Args:
        name: The name of the property.
        label: What it is called for people.
        kind: `text`, `area`, `secret`, `integer`, `number`, `boolean`, `choice`, `date`, `datetime`, `json`.
        value: What is in it.
        help: What belongs there.
        is_required: It may not be empty.
        is_nullable: It may be null; empty means that.
        choices: For `choice`: the values, as JSON, and how they are shown.
        is_filled: Something was in it before anybody typed.
        is_structured: A secret that is an object or a list, and is typed as JSON.
        errors: What is wrong with what was typed.
    """

    name: str
    label: str
    kind: str
    value: str = ""
    help: str = ""
    is_required: bool = False
    is_nullable: bool = False
    choices: list[tuple[str, str]] = field(default_factory=list)
    is_filled: bool = False
    is_structured: bool = False
    errors: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Its name in the form."""
        return f"value.{self.name}"


def fields_of(
    schema: Mapping[str, Any],
    values: Mapping[str, Any],
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, list[str]] | None = None,
    secrets: Iterable[str] = (),
) -> list[Field]:
    """
    The fields for the properties of a schema, in its order.

    Args:
        schema: Of an object.
        values: What they have; where something is missing, the schema's default.
        typed: What was typed into the form before, if it was.
        errors: What was wrong with that, by property.
        secrets: The properties that are never shown.
    """
    hidden = set(secrets)
    properties = schema.get("properties") or {}
    named = [
        _field(schema, name, each, values, typed, (errors or {}).get(name, []), name in hidden)
        for name, each in properties.items()
        if isinstance(each, dict)
    ]
    places = {name: each.get("position", 10_000) for name, each in properties.items() if isinstance(each, dict)}
    return sorted(named, key=lambda one: places[one.name] if isinstance(places[one.name], int) else 10_000)


def _field(
    schema: Mapping[str, Any],
    name: str,
    described: Mapping[str, Any],
    values: Mapping[str, Any],
    typed: Mapping[str, str] | None,
    errors: list[str],
    is_secret: bool,
) -> Field:
    resolved, is_nullable = _resolve(schema, described)
    has = name in values or "default" in resolved
    value = values.get(name, resolved.get("default"))
    kind = "secret" if is_secret else _kind(resolved, value)
    key = f"value.{name}"
    shown = _written(kind, value)
    if typed is not None and kind != "secret":
        shown = typed.get(key, "")
    choices = [
        (json.dumps(each), each if isinstance(each, str) else json.dumps(each)) for each in resolved.get("enum", [])
    ]
    return Field(
        name=name,
        label=str(described.get("title") or name),
        kind=kind,
        value="" if kind == "secret" else shown,
        help=str(resolved.get("description") or ""),
        is_required=name in (schema.get("required") or []) and not has,
        is_nullable=is_nullable,
        choices=choices,
        is_filled=has and value is not None,
        is_structured=resolved.get("type") in {"object", "array"},
        errors=errors,
    )


def _resolve(schema: Mapping[str, Any], described: Mapping[str, Any], depth: int = 0) -> tuple[dict[str, Any], bool]:
    """A property without references, and without null beside what else it may be; and whether it may be null."""
    found = dict(described)
    if depth > 20:
        return found, False
    if isinstance(path := found.get("$ref"), str):
        rest = {name: value for name, value in found.items() if name != "$ref"}
        target, is_nullable = _resolve(schema, _at(schema, path), depth + 1)
        return {**target, **rest}, is_nullable
    several = found.get("allOf")
    if isinstance(several, list) and len(several) == 1 and isinstance(several[0], dict):
        rest = {name: value for name, value in found.items() if name != "allOf"}
        target, is_nullable = _resolve(schema, several[0], depth + 1)
        return {**target, **rest}, is_nullable
    for word in ("anyOf", "oneOf"):
        ways = found.get(word)
        if isinstance(ways, list) and {"type": "null"} in ways:
            others = [way for way in ways if way != {"type": "null"}]
            rest = {name: value for name, value in found.items() if name != word}
            if len(others) == 1 and isinstance(others[0], dict):
                return {**_resolve(schema, others[0], depth + 1)[0], **rest}, True
            return found, True
    return found, False


def _at(schema: Mapping[str, Any], path: str) -> dict[str, Any]:
    place: Any = schema
    for part in path.removeprefix("#/").split("/"):
        place = place.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(place, dict) else None
    return place if isinstance(place, dict) else {}


def _kind(described: Mapping[str, Any], value: Any) -> str:
    if isinstance(described.get("enum"), list):
        return "choice"
    kind = described.get("type")
    if kind == "boolean" and (value is None or isinstance(value, bool)):
        return "boolean"
    if kind in {"integer", "number"} and (
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
    ):
        return str(kind)
    if kind == "string" and (value is None or isinstance(value, str)):
        return _kind_of_text(described, value)
    return "json"


def _kind_of_text(described: Mapping[str, Any], value: str | None) -> str:
    form = described.get("format")
    if form == "password":
        return "secret"
    if form == "date" and _is_date(value):
        return "date"
    if form == "date-time" and _is_moment(value):
        return "datetime"
    return "area" if value and ("\n" in value or len(value) > _LONG) else "text"


def _is_date(value: str | None) -> bool:
    return not value or (_is_moment(value) and len(value) == 10)


def _is_moment(value: str | None) -> bool:
    try:
        return not value or datetime.fromisoformat(value.replace("Z", "+00:00")) is not None
    except ValueError:
        return False


def _written(kind: str, value: Any) -> str:
    if value is None:
        return ""
    if kind in {"json", "choice"}:
        return as_text(value) if kind == "json" else json.dumps(value)
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "datetime" and value:
        parsed = datetime.fromisoformat(value.replace("Z", "+00:00"))
        in_utc = parsed.astimezone(timezone.utc) if parsed.tzinfo else parsed
        return in_utc.strftime("%Y-%m-%dT%H:%M:%S")
    return str(value)


def values_of(fields: Iterable[Field], typed: Mapping[str, str]) -> dict[str, Any]:
    """
    The values that were typed. What is empty is null where it may be, and else left out, but a text that was emptied.

    Args:
        fields: The fields, as they were before something was typed.
        typed: The form.

    Raises:
        InputError: Something is not what belongs there.
    """
    values: dict[str, Any] = {}
    for each in fields:
        told = typed.get(each.key, "").replace("\r\n", "\n")
        if told.strip():
            values[each.name] = _value(each, typed, told)
        elif each.kind == "secret":
            continue
        elif each.is_nullable:
            values[each.name] = None
        elif each.kind in {"text", "area"} and each.is_filled:
            values[each.name] = told
    return values


def _value(each: Field, typed: Mapping[str, str], told: str) -> Any:
    if each.kind == "integer":
        return whole(typed, each.key, each.label)
    if each.kind == "number":
        number = decimal(typed, each.key, each.label)
        return int(number) if number is not None and number.is_integer() and "." not in told else number
    if each.kind == "boolean":
        return told == "true"
    if each.kind == "datetime":
        return moment(typed, each.key, each.label)
    if each.kind == "choice":
        chosen = json_in(typed, each.key, each.label)
        if json.dumps(chosen) not in {value for value, _ in each.choices}:
            raise InputError(f"{each.label}: choose one of those that are there.")
        return chosen
    is_json = each.kind == "json" or (each.kind == "secret" and each.is_structured)
    return json_in(typed, each.key, each.label) if is_json else told
