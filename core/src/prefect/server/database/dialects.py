"""
What depends on the kind of database: how to connect, how transactions begin, what errors mean, a few conditions.

`Dialect` says what a kind must know. SQLite's is in `sqlite`; others are plugins, found by the scheme of a URL. The
conditions and columns below are written for SQLite; a plugin gives their other forms with `sqlalchemy.ext.compiler`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from pydantic_core import to_json
from sqlalchemy import Boolean, Float, Text, and_, cast, false, literal, or_, true
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from prefect.server.database.errors import DatabaseError, TooMuchAskedError

__all__ = [
    "ConnectionOptions",
    "Dialect",
    "Encryption",
    "HasMemberLike",
    "HasText",
    "IsLike",
    "IsOneOf",
    "JsonMember",
    "SecondsBetween",
    "Trouble",
    "begins_with",
    "bound",
    "contains",
    "has_all",
    "has_any",
    "has_member_with",
    "is_empty",
    "is_like",
    "is_one_of",
    "json_member",
    "seconds_between",
]


@dataclass(frozen=True, slots=True)
class Encryption:
    """
    How connections to a database server are encrypted.

    Args:
        ca_file: The certificate of the authority that signed the server's; None: those that the system trusts.
        cert_file: The certificate that is shown to the server.
        key_file: The key of that certificate.
        check_hostname: Whether the server's certificate must be for its host.
    """

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    check_hostname: bool = True


def _nothing() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """
    How connections to a database server are made and kept. For a file only `echo` and `hurried` matter.

    Args:
        echo: Whether statements are logged.
        timeout: Seconds that a statement may take, or wait for the locks of others; None: as long as it takes.
        connection_timeout: Seconds that connecting may take.
        migration_timeout: Seconds that each statement may take that changes tables.
        pool_size: How many idle connections are kept.
        max_overflow: How many more there may be while they are all in use.
        pool_timeout: Seconds to wait for a connection while all are in use; None: for ever.
        pool_recycle: Seconds after which a connection is not used again; negative: never.
        application_name: Under which name the server lists the connections.
        search_path: The schemas to look for tables in; new ones are made in the first.
        prepares_statements: Whether the server may be asked to keep statements.
        encryption: How connections are encrypted; None: as the URL says.
        hurried: Whether nothing is waited for but what is asked: neither for locks, nor for what only tidies up.
        extra: Answers with further parameters of the driver, when the first connection is made. A value that can be
            called is called for each connection: a password that expires, say.
    """

    echo: bool = False
    timeout: float | None = 10.0
    connection_timeout: float | None = 5.0
    migration_timeout: float | None = None
    pool_size: int = 5
    max_overflow: int = 10
    pool_timeout: float | None = 30.0
    pool_recycle: float = 3600.0
    application_name: str | None = None
    search_path: str | None = None
    prepares_statements: bool = True
    encryption: Encryption | None = None
    hurried: bool = False
    extra: Callable[[], Mapping[str, Any]] = field(default=_nothing, compare=False)


class Trouble(Enum):
    """What an error of the driver means for the transaction that met it, if it may succeed when it is done again."""

    BUSY = "others were in the way"
    TAKEN = "another transaction made the same row first, which the next attempt will find"
    LOST = "the connection is gone, or there is none"


class Dialect(Protocol):
    """
    One database of some kind.

    Attributes:
        errors: What can come from a connection.
        scripts: The directory of the migrations.
        latest: The number of the last migration.
        capacity: How many connections there may be at once; None: as many as there are transactions.
        idle: How many connections are kept for later.
        patience: Seconds to wait for a connection while there are as many as there may be; None: for ever.
        is_remote: Whether a read has to wait for another process.
        is_volatile: Whether all that is stored goes when the connection is closed.
    """

    errors: tuple[type[BaseException], ...]
    scripts: Path
    latest: int
    capacity: int | None
    idle: int
    patience: float | None
    is_remote: bool
    is_volatile: bool

    @property
    def place(self) -> str:
        """The database, for people; without secrets."""

    def prepare(self) -> None:
        """Make what must be there before the first connection."""

    def make_engine(self) -> Engine:
        """An engine whose connections are in autocommit mode and are not pooled by SQLAlchemy."""

    def is_usable(self, connection: Connection) -> bool:
        """Whether an idle connection can still be used, as far as that is known without asking the server."""

    def close(self, connection: Connection) -> None:
        """Close a connection, whatever its condition."""

    def begin(self, connection: Connection, *, write: bool) -> None:
        """Begin a transaction that sees the database as of one moment."""

    def begin_alone(self, connection: Connection) -> None:
        """Begin a transaction that changes the tables, once no other one like it is under way."""

    def commit(self, connection: Connection) -> None:
        """
        End a transaction: what it wrote is there.

        Raises:
            prefect.server.database.errors.CommitInterrupted: The connection was lost before the answer came.
        """

    def rollback(self, connection: Connection) -> None:
        """End a transaction: what it wrote never was."""

    def was_committed(self, connection: Connection, ticket: Any) -> bool | None:
        """
        Whether an interrupted transaction was committed; None if it is not over yet.

        Raises:
            prefect.server.database.errors.OutcomeUnknownError: Nobody can tell.
        """

    def has_table(self, connection: Connection, name: str) -> bool:
        """Whether there is a table of this name."""

    def trouble(self, error: BaseException) -> Trouble | None:
        """What an error means for the transaction; None if to do the same again would not help."""

    def explain(self, error: BaseException) -> DatabaseError | None:
        """What an error of the driver means; None if it is none, or a mistake in a statement."""


_LONGEST_PATTERN = 10_000
_MOST_TEXTS = 200
"""How many texts a list is searched for at once: SQLite joins no more than a thousand conditions."""


def bound(size: int, most: int, what: str, where: str) -> None:
    """
    See that a condition is not too large.

    Raises:
        TooMuchAskedError: It is.
    """
    if size > most:
        raise TooMuchAskedError(f"Too many {what} in {where}: {size}. At most {most} can be asked for at once.")


class IsLike(FunctionElement[bool]):
    """A text, a pattern, perhaps an escape character: whether the text is like the pattern."""

    type = Boolean()
    inherit_cache = True


class IsOneOf(FunctionElement[bool]):
    """A column, the condition that it is one of some values, those as a JSON list: the condition, whatever their number."""

    type = Boolean()
    inherit_cache = True


class HasText(FunctionElement[bool]):
    """A JSON list, a text, the text's JSON form: whether the list has the text."""

    type = Boolean()
    inherit_cache = True


