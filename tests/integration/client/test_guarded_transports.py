"""Requests that may go to the public network only."""

from __future__ import annotations

import asyncio
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest

from prefect.utilities.guarded_transports import _directed
from prefect.utilities.urls import SSRFProtectedAsyncHTTPTransport, SSRFProtectedHTTPTransport

PUBLIC = "http://93.184.215.14"
"""An address of the public network. The tests reach a socket of this machine in its place."""

REFUSED = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://10.1.2.3/",
    "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://0.0.0.0/",
    "http://[::1]/",
    "http://[fe80::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://2130706433/",
]


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@pytest.fixture
def public(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The path of a socket that stands for the public network, and the hosts and paths that were asked for there."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def address_string(self) -> str:
            return "a client"

        def do_GET(self) -> None:
            asked.append(f"{self.headers['Host']}{self.path}")
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to/"))
            else:
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    path = str(tmp_path / "public.sock")
    server = Server(path, Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield path, asked
    server.shutdown()
    thread.join()
    server.server_close()


def get(url: str, path: str, colour: str) -> httpx.Response:
    """Get a URL, following redirects, by a client of either colour."""
    if colour == "sync":
        with httpx.Client(
            transport=SSRFProtectedHTTPTransport(uds=path, verify=False), follow_redirects=True
        ) as client:
            return client.get(url)

    async def act() -> httpx.Response:
        transport = SSRFProtectedAsyncHTTPTransport(uds=path, verify=False)
        async with httpx.AsyncClient(transport=transport, follow_redirects=True) as client:
            return await client.get(url)

    return asyncio.run(act())


@pytest.mark.parametrize("colour", ["sync", "async"])
class TestTransports:
    def test_public_addresses_are_asked(self, public, colour):
        path, asked = public
        response = get(f"{PUBLIC}/a?b=c", path, colour)
        assert (response.status_code, str(response.url)) == (200, f"{PUBLIC}/a?b=c")
        assert asked == ["93.184.215.14/a?b=c"]

    @pytest.mark.parametrize("url", REFUSED)
    def test_private_ones_are_not(self, public, colour, url):
        path, asked = public
        with pytest.raises(ValueError, match="private address"):
            get(url, path, colour)
        assert asked == []

    @pytest.mark.parametrize("url", REFUSED)
    def test_nor_after_a_redirect(self, public, colour, url):
        path, asked = public
        with pytest.raises(ValueError, match="private address") as raised:
            get(f"{PUBLIC}/to/{url}", path, colour)
        assert len(asked) == 1
        assert "meta-data" not in str(raised.value)

    def test_redirects_to_public_ones_are_followed(self, public, colour):
        path, asked = public
        assert get(f"{PUBLIC}/to/http://1.1.1.1/x", path, colour).status_code == 200
        assert asked[1:] == ["1.1.1.1/x"]


def test_a_name_is_asked_at_the_address_that_was_checked():
    request = httpx.Request("POST", "https://example.com:8443/a?b=c", content=b"body")
    for address in ("93.184.215.14", "2606:2800:21f::1"):
        directed = _directed(request, address)
        assert directed.url.host == address
        assert (directed.url.port, directed.url.raw_path) == (8443, b"/a?b=c")
        assert directed.headers["Host"] == "example.com:8443"
        assert directed.extensions["sni_hostname"] == "example.com"
        assert directed.stream is request.stream
