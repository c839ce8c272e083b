"""Being told of events by an orchestrator, embedded or a server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from prefect.client.base import EPHEMERAL_URL, Transport

if TYPE_CHECKING:
    from uuid import UUID

    from pydantic import BaseModel
    from typing_extensions import Self
    from websockets.asyncio.client import ClientConnection

    from prefect._contract.events import ReceivedEvent
    from prefect._contract.filters.events import EventFilter
    from prefect.client.http import HttpTransport

__all__ = ["Subscription", "events_of"]

S = TypeVar("S", bound="BaseModel")

_LOOK_EVERY_SECONDS = 0.2
_OVERLAP = timedelta(seconds=30)
"""Events may be stored a little later than they occur: so much of the past is looked at again."""
_MOST_REMEMBERED = 10_000
_PAGE = 50
_MOST_FAILURES = 10
_LONGEST_PAUSE_SECONDS = 5.0


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


class Subscription(Generic[S]):
    """
    What a server hands out to those who ask for it by keys, such as background task runs; each is acknowledged as it arrives.

        async for task_run in Subscription(TaskRun, "/task_runs/subscriptions/scheduled", ["my-task"]): ...

    A connection that is lost is made again.

    Args:
        model: What is handed out.
        path: Where the server's websocket is, below the address of its API.
        keys: What is asked for.
        client_id: Who asks; made up by default.
        base_url: The address of the server's API; PREFECT_API_URL by default.

    Raises:
        prefect.exceptions.ConfigurationError: No server is named.
    """

    def __init__(
        self, model: type[S], path: str, keys: Iterable[str], client_id: str | None = None, base_url: str | None = None
    ) -> None:
        from prefect.client.http.address import ServerAddress
        from prefect.settings import get_current_settings
        from prefect.utilities.ids import uuid7

        self.model = model
        self.path = f"/{path.lstrip('/')}"
        self.keys = list(keys)
        self.client_id = client_id or f"{socket.gethostname()}-{os.getpid()}-{uuid7()}"
        self._address = ServerAddress.from_settings(get_current_settings(), base_url)
        self._websocket: ClientConnection | None = None

    @property
    def websocket(self) -> ClientConnection:
        """
        The connection.

        Raises:
            RuntimeError: There is none yet, or not at the moment.
        """
        if self._websocket is None:
            raise RuntimeError("The subscription is not connected. It is while it is iterated over.")
        return self._websocket

    def __aiter__(self) -> Self:
        """It is its own iterator."""
        return self

    async def __anext__(self) -> S:
        """
        Wait for what is handed out next.

        Raises:
            prefect.client.http.subscription.SubscriptionRefusedError: The server refuses.
            prefect.exceptions.ServerUnreachableError: The server cannot be reached, several times in a row.
        """
        from websockets.exceptions import ConnectionClosed

        from prefect.client.http.subscription import LostError, closed, open_websocket
        from prefect.exceptions import ServerUnreachableError

        for failures in range(_MOST_FAILURES):
            try:
                if self._websocket is None:
                    self._websocket = await open_websocket(self._address, self.path)
                    asking = {"type": "subscribe", "keys": self.keys, "client_id": self.client_id}
                    await self._websocket.send(json.dumps(asking))
                text = await self._websocket.recv()
                await self._websocket.send(json.dumps({"type": "ack"}))
                return self.model.model_validate_json(text)
            except ConnectionClosed as error:
                self._websocket = None
                reason = closed(self._address, error)
                if not isinstance(reason, LostError):
                    raise reason from None
            except LostError as error:
                self._websocket, reason = None, error
            await asyncio.sleep(min(0.1 * 2**failures, _LONGEST_PAUSE_SECONDS))
        raise ServerUnreachableError(f"The server at {self._address.url} does not hand out {self.path}: {reason}.")

    async def aclose(self) -> None:
        """End the connection. What was handed out and not received is handed out again, to others too."""
        connection, self._websocket = self._websocket, None
        if connection is not None:
            await connection.close()
