"""Requests as they are sent over plain HTTP/1.1: what is the same each time is written once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from prefect.client.http.address import ServerAddress
    from prefect.client.http.requests import HttpRequest

__all__ = ["Envelopes"]


class Envelopes:
    """
    Puts requests to one server into bytes.

    Args:
        address: The server. Its URL begins with `http://`.
    """

    def __init__(self, address: ServerAddress) -> None:
        url = httpx.URL(address.url)
        self.place = (url.raw_host.decode(), url.port or 80)
        self._url = address.url
        self._path = url.raw_path.rstrip(b"/")
        said = {"Host": url.netloc.decode(), "Accept": "*/*", "Accept-Encoding": "gzip, deflate", **address.headers}
        self._headers = _lines(said)

    def asked(self, request: HttpRequest) -> httpx.Request:
        """A request, as answers and errors tell of it."""
        return httpx.Request(request.method, _url(self._url + request.path))

    def write(self, request: HttpRequest) -> bytes:
        """
        A request, as it is sent.

        Raises:
            httpx.LocalProtocolError: A header has more than one line.
        """
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
