"""Servers for the tests of the client over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.integration.http.wire_server import WireServer

from prefect.client.http import HttpTransport, ServerAddress


@pytest.fixture
def server() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.stop()


@pytest.fixture
def connect(server: WireServer) -> Iterator[Callable[..., HttpTransport]]:
    """Makes transports to the server, and closes them."""
    made: list[HttpTransport] = []

    def make(httpx_settings: dict[str, Any] | None = None, *, patience: float = 600.0, **how: Any) -> HttpTransport:
        how = {"timeout": 5.0, "jitter": 0.0, **how}
        made.append(HttpTransport(ServerAddress(server.url, **how), httpx_settings, patience=patience))
        return made[-1]

    yield make
    for transport in made:
        transport.close()
