"""Sending events to an orchestrator, and being told of them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from prefect._contract.endpoints.events import create_events
from prefect.client.base import Transport, current_transport

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from prefect._contract.events import Event, ReceivedEvent
    from prefect._contract.filters.events import EventFilter

__all__ = [
    "AssertingEventsClient",
    "AssertingPassthroughEventsClient",
    "EventsClient",
    "NullEventsClient",
    "PrefectCloudAccountEventSubscriber",
    "PrefectCloudEventSubscriber",
    "PrefectCloudEventsClient",
    "PrefectEventSubscriber",
    "PrefectEventsClient",
    "events_in_socket_from_api_url",
    "events_out_socket_from_api_url",
    "get_events_client",
    "get_events_subscriber",
    "http_to_ws",
]

_MOST_AT_ONCE = 500


def http_to_ws(url: str) -> str:
    """The address of websockets below an address of HTTP."""
    return url.replace("https://", "wss://").replace("http://", "ws://").rstrip("/")


def events_in_socket_from_api_url(url: str) -> str:
    """The websocket to which clients send events, of the API at a URL."""
    return http_to_ws(url) + "/events/in"


def events_out_socket_from_api_url(url: str) -> str:
    """The websocket that tells of events, of the API at a URL."""
    return http_to_ws(url) + "/events/out"


def get_events_client(
    reconnection_attempts: int = 10, checkpoint_every: int = 700, checkpoint_interval: float = 30.0
) -> EventsClient:
    """
    What sends events to the orchestrator that the settings name.

        async with get_events_client() as events:
            await events.emit(Event(event="orders.received", resource={"prefect.resource.id": "orders.17"}))

    Args:
        reconnection_attempts: How often a batch is sent again that did not arrive.
        checkpoint_every: After how many events, at the latest, they are sent.
        checkpoint_interval: After how many seconds, at the latest, they are sent with the next one.
    """
    return PrefectEventsClient(None, reconnection_attempts, checkpoint_every, checkpoint_interval)


def get_events_subscriber(
    filter: EventFilter | None = None, reconnection_attempts: int = 10, reconnect_on_clean_close: bool = False
) -> PrefectEventSubscriber:
    """
    What tells of events of the orchestrator that the settings name: see `PrefectEventSubscriber`.

    Args:
        filter: Selects the events; all from now on by default.
        reconnection_attempts: How often in a row to try to connect again.
        reconnect_on_clean_close: Accepted for compatibility: whenever the connection is lost, it is made again.
    """
    return PrefectEventSubscriber(None, filter, reconnection_attempts, reconnect_on_clean_close)


class EventsClient(ABC):
    """Sends events. Used with `async with`: at the end all have been sent."""

    _open: bool = False

    @property
    def client_name(self) -> str:
        """The name of its class."""
        return type(self).__name__

    async def emit(self, event: Event) -> None:
        """
        Send an event.

        Raises:
            TypeError: The client is not used with `async with`.
        """
        if not self._open:
            raise TypeError(
                f"Events are emitted inside of `async with`: `async with {self.client_name}() as events: ...`."
            )
        await self._emit(event)

    @abstractmethod
    async def _emit(self, event: Event) -> None: ...

    async def __aenter__(self) -> Self:
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open = False

    def send_all(self, events: Sequence[Event], transport: Transport) -> None:
        """
        Send several events, on this thread: how the background worker does it.

        Args:
            events: The events.
            transport: The way to the worker's orchestrator.
        """

        async def emit_each() -> None:
            async with self:
                for event in events:
                    await self.emit(event)

        asyncio.run(emit_each())


class NullEventsClient(EventsClient):
    """Sends nothing."""

    async def _emit(self, event: Event) -> None:
        pass


class AssertingEventsClient(EventsClient):
    """Remembers events instead of sending them, for tests: `AssertingEventsClient.last.events`."""

    last: ClassVar[AssertingEventsClient | None] = None
    all: ClassVar[list[AssertingEventsClient]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs
        self.events: list[Event] = []
        AssertingEventsClient.last = self
        AssertingEventsClient.all.append(self)

    @classmethod
    def reset(cls) -> None:
        """Forget all clients."""
        cls.last = None
        cls.all.clear()

    def pop_events(self) -> list[Event]:
        """What was emitted since this was asked last."""
        events, self.events = self.events, []
        return events

    async def _emit(self, event: Event) -> None:
        self.events.append(event)


class PrefectEventsClient(EventsClient):
    """
    Sends events to an orchestrator, in batches: embedded, or a server.

    Args:
        api_url: The address of a server; by default the orchestrator that the settings name.
        reconnection_attempts: How often a batch is sent again that did not arrive.
        checkpoint_every: After how many events, at the latest, they are sent.
        checkpoint_interval: After how many seconds, at the latest, they are sent with the next one.
    """

    def __init__(
        self,
        api_url: str | None = None,
        reconnection_attempts: int = 10,
        checkpoint_every: int = 700,
        checkpoint_interval: float = 30.0,
    ) -> None:
        self._api_url = api_url
        self._attempts = reconnection_attempts
        self._at_once = min(checkpoint_every, _MOST_AT_ONCE)
        self._interval = checkpoint_interval
        self._waiting: list[Event] = []
        self._sent = 0.0

    def _transport(self) -> Transport:
        if self._api_url is None:
            return current_transport()
        return _transport_to(self._api_url)

    async def __aenter__(self) -> Self:
        self._sent = asyncio.get_running_loop().time()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._flush()
        finally:
            await super().__aexit__(kind, error, traceback)

    async def _emit(self, event: Event) -> None:
        self._waiting.append(event)
        is_old = asyncio.get_running_loop().time() - self._sent >= self._interval
        if len(self._waiting) >= self._at_once or is_old:
            await self._flush()

    async def _flush(self) -> None:
        from prefect.exceptions import PrefectHTTPStatusError

        failures = 0
        while self._waiting:
            batch = self._waiting[: self._at_once]
            try:
                await self._transport().asend(create_events(batch))
            except PrefectHTTPStatusError:  # it was refused, and would be again
                del self._waiting[: len(batch)]
                raise
            except Exception:
                failures += 1
                if failures > self._attempts:
                    raise
                await asyncio.sleep(min(0.1 * 2**failures, 5.0))
            else:
                del self._waiting[: len(batch)]
        self._sent = asyncio.get_running_loop().time()

    def send_all(self, events: Sequence[Event], transport: Transport) -> None:
        """Send several events, in one transaction: to the address of the client, if it has one."""
        where = transport if self._api_url is None else self._transport()
        where.send(create_events(list(events)))


class AssertingPassthroughEventsClient(PrefectEventsClient):
    """Remembers events, for tests, and sends them too: `AssertingPassthroughEventsClient.last.events`."""

    last: ClassVar[AssertingPassthroughEventsClient | None] = None
    all: ClassVar[list[AssertingPassthroughEventsClient]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.events: list[Event] = []
        AssertingPassthroughEventsClient.last = self
        AssertingPassthroughEventsClient.all.append(self)

    @classmethod
    def reset(cls) -> None:
        """Forget all clients."""
        cls.last = None
        cls.all.clear()

    def pop_events(self) -> list[Event]:
        """What was emitted since this was asked last."""
        events, self.events = self.events, []
        return events

    async def _emit(self, event: Event) -> None:
        self.events.append(event)
        await super()._emit(event)

    def send_all(self, events: Sequence[Event], transport: Transport) -> None:
        """Remember several events, and send them."""
        self.events.extend(events)
        super().send_all(events, transport)


class PrefectCloudEventsClient(PrefectEventsClient):
    """
    Sends events to a server that wants a key.

    Args:
        api_url: The address of the server; that of the settings by default.
        api_key: The key; that of the settings by default.
        reconnection_attempts: As for `PrefectEventsClient`.
        checkpoint_every: As for `PrefectEventsClient`.
        checkpoint_interval: As for `PrefectEventsClient`.

    Raises:
        ValueError: Address or key are neither given nor set.
    """

    def __init__(
        self,
        api_url: str | None = None,
        api_key: str | None = None,
        reconnection_attempts: int = 10,
        checkpoint_every: int = 700,
        checkpoint_interval: float = 30.0,
    ) -> None:
        url, self._key = _place_and_key(api_url, api_key)
        super().__init__(url, reconnection_attempts, checkpoint_every, checkpoint_interval)

    def _transport(self) -> Transport:
        return _transport_to(self._api_url, self._key)


def _place_and_key(api_url: str | None, api_key: str | None) -> tuple[str, str]:
    from prefect.settings import get_current_settings

    api = get_current_settings().api
    url = api_url or api.url
    key = api_key or (api.key.get_secret_value() if api.key is not None else None)
    if not url or not key:
        raise ValueError("api_url and api_key must be given, or set as PREFECT_API_URL and PREFECT_API_KEY.")
    return url, key


def _transport_to(url: str | None, key: str | None = None) -> Transport:
    from prefect.client.http import ServerAddress, transport_to
    from prefect.settings import get_current_settings

    return transport_to(ServerAddress.from_settings(get_current_settings(), url, key=key))


class PrefectEventSubscriber:
    """
    Tells of events: those since the filter's beginning, then all that occur, each once.

        async with PrefectEventSubscriber() as events:
            async for event in events:
                print(event.event)

    Args:
        api_url: The address of a server; by default the orchestrator that the settings name, also an embedded one.
        filter: Selects the events; all from now on by default.
        reconnection_attempts: How often in a row to try to connect again.
        reconnect_on_clean_close: Accepted for compatibility: whenever the connection is lost, it is made again.
    """

    _key: str | None = None

    def __init__(
        self,
        api_url: str | None = None,
        filter: EventFilter | None = None,
        reconnection_attempts: int = 10,
        reconnect_on_clean_close: bool = False,
    ) -> None:
        from prefect._contract.filters.events import EventFilter, EventOccurredFilter
        from prefect.utilities.time import now

        self._api_url = api_url
        self._filter = filter or EventFilter(occurred=EventOccurredFilter(since=now()))
        self._attempts = reconnection_attempts
        self._events: AsyncGenerator[ReceivedEvent, None] | None = None

    @property
    def client_name(self) -> str:
        """The name of its class."""
        return type(self).__name__

    async def __aenter__(self) -> Self:
        from prefect.client.subscriptions import events_of
        from prefect.settings import get_current_settings

        url = self._api_url or get_current_settings().api.url
        transport = current_transport() if url is None else _transport_to(url, self._key)
        self._events = events_of(transport, self._filter, self._attempts)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        events, self._events = self._events, None
        if events is not None:
            await events.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._events is None:
            raise TypeError(
                f"Events are told inside of `async with`: `async with {self.client_name}() as events: ...`."
            )
        return await anext(self._events)


class PrefectCloudEventSubscriber(PrefectEventSubscriber):
    """
    Tells of events of a server that wants a key: see `PrefectEventSubscriber`.

    Args:
        api_url: The address of the server; that of the settings by default.
        api_key: The key; that of the settings by default.
        filter: Selects the events; all from now on by default.
        reconnection_attempts: How often in a row to try to connect again.
        reconnect_on_clean_close: Accepted for compatibility.

    Raises:
        ValueError: Address or key are neither given nor set.
    """

    def __init__(
        self,
        api_url: str | None = None,
        api_key: str | None = None,
        filter: EventFilter | None = None,
        reconnection_attempts: int = 10,
        reconnect_on_clean_close: bool = False,
    ) -> None:
        url, self._key = _place_and_key(api_url, api_key)
        super().__init__(url, filter, reconnection_attempts, reconnect_on_clean_close)


class PrefectCloudAccountEventSubscriber(PrefectCloudEventSubscriber):
    """Tells of events of a server that wants a key: see `PrefectCloudEventSubscriber`."""
