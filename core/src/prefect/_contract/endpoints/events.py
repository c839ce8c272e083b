"""Events: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given

if TYPE_CHECKING:
    from prefect._contract.events import Countable, Event, TimeUnit
    from prefect._contract.filters.events import EventFilter
    from prefect._contract.responses.events import EventCount, EventPage

__all__ = ["count_events", "create_events", "read_events", "read_events_page"]


def create_events(events: list[Event]) -> Call[None]:
    """Tell of events. An event that was told before is passed over."""
    return Call("POST", "/events", body=list(events))


def read_events(filter: EventFilter | None = None, limit: int | None = None) -> Call[EventPage]:
    """List the first page of the selected events, with `limit` on each page."""
    from prefect._contract.responses.events import EventPage

    return Call("POST", "/events/filter", EventPage, body=given(filter=filter, limit=limit))


def read_events_page(page_token: str) -> Call[EventPage]:
    """List a further page of events: see `EventPage.next_page_token`."""
    from prefect._contract.responses.events import EventPage

    return Call("GET", "/events/filter/next", EventPage, query={"page-token": page_token})


def count_events(
    countable: Countable,
    filter: EventFilter,
    time_unit: TimeUnit | None = None,
    time_interval: float | None = None,
) -> Call[list[EventCount]]:
    """
    Count the selected events.

    Args:
        countable: By what: days, intervals, names or resources.
        filter: Selects the events.
        time_unit: The unit of the length of intervals; a day by default.
        time_interval: The length of intervals in that unit; 1 by default.
    """
    from prefect._contract.responses.events import EventCount

    body = given(filter=filter, time_unit=time_unit, time_interval=time_interval)
    return Call("POST", "/events/count-by/{countable}", list[EventCount], {"countable": countable}, body=body)
