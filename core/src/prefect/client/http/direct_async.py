"""The same plain HTTP as in `direct`, for the code of an event loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import httpx

from prefect.client.http.envelopes import Envelopes
from prefect.client.http.reading import Reading

if TYPE_CHECKING:
    from prefect.client.http.address import ServerAddress
    from prefect.client.http.requests import HttpRequest

__all__ = ["AsyncDirectLine"]

_MOST = 100
_MOST_IDLE = 20
_IDLE_SECONDS = 30.0


class AsyncDirectLine:
    """
    Sends requests to one server. Each has a connection for itself while it is under way, and waits for one if there are many.

    Args:
        address: The server. Its URL begins with `http://`.
        connect_seconds: How long to wait for a connection.
    """

    def __init__(self, address: ServerAddress, connect_seconds: float) -> None:
        self._envelopes = Envelopes(address)
        self._connect_seconds = min(connect_seconds, address.timeout)
        self._seconds = address.timeout
        self._idle: deque[tuple[_Connection, float]] = deque()
        self._places = asyncio.Semaphore(_MOST)

    async def send(self, request: HttpRequest) -> httpx.Response:
        """
        Send a request once, and read all of the answer.

        Raises:
            httpx.TransportError: There was no answer.
        """
        asked, letter = self._envelopes.asked(request), self._envelopes.write(request)
        async with self._places:
            connection = self._idle_one() or await self._connect(asked)
            try:
                reading = await connection.exchange(letter, Reading(asked), self._seconds)
                response = reading.response()
            except BaseException:
                connection.close()
                raise
            if reading.will_close or len(self._idle) >= _MOST_IDLE:
                connection.close()
            else:
                self._idle.append((connection, time.monotonic()))
        return response

    async def aclose(self) -> None:
        """Close the connections that nobody uses just now."""
        while self._idle:
            self._idle.pop()[0].close()

    def _idle_one(self) -> _Connection | None:
        """The connection that was used last, if the server has not closed it since."""
        while self._idle:
            connection, since = self._idle.pop()
            if not connection.is_closed and time.monotonic() - since < _IDLE_SECONDS:
                return connection
            connection.close()
        return None

    async def _connect(self, asked: httpx.Request) -> _Connection:
        connecting = asyncio.get_running_loop().create_connection(_Connection, *self._envelopes.place)
        try:
            _, connection = await asyncio.wait_for(connecting, self._connect_seconds)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise httpx.ConnectTimeout(str(error), request=asked) from error
        except OSError as error:
            raise httpx.ConnectError(str(error), request=asked) from error
        return connection


class _Connection(asyncio.Protocol):
    """One connection, on which one request at a time is under way."""

    def __init__(self) -> None:
        self.is_closed = False
        self._transport: Any = None
        self._reading: Reading | None = None
        self._answered: asyncio.Future[None] | None = None

    async def exchange(self, letter: bytes, reading: Reading, seconds: float) -> Reading:
        """Send a request, and return once its answer is read."""
        loop = asyncio.get_running_loop()
        self._reading, self._answered = reading, loop.create_future()
        alarm = loop.call_later(seconds, self._fail, httpx.ReadTimeout("There was no answer.", request=reading.asked))
        try:
            self._transport.write(letter)
            await self._answered
        finally:
            alarm.cancel()
            self._reading = self._answered = None
        return reading

    def close(self) -> None:
        self.is_closed = True
        self._transport.close()

    def _fail(self, error: Exception) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)

    # -- what the event loop tells

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._reading is None or self._answered is None or self._answered.done():
            self.close()  # nobody has asked for it
            return
        try:
            self._reading.feed(data)
        except httpx.RemoteProtocolError as error:
            self._fail(error)
        else:
            if self._reading.is_complete:
                self._answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True
        if self._reading is None or self._answered is None or self._answered.done():
            return
        if exc is not None:
            self._fail(httpx.ReadError(str(exc), request=self._reading.asked))
            return
        self.data_received(b"")
