"""
Connections and transactions: one `Database` for each URL, in each process.

No connection may be carried through a fork: two processes would talk on one socket to a server, and SQLite's memory of
its locks is carried along even if the child never touches the connection. So before a fork transactions are let finish
and all connections are closed; parent and child open new ones when they next need them.

When the connection is lost while a transaction is being committed, the database is asked what became of it: if it was
undone, it is done again; if it was committed, all is well; if the database cannot tell, nothing is done a second time and
`OutcomeUnknownError` says so.
"""

from __future__ import annotations

import atexit
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from prefect.server.database.dialects import ConnectionOptions, Dialect, Trouble
from prefect.server.database.errors import (
    CommitInterrupted,
    DatabaseBusyError,
    OutcomeUnknownError,
)

__all__ = ["Database", "close_databases", "get_database", "make_dialect"]

R = TypeVar("R")

_MOST_COLLISIONS = 3
"""How often a transaction is tried that would make a row that is there already."""

_ATTEMPTS_BEFORE_A_WARNING = 3
_FORK_PATIENCE_SECONDS = 60.0

logger = logging.getLogger("prefect.database")


def make_dialect(url: str, options: ConnectionOptions) -> Dialect:
    """
    The dialect of the kind of database that a URL names. SQLite's is built in, others are plugins.

    Raises:
        prefect.exceptions.ConfigurationError: There is no such kind, or its plugin is not installed.
    """
    scheme, separator, _ = url.partition("://")
    kind = scheme.partition("+")[0] if separator else url.partition(":")[0]
    if separator and kind == "sqlite":
        from prefect.server.database.sqlite import SqliteDialect

        return SqliteDialect(url, options)
    return _plugin_dialect(kind, url, options)


def _plugin_dialect(kind: str, url: str, options: ConnectionOptions) -> Dialect:
    from prefect.exceptions import ConfigurationError
    from prefect.plugins.errors import UnknownNameError
    from prefect.plugins.known import distribution_for
    from prefect.plugins.registries import server_backends

    try:
        make = server_backends.get(f"database/{kind}")
    except UnknownNameError as error:
        distribution = distribution_for("server_backends", f"database/{kind}")
        remedy = (
            f"It needs the package '{distribution}': pip install {distribution}"
            if distribution
            else "Use 'sqlite:///<path>', or 'postgresql://...' with the package 'prefect-postgres'."
        )
        message = f"PREFECT_SERVER_DATABASE_CONNECTION_URL names a database of the kind {kind!r}. {remedy}"
        raise ConfigurationError(message) from error
    dialect: Dialect = make(url, options)
    return dialect


