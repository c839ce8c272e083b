"""A server on a real socket that answers as it is told to, also badly."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.ports import free_port


@dataclass
class Reply:
    """
    What is answered.

    Args:
        status: The HTTP status.
        body: Sent as JSON, unless it is bytes.
        headers: Further headers.
        cut: Send half of it and close the connection.
        reset: Reset the connection instead of answering.
        silent: Close the connection instead of answering.
        delay: Seconds to wait before.
        closes: Close the connection afterwards without having said so.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    reset: bool = False
    silent: bool = False
    delay: float = 0.0
    closes: bool = False

    def as_bytes(self) -> bytes:
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(content)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@dataclass
class Received:
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class WireServer:
    """Answers with `script`, reply by reply, and then with what `answer` says."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[Received] = []
        self.script: deque[Reply] = deque()
        self.answer: Callable[[Received], Reply] = lambda request: Reply(body="4.0.0")
        self.connections = 0
        self.port = port or free_port()  # so that nobody takes it while the server is away
        self._open: set[socket.socket] = set()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                server.connections += 1
                server._open.add(self.connection)
                try:
                    while server._exchange(self.rfile, self.connection, server.connections):
                        pass
                except OSError:
                    return
                finally:
                    server._open.discard(self.connection)

        class Listener(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self._listener = Listener(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Go away: close all connections and listen no more."""
        self._listener.shutdown()
        self._listener.server_close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def _exchange(self, lines: Any, connection: socket.socket, number: int) -> bool:
        first = lines.readline().decode()
        if not first:
            return False
        method, path, _ = first.split()
        headers = {}
        while (line := lines.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = lines.read(int(headers.get("content-length", 0)))
        request = Received(method, path.removeprefix("/api"), headers, body, number)
        self.received.append(request)
        reply = self.script.popleft() if self.script else self.answer(request)
        time.sleep(reply.delay)
        if reply.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            return False
        if reply.silent:
            return False
        content = reply.as_bytes()
        connection.sendall(content[: len(content) - 3] if reply.cut else content)
        return not (reply.cut or reply.closes)
