"""A server as a process of its own that is killed and comes back, on either kind of database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from tests.compat.products.running import Product, Server
from tests.faults.invariants import check_answers, check_invariants
from tests.ports import free_port
from tests.postgres import PostgresServer

from prefect.utilities.time import now

__all__ = ["Site", "moment", "wait_until"]


def wait_until(condition: Callable[[], Any], seconds: float = 60.0) -> float:
    """Wait, and answer with for how long."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


def moment() -> str:
    return now().isoformat()


class Site:
    """
    A server, and processes that use it.

    Args:
        folder: Where everything is kept.
        kind: Which kind of database.
        postgres: The server of a database of that kind.
        settings: Further variables of the server's environment.
    """

    def __init__(
        self, folder: Path, kind: str = "sqlite", postgres: PostgresServer | None = None, **settings: str
    ) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'server' / 'prefect.db'}"
        self.settings = settings
        if kind == "postgres":
            assert postgres is not None
            self.url = postgres.url(postgres.database_with_tables())
            self.settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = self.url
        self.port = free_port()
        self.client = httpx.Client(base_url=self.api, timeout=60, trust_env=False)
        self.answers: list[httpx.Response] = []
        self.servers: list[Server] = []
        self.processes: list[subprocess.Popen[str]] = []

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def server(self) -> Server:
        return self.servers[-1]

    def start(self, port: int | None = None) -> Server:
        product = Product(sys.executable, self.folder / "server", environment=self.settings)
        self.servers.append(product.start_server(port or self.port))
        return self.server

    def kill(self) -> None:
        self.server.kill()

    def terminate(self) -> None:
        os.kill(self.server.process.pid, signal.SIGTERM)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        answer = self.client.request(method, path, json=body, headers=headers)
        self.answers.append(answer)
        return answer

    def read(self, path: str) -> Any:
        return self.ask("GET", path).raise_for_status().json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.ask("POST", path, {} if body is None else body).raise_for_status()
        return answer.json() if answer.content else None

    def flow(self) -> str:
        identifier: str = self.post("/flows/", {"name": "f"})["id"]
        return identifier

    def delay(self, key: str = "task") -> str:
        """Schedule a background task run."""
        state = {"type": "SCHEDULED", "state_details": {"deferred": True, "scheduled_time": moment()}}
        made = self.post("/task_runs/", {"task_key": key, "dynamic_key": str(uuid4()), "state": state})
        return str(made["id"])

    def run(self, body: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Run a script as a process that uses the server, with further environment variables."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        home = {"PREFECT_API_URL": self.api, "PREFECT_HOME": str(self.folder / "home")}
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(body), *arguments],
            env={**kept, **home, **variables},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def check(self, **expected: Any) -> None:
        """Hold answers and records against what must always be so."""
        check_answers(self.answers)
        check_invariants(self.url, **expected)

    def close(self) -> None:
        self.client.close()
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        for server in self.servers:
            server.stop()
