"""
Turns the filters of events into SQL.

They mean in the database what `EventFilter.includes` says of an event at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    tuple_,
    union_all,
)

from prefect._contract.events import ResourceSpecification
from prefect._contract.text_query import parse_query
from prefect.server.database import tables
from prefect.server.database.dialects import begins_with, contains, has_member_with, json_member

if TYPE_CHECKING:
    from prefect._contract.filters.events import (
        EventAnyResourceFilter,
        EventFilter,
        EventNameFilter,
        EventRelatedFilter,
        EventResourceFilter,
    )

__all__ = ["FilterTooLargeError", "events_where", "indexed_by"]

Condition = ColumnElement[bool]
Beginning = Callable[[ColumnElement[Any], str], Condition]

_event = tables.event.c
_related = tables.event_resource.c

_ID = "prefect.resource.id"
_ROLE = "prefect.resource.role"


_MOST_ALTERNATIVES = 200
"""How many beginnings and labels a filter has: databases bound the depth of conditions."""

_MOST_VALUES = 10_000


class FilterTooLargeError(ValueError):
    """A filter has more alternatives than a database takes in one statement."""


def _require_bounded(filter: EventFilter) -> None:
    parts = [filter.event, filter.resource, *_listed(filter.related), *_listed(filter.any_resource), filter.id]
    given = [(name, value) for part in parts if part is not None for name, value in part]
    values = sum(len(value) for _, value in given if isinstance(value, list))
    labels = [value for _, value in given if isinstance(value, ResourceSpecification)]
    beginnings = sum(len(value) for name, value in given if name.endswith("prefix") and value)
    alternatives = len(parts) + beginnings + sum(1 + len(each) for label in labels for _, each in label.items())
    if alternatives > _MOST_ALTERNATIVES or values > _MOST_VALUES:
        raise FilterTooLargeError(
            f"The filter has {alternatives} prefixes and labels, and {values} values in lists. There are at most "
            f"{_MOST_ALTERNATIVES} and {_MOST_VALUES}."
        )


def events_where(filter: EventFilter) -> list[Condition]:
    """
    The conditions that a filter puts on events.

    Raises:
        FilterTooLargeError: They are more than a database takes.
    """
    _require_bounded(filter)
    conditions = [_event.occurred >= filter.occurred.since, _event.occurred <= filter.occurred.until]
    if filter.event is not None:
        conditions += _name(filter.event)
    if filter.resource is not None:
        conditions += _resource(filter.resource)
    for related in _listed(filter.related):
        conditions += _has_related(related, filter)
    for any_resource in _listed(filter.any_resource):
        conditions += _involves(any_resource, filter)
    if filter.id.id:
        conditions.append(_event.id.in_(filter.id.id))
    if filter.text is not None:
        conditions += _text(filter.text.query)
    return conditions


def indexed_by(filter: EventFilter) -> list[Select[Any]] | None:
    """
    Selections of moments and ids, in which a filter's events are found without looking at any others.

    There are some if all that a filter asks for besides the time is one thing of resources that are not the event's own: as
    of those there may be very many, they are then read in the order of an index, and no further than is needed.
    """
    others = (filter.event, filter.resource, filter.text)
    if any(other is not None for other in others) or filter.id.id:
        return None
    related, involved = _listed(filter.related), _listed(filter.any_resource)
    if len(related) == 1 and not involved:
        conditions = _meant(related[0])
        return [_moments_of_related(conditions, filter)] if conditions else None
    if len(involved) == 1 and not related:
        own, as_related = _own(involved[0]), _as_related(involved[0])
        time = [_event.occurred >= filter.occurred.since, _event.occurred <= filter.occurred.until]
        themselves = select(_event.occurred.label("occurred"), _event.id.label("id")).where(*own, *time)
        return [themselves, _moments_of_related(as_related, filter)] if own else None
    return None


def _moments_of_related(conditions: list[Condition], filter: EventFilter) -> Select[Any]:
    moments = select(_related.occurred.label("occurred"), _related.event_id.label("id"))
    return moments.where(*conditions, *_related_time(filter)).distinct()


def _related_time(filter: EventFilter) -> list[Condition]:
    return [_related.occurred >= filter.occurred.since, _related.occurred <= filter.occurred.until]


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _begins(column: ColumnElement[Any], prefixes: Iterable[str]) -> Condition:
    return or_(*(begins_with(column, prefix) for prefix in prefixes))


def _name(filter: EventNameFilter) -> list[Condition]:
    conditions: list[Condition] = []
    if filter.prefix:
        conditions.append(_begins(_event.event, filter.prefix))
    if filter.exclude_prefix:
        conditions.append(not_(_begins(_event.event, filter.exclude_prefix)))
    if filter.name:
        conditions.append(_event.event.in_(filter.name))
    if filter.exclude_name:
        conditions.append(_event.event.not_in(filter.exclude_name))
    return conditions


def _identified(
    column: ColumnElement[Any], ids: Sequence[str] | None, prefixes: Sequence[str] | None
) -> list[Condition]:
    conditions: list[Condition] = []
    if ids:
        conditions.append(column.in_(ids))
    if prefixes:
        conditions.append(_begins(column, prefixes))
    return conditions


def _member_begins(member: ColumnElement[Any], prefix: str) -> Condition:
    return func.substr(member, 1, len(prefix)) == prefix


def _expected(value: ColumnElement[Any], expected: str, begins: Beginning) -> Condition:
    """Whether the text of a label is as expected: see `prefect._contract.events.matches`."""
    if expected.startswith("!"):
        return and_(value.is_not(None), not_(_expected(value, expected[1:], begins)))
    if expected.endswith("*"):
        return begins(value, expected[:-1])
    return value == expected


def _labelled(
    document: ColumnElement[Any], columns: Mapping[str, ColumnElement[Any]], labels: ResourceSpecification | None
) -> list[Condition]:
    """Whether a resource has labels. Those that are columns too are looked for there."""
    conditions = []
    for label, alternatives in () if labels is None else labels.items():
        column = columns.get(label)
        value = json_member(document, label) if column is None else column
        begins = _member_begins if column is None else begins_with
        conditions.append(or_(*(_expected(value, each, begins) for each in alternatives)) if alternatives else false())
    return conditions


def _resource(filter: EventResourceFilter) -> list[Condition]:
    return [
        *_identified(_event.resource_id, filter.id, filter.id_prefix),
        *_labelled(_event.resource, {_ID: _event.resource_id}, filter.labels),
    ]


def _of_related(conditions: list[Condition], filter: EventFilter) -> Any:
    """The ids of the events of a time with a related resource that meets conditions."""
    return select(_related.event_id).where(*conditions, *_related_time(filter))


_RELATED_COLUMNS = {_ID: _related.resource_id, _ROLE: _related.resource_role}


def _meant(filter: EventRelatedFilter) -> list[Condition]:
    """What a related resource must be."""
    conditions = [
        *_identified(_related.resource_id, filter.id, None),
        *_labelled(_related.resource, _RELATED_COLUMNS, filter.labels),
    ]
    if filter.role:
        conditions.append(_related.resource_role.in_(filter.role))
    if filter.resources_in_roles:
        pairs = tuple_(_related.resource_id, _related.resource_role)
        conditions.append(pairs.in_(filter.resources_in_roles))
    return conditions


def _has_related(related: EventRelatedFilter, filter: EventFilter) -> list[Condition]:
    conditions = _meant(related)
    return [_event.id.in_(_of_related(conditions, filter))] if conditions else []


def _own(filter: EventAnyResourceFilter) -> list[Condition]:
    return [
        *_identified(_event.resource_id, filter.id, filter.id_prefix),
        *_labelled(_event.resource, {_ID: _event.resource_id}, filter.labels),
    ]


def _as_related(filter: EventAnyResourceFilter) -> list[Condition]:
    return [
        *_identified(_related.resource_id, filter.id, filter.id_prefix),
        *_labelled(_related.resource, _RELATED_COLUMNS, filter.labels),
    ]


def _involves(any_resource: EventAnyResourceFilter, filter: EventFilter) -> list[Condition]:
    own, as_related = _own(any_resource), _as_related(any_resource)
    if not own:
        return []
    return [_event.id.in_(union_all(select(_event.id).where(*own), _of_related(as_related, filter)))]


def _text(query: str) -> list[Condition]:
    wanted, required, excluded = parse_query(query)
    conditions = [_has_term(term) for term in required]
    conditions += [not_(_has_term(term)) for term in excluded]
    if wanted:
        conditions.append(or_(*(_has_term(term) for term in wanted)))
    return conditions


def _has_term(term: str) -> Condition:
    """Whether a term is in the name of an event, in its payload, or in the labels of its resources."""
    return or_(
        contains(_event.event, term),
        contains(cast(_event.payload, Text), term),
        has_member_with(_event.resource, term),
        exists().where(_related.event_id == _event.id, has_member_with(_related.resource, term)),
    )
