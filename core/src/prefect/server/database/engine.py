"""
Connections and transactions: one `Database` for each URL, in each process.

SQLite forbids to carry an open connection through a fork, and worse, what it remembers of its locks is carried along
even if the child never touches the connection. So before a fork transactions are let finish and all connections are
closed; parent and child open new ones when they next need them.
"""

from __future__ import annotations

import atexit
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import exc
from sqlalchemy.engine import Connection, Engine

from prefect.server.database.dialects import SqliteDialect

__all__ = ["Database", "close_databases", "get_database"]

R = TypeVar("R")

_ERRORS = (exc.DBAPIError, sqlite3.Error, UnicodeEncodeError, OverflowError)
"""What can come from a statement. Transactions are begun by the driver, whose errors come as they are."""

_IDLE_CONNECTIONS = 8
_FORK_PATIENCE_SECONDS = 60.0


class Database:
    """
    Hands out transactions on one database.

    Args:
        url: Where it is: `sqlite:///path/to/file.db`.
        patience: Seconds to wait, all in all, for the locks of other processes.
        migrates: Whether the tables are brought up to date when the database is opened; otherwise they must be.
        echo: Whether statements are logged.
    """

    def __init__(self, url: str, *, patience: float = 300.0, migrates: bool = True, echo: bool = False) -> None:
        self.dialect = SqliteDialect(url, echo=echo)
        self.patience = patience
        self.migrates = migrates
        self._idle: list[Connection] = []
        self.restart()

    def restart(self) -> None:
        """Know of no other thread, as a process that has just begun: in the child of a fork."""
        self._engine: Engine | None = None
        self._busy = 0
        self._resting = False
        self._migrated = False
        self._opening = threading.Lock()
        self._state = threading.Condition()

    @property
    def is_open(self) -> bool:
        """Whether this process has used the database before: then a read waits for nothing."""
        return self._migrated

    def transaction(self, perform: Callable[[Connection], R], *, write: bool) -> R:
        """
        Call a function with a connection, in one transaction, and commit what it wrote if it returns.

        While others hold the lock it waits and tries again, so `perform` may be called more than once; each time on a
        connection that knows nothing of the time before.

        Args:
            perform: What to do.
            write: Whether it writes. One that does not sees the database as of one moment, and never waits.

        Raises:
            prefect.server.database.errors.DatabaseError: The database cannot be used, or was locked for too long.
        """
        started = time.monotonic()
        while True:
            try:
                return self._attempt(perform, write)
            except _ERRORS as error:
                if self.dialect.is_busy(error) and time.monotonic() - started < self.patience:
                    time.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - spreads the contenders, guards nothing
                    continue
                explained = self.dialect.explain(error)
                if explained is None:
                    raise
                raise explained from error

    def _attempt(self, perform: Callable[[Connection], R], write: bool) -> R:
        connection = self._take()
        try:
            self.dialect.begin(connection, write=write)
            result = perform(connection)
            self.dialect.commit(connection)
        except BaseException:
            self._recover(connection)
            raise
        self._give_back(connection)
        return result

    def _take(self) -> Connection:
        with self._state:
            if self._resting or self.dialect.path is None:
                self._state.wait_for(self._has_room)
            self._busy += 1
            if self._idle:
                return self._idle.pop()
        try:
            return self._connect()
        except BaseException:
            self._leave()
            raise

    def _has_room(self) -> bool:
        """Whether a transaction may begin. What is in memory is in one connection."""
        return not self._resting and (self._busy == 0 or self.dialect.path is not None)

    def _connect(self) -> Connection:
        """Open a connection. The first one makes the file if there is none, and brings its tables up to date."""
        with self._opening:
            if self._engine is None:
                self.dialect.make_file()
                self._engine = self.dialect.make_engine()
            connection = self._engine.connect()
            if not self._migrated:
                from prefect.server.database.migrations import migrate, require_latest

                try:
                    (migrate if self.migrates else require_latest)(connection, self.dialect)
                except BaseException:
                    connection.close()
                    raise
                self._migrated = True
        return connection

    def _give_back(self, connection: Connection) -> None:
        with self._state:
            if len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                self._busy -= 1
                self._state.notify_all()
                return
        self._discard(connection)

    def _recover(self, connection: Connection) -> None:
        """Undo what a transaction has done so far; a connection that cannot even do that is not used again."""
        try:
            self.dialect.rollback(connection)
        except BaseException:
            self._discard(connection)
            raise
        self._give_back(connection)

    def _discard(self, connection: Connection) -> None:
        try:
            connection.close()
        finally:
            self._leave()

    def _leave(self) -> None:
        with self._state:
            self._busy -= 1
            self._state.notify_all()

    def close(self) -> None:
        """Close the idle connections. Whatever is asked afterwards opens new ones."""
        with self._state:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def rest(self) -> None:
        """Let the transactions under way finish, close all connections, and begin none until `resume` or `restart`."""
        with self._state:
            self._resting = True
            self._state.wait_for(lambda: self._busy == 0, timeout=_FORK_PATIENCE_SECONDS)
        if self.dialect.path is not None:
            self.close()

    def resume(self) -> None:
        """Let transactions begin again, after `rest`."""
        with self._state:
            self._resting = False
            self._state.notify_all()


_databases: dict[tuple[str, bool, bool], Database] = {}
_registering = threading.Lock()


def get_database(url: str, *, migrates: bool = True, echo: bool = False) -> Database:
    """The one database object that this process has for a URL. See `Database`."""
    key = (url, migrates, echo)
    database = _databases.get(key)
    if database is None:
        with _registering:
            database = _databases.setdefault(key, Database(url, migrates=migrates, echo=echo))
    return database


def close_databases() -> None:
    """Close the idle connections of all databases of this process."""
    for database in list(_databases.values()):
        database.close()


def _before_fork() -> None:
    _registering.acquire()
    for database in _databases.values():
        database.rest()


def _after_fork_in_parent() -> None:
    for database in _databases.values():
        database.resume()
    _registering.release()


def _after_fork_in_child() -> None:
    for database in _databases.values():
        database.restart()
    _registering.release()


atexit.register(close_databases)  # an orderly end writes back what is in the write-ahead log

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
