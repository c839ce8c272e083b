"""
The connections of a process to a server.

There is one line for sync code, which all threads share, and one for each event loop. They are made when they are first
needed, and a process that forks leaves its own to itself: the child opens new ones.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary, finalize

import httpx

from prefect.client.http.direct import DirectLine
from prefect.client.http.direct_async import AsyncDirectLine
from prefect.exceptions import ConfigurationError

if TYPE_CHECKING:
    from prefect.client.http.address import ServerAddress
    from prefect.client.http.requests import HttpRequest

__all__ = ["AsyncLine", "Connections", "Line", "verification"]

_CONNECT_SECONDS = 10.0
"""A server that is there takes a connection at once, however long it then works at the answer."""

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)


class Line(Protocol):
    """A way to send requests from sync code."""

    def send(self, request: HttpRequest) -> httpx.Response:
        """Send a request once, and read all of the answer."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


class AsyncLine(Protocol):
    """A way to send requests from the code of one event loop."""

    async def send(self, request: HttpRequest) -> httpx.Response:
        """Send a request once, and read all of the answer."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


@dataclass(slots=True)
class _LoopLine:
    """The line of an event loop, and what closes it when the loop ends."""

    line: AsyncLine
    closing: AsyncGenerator[None, None]


@dataclass(slots=True)
class _OfProcess:
    """The lines of one process."""

    guard: threading.Lock = field(default_factory=threading.Lock)
    sync: Line | None = None
    loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopLine] = field(default_factory=WeakKeyDictionary)


class Connections:
    """
    Connections to one server.

    Args:
        address: The server.
        httpx_settings: Parameters of `httpx.Client` and `httpx.AsyncClient` that go before what the address says.
    """

    def __init__(self, address: ServerAddress, httpx_settings: Mapping[str, Any] | None = None) -> None:
        given = dict(httpx_settings or {})
        if "base_url" in given:
            message = f"httpx_settings cannot have a 'base_url': the server is {address.url}, as the settings say."
            raise ConfigurationError(message)
        self._address = address
        self._given = given
        self._by_process: dict[int, _OfProcess] = {}  # those of a parent are kept: they are not ours to close
        finalize(self, _close_lines, self._by_process)

    def sync(self) -> Line:
        """The line of this process."""
        mine = self._mine()
        if mine.sync is None:
            with mine.guard:
                if mine.sync is None:
                    mine.sync = self._make_line()
        return mine.sync

    async def current(self) -> AsyncLine:
        """The line of the event loop that runs here. It is closed when the loop ends its generators."""
        loops = self._mine().loops
        loop = asyncio.get_running_loop()
        known = loops.get(loop)
        if known is None:
            line = self._make_async_line()
            known = loops[loop] = _LoopLine(line, _closing(line))
            await known.closing.__anext__()
        return known.line

    def close(self) -> None:
        """Close the connections of sync code. Those of event loops are closed with their loops."""
        _close_lines(self._by_process)

    def _mine(self) -> _OfProcess:
        mine = self._by_process.get(os.getpid())
        return self._by_process.setdefault(os.getpid(), _OfProcess()) if mine is None else mine

    def _make_line(self) -> Line:
        if self._given:
            return _Client(self._address.url, httpx.Client(**self._options_of_clients()))
        options = self._options()
        if self._is_plain(options):
            return DirectLine(self._address, _CONNECT_SECONDS)
        return _Plain(httpx.HTTPTransport(**options), self._address)

    def _make_async_line(self) -> AsyncLine:
        if self._given:
            return _AsyncClient(self._address.url, httpx.AsyncClient(**self._options_of_clients()))
        options = self._options()
        if self._is_plain(options):
            return AsyncDirectLine(self._address, _CONNECT_SECONDS)
        return _AsyncPlain(httpx.AsyncHTTPTransport(**options), self._address)

    def _is_plain(self, options: Mapping[str, Any]) -> bool:
        return self._address.url.startswith("http:") and not options["http2"] and options["proxy"] is None

    def _options(self) -> dict[str, Any]:
        if self._address.http2:
            _require_http2()
        return {
            "verify": verification(self._address),
            "limits": _LIMITS,
            "http2": self._address.http2,
            "proxy": _proxy_to(self._address.url),
        }

    def _options_of_clients(self) -> dict[str, Any]:
        given = self._given
        options = {**self._options(), "timeout": _timeout_of(self._address), **given}
        if given.keys() & {"transport", "mounts", "proxy", "trust_env"}:
            options["proxy"] = given.get("proxy")
        options["headers"] = {**self._address.headers, **dict(given.get("headers") or {})}
        return options


def _close_lines(by_process: Mapping[int, _OfProcess]) -> None:
    """Close the line for sync code that this process has opened, if it has."""
    mine = by_process.get(os.getpid())
    if mine is None:
        return
    with mine.guard:
        line, mine.sync = mine.sync, None
    if line is not None:
        line.close()


class _Letters:
    """Makes requests whose headers are the same each time."""

    def __init__(self, address: ServerAddress) -> None:
        self._url = address.url
        self._headers = [("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate"), *address.headers.items()]
        self._extensions = {"timeout": _timeout_of(address).as_dict()}

    def write(self, request: HttpRequest) -> httpx.Request:
        return httpx.Request(
            request.method,
            self._url + request.path,
            headers=[*self._headers, *request.headers.items()],
            content=request.content,
            extensions=self._extensions,
        )


class _Plain:
    """Sends what needs nothing of what a client of httpx adds: that takes a third of the time of a request."""

    def __init__(self, transport: httpx.HTTPTransport, address: ServerAddress) -> None:
        self._transport = transport
        self._letters = _Letters(address)

    def send(self, request: HttpRequest) -> httpx.Response:
        letter = self._letters.write(request)
        response = self._transport.handle_request(letter)
        response.request = letter
        response.read()
        return response

    def close(self) -> None:
        self._transport.close()


class _AsyncPlain:
    """The same for an event loop."""

    def __init__(self, transport: httpx.AsyncHTTPTransport, address: ServerAddress) -> None:
        self._transport = transport
        self._letters = _Letters(address)

    async def send(self, request: HttpRequest) -> httpx.Response:
        letter = self._letters.write(request)
        response = await self._transport.handle_async_request(letter)
        response.request = letter
        await response.aread()
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()


@dataclass(frozen=True, slots=True)
class _Client:
    """Sends as somebody has set up httpx to do it."""

    url: str
    client: httpx.Client

    def send(self, request: HttpRequest) -> httpx.Response:
        return self.client.request(
            request.method, self.url + request.path, content=request.content, headers=dict(request.headers)
        )

    def close(self) -> None:
        self.client.close()


@dataclass(frozen=True, slots=True)
class _AsyncClient:
    """The same for an event loop."""

    url: str
    client: httpx.AsyncClient

    async def send(self, request: HttpRequest) -> httpx.Response:
        return await self.client.request(
            request.method, self.url + request.path, content=request.content, headers=dict(request.headers)
        )

    async def aclose(self) -> None:
        await self.client.aclose()


async def _closing(line: AsyncLine) -> AsyncGenerator[None, None]:
    """Closes a line when its event loop shuts its async generators down, as `asyncio.run` does at its end."""
    try:
        yield
    finally:
        await line.aclose()


def _timeout_of(address: ServerAddress) -> httpx.Timeout:
    return httpx.Timeout(address.timeout, connect=min(_CONNECT_SECONDS, address.timeout))


def _proxy_to(url: str) -> str | None:
    """The proxy that the environment names for a server."""
    from urllib.parse import urlsplit
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return None if proxy is None or proxy_bypass(parts.hostname or "") else proxy


def verification(address: ServerAddress) -> ssl.SSLContext | bool:
    """
    How a server's certificate is checked: against these authorities, against the usual ones, or not.

    Raises:
        prefect.exceptions.ConfigurationError: The file with the certificates cannot be read.
    """
    if address.url.startswith("http:") or not address.verify:
        return False  # reading the certificates of the world takes longer than most runs
    if address.certificates is None:
        return True
    try:
        return ssl.create_default_context(cafile=address.certificates)
    except (OSError, ssl.SSLError) as error:
        message = (
            f"PREFECT_API_SSL_CERT_FILE is {address.certificates!r}, which cannot be read as certificates: {error}. "
            "Name a file with certificates in PEM format, or unset it."
        )
        raise ConfigurationError(message) from error


def _require_http2() -> None:
    from importlib.util import find_spec

    if find_spec("h2") is None:
        message = (
            "PREFECT_API_ENABLE_HTTP2 is on, and the package 'h2' is not installed. "
            "Install it (`pip install 'httpx[http2]'`), or unset it."
        )
        raise ConfigurationError(message)
