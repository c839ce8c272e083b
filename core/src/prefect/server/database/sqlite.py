"""
SQLite: one file, or a database in memory.

A connection is put into autocommit mode once, and transactions are then begun and ended by plain statements: `BEGIN
IMMEDIATE` for one that writes, so that it either waits for its turn at the start or never; `BEGIN` for one that reads,
which sees one moment of the database and waits for nobody.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from sqlalchemy import create_engine, exc
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from prefect.exceptions import ConfigurationError
from prefect.server.database.dialects import ConnectionOptions, Trouble
from prefect.server.database.errors import (
    ConstraintViolation,
    DatabaseBusyError,
    DatabaseError,
    DatabaseFullError,
    DatabaseUnreadableError,
    OutcomeUnknownError,
    UnstorableValueError,
)

__all__ = ["LATEST", "SqliteDialect"]

LATEST = 4
"""The number of the last migration."""

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

_IN_A_HURRY = (*_PRAGMAS, "PRAGMA wal_autocheckpoint = 0")
"""Others write the write-ahead log back, which has to wait for the disk."""

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

    errors: tuple[type[BaseException], ...] = (exc.StatementError, sqlite3.Error, UnicodeEncodeError, OverflowError)
    """Transactions are begun by the driver, whose errors come as they are."""

    scripts = Path(__file__).parent / "migrations" / "sqlite"
    latest = LATEST
    idle = 8
    patience: float | None = None
    is_remote = False

    def __init__(self, url: str, options: ConnectionOptions | None = None) -> None:
        self.url = url
        self.echo = options is not None and options.echo
        self._is_hurried = options is not None and options.hurried
        self.path = _path(url)
        self.is_volatile = self.path is None
        self.capacity = 1 if self.is_volatile else None  # what is in memory is in one connection

    def make_engine(self) -> Engine:
        """An engine whose connections are in autocommit mode and are not pooled by SQLAlchemy."""
        return create_engine("sqlite://", creator=self._open, poolclass=NullPool, echo=self.echo)

    def prepare(self) -> None:
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
                timeout=0 if self._is_hurried else _TRY_SECONDS,
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
            for pragma in _IN_A_HURRY if self._is_hurried else _PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    @staticmethod
    def is_usable(connection: Connection) -> bool:
        """Whether an idle connection can still be used: a file does not go away."""
        return True

    @staticmethod
    def close(connection: Connection) -> None:
        """Close a connection."""
        connection.close()

    @staticmethod
    def begin(connection: Connection, *, write: bool) -> None:
        """Begin a transaction."""
        _driver(connection).execute("BEGIN IMMEDIATE" if write else "BEGIN")

    @staticmethod
    def begin_alone(connection: Connection) -> None:
        """Begin a transaction that changes the tables: there is one that writes at a time."""
        _driver(connection).execute("BEGIN IMMEDIATE")

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

    def was_committed(self, connection: Connection, ticket: Any) -> bool | None:
        """Never asked: a commit to a file is not interrupted, it succeeds or fails."""
        raise OutcomeUnknownError(f"Whether a transaction on {self.place} was committed is not known.")

    @staticmethod
    def has_table(connection: Connection, name: str) -> bool:
        """Whether there is a table of this name."""
        look = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return connection.exec_driver_sql(look, (name,)).first() is not None

    @staticmethod
    def trouble(error: BaseException) -> Trouble | None:
        """Whether the same may succeed a little later."""
        cause = error.orig if isinstance(error, exc.StatementError) else error
        return Trouble.BUSY if isinstance(cause, sqlite3.Error) and _code(cause) in _BUSY else None

    def explain(self, error: BaseException) -> DatabaseError | None:
        """What an error of the driver means; None if it is none, or a mistake in a statement."""
        cause = error.orig if isinstance(error, exc.StatementError) else error
        if isinstance(cause, DatabaseError):  # found before the driver was asked
            return cause
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
        raise ConfigurationError(f"{url!r} names no SQLite database. Use 'sqlite:///<path>'.")
    location, _, options = rest.partition("?")
    location = location.removeprefix("/")
    if dict(parse_qsl(options)).get("mode") == "memory" or location in {"", ":memory:", "file::memory:"}:
        return None
    return Path(unquote(location)).expanduser()
