"""
What depends on the kind of database: how to connect, how transactions begin, what errors mean, a few conditions.

SQLite is the only kind that the core knows. A connection is put into autocommit mode once, and transactions are then
begun and ended by plain statements: `BEGIN IMMEDIATE` for one that writes, so that it either waits for its turn at the
start or never; `BEGIN` for one that reads, which sees one moment of the database and waits for nobody.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from pydantic_core import to_json
from sqlalchemy import Text, and_, create_engine, exc, exists, false, func, or_, true, type_coerce
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement

from prefect.exceptions import ConfigurationError
from prefect.server.database.errors import (
    ConstraintViolation,
    DatabaseBusyError,
    DatabaseError,
    DatabaseFullError,
    DatabaseUnreadableError,
    UnstorableValueError,
)

__all__ = ["SqliteDialect", "contains", "has_all", "has_any", "is_empty", "is_like"]

_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED"})
_FULL = frozenset({"SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_PERM"})
_UNREADABLE = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_CANTOPEN", "SQLITE_AUTH"})

# Python 3.10 does not tell SQLite's code, only its words.
_WORDS = (
    ("is locked", "SQLITE_BUSY"),
    ("full", "SQLITE_FULL"),
    ("readonly", "SQLITE_READONLY"),
    ("disk I/O error", "SQLITE_IOERR"),
    ("malformed", "SQLITE_CORRUPT"),
    ("not a database", "SQLITE_NOTADB"),
    ("unable to open", "SQLITE_CANTOPEN"),
)

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16000",  # KiB
    "PRAGMA journal_size_limit = 67108864",  # a burst must not leave a large write-ahead log for ever
)

_TRY_SECONDS = 0.2
"""How long SQLite itself waits for a lock. Short, so that signals are heard; whoever calls tries again."""


def _code(error: BaseException) -> str:
    """SQLite's primary code for an error of the driver."""
    name: str | None = getattr(error, "sqlite_errorname", None)
    if name is None:
        text = str(error)
        return next((code for words, code in _WORDS if words in text), "SQLITE_ERROR")
    return "_".join(name.split("_")[:2])


class SqliteDialect:
    """One SQLite file, or a database in memory."""

    def __init__(self, url: str, *, echo: bool = False) -> None:
        self.url = url
        self.echo = echo
        self.path = _path(url)

    def make_engine(self) -> Engine:
        """An engine whose connections are in autocommit mode and are not pooled by SQLAlchemy."""
        return create_engine("sqlite://", creator=self._open, poolclass=NullPool, echo=self.echo)

    def make_file(self) -> None:
        """Make an empty file that only its owner may read, and the directories above it, unless they exist."""
        if self.path is None or self.path.exists():
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise self._unreadable(error) from error

    def _open(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                ":memory:" if self.path is None else self.path,
                timeout=_TRY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        except sqlite3.Error as error:
            raise self._unreadable(error) from error
        try:
            if self.path is not None and self.path.stat().st_size == 0:
                # Decided before the first table is made: so that freed pages can be given back in small steps.
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def begin(connection: Connection, *, write: bool) -> None:
        """Begin a transaction."""
        _driver(connection).execute("BEGIN IMMEDIATE" if write else "BEGIN")

    @staticmethod
    def commit(connection: Connection) -> None:
        """End a transaction: what it wrote is there."""
        _driver(connection).execute("COMMIT")

    @staticmethod
    def rollback(connection: Connection) -> None:
        """End a transaction: what it wrote never was."""
        driver = _driver(connection)
        if driver.in_transaction:  # some errors have already ended it
            driver.execute("ROLLBACK")

    @staticmethod
    def is_busy(error: BaseException) -> bool:
        """Whether the same may succeed a little later."""
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        return isinstance(cause, sqlite3.Error) and _code(cause) in _BUSY

    def explain(self, error: BaseException) -> DatabaseError | None:
        """What an error of the driver means; None if it is none, or a mistake in a statement."""
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        if isinstance(cause, (OverflowError, UnicodeEncodeError)):
            return UnstorableValueError(f"A value cannot be stored: {cause}.")
        if not isinstance(cause, sqlite3.Error):
            return None
        code = _code(cause)
        if isinstance(cause, sqlite3.IntegrityError):
            return ConstraintViolation(str(cause))
        if isinstance(cause, sqlite3.DataError) or code == "SQLITE_TOOBIG":
            return UnstorableValueError(f"A value cannot be stored: {cause}.")
        if code in _BUSY:
            return DatabaseBusyError(
                f"Another process has kept {self.place} locked for too long ({cause}). Find and end it, then try again."
            )
        if code in _FULL:
            return DatabaseFullError(
                f"Cannot write to {self.place}: {cause}. Free space on its disk and see that its owner may write to it."
            )
        if code in _UNREADABLE:
            return self._unreadable(cause)
        return None

    @property
    def place(self) -> str:
        """The database, for people."""
        return "the database in memory" if self.path is None else f"the database file '{self.path}'"

    def _unreadable(self, cause: BaseException) -> DatabaseUnreadableError:
        return DatabaseUnreadableError(
            f"Cannot use {self.place}: {cause}. Move the file away to start with an empty one, restore it from a copy, "
            "or name another one with PREFECT_SERVER_DATABASE_CONNECTION_URL."
        )


def _driver(connection: Connection) -> sqlite3.Connection:
    return connection.connection.driver_connection  # type: ignore[return-value]


def _path(url: str) -> Path | None:
    """
    The file that a database URL names; None for a database in memory.

    Raises:
        prefect.exceptions.ConfigurationError: The URL names no SQLite database.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] != "sqlite":
        kind = scheme.partition("+")[0] if separator else url.partition(":")[0]
        remedy = (
            "It needs the package 'prefect-postgres', which is not part of this installation."
            if kind.startswith("postgres")
            else "Use 'sqlite:///<path>', or 'postgresql://...' with the package 'prefect-postgres'."
        )
        message = f"PREFECT_SERVER_DATABASE_CONNECTION_URL names a database of the kind {kind!r}. {remedy}"
        raise ConfigurationError(message)
    location, _, options = rest.partition("?")
    location = location.removeprefix("/")
    if dict(parse_qsl(options)).get("mode") == "memory" or location in {"", ":memory:", "file::memory:"}:
        return None
    return Path(unquote(location)).expanduser()


def is_like(column: ColumnElement[Any], pattern: str, escape: str | None = None) -> ColumnElement[bool]:
    """Whether a text is like a pattern of SQL, upper and lower case being the same (in SQLite, for the letters of ASCII)."""
    return column.like(pattern, escape=escape)


def contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether a text contains another one, upper and lower case being the same."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return is_like(column, f"%{escaped}%", escape="\\")


def has_any(column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a JSON list has at least one of some texts."""
    return or_(false(), *(_has(column, value) for value in values))


def has_all(column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a JSON list has each of some texts."""
    return and_(true(), *(_has(column, value) for value in values))


def _has(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    """Whether a JSON list has a text. Where its JSON form does not occur at all, the list need not be taken apart."""
    stored = type_coerce(column, Text)
    items = func.json_each(stored).table_valued("value")
    return (func.instr(stored, to_json(value).decode()) > 0) & exists().select_from(items).where(items.c.value == value)


def is_empty(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a JSON list has nothing in it."""
    return type_coerce(column, Text) == "[]"
