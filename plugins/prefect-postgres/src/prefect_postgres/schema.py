"""The statements that make the tables, from the description that all kinds of databases share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Index, MetaData, String, Text, util
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import ColumnCollectionConstraint, CreateIndex, CreateTable

from prefect_postgres import forms  # noqa: F401 - how the columns' types are declared

__all__ = ["script", "statements"]

_HEAD = "-- All tables. Text is compared by code point, as on SQLite, and is not subject to the locales of a host.\n"


def statements(metadata: MetaData) -> Iterator[tuple[str, str]]:
    """The statement of each table, and then those of its indexes, with the name of what it makes."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    copied = _copy(metadata)
    for table in copied.sorted_tables:
        yield table.name, _tidy(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            yield str(index.name), _tidy(CreateIndex(index).compile(dialect=dialect))


def script(metadata: MetaData) -> str:
    """The text of the migration that makes all tables in an empty database."""
    return _HEAD + "".join(f"\n{text};\n" for _, text in statements(metadata))


def _tidy(statement: Any) -> str:
    return str(statement).strip().replace("\t", "    ").replace(" \n", "\n")


def _copy(metadata: MetaData) -> MetaData:
    """The same tables, with what Postgres needs to be told."""
    copied = MetaData()
    for original in metadata.sorted_tables:
        table = original.to_metadata(copied)
        for column in table.columns:
            if isinstance(column.type, String):
                column.type = Text(collation="C")
        constraints = (each for each in table.constraints if isinstance(each, ColumnCollectionConstraint))
        for constraint in sorted(constraints, key=lambda each: [column.name for column in each.columns]):
            util.set_creation_order(constraint)  # in which they are listed; copies are made in no particular one
        for index in list(table.indexes):
            table.indexes.remove(index)
            Index(
                index.name,
                *(_ordered(expression) for expression in index.expressions),
                unique=index.unique,
                postgresql_where=index.dialect_options["sqlite"]["where"],
            )
    return copied


def _ordered(expression: Any) -> Any:
    """Where there may be no value, that comes first, as on SQLite: for lists in an order are read off their index."""
    if isinstance(expression, Column) and not expression.nullable:
        return expression
    return expression.asc().nulls_first()
