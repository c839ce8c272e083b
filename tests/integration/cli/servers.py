"""Servers as processes of their own, for tests of commands."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from tests.ports import free_port

__all__ = ["PATIENCE", "PREFECT", "Started", "free_port", "is_well", "listens", "pid_in", "wait_until"]

PREFECT = str(Path(sys.executable).with_name("prefect"))
PATIENCE = 40.0


def wait_until(check: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := check()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def is_well(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def listens(port: int) -> bool:
    with socket.socket() as made:
        return made.connect_ex(("127.0.0.1", port)) == 0


def pid_in(home: Path, name: str = "server.pid") -> int:
    return int((home / name).read_text().splitlines()[0])


class Started:
    """A server in the foreground of a process of its own."""

    def __init__(self, home: Path, *options: str, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.home = home
        self.process = subprocess.Popen(
            [PREFECT, "server", "start", "--port", str(self.port), *options],
            env={**os.environ, "PREFECT_HOME": str(home), "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until(lambda: is_well(self.port) or self.process.poll() is not None, "the server does not answer")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, output

    def post(self, path: str, body: Any) -> httpx.Response:
        with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
            return client.post(f"{self.url}{path}", json=body)
