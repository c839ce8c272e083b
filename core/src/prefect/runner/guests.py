"""A small web server beside something else, in the same event loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

__all__ = ["serve_guest"]


class _Guest(uvicorn.Server):
    """A server that leaves signals to its host."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve_guest(app: Any, host: str, port: int, log_level: str) -> None:
    """
    Answer requests until the caller is cancelled.

    Args:
        app: The ASGI app.
        host: The address to listen on.
        port: The port.
        log_level: The level from which on the server's records are shown.

    Raises:
        OSError: The port is taken.
    """
    config = uvicorn.Config(app, host=host, port=port, log_level=log_level.lower(), log_config=None)
    config.load()
    listener = _listen(host, port)
    try:
        await _Guest(config).serve([listener])
    finally:
        listener.close()


def _listen(host: str, port: int) -> Any:
    """A socket that listens. Unlike uvicorn, which ends the process, this says what is wrong."""
    import socket

    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"{host}:{port} cannot be listened on: {error.strerror}") from None
    return listener
