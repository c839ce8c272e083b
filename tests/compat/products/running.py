"""Runs servers and scripts of a product as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any

import httpx
from tests.compat.products.records import Records
from tests.ports import free_port

SECONDS_OF_QUIET = 3.0
"""A server that hears nothing new for so long has heard all."""

SCRIPT = Path(__file__).parent / "script.py"


@dataclass
class Product:
    """
    An installation of one of the products.

    Args:
        python: Its interpreter.
        home: Where it keeps things.
        seconds_to_start: How long its server may take until it answers.
        environment: Further variables for its processes.
    """

    python: str
    home: Path
    seconds_to_start: float = 90.0
    environment: dict[str, str] = field(default_factory=dict)

    def _environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHON"))}
        return {**kept, "HOME": str(self.home), "PREFECT_HOME": str(self.home), **self.environment, **more}

    def run_script(self, mark: str, api: str | None) -> dict[str, Any]:
        """Run the script, and return what it printed as its last line."""
        self.home.mkdir(parents=True, exist_ok=True)
        address = {} if api is None else {"PREFECT_API_URL": api}
        done = subprocess.run(
            [self.python, str(SCRIPT)],
            env=self._environment(MARK=mark, **address),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr.splitlines()[-1:]
        answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answers

    def start_server(self, port: int | None = None) -> Server:
        """Start a server on the home, and wait until it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        port = port or free_port()
        log = self.home / f"server-{port}.log"
        program = str(Path(self.python).with_name("prefect"))
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, "server", "start", "--host", "127.0.0.1", "--port", str(port)],
                env=self._environment(PREFECT_SERVER_ANALYTICS_ENABLED="false"),
                cwd=self.home,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(process, f"http://127.0.0.1:{port}/api", log)
        server.wait(self.seconds_to_start)
        return server


@dataclass
class Server:
    """A server that runs as a process of its own."""

    process: subprocess.Popen[bytes]
    api: str
    log: Path

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.api}/health", timeout=5, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        self.stop()
        raise AssertionError(f"The server does not answer: {self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def kill(self) -> None:
        """End it without a warning."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def records(self, mark: str) -> dict[str, Any]:
        """What the server has recorded of a script, once all of it has arrived, with the mark taken out."""
        deadline = time.monotonic() + 40
        with Records(self.api, mark) as records:
            found, since = records.all(), time.monotonic()
            while time.monotonic() < deadline and (
                not records.are_complete(found) or time.monotonic() < since + SECONDS_OF_QUIET
            ):
                time.sleep(0.5)
                latest = records.all()
                if latest != found:
                    found, since = latest, time.monotonic()
        without_mark: dict[str, Any] = json.loads(json.dumps(found).replace(mark, "MARK"))
        return without_mark


def assert_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Show where records differ, line by line."""
    lines = (json.dumps(records, indent=1, sort_keys=True).splitlines() for records in (expected, found))
    different = list(unified_diff(*lines, "expected", "found", n=8, lineterm=""))
    assert not different, "\n".join(different)
