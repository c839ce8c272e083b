"""Being told of events, or of something else, by a server, over a websocket, as they occur."""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from prefect._contract.events import ReceivedEvent
from prefect._contract.filters.events import EventFilter
from prefect.client.http.connections import verification
from prefect.exceptions import PrefectException, ServerUnreachableError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from websockets.asyncio.client import ClientConnection
    from websockets.exceptions import ConnectionClosed

    from prefect.client.http.address import ServerAddress

__all__ = ["LostError", "SubscriptionRefusedError", "closed", "open_websocket", "subscribe_to_events", "told_by"]

T = TypeVar("T")

_SUBPROTOCOL = "prefect"
_PATIENCE_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 10.0
_OVERLAP = timedelta(seconds=30)
"""Events may be stored a little later than they occur: so much of the past is asked for again after a connection is lost."""
_MOST_REMEMBERED = 10_000
_REFUSALS = frozenset({1002, 1003, 1007, 1008, 4001})
"""Codes by which a server closes a websocket to somebody who may not ask, or asks for something that there is not."""


class SubscriptionRefusedError(PrefectException):
    """A server does not tell of what was asked for, and asking again would not change that."""


class LostError(Exception):
    """The connection is gone."""


async def subscribe_to_events(
    address: ServerAddress, wanted: EventFilter, reconnections: int = 10
) -> AsyncGenerator[ReceivedEvent, None]:
    """
    The events that a filter selects: those since its beginning, then all that occur, without end.

    A connection that is lost is made again, and what occurred meanwhile is told then. No event is told twice.

    Args:
        address: The server.
        wanted: Selects the events.
        reconnections: How often in a row to try to connect again.

    Raises:
        SubscriptionRefusedError: The server refuses, or does not tell of events.
        prefect.exceptions.ServerUnreachableError: The server cannot be reached.
    """
    told: OrderedDict[UUID, None] = OrderedDict()
    wanted = wanted.model_copy(deep=True)
    async with aclosing(told_by(address, "/events/out", wanted, _event, reconnections)) as events:
        async for event in events:
            if event is None or event.id in told:
                continue
            told[event.id] = None
            if len(told) > _MOST_REMEMBERED:
                told.popitem(last=False)
            wanted.occurred.since = max(wanted.occurred.since, event.occurred - _OVERLAP)
            yield event


async def told_by(
    address: ServerAddress, path: str, wanted: BaseModel, read: Callable[[str | bytes], T], reconnections: int
) -> AsyncGenerator[T | None, None]:
    """
    What a server's websocket tells, without end. A connection that is lost is made again.

    Args:
        address: The server.
        path: Where its websocket is, below the address.
        wanted: The filter, which is sent as it is at the time of each connection.
        read: Makes an object of what is told.
        reconnections: How often in a row to try to connect again.

    Returns:
        The objects; None each time that a connection has been made.

    Raises:
        SubscriptionRefusedError: The server refuses, or does not tell of that.
        prefect.exceptions.ServerUnreachableError: The server cannot be reached.
    """
    failures, connected = 0, False
    while True:
        try:
            async with aclosing(_one_connection(address, path, wanted, read)) as told:
                async for each in told:
                    failures, connected = 0, True
                    yield each
        except LostError as error:
            failures += 1
            if not connected or failures > reconnections:
                what = path.split("/")[1]
                raise ServerUnreachableError(
                    f"The server at {address.url} does not tell of {what}: {error}. "
                    "Is it running, and does PREFECT_API_URL name it?"
                ) from None
        await asyncio.sleep(min(0.1 * 2**failures, _LONGEST_PAUSE_SECONDS))


async def _one_connection(
    address: ServerAddress, path: str, wanted: BaseModel, read: Callable[[str | bytes], T]
) -> AsyncGenerator[T | None, None]:
    """What one connection tells; None once it is there."""
    from websockets.exceptions import ConnectionClosed, WebSocketException

    connection = await open_websocket(address, path)
    try:
        await connection.send(_message("filter", filter=wanted.model_dump(mode="json")))
        yield None
        async for text in connection:
            yield read(text)
    except ConnectionClosed as error:
        raise closed(address, error) from None
    finally:
        try:
            with suppress(OSError, WebSocketException):
                await connection.close()
        finally:
            connection.transport.abort()  # closing takes an answer, which who is cancelled does not wait for
    raise LostError("it closed the connection")


async def open_websocket(address: ServerAddress, path: str) -> ClientConnection:
    """
    Connect to a websocket of a server, and say who asks.

    Args:
        address: The server.
        path: Where its websocket is, below the address.

    Raises:
        SubscriptionRefusedError: The server refuses.
        LostError: The server cannot be reached.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException

    scheme, _, place = address.url.partition("://")
    url = f"{'wss' if scheme == 'https' else 'ws'}://{place}{path}"
    try:
        connection = await connect(
            url,
            ssl=_security(address) if scheme == "https" else None,
            subprotocols=[_SUBPROTOCOL],  # type: ignore[list-item]
            additional_headers={name: value for name, value in address.headers.items() if name != "User-Agent"},
            user_agent_header=address.headers["User-Agent"],
            open_timeout=_PATIENCE_SECONDS,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        raise _refusal(address, f"status {status}") if status < 500 else LostError(f"status {status}") from None
    except InvalidHandshake as error:
        raise _refusal(address, str(error)) from None
    except (OSError, TimeoutError, asyncio.TimeoutError, WebSocketException) as error:
        raise LostError(str(error) or type(error).__name__) from None
    try:
        await _introduce(connection, address)
    except ConnectionClosed as error:
        raise closed(address, error) from None
    except BaseException:
        connection.transport.abort()
        raise
    return connection


def closed(address: ServerAddress, error: ConnectionClosed) -> Exception:
    """What it means that a server has closed a connection: that it refuses, or that it is gone for now."""
    if error.rcvd is not None and error.rcvd.code in _REFUSALS:
        return _refusal(address, error.rcvd.reason or f"code {error.rcvd.code}")
    return LostError(str(error))


async def _introduce(connection: ClientConnection, address: ServerAddress) -> None:
    from pydantic_core import from_json

    await connection.send(_message("auth", token=address.key or address.auth_string))
    try:
        answer = from_json(await asyncio.wait_for(connection.recv(), _PATIENCE_SECONDS))
    except (TimeoutError, asyncio.TimeoutError):
        raise LostError("it does not answer") from None
    except ValueError:
        raise _refusal(address, "its answer is not JSON") from None
    if not isinstance(answer, dict) or answer.get("type") != "auth_success":
        raise _refusal(address, f"it answers {answer!r}")


def _refusal(address: ServerAddress, reason: str) -> SubscriptionRefusedError:
    remedy = "Set PREFECT_API_AUTH_STRING or PREFECT_API_KEY to what it wants, if it is that."
    return SubscriptionRefusedError(f"The server at {address.url} does not tell of events: {reason}. {remedy}")


def _message(kind: str, **content: Any) -> str:
    from pydantic_core import to_json

    return to_json({"type": kind, **content}).decode()


def _event(text: str | bytes) -> ReceivedEvent:
    from pydantic_core import from_json

    return ReceivedEvent.model_validate(from_json(text)["event"])


def _security(address: ServerAddress) -> ssl.SSLContext:
    how = verification(address)
    if isinstance(how, ssl.SSLContext):
        return how
    context = ssl.create_default_context()
    if not how:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
