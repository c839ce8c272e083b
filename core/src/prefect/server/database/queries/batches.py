"""
Rows in great numbers, made by hand and handed to the database as they are.

Measured: through SQLAlchemy's own processing of parameters a batch of task runs takes three times as long, and to a
database that is a server, where each row is a message of its own, all rows go in one JSON document twice as fast. Tests
hold rows that are made by hand against what the types of their tables make of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy import Column, Table, Text, bindparam, cast, column, func, or_, select
from sqlalchemy.engine import Connection

from prefect.server.database.queries.records import inserting, keys_of
from prefect.server.database.types import Document, show_nul

__all__ = ["insert_new", "upsert_newest"]

Row = tuple[Any, ...]
Conflict = Callable[[Any, Table], Any]

_statements: dict[tuple[str, str, str], str] = {}


def _sql(connection: Connection, table: Table, on_conflict: Conflict) -> str:
    """The text of an insertion for a kind of database, which is made once."""
    kind = connection.dialect.name
    key = (kind, table.name, on_conflict.__name__)
    text = _statements.get(key)
    if text is None:
        insert = inserting(kind, table)
        if kind != "sqlite":
            insert = insert.from_select(list(table.columns), _unpacked(table))
        text = _statements[key] = str(on_conflict(insert, table).compile(dialect=connection.dialect))
    return text


def _unpacked(table: Table) -> Any:
    """Selects the rows of a JSON list of objects. A document is a text in it, as it is to be kept as it was written."""
    document = bindparam("rows", type_=Document)
    types = [column(each.name, Text if isinstance(each.type, Document) else each.type) for each in table.columns]
    given = func.json_to_recordset(document).table_valued(*types).render_derived("given", with_types=True)
    return select(*(_typed(given.c[each.name], each) for each in table.columns))


def _typed(value: Any, into: Column[Any]) -> Any:
    return cast(value, into.type) if isinstance(into.type, Document) else value


def _only_new(insert: Any, table: Table) -> Any:
    return insert.on_conflict_do_nothing(index_elements=list(table.primary_key.columns))


def _newest(insert: Any, table: Table) -> Any:
    old, new = table.c.state_timestamp, insert.excluded.state_timestamp
    values = {name: insert.excluded[name] for name in keys_of(table) if name not in {"id", "created"}}
    return insert.on_conflict_do_update(index_elements=["id"], set_=values, where=or_(old.is_(None), new >= old))


def _execute(connection: Connection, on_conflict: Conflict, table: Table, rows: list[Row]) -> None:
    if not rows:
        return
    statement = _sql(connection, table, on_conflict)
    send = _send if connection.dialect.name == "sqlite" else _send_in_one
    try:
        send(connection, statement, table, rows)
    except (UnicodeEncodeError, PydanticSerializationError):
        # Half a surrogate pair, as programs find in file names: shown, rather than lost.
        send(connection, statement, table, [tuple(map(_storable, row)) for row in rows])


def _send(connection: Connection, statement: str, table: Table, rows: list[Row]) -> None:
    connection.exec_driver_sql(statement, rows)


def _send_in_one(connection: Connection, statement: str, table: Table, rows: list[Row]) -> None:
    keys = keys_of(table)
    document = _packed(keys, rows)
    if "u0000" in document:
        document = _packed(keys, _without_nul(table, rows))
    connection.exec_driver_sql(statement, (document,))


def _packed(keys: Row, rows: list[Row]) -> str:
    return to_json([dict(zip(keys, row, strict=True)) for row in rows]).decode()


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
    if connection.dialect.name == "sqlite" or len({row[0] for row in rows}) == len(rows):
        _execute(connection, _newest, table, rows)
        return
    for row in rows:  # one statement does not replace the same row twice
        _execute(connection, _newest, table, [row])
