"""
Parameters that say how their values are found.

A value `{"__prefect_kind": "json", "value": "[1]"}` stands for what the text says, `jinja` for what a template gives,
`workspace_variable` for the value of a variable, and `none` for the value as it is.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.work import UnitOfWork

__all__ = ["HydrationError", "hydrate", "hydrate_all"]

_KIND = "__prefect_kind"


class HydrationError(ValueError):
    """A parameter's value cannot be found."""


def hydrate_all(work: UnitOfWork, parameters: dict[str, Any]) -> dict[str, Any]:
    """
    Parameters with the values that they stand for.

    Raises:
        HydrationError: One of them cannot be found.
    """
    return {name: hydrate(work, value) for name, value in parameters.items()}


def hydrate(work: UnitOfWork, value: Any) -> Any:
    """
    What a JSON value stands for, at any depth.

    Raises:
        HydrationError: It cannot be found.
    """
    if isinstance(value, list):
        return [hydrate(work, item) for item in value]
    if not isinstance(value, dict):
        return value
    if _KIND not in value:
        return {name: hydrate(work, item) for name, item in value.items()}
    kind = value[_KIND]
    if kind == "json":
        return _of_json(hydrate(work, value.get("value")))
    if kind == "jinja":
        return _of_template(hydrate(work, value.get("template")))
    if kind == "workspace_variable":
        return _of_variable(work, hydrate(work, value.get("variable_name")))
    return hydrate(work, value.get("value"))


def _of_json(text: Any) -> Any:
    try:
        return None if text is None else from_json(text)
    except (ValueError, TypeError) as error:
        raise HydrationError(f"Invalid JSON: {error}. It is {text!r}.") from None


def _of_variable(work: UnitOfWork, name: Any) -> Any:
    row = records.read(work.connection, tables.variable, name=name) if isinstance(name, str) else None
    if row is None:
        raise HydrationError(f"Variable {name!r} not found in workspace.")
    return row["value"]


def _of_template(template: Any) -> Any:
    from prefect.server.operations.rendering import TemplateError, render

    if not isinstance(template, str):
        return template
    try:
        return render(template)
    except TemplateError as error:
        raise HydrationError(str(error)) from None
