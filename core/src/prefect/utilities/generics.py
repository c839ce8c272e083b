"""Lists of models."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter

__all__ = ["validate_list"]

T = TypeVar("T", bound=BaseModel)


@lru_cache(maxsize=256)
def _adapter(model: type[Any]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]


def validate_list(model: type[T], input: Any) -> list[T]:
    """
    Make a list of models of what describes each of them.

    Raises:
        pydantic.ValidationError: It is no list, or an item is not of the model.
    """
    return _adapter(model).validate_python(input)
