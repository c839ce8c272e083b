"""
Parameters that say how their values are found.

A value `{"__prefect_kind": "json", "value": "[1]"}` stands for what the text says, `jinja` for what a template gives,
`workspace_variable` for the value of a variable, and `none` for the value as it is.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic_core import from_json

from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.work import UnitOfWork

__all__ = ["HydrationError", "hydrate", "hydrate_all"]

_KIND = "__prefect_kind"
_LONGEST_TEXT = 524_288
"""How many characters a template may give: no parameters of a run may be larger."""


_LONGEST_RANGE = 1_000
_LARGEST_POWER = 64


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
    from jinja2 import TemplateError

    from prefect.server.operations.templates import find_fault

    if not isinstance(template, str):
        return template
    fault = find_fault(template)
    if fault is not None:
        raise HydrationError(f"Invalid jinja: {fault.message}. The template is {template!r}.")
    text = ""
    try:
        for piece in _sandbox().from_string(template).generate():
            text += piece
            if len(text) > _LONGEST_TEXT:
                break
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        raise HydrationError(f"Invalid jinja: {error}. The template is {template!r}.") from None
    if len(text) > _LONGEST_TEXT:
        raise HydrationError(f"Invalid jinja: {template!r} gives more than {_LONGEST_TEXT:,} characters.")
    return text


@cache
def _sandbox() -> Any:
    """Where templates are filled in: they can call nothing, and compute nothing, that takes long or gets large."""
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"*", "**", "%"})

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
            if not numbers or (operator == "**" and abs(right) > _LARGEST_POWER):
                raise SecurityError(f"{left!r} {operator} {right!r} is not computed here")
            return super().call_binop(context, operator, left, right)

    sandbox = Sandbox()
    sandbox.globals = {"range": _short_range}
    return sandbox


def _short_range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > _LONGEST_RANGE:
        raise ValueError(f"a range has at most {_LONGEST_RANGE} numbers")
    return numbers
