"""
PostgreSQL, through psycopg 3.

A connection is in autocommit mode, and transactions are begun and ended by plain statements, at the isolation level
REPEATABLE READ: each sees the database as of one moment, and one that would overwrite what it has not seen fails and
is done again.
"""

from __future__ import annotations

import select
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.types.string import TextLoader
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from prefect.server.database.dialects import ConnectionOptions, Trouble
from prefect.server.database.errors import CommitInterrupted, DatabaseError, OutcomeUnknownError
from prefect_postgres import failures, forms  # noqa: F401 - forms are registered when they are imported
from prefect_postgres.parameters import parameters_of
from prefect_postgres.urls import read_url

__all__ = ["LATEST", "PostgresDialect"]

LATEST = 4
"""The number of the last migration."""

_WRITE = b"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current()"
_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_ALONE = (
    "BEGIN ISOLATION LEVEL READ COMMITTED",  # what others have made while it waits for the lock must be seen
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = 0",
    "SELECT pg_advisory_xact_lock(7238947120938471)",
)
_EPOCH = b"SELECT concat(pg_postmaster_start_time(), ' ', (SELECT stats_reset FROM pg_stat_bgwriter))"
"""
Changes when the server is started, and when it recovers after one of its processes has crashed. What was not on disk
by then is gone, and the numbers of its transactions are given again.
"""


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A transaction: its number, and the server's epoch in which it was begun."""

    number: int
    epoch: str


