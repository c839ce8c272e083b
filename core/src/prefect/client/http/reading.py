"""Reads the answer to a request as it comes in: its end is found as HTTP/1.1 says, and what comes after it is no part of it."""

from __future__ import annotations

import httptools
import httpx

__all__ = ["Reading"]


class _NotAskedForError(Exception):
    """Something comes after the answer."""


class Reading:
    """
    The answer to a request, as much of it as has come. One that is not the last (1xx) is passed over.

    Args:
        asked: The request.
    """

    __slots__ = ("_body", "_headers", "_is_headed", "_parser", "_reason", "asked", "is_complete", "will_close")

    def __init__(self, asked: httpx.Request) -> None:
        self.asked = asked
        self.is_complete = False
        """Whether all of it has come."""
        self.will_close = True
        """Whether it is the last one on its connection."""
        self._parser = httptools.HttpResponseParser(self)
        self.on_message_begin()

    def feed(self, received: bytes) -> None:
        """
        Take what has come; nothing if the connection was closed.

        Raises:
            httpx.RemoteProtocolError: That is no answer, or not all of one.
        """
        if not received:
            self._end()
            return
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserError as error:
            if not self.is_complete:
                raise httpx.RemoteProtocolError(f"This is no answer: {error}", request=self.asked) from error
            self.will_close = True  # what came after it was not asked for
        if self._is_headed and self.asked.method == "HEAD":
            self.is_complete = True

    def _end(self) -> None:
        named = {name.lower() for name, _ in self._headers}
        if not self._is_headed or named & {b"content-length", b"transfer-encoding"}:
            raise httpx.RemoteProtocolError("The connection ended before the answer did.", request=self.asked)
        self.is_complete = True  # nothing else would have said where it ends

    def response(self) -> httpx.Response:
        """The answer, once it is complete."""
        return httpx.Response(
            self._parser.get_status_code(),
            headers=self._headers,
            content=b"".join(self._body),
            request=self.asked,
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": self._reason},
        )

    # -- what the parser finds

    def on_message_begin(self) -> None:
        if self.is_complete:
            raise _NotAskedForError
        self._reason = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._is_headed = False

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._is_headed:  # later ones are trailers
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._is_headed = True

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self.is_complete = True
            self.will_close = not self._parser.should_keep_alive()
