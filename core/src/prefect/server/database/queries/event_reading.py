"""Finds and counts events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, desc, func, literal, select, tuple_, union_all
from sqlalchemy.engine import Connection
from sqlalchemy.sql.selectable import Subquery

from prefect.server.database import tables
from prefect.server.database.types import Identifier, Moment

__all__ = ["Group", "Place", "count_between", "count_by", "count_events", "names_of_resources", "read_events"]

Condition = ColumnElement[bool]
Row = dict[str, Any]

_COMPOUND_LIMIT = 400
"""SQLite joins at most 500 selections by UNION."""

_PAIRS_LIMIT = 300

_event = tables.event.c
_COLUMNS = [
    _event[name] for name in ("id", "occurred", "event", "resource", "related", "payload", "follows", "received")
]


class Place(NamedTuple):
    """Where a page begins: after the event that occurred then and has that id."""

    occurred: datetime
    id: UUID


class Group(NamedTuple):
    """Events that have something in common: what, how many they are, when the first and the last of them occurred."""

    value: str
    size: int
    first: datetime
    last: datetime


def _first_of_each(conditions: Sequence[Condition], *, latest: bool) -> Subquery:
    """The ids and moments of the first event of each resource in an order."""
    order = [desc(_event.occurred), desc(_event.id)] if latest else [_event.occurred, _event.id]
    number = func.row_number().over(partition_by=_event.resource_id, order_by=order).label("number")
    numbered = select(_event.id, _event.occurred, number).where(*conditions).subquery()
    return select(numbered.c.id, numbered.c.occurred).where(numbered.c.number == 1).subquery()


def _selected(conditions: Sequence[Condition], *, latest: bool, distinct: bool) -> tuple[Any, Any, Select[Any]]:
    """The columns of moments and ids, and a selection of ids."""
    if distinct:
        firsts = _first_of_each(conditions, latest=latest).c
        return firsts.occurred, firsts.id, select(firsts.id)
    return _event.occurred, _event.id, select(_event.id).where(*conditions)


def _ascending(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.asc()


def _descending(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.desc()


def read_events(
    connection: Connection,
    conditions: Sequence[Condition],
    *,
    latest: bool,
    distinct: bool,
    limit: int,
    after: Place | None = None,
) -> list[Row]:
    """
    A page of events.

    Args:
        connection: The transaction.
        conditions: What they must meet.
        latest: Whether the latest come first; else the oldest do.
        distinct: Whether only the first of each resource is listed, in that order.
        limit: How many, at most.
        after: Where the page begins.
    """
    occurred, identifier, found = _selected(conditions, latest=latest, distinct=distinct)
    if after is not None:
        place = tuple_(literal(after.occurred, Moment), literal(after.id, Identifier))
        here = tuple_(occurred, identifier)
        found = found.where(here < place if latest else here > place)
    order = _descending if latest else _ascending
    found = found.order_by(order(occurred), order(identifier)).limit(limit)
    statement = select(*_COLUMNS).where(_event.id.in_(found)).order_by(order(_event.occurred), order(_event.id))
    return [row._asdict() for row in connection.execute(statement)]


def count_events(connection: Connection, conditions: Sequence[Condition], *, distinct: bool, most: int) -> int:
    """How many events meet conditions, or resources have some; `most` if they are more than that."""
    _, _, found = _selected(conditions, latest=True, distinct=distinct)
    limited = found.limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(limited)).scalar_one())


def count_by(
    connection: Connection, column: ColumnElement[str], conditions: Sequence[Condition], *, most: int
) -> list[Group]:
    """The groups of events with the same value in a column, the largest first."""
    number = func.count().label("number")
    statement = (
        select(column, number, func.min(_event.occurred, type_=Moment()), func.max(_event.occurred, type_=Moment()))
        .where(*conditions)
        .group_by(column)
        .order_by(number.desc(), column)
        .limit(most)
    )
    return [Group(*row) for row in connection.execute(statement)]


def names_of_resources(connection: Connection, groups: Sequence[Group]) -> dict[str, str | None]:
    """What the resources that are the values of groups were called in their last event."""
    names: dict[str, str | None] = {}
    for part in _parts(groups, _PAIRS_LIMIT):
        pairs = tuple_(_event.resource_id, _event.occurred).in_([(group.value, group.last) for group in part])
        for resource_id, resource in connection.execute(select(_event.resource_id, _event.resource).where(pairs)):
            names[resource_id] = resource.get("prefect.resource.name")
    return names


def count_between(
    connection: Connection, conditions: Sequence[Condition], intervals: Sequence[tuple[datetime, datetime]]
) -> list[int]:
    """How many events occurred in each of some intervals, the beginning of which belongs to them."""
    counted = [
        select(literal(number).label("number"), func.count())
        .select_from(tables.event)
        .where(and_(_event.occurred >= start, _event.occurred < end, *conditions))
        for number, (start, end) in enumerate(intervals)
    ]
    counts = [0] * len(intervals)
    for part in _parts(counted, _COMPOUND_LIMIT):
        for number, count in connection.execute(union_all(*part)):
            counts[number] = count
    return counts


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
