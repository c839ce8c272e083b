"""Holds the values of a form against the schema of a deployment's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect._contract.responses.schema_values import (
    SchemaValueIndexError,
    SchemaValuePropertyError,
    SchemaValuesValidationResponse,
)
from prefect.server.operations.hydration import HydrationError, hydrate
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.schema_flaws import Flaw, UnusableSchemaError, find_flaws
from prefect.server.operations.templates import find_fault
from prefect.server.operations.work import UnitOfWork

__all__ = ["check_values"]

Path = tuple[str | int, ...]
Errors = list[Any]

_KIND = "__prefect_kind"
_FIELD_OF_KIND = {"json": "value", "jinja": "template", "workspace_variable": "variable_name"}
_MISSING = object()


def check_values(work: UnitOfWork, schema: dict[str, Any], values: dict[str, Any]) -> SchemaValuesValidationResponse:
    """
    Say what is wrong with values, by a schema.

    Args:
        work: The transaction.
        schema: The schema.
        values: The values. Those that say how they are found are found first; those of templates may be anything.

    Raises:
        Refusal: The schema is none.
    """
    flaws: list[Flaw] = []
    unknown: set[Path] = set()
    found = _found(work, values, (), flaws, unknown)
    try:
        flaws += [flaw for flaw in find_flaws(found, schema) if not _is_about(flaw.path, unknown)]
    except UnusableSchemaError as error:
        raise Refusal(422, f"Invalid schema: {error}") from None
    errors = _nested([(_place(flaw), flaw.reason) for flaw in flaws])
    return SchemaValuesValidationResponse(errors=errors, valid=not errors)


def _is_about(path: Path, places: set[Path]) -> bool:
    return any(path[: len(place)] == place for place in places)


def _found(work: UnitOfWork, value: Any, path: Path, flaws: list[Flaw], unknown: set[Path]) -> Any:
    """A value with all that is in it found. What cannot be found is a flaw, and may be anything otherwise."""
    if isinstance(value, list):
        items = [_found(work, item, (*path, number), flaws, unknown) for number, item in enumerate(value)]
        return [None if item is _MISSING else item for item in items]
    if not isinstance(value, dict):
        return value
    if _KIND in value:
        return _of_kind(work, value, path, flaws, unknown)
    members = {name: _found(work, item, (*path, name), flaws, unknown) for name, item in value.items()}
    return {name: item for name, item in members.items() if item is not _MISSING}


def _of_kind(work: UnitOfWork, value: dict[str, Any], path: Path, flaws: list[Flaw], unknown: set[Path]) -> Any:
    kind = value[_KIND]
    field = _FIELD_OF_KIND.get(kind) if isinstance(kind, str) else None
    if field is not None and value.get(field) is None:
        return _MISSING
    if kind == "jinja" and isinstance(value["template"], str):
        unknown.add(path)
        fault = find_fault(value["template"])
        if fault is not None:
            flaws.append(Flaw(path, f"Invalid jinja: {fault.message}"))
        return None
    try:
        return hydrate(work, value)
    except HydrationError as error:
        unknown.add(path)
        flaws.append(Flaw(path, str(error)))
        return None


def _place(flaw: Flaw) -> Path:
    """Where a flaw is shown: the absence of a property where the property would be."""
    return flaw.path if flaw.missing is None else (*flaw.path, flaw.missing)


def _nested(flaws: Sequence[tuple[Path, str]]) -> Errors:
    """Flaws as a form shows them: those of each property and of each item together, inside of what that is in."""
    errors: Errors = []
    inside: dict[str | int, list[tuple[Path, str]]] = {}
    for path, reason in flaws:
        if path:
            inside.setdefault(path[0], []).append((path[1:], reason))
        else:
            errors.append(reason)
    for place, parts in inside.items():
        if isinstance(place, int):
            errors.append(SchemaValueIndexError(index=place, errors=_nested(parts)))
        else:
            errors.append(SchemaValuePropertyError(property=place, errors=_nested(parts)))
    return errors
