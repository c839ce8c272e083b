"""Connections to the public network only: what names mean is looked at when the connection is made."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from prefect.utilities.guarded_connections import PrivateAddressError, public_connections_only


class Local:
    """A server on an address of this machine, which is private."""

    def __init__(self, address: str = "127.0.0.1", leads_to: str | None = None) -> None:
        self.paths: list[str] = []
        local = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                local.paths.append(self.path)
                self.send_response(200 if leads_to is None else 302)
                if leads_to is not None:
                    self.send_header("Location", leads_to)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.url = f"http://{address}:{self._server.server_address[1]}"
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def serving(*arguments: Any, **options: Any) -> Iterator[Local]:
    server = Local(*arguments, **options)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_what_a_name_means_is_looked_at_when_it_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, asked = socket.getaddrinfo, []

    def rebound(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "rebound.example":
            return resolve(host, *arguments, **options)
        asked.append(host)
        return resolve("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with serving() as server, public_connections_only() as guard:
        with pytest.raises(requests.ConnectionError, match="not an address in the public network"):
            requests.get(f"http://rebound.example:{server.port}/", timeout=30)
        assert (asked, guard.refused, server.paths) == (["rebound.example"], ["127.0.0.1"], [])


def test_a_redirect_leads_to_no_private_address() -> None:
    with serving("127.0.0.2") as inside, serving(leads_to=f"{inside.url}/secret") as outside:
        with public_connections_only(frozenset({"127.0.0.1"})) as guard:
            with pytest.raises(requests.ConnectionError):
                requests.get(outside.url, timeout=30)
        assert (outside.paths, inside.paths, guard.refused) == (["/"], [], ["127.0.0.2"])
        assert requests.get(outside.url, timeout=30).status_code == 200
        assert inside.paths == ["/secret"]


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fe80::1", "::ffff:127.0.0.1"])
def test_private_addresses_are_refused(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with public_connections_only() as guard, socket.socket(family) as connection:
        connection.settimeout(5)
        with pytest.raises(PrivateAddressError, match="public network"):
            connection.connect((host, 9))
    assert guard.refused == [host]


def test_names_and_paths_are_refused(tmp_path: Any) -> None:
    with public_connections_only() as guard:
        with socket.socket() as connection, pytest.raises(PrivateAddressError):
            connection.connect(("localhost", 9))
        with socket.socket(socket.AF_UNIX) as connection, pytest.raises(PrivateAddressError):
            connection.connect(str(tmp_path / "socket"))
    assert guard.refused == ["localhost", str(tmp_path / "socket")]


def test_others_and_others_threads_connect_where_they_want() -> None:
    answers = []
    with serving() as server:
        with public_connections_only():
            thread = threading.Thread(target=lambda: answers.append(requests.get(server.url, timeout=30).status_code))
            thread.start()
            thread.join()
        answers.append(requests.get(server.url, timeout=30).status_code)
    assert answers == [200, 200]


def test_the_proxy_of_the_process_may_be_private(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with public_connections_only() as guard:
            assert requests.get("http://somewhere.example/x", timeout=30).status_code == 200
        assert (proxy.paths, guard.refused) == (["http://somewhere.example/x"], [])
