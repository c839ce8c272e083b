"""Values of blocks on their way to the orchestrator: pydantic's secrets become what they hold, or a mask."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

__all__ = ["plain"]


def plain(value: Any, *, include_secrets: bool) -> Any:
    """The same value without secrets' wrappers, also inside of mappings, sequences and models."""
    if isinstance(value, (SecretStr, SecretBytes, Secret)):
        return plain(value.get_secret_value(), include_secrets=True) if include_secrets else "********"
    if isinstance(value, dict):
        return {name: plain(item, include_secrets=include_secrets) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, include_secrets=include_secrets) for item in value]
    if isinstance(value, BaseModel):
        return {name: plain(item, include_secrets=include_secrets) for name, item in value}
    return value
