"""
Plain HTTP over sockets of our own, for sync code: what most requests need, at a third of what a general client costs.

What goes beyond that, which is TLS, proxies and HTTP/2, is left to httpx. Its requests, answers and errors are used here
too, so that nobody needs to know which of the two has sent something.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from prefect.client.http.envelopes import Envelopes
from prefect.client.http.reading import Reading

if TYPE_CHECKING:
    from prefect.client.http.address import ServerAddress
    from prefect.client.http.requests import HttpRequest

__all__ = ["DirectLine"]

_MOST_AT_ONCE = 65_536
_MOST_IDLE = 20
_IDLE_SECONDS = 30.0

_Failures = tuple[type[httpx.TransportError], type[httpx.TransportError]]

_CONNECTING: _Failures = (httpx.ConnectTimeout, httpx.ConnectError)
_WRITING: _Failures = (httpx.WriteTimeout, httpx.WriteError)
_READING: _Failures = (httpx.ReadTimeout, httpx.ReadError)


class DirectLine:
    """
    Sends requests to one server. Threads share it: each request has a connection for itself while it is under way.

    Args:
        address: The server. Its URL begins with `http://`.
        connect_seconds: How long to wait for a connection.
    """

    def __init__(self, address: ServerAddress, connect_seconds: float) -> None:
        self._envelopes = Envelopes(address)
        self._connect_seconds = min(connect_seconds, address.timeout)
        self._seconds = address.timeout
        self._idle: deque[tuple[socket.socket, float]] = deque()

    def send(self, request: HttpRequest) -> httpx.Response:
        """
        Send a request once, and read all of the answer.

        Raises:
            httpx.TransportError: There was no answer.
        """
        asked, letter = self._envelopes.asked(request), self._envelopes.write(request)
        with _errors_as(_CONNECTING, asked):
            connection = self._take()
        try:
            with _errors_as(_WRITING, asked):
                connection.sendall(letter)
            with _errors_as(_READING, asked):
                reading = _read(connection, asked)
            response = reading.response()
        except BaseException:
            connection.close()
            raise
        if reading.will_close or len(self._idle) >= _MOST_IDLE:
            connection.close()
        else:
            self._idle.append((connection, time.monotonic()))
        return response

    def close(self) -> None:
        """Close the connections that nobody uses just now."""
        while self._idle:
            self._idle.pop()[0].close()

    def _take(self) -> socket.socket:
        """The connection that was used last, if the server has not closed it since; else a new one."""
        while True:
            try:
                connection, since = self._idle.pop()
            except IndexError:
                break
            if time.monotonic() - since < _IDLE_SECONDS and _is_silent(connection, self._seconds):
                return connection
            connection.close()
        connection = socket.create_connection(self._envelopes.place, self._connect_seconds)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(self._seconds)
        return connection


def _is_silent(connection: socket.socket, seconds: float) -> bool:
    """Whether nothing has come in that was not asked for: mostly that the connection is closed."""
    connection.settimeout(0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        connection.settimeout(seconds)
        return True
    except OSError:
        return False
    return False


def _read(connection: socket.socket, asked: httpx.Request) -> Reading:
    reading = Reading(asked)
    while not reading.is_complete:
        reading.feed(connection.recv(_MOST_AT_ONCE))
    return reading


@contextmanager
def _errors_as(failures: _Failures, asked: httpx.Request) -> Generator[None, None, None]:
    """Raises what goes wrong with a socket as httpx would."""
    too_late, failed = failures
    try:
        yield
    except TimeoutError as error:
        raise too_late(str(error), request=asked) from error
    except OSError as error:
        raise failed(str(error), request=asked) from error