class Database:
    """
    Hands out transactions on one database.

    Args:
        url: Where it is: `sqlite:///path/to/file.db`, `postgresql://user@host/name`.
        patience: Seconds to wait, all in all, for the locks of other processes.
        outage: Seconds to wait, all in all, for a database server that does not answer.
        migrates: Whether the tables are brought up to date when the database is opened; otherwise they must be.
        options: How connections are made and kept.
    """

    def __init__(
        self,
        url: str,
        *,
        patience: float = 300.0,
        outage: float = 30.0,
        migrates: bool = True,
        options: ConnectionOptions | None = None,
    ) -> None:
        self.patience = patience
        self.outage = outage
        self.migrates = migrates
        self._url, self._options = url, options or ConnectionOptions()
        self.dialect = make_dialect(self._url, self._options)
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
        """Whether a read waits for nobody: the database is a file, and this process has used it before."""
        return self._migrated and not self.dialect.is_remote

    def hurried(self) -> Database | None:
        """
        The same database for transactions that raise `DatabaseBusyError` rather than wait for anybody.

        None where each has to wait: for a server, or for the only connection there is.
        """
        if self.dialect.is_remote or self.dialect.is_volatile:
            return None
        options = replace(self._options, hurried=True)
        return Database(self._url, patience=0.0, migrates=False, options=options)

    def transaction(self, perform: Callable[[Connection], R], *, write: bool) -> R:
        """
        Call a function with a connection, in one transaction, and commit what it wrote if it returns.

        While others are in the way, or the database server does not answer, it waits and tries again, so `perform` may
        be called more than once; each time on a connection that knows nothing of the time before.

        Args:
            perform: What to do.
            write: Whether it writes. One that does not sees the database as of one moment, and never waits for a lock.

        Raises:
            prefect.server.database.errors.DatabaseError: The database cannot be used, or was locked for too long.
        """
        return self._persist(lambda started: self._attempt(perform, write, started))

    def migration(self, act: Callable[[Connection, Dialect], R]) -> R:
        """
        Call a function of `migrations`, with a connection of its own, whatever the condition of the tables is.

        Raises:
            prefect.server.database.errors.DatabaseError: The database cannot be used, or was locked for too long.
        """
        return self._persist(lambda started: self._apart(act))

    def _apart(self, act: Callable[[Connection, Dialect], R]) -> R:
        self.dialect.prepare()
        connection = self.dialect.make_engine().connect()
        try:
            return act(connection, self.dialect)
        finally:
            self.dialect.close(connection)

    def _persist(self, attempt: Callable[[float], R]) -> R:
        """Do something again while others are in the way, or the database server does not answer."""
        started, attempts, collisions = time.monotonic(), 0, 0
        while True:
            try:
                return attempt(started)
            except self.dialect.errors as error:
                trouble = self.dialect.trouble(error)
                attempts += 1
                collisions += trouble is Trouble.TAKEN
                if collisions < _MOST_COLLISIONS and self._has_patience(trouble, started):
                    self._pause(trouble, attempts, error)
                    continue
                explained = self.dialect.explain(error)
                if explained is None:
                    raise
                raise explained from error

    def _has_patience(self, trouble: Trouble | None, started: float) -> bool:
        if trouble is None:
            return False
        return time.monotonic() - started < (self.outage if trouble is Trouble.LOST else self.patience)

    def _pause(self, trouble: Trouble | None, attempts: int, error: BaseException) -> None:
        """Wait a moment before the next attempt; for a server that is gone, longer each time."""
        if trouble is not Trouble.LOST:
            time.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - spreads the contenders, guards nothing
            return
        if attempts == _ATTEMPTS_BEFORE_A_WARNING:
            logger.warning("%s It is tried again for up to %g s.", self.dialect.explain(error) or error, self.outage)
        time.sleep(random.uniform(0.02, min(0.05 * 2**attempts, 1.0)))  # noqa: S311

    def _attempt(self, perform: Callable[[Connection], R], write: bool, started: float) -> R:
        connection = self._take()
        try:
            self.dialect.begin(connection, write=write)
            result = perform(connection)
            self.dialect.commit(connection)
        except CommitInterrupted as interrupted:
            self._discard(connection)
            if write and not self._was_committed(interrupted, started):
                raise
        except BaseException:
            self._recover(connection)
            raise
        else:
            self._give_back(connection)
        return result

    def _was_committed(self, interrupted: CommitInterrupted, started: float) -> bool:
        """Ask, until the database answers, what became of a transaction."""
        attempts = 0
        while True:
            attempts += 1
            try:
                outcome = self._ask(interrupted)
            except OutcomeUnknownError:
                raise
            except self.dialect.errors as error:
                if not self._has_patience(self.dialect.trouble(error), started):
                    message = f"The connection to {self.dialect.place} was lost during a commit: {error}"
                    raise OutcomeUnknownError(message) from error
                self._pause(Trouble.LOST, attempts, error)
                continue
            if outcome is not None:
                return outcome
            if not self._has_patience(Trouble.LOST, started):
                raise OutcomeUnknownError(f"A commit to {self.dialect.place} takes too long.") from interrupted
            self._pause(Trouble.BUSY, attempts, interrupted)

    def _ask(self, interrupted: CommitInterrupted) -> bool | None:
        connection = self._take()
        try:
            outcome = self.dialect.was_committed(connection, interrupted.ticket)
        except BaseException:
            self._discard(connection)
            raise
        self._give_back(connection)
        return outcome

    def _take(self) -> Connection:
        with self._state:
            if not self._has_room() and not self._state.wait_for(self._has_room, self.dialect.patience):
                message = (
                    f"All {self.dialect.capacity} connections to {self.dialect.place} were in use for "
                    f"{self.dialect.patience:g} s. Allow more of them by PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW, "
                    "or send fewer requests at once."
                )
                raise DatabaseBusyError(message)
            self._busy += 1
            idle = self._idle.pop() if self._idle else None
        try:
            while idle is not None:
                if self.dialect.is_usable(idle):
                    return idle
                self.dialect.close(idle)
                with self._state:
                    idle = self._idle.pop() if self._idle else None
            return self._connect()
        except BaseException:
            self._leave()
            raise

    def _has_room(self) -> bool:
        """Whether a transaction may begin."""
        return not self._resting and (self.dialect.capacity is None or self._busy < self.dialect.capacity)

    def _connect(self) -> Connection:
        """Open a connection. The first one makes the file if there is none, and brings its tables up to date."""
        with self._opening:
            if self._engine is None:
                self.dialect.prepare()
                self._engine = self.dialect.make_engine()
            if not self._migrated:
                return self._open_first(self._engine)
            engine = self._engine
        return engine.connect()

    def _open_first(self, engine: Engine) -> Connection:
        from prefect.server.database.migrations import migrate, require_latest

        connection = engine.connect()
        try:
            (migrate if self.migrates else require_latest)(connection, self.dialect)
        except BaseException:
            self.dialect.close(connection)
            raise
        self._migrated = True
        return connection

    def _give_back(self, connection: Connection) -> None:
        with self._state:
            if len(self._idle) < self.dialect.idle:
                self._idle.append(connection)
                self._busy -= 1
                self._state.notify_all()
                return
        self._discard(connection)

    def _recover(self, connection: Connection) -> None:
        """Undo what a transaction has done so far; a connection that cannot even do that is not used again."""
        try:
            self.dialect.rollback(connection)
            usable = self.dialect.is_usable(connection)
        except BaseException:
            self._discard(connection)
            raise
        if usable:
            self._give_back(connection)
        else:
            self._discard(connection)

    def _discard(self, connection: Connection) -> None:
        try:
            self.dialect.close(connection)
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
            self.dialect.close(connection)

    def rest(self) -> None:
        """Let the transactions under way finish, close all connections, and begin none until `resume` or `restart`."""
        with self._state:
            self._resting = True
            self._state.wait_for(lambda: self._busy == 0, timeout=_FORK_PATIENCE_SECONDS)
        if not self.dialect.is_volatile:
            self.close()

    def resume(self) -> None:
        """Let transactions begin again, after `rest`."""
        with self._state:
            self._resting = False
            self._state.notify_all()


_databases: dict[tuple[str, bool, ConnectionOptions], Database] = {}
_registering = threading.Lock()


def get_database(url: str, *, migrates: bool = True, options: ConnectionOptions | None = None) -> Database:
    """The one database object that this process has for a URL. See `Database`."""
    options = options or ConnectionOptions()
    key = (url, migrates, options)
    database = _databases.get(key)
    if database is None:
        with _registering:
            database = _databases.setdefault(key, Database(url, migrates=migrates, options=options))
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
