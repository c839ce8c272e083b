"""A server as a process of its own that is sent what nobody sends who means well, and how much memory it has."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.compat.products.running import Product, Server

MB = 1024 * 1024
JSON = {"content-type": "application/json"}
MOMENT = "2031-01-01T00:00:00Z"


def line(message: str) -> dict[str, Any]:
    return {"name": "n", "level": 20, "message": message, "timestamp": MOMENT}


class Target:
    """A server as a process of its own, and how much memory it has."""

    def __init__(self, server: Server) -> None:
        self.process = server.process
        self.log = server.log
        self.api = server.api
        self.client = httpx.Client(base_url=server.api, timeout=60, trust_env=False)
        self.flow = self.post("/flows/", {"name": "odd"}).json()["id"]

    def post(self, path: str, body: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=content, headers=JSON)

    def run(self, **fields: Any) -> httpx.Response:
        return self.post("/flow_runs/", {"flow_id": self.flow, **fields})

    def work(self) -> float:
        """Seconds of processors that it and the processes that it has waited for have used so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")

    def memory(self, what: str = "VmRSS") -> int:
        """In bytes: what there is, or `VmHWM`, the most that there was."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what):
                return int(line.split()[1]) * 1024
        raise AssertionError(what)


@contextmanager
def serving(folder: Path, environment: dict[str, str] | None = None) -> Iterator[Target]:
    """A target that ends well, and has seen nothing that went wrong."""
    server = Product(sys.executable, folder, environment=environment or {}).start_server()
    target = Target(server)
    run = target.run().json()["id"]
    for _ in range(2):  # what is taken gladly may cost something: that is where growth is measured from
        assert target.post("/logs/", [{**line("x" * 15 * MB), "flow_run_id": run}]).status_code == 201
    assert target.client.delete(f"/flow_runs/{run}").status_code == 204
    yield target
    target.client.close()
    server.stop()
    assert server.process.returncode == 0
    assert "Traceback" not in server.log.read_text()


@contextmanager
def unharmed(target: Target) -> Iterator[None]:
    """After what is done here the server is well, and has not grown."""
    before = target.memory()
    yield
    assert target.client.get("/health").json() is True
    assert target.memory() - before < 50 * MB
