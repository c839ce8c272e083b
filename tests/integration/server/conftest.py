"""A server of its own for each test, over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect.server.api.server import create_app, listen, make_server
from prefect.settings import get_current_settings
from prefect.settings.context import temporary_settings


class Server:
    """A server that answers on a port of this machine."""

    def __init__(self, port: int = 0, **options: Any) -> None:
        self.app = create_app(get_current_settings(), **options)
        self._socket = listen("127.0.0.1", port)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = make_server(self.app)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def start(self) -> Server:
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert time.monotonic() < deadline
            assert self._thread.is_alive()
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api", timeout=60, trust_env=False, **options)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers with settings of their own, on one database."""
    started: list[Server] = []

    def starting(settings: dict[str, Any] | None = None, **options: Any) -> Server:
        with temporary_settings({"PREFECT_HOME": str(tmp_path / "home"), **(settings or {})}):
            server = Server(**{"ephemeral": True, **options})
        started.append(server)
        return server.start()

    yield starting
    for server in started:
        server.stop()


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    return start()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client
