"""
How the values of the contract are kept in columns.

On SQLite all of them are text that a person can read and that sorts as the value does: identifiers with dashes, moments
in ISO 8601 with microseconds, always UTC. (Measured: identifiers as 16 bytes would save 3 % of the time of recording.)
A database with types of its own for such values gets and gives the values themselves, and documents as JSON text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, from_json, to_json
from sqlalchemy.engine import Dialect
from sqlalchemy.types import UserDefinedType

from prefect.exceptions import SerializationError
from prefect.server.database.errors import UnstorableValueError
from prefect.utilities.ids import stored_uuid
from prefect.utilities.time import UTC, as_utc

__all__ = ["Document", "Identifier", "Moment", "Seconds", "document_text", "has_nul", "moment_text", "show_nul"]


_MOMENT_WIDTH = len("2026-01-31T12:00:00.000000+00:00")


_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""The escape of NUL in JSON, and not a backslash followed by `u0000`."""


def moment_text(moment: datetime) -> str:
    """A moment as it is stored: fixed width, UTC, so that text order is time order."""
    utc = moment if moment.tzinfo is UTC else as_utc(moment)
    text = utc.isoformat()
    return text if len(text) == _MOMENT_WIDTH else utc.isoformat(timespec="microseconds")


def document_text(value: Any) -> str:
    """
    A JSON document as it is stored. Fields of models that are None are left out.

    Raises:
        prefect.exceptions.SerializationError: The value, or one inside it, has no JSON form.
    """
    try:
        if isinstance(value, BaseModel):
            return value.__pydantic_serializer__.to_json(value, exclude_none=True).decode()
        return to_json(value).decode()
    except (PydanticSerializationError, ValueError) as error:
        message = f"A value of type {type(value).__qualname__!r} cannot be stored, because it has no JSON form: {error}"
        raise SerializationError(message) from None


def _is_text(dialect: Dialect) -> bool:
    """Whether a kind of database keeps identifiers and moments as text."""
    return dialect.name == "sqlite"


def _optional(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def process(value: Any) -> Any:
        return None if value is None else convert(value)

    return process


def _text_without_nul(value: Any) -> str:
    """
    A JSON document as it is stored where text cannot hold NUL.

    Raises:
        prefect.server.database.errors.UnstorableValueError: There is one in it.
    """
    text = document_text(value)
    if has_nul(text):
        raise UnstorableValueError("A value cannot be stored: this database keeps no text with a NUL character in it.")
    return text


def has_nul(document: str) -> bool:
    """Whether a text of a JSON document has a NUL character in it."""
    return "\\u0000" in document and _NUL.search(document) is not None


def show_nul(document: str) -> str:
    """A text of a JSON document in which NUL characters are shown rather than meant."""
    return _NUL.sub(r"\1\\\\x00", document)


class Identifier(UserDefinedType[UUID]):
    """A UUID, as 36 characters."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "CHAR(36)"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """From a value to what is stored."""
        return _optional(str) if _is_text(dialect) else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """From what is stored to a value."""
        return _optional(stored_uuid) if _is_text(dialect) else None


class Moment(UserDefinedType[datetime]):
    """An aware moment, as ISO 8601 text in UTC."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "TEXT"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """From a value to what is stored."""
        return _optional(moment_text if _is_text(dialect) else as_utc)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """From what is stored to a value; a database with a type for moments is asked for them in UTC."""
        return _optional(datetime.fromisoformat) if _is_text(dialect) else None


class Document(UserDefinedType[Any]):
    """A JSON value, or a model, as JSON text. None is NULL."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "TEXT"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """From a value to what is stored."""
        return _optional(document_text if _is_text(dialect) else _text_without_nul)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """From what is stored to a value; the reader's model makes a model of it again."""
        return _optional(from_json)


class Seconds(UserDefinedType[timedelta]):
    """A duration, as a number of seconds."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in SQL."""
        return "REAL"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """From a value to what is stored."""
        return _optional(timedelta.total_seconds)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """From what is stored to a value."""
        return _optional(_from_seconds)


def _from_seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
