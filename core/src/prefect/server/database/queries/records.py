"""What can be asked of every table whose rows have an id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
    delete,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.engine import Connection

__all__ = [
    "ascending",
    "count",
    "create",
    "descending",
    "inserting",
    "keys_of",
    "lock",
    "order",
    "read",
    "read_all",
    "remove",
    "remove_where",
    "revise",
]

Key = tuple[str, ...]
T = TypeVar("T")


@cache
def keys_of(table: Table) -> Key:
    """The names of a table's columns, in the order in which a row has them."""
    return tuple(str(column.name) for column in table.columns)  # plain texts: SQLAlchemy's own are slow to look at


def _identified(table: Table, by: Key) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = true()
    for name in by:
        condition = condition & (table.c[name] == bindparam(f"key_{name}"))
    return condition


@cache
def _reading(table: Table, by: Key) -> Select[Any]:
    return select(table).where(_identified(table, by))


@cache
def _removing(table: Table, by: Key) -> Delete:
    return delete(table).where(_identified(table, by))


@cache
def _revising(table: Table, names: Key) -> Update:
    return update(table).where(_identified(table, ("id",))).values({name: bindparam(name) for name in names})


@cache
def _creating(table: Table) -> Insert:
    return insert(table)


def inserting(kind: str, table: Table) -> Any:
    """An insertion that can say what happens when the row is there already, for a kind of database."""
    from importlib import import_module

    return import_module(f"sqlalchemy.dialects.{kind}").insert(table)


def _parameters(by: Mapping[str, Any]) -> dict[str, Any]:
    return {f"key_{name}": value for name, value in by.items()}


def read(connection: Connection, table: Table, **by: Any) -> dict[str, Any] | None:
    """The row whose columns equal `by`, as a mapping; None if there is none."""
    row = connection.execute(_reading(table, tuple(by)), _parameters(by)).first()
    return None if row is None else dict(zip(keys_of(table), row, strict=True))


def lock(connection: Connection, table: Table, **by: Any) -> None:
    """
    Let no other transaction do the same with the rows whose columns equal `by`, before this one ends.

    For what is decided by more than the rows that change: whoever counts the slots of a limit locks the limit first.
    Where one transaction writes at a time, as on SQLite, this does nothing. Elsewhere the rows are written to, since a
    mere lock would let those who waited for it count what they saw before they waited; so they start again.
    """
    if connection.dialect.name != "sqlite":
        conditions = [table.c[name] == value for name, value in by.items()]
        same = {column.name: column for column in table.primary_key.columns}
        connection.execute(update(table).where(*conditions).values(same))


def read_all(connection: Connection, table: Table, statement: Select[Any]) -> list[dict[str, Any]]:
    """The rows of a statement that selects whole rows of a table, as mappings."""
    keys = keys_of(table)
    return [dict(zip(keys, row, strict=True)) for row in connection.execute(statement)]


def create(connection: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Insert rows, which name the same columns."""
    if rows:
        connection.execute(_creating(table), rows)


def revise(connection: Connection, table: Table, identifier: UUID, **values: Any) -> bool:
    """Change columns of one row. Returns whether there is such a row."""
    statement = _revising(table, tuple(values))
    return connection.execute(statement, {**values, "key_id": identifier}).rowcount > 0


def revise_all(connection: Connection, table: Table, changes: Iterable[tuple[UUID, Mapping[str, Any]]]) -> None:
    """Change columns of several rows, in one go those in which the same ones change."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for identifier, values in changes:
        alike.setdefault(tuple(values), []).append({**values, "key_id": identifier})
    for names, rows in alike.items():
        connection.execute(_revising(table, names), rows)


def remove(connection: Connection, table: Table, **by: Any) -> bool:
    """Delete the rows whose columns equal `by`. Returns whether there was one."""
    return connection.execute(_removing(table, tuple(by)), _parameters(by)).rowcount > 0


def remove_where(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    """Delete the rows that meet a condition. Returns how many there were."""
    return connection.execute(delete(table).where(condition)).rowcount


def count(connection: Connection, table: Table, conditions: Sequence[ColumnElement[bool]]) -> int:
    """How many rows meet all of some conditions."""
    statement = select(func.count()).select_from(table)
    if conditions:
        statement = statement.where(*conditions)
    return int(connection.execute(statement).scalar_one())


def order(table: Table, sort: str) -> list[ColumnElement[Any]]:
    """The columns that a sort order of the contract means, `NAME_ASC` or `END_TIME_DESC`; ties are broken by id."""
    name, _, direction = sort.rpartition("_")
    identifier, column = table.c.id, table.c[name.lower()]
    if direction == "DESC":
        return [identifier.desc()] if name == "ID" else [descending(column), identifier.desc()]
    return [identifier.asc()] if name == "ID" else [ascending(column), identifier.asc()]


def ascending(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Smallest first, after those that have no value; so it is on all databases, and in their indexes."""
    return column.asc().nulls_first() if getattr(column, "nullable", True) else column.asc()


def descending(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Largest first, before those that have no value."""
    return column.desc().nulls_last() if getattr(column, "nullable", True) else column.desc()