class JsonMember(FunctionElement[str]):
    """A JSON object, and a name: the text under that name, or NULL."""

    type = Text()
    inherit_cache = True


class HasMemberLike(FunctionElement[bool]):
    """A JSON object of texts, a pattern, an escape character: whether one of the texts is like the pattern."""

    type = Boolean()
    inherit_cache = True


class SecondsBetween(FunctionElement[float]):
    """Two moments: the seconds from the first to the second."""

    type = Float()
    inherit_cache = True


@compiles(IsLike)
def _is_like(element: IsLike, compiler: Any, **options: Any) -> str:
    text, pattern, *escape = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({text} LIKE {pattern}{''.join(f' ESCAPE {character}' for character in escape)})"


@compiles(IsOneOf)
def _is_one_of(element: IsOneOf, compiler: Any, **options: Any) -> str:
    # With a parameter for each value, each number of them would be a statement of its own, which SQLite keeps prepared.
    column, _, values = element.clauses
    text, listed = compiler.process(column, **options), compiler.process(values, **options)
    return f"({text} IN (SELECT item.value FROM json_each({listed}) AS item))"  # noqa: S608 - only compiled clauses


@compiles(HasText)
def _has_text(element: HasText, compiler: Any, **options: Any) -> str:
    # Where its JSON form does not occur at all, the list need not be taken apart.
    items, text, form = (compiler.process(clause, **options) for clause in element.clauses)
    return (
        f"(instr({items}, {form}) > 0 AND EXISTS "  # noqa: S608 - only compiled clauses
        f"(SELECT 1 FROM json_each({items}) AS item WHERE item.value = {text}))"
    )


