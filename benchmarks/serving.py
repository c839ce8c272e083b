"""Runs a script against a server of its own, of one Prefect or, alternately, of two."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

__all__ = ["compare"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def _run(python: str, script: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        (Path(folder) / "workload.py").write_text(script)
        port = _free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
            "PYTHONDONTWRITEBYTECODE": "",
            "PREFECT_HOME": f"{folder}/home",
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_LOGGING_LEVEL": "ERROR",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        command = [str(Path(python).parent / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen(command, env=env, start_new_session=True, **quiet)
        try:
            _wait_for(f"{env['PREFECT_API_URL']}/health")
            done = subprocess.run(
                [python, "workload.py"], env=env, cwd=folder, capture_output=True, text=True, timeout=900, check=False
            )
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise SystemExit(f"The workload failed under {python}:\n{done.stdout}{done.stderr}")
    figures: dict[str, float] = json.loads(lines[-1])
    return figures


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def compare(script: str, description: str | None) -> None:
    """Run a script that prints its figures as a line of JSON, and print their medians."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--against", metavar="PYTHON", help="the Python of another Prefect, measured in turns with this one"
    )
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    pythons = {"this": sys.executable} | ({"other": given.against} if given.against else {})
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in pythons}
    for _ in range(given.rounds):
        for name, python in pythons.items():
            rows[name].append(_run(python, script))
    for name, found in rows.items():
        medians = {key: statistics.median(row[key] for row in found) for key in found[0]}
        print(name, *(f"{key} {value:.4g}" for key, value in medians.items()), sep="   ")
