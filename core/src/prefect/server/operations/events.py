"""Events: what has happened, told by clients and by operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from pydantic_core import to_json
from sqlalchemy import ColumnElement

from prefect._contract.events import Countable, TimeUnit
from prefect._contract.responses.events import EventCount, EventPage
from prefect.server.database import tables
from prefect.server.database.queries import event_reading
from prefect.server.database.queries.event_filters import FilterTooLargeError, events_where, indexed_by
from prefect.server.database.queries.events import Occurrence, has_backlog, occurrence_of, only_new, take_up
from prefect.server.operations.event_pages import EventPosition, page_token, parse_page_token
from prefect.server.operations.intervals import intervals_between
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.task_run_backlog import tell_of_states
from prefect.server.operations.task_run_events import record_task_run_events
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect._contract.events import Event, ReceivedEvent
    from prefect._contract.filters.events import EventFilter

__all__ = [
    "count_events",
    "create_events",
    "hear_events",
    "read_events",
    "read_events_after",
    "read_events_page",
    "take_in",
]

PAGE = 50
"""How many events a page has, at most."""

MOST_COUNTED = 10_000
"""How far the selected events are counted. Counting further would read more than anybody looks at."""

MOST_GROUPS = 1000


def create_events(work: UnitOfWork, body: list[Event]) -> None:
    """
    Take events in. Those that were told before are passed over.

    Raises:
        Refusal: An event is larger than events may be. None of them is taken in.
    """
    occurrences = [occurrence_of(event) for event in body]
    for number, occurrence in enumerate(occurrences):
        _check(occurrence, f"Event {number + 1} of {len(occurrences)} ({occurrence.id})")
    _take(work, occurrences)


def hear_events(work: UnitOfWork, events: list[Event]) -> list[str]:
    """
    Take in the events of somebody who does not wait for an answer: all but those that are larger than events may be.

    Returns:
        What is wrong with the others.
    """
    good, wrong = [], []
    for event in events:
        occurrence = occurrence_of(event)
        try:
            _check(occurrence, f"Event {occurrence.id}")
        except Refusal as refusal:
            wrong.append(refusal.detail)
        else:
            good.append(occurrence)
    _take(work, good)
    return wrong


def _take(work: UnitOfWork, occurrences: list[Occurrence]) -> None:
    """Store the events that are new, and record the task runs that they report."""
    new = only_new(work.connection, occurrences)
    record_task_run_events(work, new)
    for occurrence in new:
        work.emit(occurrence)


def _check(occurrence: Occurrence, which: str) -> None:
    limits = get_current_settings().server.events
    if len(occurrence.event) > limits.maximum_event_name_length:
        length = len(occurrence.event)
        _refuse(which, f"has a name of {length} characters", limits.maximum_event_name_length, "EVENT_NAME_LENGTH")
    if len(occurrence.related) > limits.maximum_related_resources:
        _refuse(
            which,
            f"has {len(occurrence.related)} related resources",
            limits.maximum_related_resources,
            "RELATED_RESOURCES",
        )
    labels = max(len(resource) for resource in (occurrence.resource, *occurrence.related))
    if labels > limits.maximum_labels_per_resource:
        _refuse(
            which, f"has a resource with {labels} labels", limits.maximum_labels_per_resource, "LABELS_PER_RESOURCE"
        )
    size = len(to_json(occurrence))
    if size > limits.maximum_size_bytes:
        _refuse(which, f"has {size} bytes", limits.maximum_size_bytes, "SIZE_BYTES", status=413)


def _refuse(which: str, what: str, limit: int, setting: str, status: int = 422) -> NoReturn:
    raise Refusal(status, f"{which} {what}. At most {limit} are taken: PREFECT_SERVER_EVENTS_MAXIMUM_{setting}.")


def take_in(work: UnitOfWork, transactions: int) -> bool:
    """
    Store, as others are, the oldest events that were set aside where nobody asked for them.

    Args:
        work: A transaction of one who serves.
        transactions: Those of how many transactions.

    Returns:
        Whether some are left.
    """
    for told in take_up(work.connection, transactions):
        if isinstance(told, Occurrence):
            work.emit(told)
        else:
            tell_of_states(work, told)
    return has_backlog(work.connection)


@read_only
def read_events(work: UnitOfWork, filter: EventFilter | None = None, limit: int | None = None) -> EventPage:
    """List the first page of the selected events."""
    if limit is None:
        limit = PAGE
    if not 0 <= limit <= PAGE:
        raise Refusal(422, f"Invalid limit {limit}: must be between 0 and {PAGE}.")
    return _page(work, EventPosition(filter=_in_time(work, filter), limit=limit))


@read_only
def read_events_page(work: UnitOfWork, page_token: str) -> EventPage:
    """List a further page of events."""
    return _page(work, parse_page_token(page_token, PAGE))


def read_events_after(
    work: UnitOfWork, filter: EventFilter, after: event_reading.Place | None, limit: int
) -> list[ReceivedEvent]:
    """The first of the selected events that occurred after a place, the oldest first."""
    from prefect._contract.events import ReceivedEvent

    selection = event_reading.Selection(_conditions(filter), latest=False, indexed=indexed_by(filter))
    rows = event_reading.read_events(work.connection, selection, limit=limit, after=after)
    return [ReceivedEvent.model_validate(row) for row in rows]


def _conditions(filter: EventFilter) -> list[ColumnElement[bool]]:
    try:
        return events_where(filter)
    except FilterTooLargeError as error:
        raise Refusal(422, str(error)) from None


def _in_time(work: UnitOfWork, filter: EventFilter | None) -> EventFilter:
    """A filter that says when events occurred: unless it was said, in the last half-year."""
    from prefect._contract.filters.events import DEFAULT_AGE, EventFilter, EventOccurredFilter

    if filter is not None and "occurred" in filter.model_fields_set:
        return filter
    midnight = work.now.replace(hour=0, minute=0, second=0, microsecond=0)
    recently = EventOccurredFilter(since=midnight - DEFAULT_AGE, until=work.now)
    return (filter or EventFilter()).model_copy(update={"occurred": recently})


def _page(work: UnitOfWork, position: EventPosition) -> EventPage:
    from prefect._contract.filters.events import EventOrder

    filter = position.filter
    selection = event_reading.Selection(
        _conditions(filter),
        latest=filter.order is EventOrder.DESC,
        distinct=filter.resource is not None and filter.resource.distinct,
        indexed=indexed_by(filter),
    )
    rows = event_reading.read_events(work.connection, selection, limit=position.limit + 1, after=position.after)
    total = position.total
    if total is None:
        total = event_reading.count_events(work.connection, selection, most=MOST_COUNTED)
    events = rows[: position.limit]
    following = None
    if len(rows) > position.limit:
        after = position.after if not events else event_reading.Place(events[-1]["occurred"], events[-1]["id"])
        token = page_token(position.model_copy(update={"after": after, "total": total}))
        following = f"{work.api_url}/events/filter/next?page-token={token}"
    return EventPage.model_validate({"events": events, "total": total, "next_page": following})


@read_only
def count_events(
    work: UnitOfWork,
    countable: Countable,
    filter: EventFilter,
    time_unit: TimeUnit = TimeUnit.day,
    time_interval: float = 1.0,
) -> list[EventCount]:
    """
    Count the selected events by what they have in common: the largest groups, or all days or intervals in order.

    Raises:
        Refusal: There would be too many intervals.
    """
    filter = _in_time(work, filter)
    conditions = _conditions(filter)
    if countable is Countable.day:
        return _count_over_time(work, filter, TimeUnit.day, 1.0)
    if countable is Countable.time:
        return _count_over_time(work, filter, time_unit, time_interval)
    events = tables.event.c
    column = events.event if countable is Countable.event else events.resource_id
    groups = event_reading.count_by(work.connection, column, conditions, most=MOST_GROUPS)
    names = {} if countable is Countable.event else event_reading.names_of_resources(work.connection, groups)
    return [
        EventCount(
            value=group.value,
            label=names.get(group.value) or group.value,
            count=group.size,
            start_time=group.first,
            end_time=group.last,
        )
        for group in groups
    ]


def _count_over_time(work: UnitOfWork, filter: EventFilter, unit: TimeUnit, interval: float) -> list[EventCount]:
    intervals = intervals_between(filter.occurred.since, filter.occurred.until, unit, interval)
    conditions = _conditions(filter)
    counts = event_reading.count_between(work.connection, conditions, [(each.start, each.end) for each in intervals])
    return [
        EventCount(
            value=str(number),
            label=interval.start.isoformat(),
            count=count,
            start_time=interval.start,
            end_time=interval.last,
        )
        for number, (interval, count) in enumerate(zip(intervals, counts, strict=True))
    ]
