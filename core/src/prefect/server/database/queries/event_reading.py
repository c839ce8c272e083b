"""Finds and counts events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, desc, func, literal, select, tuple_, union, union_all
from sqlalchemy.engine import Connection
from sqlalchemy.sql.selectable import Subquery

from prefect.server.database import tables
from prefect.server.database.types import Identifier, Moment

__all__ = [
    "Group",
    "Place",
    "Selection",
    "count_between",
    "count_by",
    "count_events",
    "names_of_resources",
    "read_events",
]

Condition = ColumnElement[bool]
Row = dict[str, Any]

_COMPOUND_LIMIT = 400
"""SQLite joins at most 500 selections by UNION."""

_MOST_PARAMETERS = 20_000
"""Databases take at most some 32 thousand in a statement."""

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


@dataclass(frozen=True, slots=True)
class Selection:
    """
    The events that are asked for.

    Args:
        conditions: What they must meet.
        latest: Whether the latest come first; else the oldest do.
        distinct: Whether only the first of each resource counts, in that order.
        indexed: Selections of moments and ids that have all of them, and no others; None if there are none.
    """

    conditions: Sequence[Condition]
    latest: bool = True
    distinct: bool = False
    indexed: Sequence[Select[Any]] | None = None

    def page(self, limit: int, after: Place | None) -> Select[Any]:
        """Selects the ids of a page."""
        if self.distinct:
            firsts = _first_of_each(self.conditions, latest=self.latest).c
            return self._cut(select(firsts.id), firsts.occurred, firsts.id, limit, after)
        if self.indexed is None:
            found = select(_event.id).where(*self.conditions)
            return self._cut(found, _event.occurred, _event.id, limit, after)
        parts = []
        for part in self.indexed:
            occurred, identifier = part.selected_columns
            parts.append(self._cut(part, occurred, identifier, limit, after).subquery())
        together = union(*(select(part.c.occurred, part.c.id) for part in parts)).subquery()
        return self._cut(select(together.c.id), together.c.occurred, together.c.id, limit, None)

    def _cut(self, found: Select[Any], occurred: Any, identifier: Any, limit: int, after: Place | None) -> Select[Any]:
        """The first ones after a place."""
        if after is not None:
            place = tuple_(literal(after.occurred, Moment), literal(after.id, Identifier))
            here = tuple_(occurred, identifier)
            found = found.where(here < place if self.latest else here > place)
        return found.order_by(self.ordered(occurred), self.ordered(identifier)).limit(limit)

    def ordered(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A column in the order that is asked for."""
        return column.desc() if self.latest else column.asc()

    def some(self, most: int) -> Select[Any]:
        """Selects ids up to a number, in no order."""
        if self.indexed is not None and not self.distinct:
            parts = [part.limit(most).subquery() for part in self.indexed]
            together = union(*(select(part.c.id) for part in parts)).subquery()
            return select(together.c.id).limit(most)
        if self.distinct:
            return select(_event.resource_id).where(*self.conditions).distinct().limit(most)
        return select(_event.id).where(*self.conditions).limit(most)


def read_events(connection: Connection, selection: Selection, *, limit: int, after: Place | None = None) -> list[Row]:
    """
    A page of events.

    Args:
        connection: The transaction.
        selection: Which events.
        limit: How many, at most.
        after: Where the page begins.
    """
    order = selection.ordered(_event.occurred), selection.ordered(_event.id)
    statement = select(*_COLUMNS).where(_event.id.in_(selection.page(limit, after))).order_by(*order)
    return [row._asdict() for row in connection.execute(statement)]


def count_events(connection: Connection, selection: Selection, *, most: int) -> int:
    """How many events are selected; `most` if they are more than that."""
    some = selection.some(most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


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
    counted: list[Any] = []
    for number, (start, end) in enumerate(intervals):
        counting: Any = select(literal(number).label("number"), func.count()).select_from(tables.event)
        counted.append(counting.where(and_(_event.occurred >= start, _event.occurred < end, *conditions)))
    counts = [0] * len(intervals)
    together = min(_COMPOUND_LIMIT, _MOST_PARAMETERS // _parameters(counted[0])) if counted else 1
    for part in _parts(counted, max(together, 1)):
        for number, count in connection.execute(union_all(*part)):
            counts[number] = count
    return counts


def _parameters(statement: Select[Any]) -> int:
    """How many values a statement hands to the database."""
    values = statement.compile().params.values()
    return sum(len(value) if isinstance(value, (list, tuple)) else 1 for value in values)


def _parts(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