class PostgresDialect:
    """
    One Postgres database.

    Args:
        url: Where it is, in SQLAlchemy's or libpq's form.
        options: How connections are made and kept.
    """

    errors = failures.ERRORS
    scripts = Path(__file__).parent / "migrations"
    latest = LATEST
    is_remote = True
    is_volatile = False

    def __init__(self, url: str, options: ConnectionOptions | None = None) -> None:
        options = options or ConnectionOptions()
        self._target = read_url(url)
        self._options = options
        self._parameters: Mapping[str, Any] | None = None
        self._timeout = options.timeout if self._target.timeout is None else self._target.timeout
        self.capacity = options.pool_size + options.max_overflow
        self.idle = options.pool_size
        self.patience = options.pool_timeout

    @property
    def place(self) -> str:
        """The database, for people."""
        return self._target.place

    def prepare(self) -> None:
        """Nothing: the database must be there."""

    def make_engine(self) -> Engine:
        """An engine whose connections are in autocommit mode and are not pooled by SQLAlchemy."""
        engine = create_engine(
            "postgresql+psycopg://",
            creator=self._open,
            poolclass=NullPool,
            pool_reset_on_return=None,
            paramstyle="format",
            use_native_hstore=False,
            echo=self._options.echo,
        )
        event.listen(engine, "connect", lambda _, record: record.info.update(opened=time.monotonic()))
        return engine

    def _open(self) -> psycopg.Connection[Any]:
        if self._parameters is None:
            self._parameters = parameters_of(self._target, self._options)
        parameters = {name: value() if callable(value) else value for name, value in self._parameters.items()}
        connection = psycopg.connect(autocommit=True, **parameters)
        if not (self._target.prepares and self._options.prepares_statements):
            connection.prepare_threshold = None
        connection.adapters.register_loader("json", TextLoader)
        return connection

    def is_usable(self, connection: Connection) -> bool:
        """
        Whether an idle connection can still be used.

        A server that ends a connection says so, and then there is something to read on a connection where nothing was
        asked. To look costs microseconds, and no way to the server and back.
        """
        driver = _driver(connection)
        if driver is None or driver.closed or driver.pgconn.transaction_status != TransactionStatus.IDLE:
            return False
        age = time.monotonic() - _info(connection)["opened"]
        if 0 <= self._options.pool_recycle < age:
            return False
        poller = select.poll()
        poller.register(driver.pgconn.socket, select.POLLIN)
        if not poller.poll(0):
            return True
        with suppress(psycopg.OperationalError):
            driver.pgconn.consume_input()  # it may have been a notice
        return driver.pgconn.status == ConnStatus.OK

    @staticmethod
    def close(connection: Connection) -> None:
        """Close a connection, whatever its condition."""
        connection.invalidate()
        connection.close()

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin a transaction that sees the database as of one moment."""
        driver = _required(connection)
        if not write:
            _command(driver, _READ)
            return
        info = _info(connection)
        if "epoch" not in info:
            info["epoch"] = _first(driver.execute(_EPOCH))
        number = _command(driver, _WRITE)
        info["number"] = None if number is None else int(number)

    def begin_alone(self, connection: Connection) -> None:
        """Begin a transaction that changes the tables, once no other one like it is under way."""
        driver = _required(connection)
        _info(connection).pop("number", None)
        for statement in _ALONE:
            driver.execute(statement)
        if self._options.migration_timeout is not None:
            driver.execute(f"SET LOCAL statement_timeout = {round(self._options.migration_timeout * 1000)}")

    def commit(self, connection: Connection) -> None:
        """End a transaction: what it wrote is there."""
        driver = _required(connection)
        try:
            _command(driver, b"COMMIT")
        except psycopg.OperationalError as error:
            if driver.pgconn.status == ConnStatus.OK and not failures.is_lost(error):
                raise
            info = _info(connection)
            number = info.get("number")
            raise CommitInterrupted(None if number is None else _Ticket(number, info["epoch"])) from error

    @staticmethod
    def rollback(connection: Connection) -> None:
        """End a transaction: what it wrote never was. Where the connection is gone, the server does so itself."""
        driver = _driver(connection)
        if driver is not None and not driver.closed and driver.pgconn.transaction_status != TransactionStatus.IDLE:
            with suppress(psycopg.OperationalError):
                _command(driver, b"ROLLBACK")

    def was_committed(self, connection: Connection, ticket: _Ticket) -> bool | None:
        """
        Whether an interrupted transaction was committed; None if it is not over yet.

        Raises:
            prefect.server.database.errors.OutcomeUnknownError: The server was started anew, and there is a transaction
                of this number that was committed: this one, or another that got its number afterwards.
        """
        driver = _required(connection)
        try:
            status = _first(driver.execute(b"SELECT txid_status(%s)", (ticket.number,)))
        except psycopg.errors.InvalidParameterValue:  # no transaction has had this number: it is lost
            return False
        if status == "committed" and _first(driver.execute(_EPOCH)) != ticket.epoch:
            status = None
        if status is None:
            message = (
                f"The connection to {self.place} was lost during a commit, the server was started anew, and whether "
                "the commit came before that it cannot say."
            )
            raise OutcomeUnknownError(message)
        return None if status == "in progress" else bool(status == "committed")

    @staticmethod
    def has_table(connection: Connection, name: str) -> bool:
        """Whether there is a table of this name in the schema where new ones are made."""
        look = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = %s"
        return connection.exec_driver_sql(look, (name,)).first() is not None

    @staticmethod
    def trouble(error: BaseException) -> Trouble | None:
        """What an error means for the transaction; None if to do the same again would not help."""
        return failures.trouble(error)

    def explain(self, error: BaseException) -> DatabaseError | None:
        """What an error of the driver means; None if it is none, or a mistake in a statement."""
        return failures.explain(error, self.place, self._timeout)


def _driver(connection: Connection) -> psycopg.Connection[Any] | None:
    """The driver's connection; None once SQLAlchemy has noticed that it is gone."""
    if connection.closed or connection.invalidated:
        return None
    return connection.connection.driver_connection


def _required(connection: Connection) -> psycopg.Connection[Any]:
    driver = _driver(connection)
    if driver is None:
        raise psycopg.OperationalError("the connection is closed")
    return driver


def _info(connection: Connection) -> dict[Any, Any]:
    return connection.info


def _command(driver: psycopg.Connection[Any], statements: bytes) -> bytes | None:
    """
    Execute statements without parameters, and answer the one value of the last, if it has one.

    It is done at both ends of each transaction, so without a cursor: that would cost as much as a query does.

    Raises:
        psycopg.Error: The server refuses it, or is gone.
    """
    result = driver.pgconn.exec_(statements)
    if result.status == ExecStatus.TUPLES_OK:
        return result.get_value(0, 0)
    if result.status == ExecStatus.COMMAND_OK:
        return None
    error = error_from_result(result, driver.info.encoding)
    if error.sqlstate is None:  # it is not the server who says so: there is none, or no connection to it
        raise psycopg.OperationalError(driver.pgconn.get_error_message())
    raise error


def _first(cursor: psycopg.Cursor[Any]) -> Any:
    row = cursor.fetchone()
    return None if row is None else row[0]
