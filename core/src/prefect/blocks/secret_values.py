"""Put the values of secrets into what pydantic has rendered with masks."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic_core import to_jsonable_python

__all__ = ["revealed"]


def revealed(value: Any, rendered: Any) -> Any:
    """
    What was rendered, with the values of secrets in place of their masks.

    Args:
        value: What was rendered: a model, or a part of one.
        rendered: What JSON it became.
    """
    if isinstance(value, (SecretStr, SecretBytes, Secret)):
        return to_jsonable_python(value.get_secret_value())
    if isinstance(rendered, dict):
        for name, part in _named_parts(value):
            if name in rendered:
                rendered[name] = revealed(part, rendered[name])
    elif isinstance(rendered, list) and isinstance(value, (list, tuple)):
        return [revealed(part, shown) for part, shown in zip(value, rendered, strict=True)]
    return rendered


def _named_parts(value: Any) -> list[tuple[str, Any]]:
    """The parts of a mapping or model under all names that they may be rendered with."""
    if isinstance(value, dict):
        return [(str(name), part) for name, part in value.items()]
    if not isinstance(value, BaseModel):
        return []
    names = [(name, name) for name in value.__dict__]
    names += [
        (field.serialization_alias or field.alias or name, name) for name, field in type(value).model_fields.items()
    ]
    return [(shown, getattr(value, name)) for shown, name in dict(names).items() if name in value.__dict__]
