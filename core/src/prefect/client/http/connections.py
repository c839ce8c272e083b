"""
The connections of a process to a server.

There is one client for sync code, which all threads share, and one for each event loop. They are made when they are first
needed, and a process that forks leaves its own to itself: the child opens new ones.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import httpx

from prefect.exceptions import ConfigurationError

if TYPE_CHECKING:
    from prefect.client.http.address import ServerAddress

__all__ = ["Connections"]

_CONNECT_SECONDS = 10.0
"""A server that is there takes a connection at once, however long it then works at the answer."""

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)


@dataclass(slots=True)
class _LoopClient:
    """The client of an event loop, and what closes it when the loop ends."""

    client: httpx.AsyncClient
    closing: AsyncGenerator[None, None]


@dataclass(slots=True)
class _OfProcess:
    """The clients of one process."""

    guard: threading.Lock = field(default_factory=threading.Lock)
    sync: httpx.Client | None = None
    loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopClient] = field(default_factory=WeakKeyDictionary)


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

    def sync(self) -> httpx.Client:
        """The client of this process."""
        mine = self._mine()
        if mine.sync is None:
            with mine.guard:
                if mine.sync is None:
                    mine.sync = httpx.Client(**self._options())
        return mine.sync

    async def current(self) -> httpx.AsyncClient:
        """The client of the event loop that runs here. It is closed when the loop ends its generators."""
        loops = self._mine().loops
        loop = asyncio.get_running_loop()
        known = loops.get(loop)
        if known is None:
            client = httpx.AsyncClient(**self._options())
            known = loops[loop] = _LoopClient(client, _closing(client))
            await known.closing.__anext__()
        return known.client

    def close(self) -> None:
        """Close the connections of sync code. Those of event loops are closed with their loops."""
        mine = self._mine()
        with mine.guard:
            client, mine.sync = mine.sync, None
        if client is not None:
            client.close()

    def _mine(self) -> _OfProcess:
        mine = self._by_process.get(os.getpid())
        return self._by_process.setdefault(os.getpid(), _OfProcess()) if mine is None else mine

    def _options(self) -> dict[str, Any]:
        address = self._address
        options: dict[str, Any] = {
            "timeout": httpx.Timeout(address.timeout, connect=min(_CONNECT_SECONDS, address.timeout)),
            "limits": _LIMITS,
            "http2": address.http2,
            **self._given,
        }
        if "verify" not in options:
            options["verify"] = _verification(address)
        if options["http2"]:
            _require_http2()
        options["headers"] = {**address.headers, **dict(options.get("headers") or {})}
        return options


async def _closing(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    """Closes a client when its event loop shuts its async generators down, as `asyncio.run` does at its end."""
    try:
        yield
    finally:
        await client.aclose()


def _verification(address: ServerAddress) -> ssl.SSLContext | bool:
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
