"""The parameters of a flow: validated into the types that it declares, and written down as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, create_model
from pydantic_core import PydanticSerializationError, to_jsonable_python

from prefect.exceptions import ParameterTypeError


def parameter_model(function: Callable[..., Any]) -> type[BaseModel]:
    """A model with one field per parameter of a function, as it is annotated."""
    import inspect
    import typing

    signature = inspect.signature(function)
    try:
        hints = typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except Exception:
        hints = {}
    fields: dict[str, Any] = {}
    aliases: dict[str, str] = {}
    for number, (name, parameter) in enumerate(signature.parameters.items()):
        annotation = hints.get(name, parameter.annotation)
        if annotation is inspect.Parameter.empty or isinstance(annotation, str):
            annotation = Any
        if parameter.kind is parameter.VAR_POSITIONAL:
            annotation = tuple[annotation, ...]  # type: ignore[valid-type]
        elif parameter.kind is parameter.VAR_KEYWORD:
            annotation = dict[str, annotation]  # type: ignore[valid-type]
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        # Field names that pydantic reserves (`model_…`, `_x`, `schema`) are possible parameter names: use neutral ones.
        field = f"p{number}"
        aliases[field] = name
        fields[field] = (annotation, default)
    model = create_model(
        f"{getattr(function, '__name__', 'function')} parameters",
        __config__=ConfigDict(arbitrary_types_allowed=True, protected_namespaces=()),
        **fields,
    )
    model.__parameter_names__ = aliases  # type: ignore[attr-defined]
    return model


def validate_parameters(model: type[BaseModel], parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters, converted to the types that the flow declares.

    Raises:
        ParameterTypeError: One of them cannot be.
    """
    names: dict[str, str] = model.__parameter_names__  # type: ignore[attr-defined]
    fields = {name: field for field, name in names.items()}
    try:
        instance = model.model_validate({fields[name]: value for name, value in parameters.items()})
    except ValidationError as error:
        details = [{**item, "loc": (names.get(str(item["loc"][0]), item["loc"][0]), *item["loc"][1:])} for item in error.errors()]
        lines = [f"{'.'.join(str(step) for step in item['loc'])}: {item['msg']}" for item in details]
        raise ParameterTypeError("Flow run received invalid parameters:\n - " + "\n - ".join(lines)) from error
    return {name: getattr(instance, fields[name]) for name in parameters}



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
