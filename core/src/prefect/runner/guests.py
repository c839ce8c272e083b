"""A small web server beside something else, in the same event loop."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

__all__ = ["listen_on", "serve_guest"]


class _Guest(uvicorn.Server):
    """A server that leaves signals to its host."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def listen_on(host: str, port: int) -> socket.socket:
    """
    A socket to serve a guest on.

    Raises:
        OSError: It cannot be listened there.
    """
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"Requests cannot be answered at {host}:{port}: {error.strerror}") from None
    return listener


async def serve_guest(app: Any, listener: socket.socket, log_level: str) -> None:
    """
    Answer requests until the caller is cancelled.

    Args:
        app: The ASGI app.
        listener: What to listen on.
        log_level: The level from which on the server's records are shown.
    """
    config = uvicorn.Config(app, log_level=log_level.lower(), log_config=None)
    with listener:
        await _Guest(config).serve([listener])