@compiles(JsonMember)
def _json_member(element: JsonMember, compiler: Any, **options: Any) -> str:
    # Not by a path, in which some names could not be written.
    document, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(SELECT member.value FROM json_each({document}) AS member WHERE member.key = {name})"  # noqa: S608 - only compiled clauses


@compiles(HasMemberLike)
def _has_member_like(element: HasMemberLike, compiler: Any, **options: Any) -> str:
    document, pattern, escape = (compiler.process(clause, **options) for clause in element.clauses)
    return (
        f"EXISTS (SELECT 1 FROM json_each({document}) AS member "  # noqa: S608 - only compiled clauses
        f"WHERE member.value LIKE {pattern} ESCAPE {escape})"
    )


@compiles(SecondsBetween)
def _seconds_between(element: SecondsBetween, compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 86400.0)"


def is_like(column: ColumnElement[Any], pattern: str, escape: str | None = None) -> ColumnElement[bool]:
    """
    Whether a text is like a pattern of SQL, upper and lower case being the same, for the letters of ASCII.

    Raises:
        prefect.server.database.errors.TooMuchAskedError: The pattern is longer than any database compares.
    """
    bound(len(pattern), _LONGEST_PATTERN, "characters", "a text that is looked for")
    if escape is None:
        return IsLike(column, literal(pattern, Text))
    return IsLike(column, literal(pattern, Text), literal(escape, Text))


def is_one_of(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a column is one of very many values."""
    return IsOneOf(column, column.in_(values), literal(to_json(values).decode(), Text))


def contains(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether a text contains another one, upper and lower case being the same."""
    return is_like(column, _containing(text), escape="\\")


def has_member_with(document: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether one of the texts in a JSON object contains another one, upper and lower case being the same."""
    return HasMemberLike(document, literal(_containing(text), Text), literal("\\", Text))


def _containing(text: str) -> str:
    """The pattern, escaped by backslashes, of texts that contain a text."""
    escaped = re.sub(r"([\\%_])", r"\\\1", text)
    return f"%{escaped}%"


def has_any(column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a JSON list has at least one of some texts."""
    return or_(false(), *(_has(column, value) for value in _few(values)))


def has_all(column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a JSON list has each of some texts."""
    return and_(true(), *(_has(column, value) for value in _few(values)))


def _few(values: Iterable[str]) -> list[str]:
    few = list(dict.fromkeys(values))
    bound(len(few), _MOST_TEXTS, "texts", "a condition on a list")
    return few


def _has(column: ColumnElement[Any], value: str) -> ColumnElement[bool]:
    return HasText(column, literal(value, Text), literal(to_json(value).decode(), Text))


def begins_with(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """Whether a column of text begins with a text, upper and lower case being different; found by an index."""
    start = column >= prefix
    end = _successor(prefix)
    return start if end is None else and_(start, column < end)


def _successor(prefix: str) -> str | None:
    """The first text, by code points, that comes after all that begin with a prefix; None if there is none."""
    head = prefix.rstrip(chr(sys.maxunicode))
    if not head:
        return None
    last = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if 0xD800 <= last <= 0xDFFF else last)  # surrogates are no characters


def is_empty(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a JSON list has nothing in it."""
    return cast(column, Text) == "[]"


def json_member(column: ColumnElement[Any], name: str) -> ColumnElement[str]:
    """The text under a name in a JSON object; NULL if there is none."""
    return JsonMember(column, literal(name, Text))


def seconds_between(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[float]:
    """The seconds from one moment to another."""
    return SecondsBetween(start, end)
