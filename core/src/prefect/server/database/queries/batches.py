"""
Rows in great numbers, made by hand and handed to the driver as they are.

Measured: through SQLAlchemy's own processing of parameters a batch of task runs takes three times as long. Tests hold
rows that are made by hand against what the types of their tables make of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Table, or_
from sqlalchemy.engine import Connection

from prefect.server.database.queries.records import inserting, keys_of
from prefect.server.database.types import Document, show_nul

__all__ = ["insert_new", "upsert_newest"]

Row = tuple[Any, ...]

_statements: dict[tuple[str, str, str], str] = {}


def _sql(connection: Connection, table: Table, make: Callable[[Any, Table], Any]) -> str:
    """The text of an insertion for a kind of database, which is made once."""
    kind = connection.dialect.name
    key = (kind, table.name, make.__name__)
    text = _statements.get(key)
    if text is None:
        statement = make(inserting(kind, table), table)
        text = _statements[key] = str(statement.compile(dialect=connection.dialect))
    return text


def _only_new(insert: Any, table: Table) -> Any:
    return insert.on_conflict_do_nothing(index_elements=list(table.primary_key.columns))


def _newest(insert: Any, table: Table) -> Any:
    old, new = table.c.state_timestamp, insert.excluded.state_timestamp
    values = {name: insert.excluded[name] for name in keys_of(table) if name not in {"id", "created"}}
    return insert.on_conflict_do_update(index_elements=["id"], set_=values, where=or_(old.is_(None), new >= old))


def _execute(connection: Connection, make: Callable[[Any, Table], Any], table: Table, rows: list[Row]) -> None:
    if not rows:
        return
    statement = _sql(connection, table, make)
    if connection.dialect.name != "sqlite":
        rows = _without_nul(table, rows)
    try:
        connection.exec_driver_sql(statement, rows)
    except UnicodeEncodeError:  # half a surrogate pair, as programs find in file names: shown, rather than lost
        connection.exec_driver_sql(statement, [tuple(map(_storable, row)) for row in rows])


def _storable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _without_nul(table: Table, rows: list[Row]) -> list[Row]:
    """Rows for a database that keeps no NUL in text: it is shown, rather than the row lost."""
    documents = [isinstance(column.type, Document) for column in table.columns]
    return [
        tuple(_shown(value, document) for value, document in zip(row, documents, strict=True))
        if any(type(value) is str and ("\0" in value or "\\u0000" in value) for value in row)
        else row
        for row in rows
    ]


def _shown(value: Any, document: bool) -> Any:
    if not isinstance(value, str):
        return value
    return show_nul(value) if document else value.replace("\0", "\\x00")


def insert_new(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Insert rows, their values in the order of the columns; those whose key is there already are left as they are."""
    _execute(connection, _only_new, table, rows)


def upsert_newest(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Insert rows of runs, or replace them, unless the one that is there is in a later state."""
    _execute(connection, _newest, table, rows)
