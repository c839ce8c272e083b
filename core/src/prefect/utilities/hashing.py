"""Hashes of values and files that are the same in every process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Union
from uuid import UUID

from prefect.exceptions import HashError

__all__ = ["file_hash", "hash_objects", "stable_hash"]

# For telling values apart, not for security.
_md5 = partial(hashlib.md5, usedforsecurity=False)

_CHUNK_BYTES = 1 << 20


def stable_hash(*args: Union[str, bytes], hash_algo: Callable[..., Any] = _md5) -> str:
    """
    The hash of texts and bytes, one after another, as hexadecimal digits.

    Args:
        args: Texts and bytes.
        hash_algo: Makes the hash object, as those of `hashlib` do.
    """
    digest = hash_algo()
    for part in args:
        digest.update(part.encode() if isinstance(part, str) else part)
    return str(digest.hexdigest())


def file_hash(path: str, hash_algo: Callable[..., Any] = _md5) -> str:
    """
    The hash of a file's content, as hexadecimal digits.

    Args:
        path: The file.
        hash_algo: Makes the hash object, as those of `hashlib` do.
    """
    digest = hash_algo()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return str(digest.hexdigest())


def hash_objects(
    *args: Any, hash_algo: Callable[..., Any] = _md5, raise_on_failure: bool = False, **kwargs: Any
) -> str | None:
    """
    The hash of any values, by way of JSON, or of a pickle where JSON does not do.

    Args:
        args: Values.
        hash_algo: Makes the hash object, as those of `hashlib` do.
        raise_on_failure: Whether to raise if a value cannot be hashed; else None is returned.
        kwargs: Further values, with names.

    Returns:
        Hexadecimal digits.

    Raises:
        prefect.exceptions.HashError: A value can neither be written as JSON nor be pickled.
    """
    try:
        text = json.dumps((args, kwargs), sort_keys=True, default=_jsonable)
    except (TypeError, ValueError, RecursionError) as error:
        json_error: Exception = error
    else:
        return stable_hash(text, hash_algo=hash_algo)
    import cloudpickle

    try:
        return stable_hash(cloudpickle.dumps((args, kwargs)), hash_algo=hash_algo)
    except Exception as pickle_error:
        if not raise_on_failure:
            return None
        message = (
            "Unable to create hash - objects could not be serialized.\n"
            f"  JSON error: {json_error}\n  Pickle error: {pickle_error}"
        )
        raise HashError(message) from pickle_error


def _jsonable(value: Any) -> Any:
    """What stands for a value that is no JSON. Its type is part of it: a path and its text differ."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, (datetime, date, time, timedelta, Decimal, UUID, PurePath)):
        return [name, str(value)]
    if isinstance(value, (set, frozenset)):
        # Their order differs from process to process.
        return [name, sorted(json.dumps(item, sort_keys=True, default=_jsonable) for item in value)]
    if isinstance(value, (bytes, bytearray)):
        return [name, value.hex()]
    if isinstance(value, Enum):
        return [name, value.name]
    if hasattr(kind, "__pydantic_fields__"):
        return [name, {**value.__dict__, **(value.__pydantic_extra__ or {})}]
    if is_dataclass(kind):
        return [name, {field.name: getattr(value, field.name) for field in fields(kind)}]
    message = f"a {name} has no form in JSON"
    raise TypeError(message)
