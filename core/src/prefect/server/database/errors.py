"""What can be wrong with a database, said in words that help; the driver's own words are kept as the cause."""

from __future__ import annotations

from typing import Any

from prefect.exceptions import PrefectException

__all__ = [
    "CommitInterrupted",
    "ConstraintViolation",
    "DatabaseBusyError",
    "DatabaseError",
    "DatabaseFullError",
    "DatabaseUnreachableError",
    "DatabaseUnreadableError",
    "ForeignSchemaError",
    "OutcomeUnknownError",
    "SchemaTooNewError",
    "SchemaTooOldError",
    "TooMuchAskedError",
    "UnstorableValueError",
]


class DatabaseError(PrefectException):
    """The database could not do what was asked of it."""

    is_transient = False
    """Whether it may be able to a while later."""


class DatabaseBusyError(DatabaseError):
    """Others kept the database locked for longer than anybody should have to wait."""

    is_transient = True


class DatabaseFullError(DatabaseError):
    """There is no room for what was to be stored, or it may not be written to."""

    is_transient = True


class DatabaseUnreachableError(DatabaseError):
    """The database server does not answer, or has ended the connection."""

    is_transient = True


class OutcomeUnknownError(DatabaseUnreachableError):
    """
    The connection was lost while a transaction was being committed, and nobody can tell whether it was.

    What is harmless to do twice may be asked for again; of anything else, look first whether it is there.
    """


class CommitInterrupted(Exception):
    """
    The connection was lost before the answer to a COMMIT came.

    Args:
        ticket: What the dialect needs to find out what became of it.
    """

    def __init__(self, ticket: Any) -> None:
        super().__init__("The connection was lost while a transaction was being committed.")
        self.ticket = ticket


class DatabaseUnreadableError(DatabaseError):
    """The database cannot be used: it cannot be opened, is no database or a damaged one, or may not be entered."""


class SchemaTooOldError(DatabaseError):
    """The tables are not up to date, and they are not to be changed when the database is opened."""


class SchemaTooNewError(DatabaseError):
    """A newer version of the product has changed the database, and this one does not know how it is laid out."""


class ForeignSchemaError(DatabaseError):
    """The database holds the tables of another product."""


class UnstorableValueError(DatabaseError, ValueError):
    """
    A value is outside of what the database can store.

    Too large a number, or text that is not Unicode; in Postgres also text with a NUL character in it, and text that is
    too long for an index.
    """


class TooMuchAskedError(DatabaseError, ValueError):
    """A condition is larger than any that is looked for."""


class ConstraintViolation(DatabaseError):
    """A row would contradict others: it names one that does not exist, or repeats what must be unique."""
