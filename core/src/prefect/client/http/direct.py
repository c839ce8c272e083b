"""
Plain HTTP over sockets of our own, for sync code: what most requests need, at a third of what a general client costs.

What goes beyond that, which is TLS, proxies and HTTP/2, is left to httpx. Its requests, answers and errors are used here
too, so that nobody needs to know which of the two has sent something.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import httpx

from prefect.client.http.reading import read_response

if TYPE_CHECKING:
    from prefect.client.http.address import ServerAddress
    from prefect.client.http.requests import HttpRequest

__all__ = ["DirectLine"]

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
        url = httpx.URL(address.url)
        self._url = address.url
        self._path = url.raw_path.rstrip(b"/")
        self._place = (url.raw_host.decode(), url.port or 80)
        self._connect_seconds = connect_seconds
        self._seconds = address.timeout
        said = {"Host": url.netloc.decode(), "Accept": "*/*", "Accept-Encoding": "gzip, deflate", **address.headers}
        self._headers = _lines(said)
        self._idle: deque[tuple[socket.socket, float]] = deque()

    def send(self, request: HttpRequest) -> httpx.Response:
        """
        Send a request once, and read all of the answer.

        Raises:
            httpx.TransportError: There was no answer.
        """
        asked = httpx.Request(request.method, _url(self._url + request.path))
        letter = self._in_bytes(request)
        with _errors_as(_CONNECTING, asked):
            connection = self._take()
        try:
            with _errors_as(_WRITING, asked):
                connection.sendall(letter)
            with _errors_as(_READING, asked):
                response, is_last = read_response(connection, asked)
        except BaseException:
            connection.close()
            raise
        if is_last or len(self._idle) >= _MOST_IDLE:
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
        connection = socket.create_connection(self._place, min(self._connect_seconds, self._seconds))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(self._seconds)
        return connection

    def _in_bytes(self, request: HttpRequest) -> bytes:
        content = request.content or b""
        first = b"%s %s%s HTTP/1.1\r\n" % (request.method.encode(), self._path, request.path.encode("ascii"))
        length = b"" if request.method == "GET" and not content else b"Content-Length: %d\r\n" % len(content)
        return b"".join((first, self._headers, _lines(request.headers), length, b"\r\n", content))


def _lines(headers: Mapping[str, str]) -> bytes:
    """Headers as they are sent: one line each, and no more."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise httpx.LocalProtocolError(f"A header must be one line: {dict(headers)!r}.")
    return lines.encode("latin-1")


@lru_cache(maxsize=64)
def _url(url: str) -> httpx.URL:
    return httpx.URL(url)


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
