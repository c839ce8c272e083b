"""Being told of events by an orchestrator, embedded or a server."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from prefect.client.base import EPHEMERAL_URL, Transport

if TYPE_CHECKING:
    from uuid import UUID

    from prefect._contract.events import ReceivedEvent
    from prefect._contract.filters.events import EventFilter
    from prefect.client.http import HttpTransport

__all__ = ["events_of"]

_LOOK_EVERY_SECONDS = 0.2
_OVERLAP = timedelta(seconds=30)
"""Events may be stored a little later than they occur: so much of the past is looked at again."""
_MOST_REMEMBERED = 10_000
_PAGE = 50


def events_of(
    transport: Transport, wanted: EventFilter, reconnections: int = 10
) -> AsyncGenerator[ReceivedEvent, None]:
    """
    The events that a filter selects: those since its beginning, then all that occur, each once, without end.

    Args:
        transport: The way to the orchestrator. A server tells of events by itself; an embedded one is asked.
        wanted: Selects the events.
        reconnections: How often in a row to try to connect again.

    Raises:
        prefect.client.http.subscription.SubscriptionRefusedError: The server refuses, or does not tell of events.
        prefect.exceptions.ServerUnreachableError: The server cannot be reached.
    """
    if transport.url == EPHEMERAL_URL:
        return _asking(transport, wanted)
    from prefect.client.http.subscription import subscribe_to_events

    return subscribe_to_events(cast("HttpTransport", transport).address, wanted, reconnections)


async def _asking(transport: Transport, wanted: EventFilter) -> AsyncGenerator[ReceivedEvent, None]:
    """The events of an orchestrator that tells only what it is asked."""
    from prefect._contract.filters.events import EventOrder
    from prefect.utilities.time import now

    told: OrderedDict[UUID, None] = OrderedDict()
    wanted = wanted.model_copy(deep=True)
    wanted.order = EventOrder.ASC
    while True:
        wanted.occurred.until = now()
        async for event in _stored(transport, wanted):
            if event.id in told:
                continue
            told[event.id] = None
            if len(told) > _MOST_REMEMBERED:
                told.popitem(last=False)
            wanted.occurred.since = max(wanted.occurred.since, event.occurred - _OVERLAP)
            yield event
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


async def _stored(transport: Transport, wanted: EventFilter) -> AsyncGenerator[ReceivedEvent, None]:
    from prefect._contract.endpoints.events import read_events, read_events_page

    page = await transport.asend(read_events(wanted, _PAGE))
    while True:
        for event in page.events:
            yield event
        if page.next_page_token is None:
            return
        page = await transport.asend(read_events_page(page.next_page_token))
