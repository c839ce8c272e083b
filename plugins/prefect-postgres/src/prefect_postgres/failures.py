"""What the errors of the driver and of the server mean."""

from __future__ import annotations

import re

import psycopg
from sqlalchemy import exc

from prefect.server.database.dialects import Trouble
from prefect.server.database.errors import (
    CommitInterrupted,
    ConstraintViolation,
    DatabaseBusyError,
    DatabaseError,
    DatabaseFullError,
    DatabaseUnreachableError,
    DatabaseUnreadableError,
    UnstorableValueError,
)

__all__ = ["ERRORS", "explain", "is_lost", "trouble"]

ERRORS: tuple[type[BaseException], ...] = (
    exc.StatementError,
    psycopg.Error,
    CommitInterrupted,
    UnicodeEncodeError,
    OverflowError,
)
"""What can come from a connection. Transactions are begun by the driver, whose errors come as they are."""

# Codes are in https://www.postgresql.org/docs/current/errcodes-appendix.html
_BUSY = frozenset({"40001", "40P01", "55P03"})
_TAKEN = "23505"
_LOST = frozenset({"25P03", "53300", "57P01", "57P02", "57P03", "57P05"})
_SLOW = "57014"
_FULL = frozenset({"25006", "53100", "53200", "53400", "58030"})
_TOO_LONG = "54000"
_FORBIDDEN = "42501"
_DAMAGED = frozenset({"XX001", "XX002"})

_REFUSED = re.compile(
    r"authentication failed|does not exist|pg_hba\.conf|no password supplied|certificate|does not support SSL"
    r"|permission denied|is not currently accepting connections|invalid (integer )?value"
)
"""How a server refuses somebody, when there is no code for it: to try again would not help."""


def _cause(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, exc.StatementError) and error.orig is not None else error


def is_lost(cause: BaseException) -> bool:
    """Whether an error of the driver means that there is no connection any more, or was none."""
    if not isinstance(cause, psycopg.OperationalError):
        return False
    if cause.sqlstate is None:
        return _REFUSED.search(str(cause)) is None
    return cause.sqlstate in _LOST or cause.sqlstate.startswith("08")


def trouble(error: BaseException) -> Trouble | None:
    """What an error means for the transaction; None if to do the same again would not help."""
    cause = _cause(error)
    if isinstance(cause, CommitInterrupted) or is_lost(cause):
        return Trouble.LOST
    code = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    if code in _BUSY:
        return Trouble.BUSY
    return Trouble.TAKEN if code == _TAKEN else None


def explain(error: BaseException, place: str, timeout: float | None) -> DatabaseError | None:
    """What an error means, for people; None if it is a mistake in a statement, or none of the driver's."""
    cause = _cause(error)
    if isinstance(cause, DatabaseError):  # found before the driver was asked
        return cause
    if isinstance(cause, (OverflowError, UnicodeEncodeError)):
        return UnstorableValueError(f"A value cannot be stored: {cause}.")
    if isinstance(cause, CommitInterrupted) or is_lost(cause):
        return DatabaseUnreachableError(
            f"Cannot reach {place}: {_words(cause)}. See that the server runs and that its address is right."
        )
    if not isinstance(cause, psycopg.Error):
        return None
    if cause.sqlstate is None:
        return _explain_without_code(cause, place)
    return _explain_code(cause, cause.sqlstate, place, timeout)


def _explain_without_code(cause: psycopg.Error, place: str) -> DatabaseError | None:
    if isinstance(cause, psycopg.DataError):  # found by the driver
        return UnstorableValueError(f"A value cannot be stored: {_words(cause)}.")
    if isinstance(cause, psycopg.OperationalError):
        return DatabaseUnreadableError(
            f"Cannot use {place}: {_words(cause)}. See that PREFECT_SERVER_DATABASE_CONNECTION_URL names a database "
            "that exists, and a user who may use it."
        )
    return None


def _explain_code(cause: psycopg.Error, code: str, place: str, timeout: float | None) -> DatabaseError | None:
    words = _words(cause)
    if code.startswith("23"):
        return ConstraintViolation(words)
    if code.startswith("22") or code == _TOO_LONG:
        return UnstorableValueError(f"A value cannot be stored: {words}.")
    if code in _BUSY:
        return DatabaseBusyError(f"Other transactions on {place} were in the way for too long: {words}.")
    if code == _SLOW:
        limit = "its limit" if timeout is None else f"{timeout:g} s"
        return DatabaseBusyError(
            f"A statement on {place} took longer than {limit}. Ask for less at once, or raise "
            "PREFECT_SERVER_DATABASE_TIMEOUT."
        )
    if code in _FULL:
        return DatabaseFullError(
            f"Cannot write to {place}: {words}. Free space on its disk, and see that it is no copy."
        )
    if code in _DAMAGED:
        return DatabaseUnreadableError(f"Cannot use {place}: {words}. Restore it from a backup.")
    if code == _FORBIDDEN:
        return DatabaseUnreadableError(
            f"Cannot use {place}: {words}. Give its user the right to, or name another user."
        )
    return None


def _words(cause: BaseException) -> str:
    """The driver's words on one line."""
    if isinstance(cause, psycopg.Error) and cause.diag.message_primary:
        detail = f" ({cause.diag.message_detail})" if cause.diag.message_detail else ""
        return f"{cause.diag.message_primary}{detail}".rstrip(".")
    return " ".join(str(cause).split()).rstrip(".")
