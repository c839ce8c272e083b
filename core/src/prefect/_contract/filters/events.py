"""Which events are looked for."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field
from pydantic_core import to_json

from prefect._contract.base import FilterBaseModel, Moment
from prefect._contract.events import Event, Resource, ResourceSpecification
from prefect.utilities.collections import AutoEnum
from prefect.utilities.time import now

__all__ = [
    "EventAnyResourceFilter",
    "EventDataFilter",
    "EventFilter",
    "EventIDFilter",
    "EventNameFilter",
    "EventOccurredFilter",
    "EventOrder",
    "EventRelatedFilter",
    "EventResourceFilter",
    "EventTextFilter",
]

DEFAULT_AGE = timedelta(days=180)
"""How far back events are looked for unless a filter says so."""


class EventDataFilter(FilterBaseModel):
    """A filter that can also tell of an event at hand whether it selects it."""

    def get_filters(self) -> "list[EventDataFilter]":
        """The filters that this one is made of."""
        values = [getattr(self, name) for name in type(self).model_fields]
        parts = [part for value in values for part in (value if isinstance(value, list) else [value])]
        return [part for part in parts if isinstance(part, EventDataFilter)]

    def includes(self, event: Event) -> bool:
        """Whether it selects an event."""
        return all(part.includes(event) for part in self.get_filters())

    def excludes(self, event: Event) -> bool:
        """Whether it does not select an event."""
        return not self.includes(event)


def _half_a_year_ago() -> datetime:
    return now().replace(hour=0, minute=0, second=0, microsecond=0) - DEFAULT_AGE


class EventOccurredFilter(EventDataFilter):
    """Selects events by when they occurred: from `since` to `until`, by default in the 180 days until now."""

    since: Moment = Field(default_factory=_half_a_year_ago)
    until: Moment = Field(default_factory=now)

    def includes(self, event: Event) -> bool:
        """Whether it selects an event."""
        return self.since <= event.occurred <= self.until


def _begins_with_any(text: str, prefixes: list[str]) -> bool:
    return text.startswith(tuple(prefixes))


class EventNameFilter(EventDataFilter):
    """Selects events by their name; `prefix` and `exclude_prefix` are the beginnings of names."""

    prefix: list[str] | None = None
    exclude_prefix: list[str] | None = None
    name: list[str] | None = None
    exclude_name: list[str] | None = None

    def includes(self, event: Event) -> bool:
        """Whether it selects an event."""
        return not (
            (self.prefix and not _begins_with_any(event.event, self.prefix))
            or (self.exclude_prefix and _begins_with_any(event.event, self.exclude_prefix))
            or (self.name and event.event not in self.name)
            or (self.exclude_name and event.event in self.exclude_name)
        )


def _is_meant(
    resource: Resource,
    id: list[str] | None,
    id_prefix: list[str] | None,
    labels: ResourceSpecification | None,
) -> bool:
    return (
        (not id or resource.id in id)
        and (not id_prefix or _begins_with_any(resource.id, id_prefix))
        and (labels is None or labels.matches(resource))
    )


class EventResourceFilter(EventDataFilter):
    """
    Selects events by their resource.

    Args:
        id: Its id is one of these.
        id_prefix: Its id begins with one of these.
        labels: It has these labels.
        distinct: Whether to list only the latest event of each resource.
    """

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: ResourceSpecification | None = None
    distinct: bool = False

    def includes(self, event: Event) -> bool:
        """Whether it selects an event; of others about the same resource this knows nothing."""
        return _is_meant(event.resource, self.id, self.id_prefix, self.labels)


class EventRelatedFilter(EventDataFilter):
    """
    Selects events by their related resources, of which one must meet all conditions.

    Args:
        id: Its id is one of these.
        role: Its role is one of these.
        resources_in_roles: Its id and role are one of these pairs.
        labels: It has these labels.
    """

    id: list[str] | None = None
    role: list[str] | None = None
    resources_in_roles: list[tuple[str, str]] | None = None
    labels: ResourceSpecification | None = None

    def includes(self, event: Event) -> bool:
        """Whether it selects an event."""
        if not (self.id or self.role or self.resources_in_roles or self.labels):
            return True
        return any(
            _is_meant(related, self.id, None, self.labels)
            and (not self.role or related.role in self.role)
            and (not self.resources_in_roles or (related.id, related.role) in self.resources_in_roles)
            for related in event.related
        )


class EventAnyResourceFilter(EventDataFilter):
    """
    Selects events by all their resources, of which one must meet all conditions.

    Args:
        id: Its id is one of these.
        id_prefix: Its id begins with one of these.
        labels: It has these labels.
    """

    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: ResourceSpecification | None = None

    def includes(self, event: Event) -> bool:
        """Whether it selects an event."""
        return any(_is_meant(resource, self.id, self.id_prefix, self.labels) for resource in event.involved_resources)


class EventIDFilter(EventDataFilter):
    """Selects events by their id."""

    id: list[UUID] | None = None

    def includes(self, event: Event) -> bool:
        """Whether it selects an event."""
        return not self.id or event.id in self.id


def _no_ids() -> EventIDFilter:
    return EventIDFilter(id=[])


class EventTextFilter(EventDataFilter):
    """Selects events by words in their name, the labels of their resources, and their payload: see `text_query`."""

    query: Annotated[str, Field(max_length=200)]

    def includes(self, event: Event) -> bool:
        """Whether it selects an event."""
        from prefect._contract.text_query import is_found_by

        labels = [value for resource in event.involved_resources for value in resource.root.values()]
        return is_found_by(self.query, " ".join([event.event, *labels, to_json(event.payload).decode()]))


class EventOrder(AutoEnum):
    """An order of events: the oldest or the latest first."""

    ASC = "ASC"
    DESC = "DESC"


class EventFilter(EventDataFilter):
    """Selects events. Of several filters of one kind, each must select the event."""

    occurred: EventOccurredFilter = Field(default_factory=EventOccurredFilter)
    event: EventNameFilter | None = None
    resource: EventResourceFilter | None = None
    related: EventRelatedFilter | list[EventRelatedFilter] | None = None
    any_resource: EventAnyResourceFilter | list[EventAnyResourceFilter] | None = None
    id: EventIDFilter = Field(default_factory=_no_ids)
    text: EventTextFilter | None = None
    order: EventOrder = EventOrder.DESC
