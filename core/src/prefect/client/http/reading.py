"""Reads the answer to a request from a socket: its end is found as HTTP/1.1 says, and nothing is read beyond it."""

from __future__ import annotations

import socket

import httptools
import httpx

__all__ = ["read_response"]

_MOST_AT_ONCE = 65_536


class _NotAskedForError(Exception):
    """Something comes after the answer."""


class _Answer:
    """What the parser finds. An answer that is not the last one to a request (1xx) is passed over."""

    __slots__ = ("body", "headers", "is_complete", "is_headed", "parser", "reason", "will_close")

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.is_complete = False
        self.will_close = True
        self.on_message_begin()

    def on_message_begin(self) -> None:
        if self.is_complete:
            raise _NotAskedForError
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.is_headed = False

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.is_headed:  # later ones are trailers
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.is_headed = True

    def on_body(self, part: bytes) -> None:
        self.body.append(part)

    def on_message_complete(self) -> None:
        if self.status >= 200:
            self.is_complete = True
            self.will_close = not self.parser.should_keep_alive()

    @property
    def status(self) -> int:
        """The status of the answer."""
        status: int = self.parser.get_status_code()
        return status

    @property
    def ends_with_its_connection(self) -> bool:
        """Whether nothing but the end of the connection says where the body ends."""
        named = {name.lower() for name, _ in self.headers}
        return self.is_headed and not named & {b"content-length", b"transfer-encoding"}


def read_response(connection: socket.socket, asked: httpx.Request) -> tuple[httpx.Response, bool]:
    """
    The answer to a request, and whether it is the last one on its connection.

    Args:
        connection: Where the request was sent. It waits as long as is set.
        asked: The request.

    Raises:
        httpx.RemoteProtocolError: What came is no answer, or not all of one.
        OSError: Nothing came.
    """
    answer = _Answer()
    has_body = asked.method != "HEAD"
    while not answer.is_complete and (has_body or not answer.is_headed):
        received = connection.recv(_MOST_AT_ONCE)
        if not received:
            if answer.ends_with_its_connection:
                break
            raise httpx.RemoteProtocolError("The connection ended before the answer did.", request=asked)
        try:
            answer.parser.feed_data(received)
        except httptools.HttpParserError as error:
            if not answer.is_complete:
                raise httpx.RemoteProtocolError(f"This is no answer: {error}", request=asked) from error
            answer.will_close = True  # what came after it was not asked for
    extensions = {"http_version": b"HTTP/1.1", "reason_phrase": answer.reason}
    content = b"".join(answer.body)
    response = httpx.Response(
        answer.status, headers=answer.headers, content=content, request=asked, extensions=extensions
    )
    return response, answer.will_close
