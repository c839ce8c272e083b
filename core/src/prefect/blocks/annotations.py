"""What the annotations of a model say: which blocks it holds, and which of its values are secret."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from prefect.types import SecretDict

__all__ = ["classes_in", "secret_paths"]

_SECRETS = (SecretStr, SecretBytes, Secret)


def classes_in(annotation: Any, base: type) -> list[type]:
    """The subclasses of a class that an annotation names, each once, in order: of `list[A] | B` that is A and B."""
    if inspect.isclass(annotation) and get_origin(annotation) is None and issubclass(annotation, base):
        return [annotation]
    found = [each for argument in get_args(annotation) for each in classes_in(argument, base)]
    return list(dict.fromkeys(found))


def secret_paths(model: type[BaseModel], within: frozenset[type] = frozenset()) -> list[str]:
    """
    Where a model holds secrets: dotted names of fields. `*` stands for all keys of a mapping; for the items of a list
    there is no sign, a path goes on in each of them.

    Args:
        model: The model.
        within: Models that are being looked at already, so that one which contains itself comes to an end.
    """
    if model in within:
        return []
    within |= {model}
    found = [f"{name}{path}" for name, field in model.model_fields.items() for path in _paths(field.annotation, within)]
    return list(dict.fromkeys(found))


def _paths(annotation: Any, within: frozenset[type]) -> Iterator[str]:
    kind = get_origin(annotation) or annotation
    if inspect.isclass(kind) and issubclass(kind, _SECRETS):
        holds_mapping = issubclass(kind, SecretDict) or get_args(annotation)[:1] == (dict,)
        yield ".*" if holds_mapping else ""
    elif inspect.isclass(kind) and issubclass(kind, BaseModel):
        yield from (f".{path}" for path in secret_paths(kind, within))
    elif inspect.isclass(kind) and issubclass(kind, Mapping):
        for argument in get_args(annotation)[1:]:
            yield from (f".*{path}" for path in _paths(argument, within))
    else:
        for argument in get_args(annotation):
            yield from _paths(argument, within)
