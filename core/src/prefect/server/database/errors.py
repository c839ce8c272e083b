"""What can be wrong with a database, said in words that help; the driver's own words are kept as the cause."""

from __future__ import annotations

from prefect.exceptions import PrefectException

__all__ = [
    "ConstraintViolation",
    "DatabaseBusyError",
    "DatabaseError",
    "DatabaseFullError",
    "DatabaseUnreadableError",
    "ForeignSchemaError",
    "SchemaTooNewError",
    "SchemaTooOldError",
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


class DatabaseUnreadableError(DatabaseError):
    """The file cannot be opened, is not a database, or is damaged."""


class SchemaTooOldError(DatabaseError):
    """The tables are not up to date, and they are not to be changed when the database is opened."""


class SchemaTooNewError(DatabaseError):
    """A newer version of the product has changed the database, and this one does not know how it is laid out."""


class ForeignSchemaError(DatabaseError):
    """The database holds the tables of another product."""


class UnstorableValueError(DatabaseError, ValueError):
    """A value is outside of what the database can store: too large a number, or text that is not Unicode."""


class ConstraintViolation(DatabaseError):
    """A row would contradict others: it names one that does not exist, or repeats what must be unique."""
