"""The parameters of a flow: validated into the types that it declares, and written down as JSON."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, PydanticUserError, SecretStr, ValidationError, create_model
from pydantic_core import PydanticSerializationError, to_jsonable_python

from prefect.exceptions import ParameterTypeError


def _annotation(function: Callable[..., Any], given: Any, scope: dict[str, Any]) -> Any:
    """An annotation as a type; Any when it is missing or names something that cannot be found."""
    import typing

    if given is inspect.Parameter.empty:
        return Any
    holder = type("holder", (), {"__annotations__": {"value": given}})
    try:
        return typing.get_type_hints(holder, {**getattr(function, "__globals__", {}), **scope}, include_extras=True)[
            "value"
        ]
    except Exception:
        return Any


def parameter_model(function: Callable[..., Any], scope: dict[str, Any] | None = None) -> type[BaseModel]:
    """
    A model with one field per parameter of a function, as it is annotated.

    Args:
        function: The function.
        scope: What else its annotations may name, see `prefect._engine.scopes`.
    """
    inner = inspect.unwrap(getattr(function, "func", function))
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    for number, (name, parameter) in enumerate(inspect.signature(function).parameters.items()):
        annotation = _annotation(inner, parameter.annotation, scope or {})
        if parameter.kind is parameter.VAR_POSITIONAL:
            annotation = tuple[annotation, ...]  # type: ignore[valid-type]
        elif parameter.kind is parameter.VAR_KEYWORD:
            annotation = dict[str, annotation]  # type: ignore[valid-type]
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        # Field names that pydantic reserves (`model_…`, `_x`, `schema`) are possible parameter names: use neutral ones.
        names[f"p{number}"] = name
        fields[f"p{number}"] = (annotation, default)
    model = create_model(
        f"{getattr(function, '__name__', 'function')} parameters",
        __config__=ConfigDict(arbitrary_types_allowed=True, protected_namespaces=()),
        **fields,
    )
    model.__parameter_names__ = names  # type: ignore[attr-defined]
    return model


def validate_parameters(model: type[BaseModel], parameters: dict[str, Any]) -> dict[str, Any]:
    """
    Parameters, converted to the types that the flow declares.

    Raises:
        ParameterTypeError: One of them cannot be.
    """
    names: dict[str, str] = model.__parameter_names__  # type: ignore[attr-defined]
    fields = {name: field for field, name in names.items()}
    try:
        instance = model.model_validate({fields[name]: value for name, value in parameters.items()})
    except ValidationError as error:
        details: list[dict[str, Any]] = [
            {**item, "loc": (names.get(str(item["loc"][0]), item["loc"][0]), *item["loc"][1:])}
            for item in error.errors()
        ]
        lines = [f"{'.'.join(str(step) for step in item['loc'])}: {item['msg']}" for item in details]
        cause = None if _may_hold_secrets(model) else error  # which shows what was given
        raise ParameterTypeError("Flow run received invalid parameters:\n - " + "\n - ".join(lines)) from cause
    return {name: getattr(instance, fields[name]) for name in parameters}


def _may_hold_secrets(model: type[BaseModel]) -> bool:
    """Whether secrets are among the parameters, or this cannot be said as not all of them can be described."""
    try:
        return '"writeOnly": true' in json.dumps(model.model_json_schema())
    except (PydanticUserError, TypeError):
        return True


def serialize_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters as JSON values, for the record of the run; what has no JSON form is written as text, secrets as stars."""
    return {name: _jsonable(value) for name, value in parameters.items()}


def _jsonable(value: Any) -> Any:
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, SecretStr):
        return str(value)
    try:
        return to_jsonable_python(value, serialize_unknown=False, bytes_mode="base64", inf_nan_mode="strings")
    except (PydanticSerializationError, ValueError, TypeError, RecursionError):
        return repr(value)[:1_000]
