"""Requests as they come in over ASGI, read within bounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["ASGIReceive", "ASGIScope", "ASGISend", "BodyTooLargeError", "ClientGoneError", "header", "read_body"]

ASGIScope = MutableMapping[str, Any]
ASGIReceive = Callable[[], Awaitable[MutableMapping[str, Any]]]
ASGISend = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class BodyTooLargeError(Exception):
    """A body has more bytes than are taken."""


class ClientGoneError(Exception):
    """Who asked is gone before all was said."""


def header(scope: ASGIScope, name: bytes) -> str | None:
    """The value of a header, by its name in small letters; None if it was not sent."""
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


async def read_body(scope: ASGIScope, receive: ASGIReceive, most: int) -> bytes:
    """
    The body of a request.

    Args:
        scope: The request.
        receive: Says what comes next.
        most: How many bytes it may have.

    Raises:
        BodyTooLargeError: It has more, or says that it has.
    """
    announced = header(scope, b"content-length")
    if announced is not None and announced.isdigit() and int(announced) > most:
        raise BodyTooLargeError
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise BodyTooLargeError
        if part:
            parts.append(part)
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
