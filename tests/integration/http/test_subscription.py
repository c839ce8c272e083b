"""Being told of events: connections that are lost, and servers that refuse."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from prefect._contract.events import ReceivedEvent
from prefect._contract.filters.events import EventFilter, EventNameFilter
from prefect.client.http import ServerAddress
from prefect.client.http.subscription import SubscriptionRefusedError, subscribe_to_events
from prefect.exceptions import ServerUnreachableError
from prefect.utilities.time import now

BEGIN = now().replace(microsecond=0)


def told(number: int) -> str:
    occurred = BEGIN + timedelta(minutes=number)
    event = ReceivedEvent(
        event=f"e{number}", resource={"prefect.resource.id": "r"}, occurred=occurred, received=occurred
    )
    event.id = type(event.id)(int=number)
    return json.dumps({"type": "event", "event": event.model_dump(mode="json")})


class Teller:
    """A server that says what it is told to, connection by connection, and remembers what it heard."""

    def __init__(self, *connections: Callable[[ServerConnection], Awaitable[None]]) -> None:
        self._connections = list(connections)
        self.heard: list[Any] = []
        self.headers: list[dict[str, str]] = []

    async def __call__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers.append(dict(connection.request.headers.raw_items()))
        self.heard.append(json.loads(await connection.recv()))
        act = self._connections.pop(0)
        await act(connection)

    def says(self, *events: int, close: int | None = None) -> None:
        async def act(connection: ServerConnection) -> None:
            await connection.send('{"type": "auth_success"}')
            self.heard.append(json.loads(await connection.recv()))
            for number in events:
                await connection.send(told(number))
            if close is not None:
                await connection.close(close)
            else:
                connection.transport.abort()

        self._connections.append(act)

    @asynccontextmanager
    async def serving(self, **options: Any) -> Any:
        async with serve(self, "127.0.0.1", 0, subprotocols=["prefect"], **options) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            yield ServerAddress(f"http://127.0.0.1:{port}/api", key="a-key")


async def names(address: ServerAddress, many: int, wanted: EventFilter | None = None) -> list[str]:
    found = []
    async for event in subscribe_to_events(address, wanted or EventFilter()):
        found.append(event.event)
        if len(found) == many:
            break
    return found


@pytest.mark.parametrize("close", [None, 1000, 1001, 1011, 1012])
def test_a_connection_that_is_lost_is_made_again_and_nothing_is_told_twice(close):
    async def act() -> None:
        teller = Teller()
        teller.says(1, 2, close=close)
        teller.says(2, 3, close=close)
        wanted = EventFilter(event=EventNameFilter(prefix=["e"]))
        async with teller.serving() as address:
            assert await asyncio.wait_for(names(address, 3, wanted), 20) == ["e1", "e2", "e3"]
        first, again = (each["filter"] for each in teller.heard if each["type"] == "filter")
        assert first["event"]["prefix"] == ["e"]
        since = datetime.fromisoformat(again["occurred"]["since"].replace("Z", "+00:00"))
        assert BEGIN + timedelta(minutes=1) < since < BEGIN + timedelta(minutes=2)  # a little before the last one

    asyncio.run(act())


def test_the_client_says_who_it_is():
    async def act() -> None:
        teller = Teller()
        teller.says(1)
        async with teller.serving() as address:
            await asyncio.wait_for(names(address, 1), 20)
        assert teller.heard[0] == {"type": "auth", "token": "a-key"}
        headers = {name.lower(): value for name, value in teller.headers[0].items()}
        assert headers["authorization"] == "Bearer a-key"
        assert headers["user-agent"].startswith("prefect/")

    asyncio.run(act())


def test_a_server_that_does_not_want_to_is_not_asked_again():
    async def refuse(connection: ServerConnection) -> None:
        await connection.close(1008, "Auth required")

    async def answer_nonsense(connection: ServerConnection) -> None:
        await connection.send('"nonsense"')

    async def act() -> None:
        teller = Teller(refuse, answer_nonsense)
        async with teller.serving() as address:
            with pytest.raises(SubscriptionRefusedError, match="Auth required"):
                await asyncio.wait_for(names(address, 1), 20)
            with pytest.raises(SubscriptionRefusedError, match="it answers 'nonsense'"):
                await asyncio.wait_for(names(address, 1), 20)

        def nowhere(connection: ServerConnection, request: Any) -> Any:
            return connection.respond(HTTPStatus.NOT_FOUND, "nothing here")

        async with teller.serving(process_request=nowhere) as address:
            with pytest.raises(SubscriptionRefusedError, match="status 404"):
                await asyncio.wait_for(names(address, 1), 20)
        with pytest.raises(ServerUnreachableError, match="Is it running"):
            await asyncio.wait_for(names(address, 1), 20)

    asyncio.run(act())


def test_a_server_that_stays_away_is_given_up():
    async def act() -> None:
        teller = Teller()
        teller.says(1)
        async with teller.serving() as address:
            events = subscribe_to_events(address, EventFilter(), reconnections=2)
            assert (await events.__anext__()).event == "e1"
        with pytest.raises(ServerUnreachableError):
            await asyncio.wait_for(events.__anext__(), 20)

    asyncio.run(act())


def test_who_is_stopped_while_a_server_is_silent_leaves_no_connection():
    async def run() -> None:
        asked, gone = asyncio.Event(), asyncio.Event()

        async def is_silent(connection: ServerConnection) -> None:
            asked.set()
            await connection.wait_closed()
            gone.set()

        async with Teller(is_silent).serving() as address:
            listening = asyncio.create_task(names(address, 1))
            await asyncio.wait_for(asked.wait(), 30)
            listening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listening
            await asyncio.wait_for(gone.wait(), 30)  # its silence alone would end it later

    asyncio.run(run())
