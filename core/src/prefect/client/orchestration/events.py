"""The clients' methods for events."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from prefect._contract.endpoints import events
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable_steps, blocking_steps
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect._contract.filters.events import EventFilter
    from prefect._contract.responses.events import EventPage

__all__ = ["EventAsyncClient", "EventClient"]

_LARGEST_PAGE = 50
"""How many events orchestrators put on a page, at most."""


def read_events(filter: EventFilter | None = None, limit: int = 100) -> Steps[EventPage]:
    """
    Read the first page of the selected events.

    Args:
        filter: Selects them; those of the last half-year by default.
        limit: How many are on each page. There are at most 50, whatever is asked for.
    """
    return (yield from ask(events.read_events(filter, min(limit, _LARGEST_PAGE))))


def read_events_page(next_page_url: str) -> Steps[EventPage]:
    """
    Read a further page of events.

    Args:
        next_page_url: Where it is: `EventPage.next_page`.

    Raises:
        ValueError: The URL names no page.
    """
    tokens = parse_qs(urlsplit(str(next_page_url)).query).get("page-token")
    if not tokens:
        raise ValueError(f"next_page_url is {str(next_page_url)!r}, which has no page-token: it names no page.")
    return (yield from ask(events.read_events_page(tokens[0])))


class EventClient:
    """Events."""

    transport: Transport
    read_events = blocking_steps(read_events)
    read_events_page = blocking_steps(read_events_page)


class EventAsyncClient:
    """Events."""

    transport: Transport
    read_events = awaitable_steps(read_events)
    read_events_page = awaitable_steps(read_events_page)
