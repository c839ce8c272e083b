"""Measure how soon runs of deployments begin, and how many are taken at once; compare with another Prefect.

    python benchmarks/runs.py [--against /path/to/python] [--runs 10] [--due 1000] [--json FILE]

For each product a server is started in a fresh home, and a process that serves a flow. Printed are the seconds from the
creation of a run to its user code (p50, p95), one run after the other; for our own product also for a worker. Then `--due` runs
are created that are due at one moment, and taken by a claiming loop like that of workers: how long it takes until all
are Pending, and how many requests were answered with an error.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

CODE = """
import sys, time
from pathlib import Path
from prefect import flow

@flow
def work(name: str = ""):
    (Path(__file__).parent / name).write_text(repr(time.time()))

if __name__ == "__main__":
    work.serve(name="served", limit=50)
"""


class Stand:
    """A server of a product, with a process that executes runs."""

    def __init__(self, python: str, folder: Path) -> None:
        self.python, self.folder = python, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.api = f"http://127.0.0.1:{self.port}/api"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        self.env = kept | {
            "PREFECT_HOME": str(folder / "home"),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        self.errors = 0
        self.processes: list[subprocess.Popen[bytes]] = []
        (folder / "flows.py").write_text(CODE)
        self.start("-m", "prefect", "server", "start", "--port", str(self.port))
        self.until(lambda: self.ask("GET", "/health") is True, 180)

    def start(self, *arguments: str) -> None:
        quiet = subprocess.DEVNULL
        self.processes.append(
            subprocess.Popen([self.python, *arguments], env=self.env, cwd=self.folder, stdout=quiet, stderr=quiet)
        )

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.api + path, content, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError) as error:
            self.errors += isinstance(error, urllib.error.HTTPError) and error.code >= 500
            return None

    def until(self, condition: Any, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.python}: it did not happen within {seconds} s.")
            time.sleep(0.01)

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(40)
            process.kill()


def latencies(stand: Stand, deployment: str, runs: int) -> list[float]:
    """Seconds from the creation of a run to its user code, one run after the other."""
    found = []
    for number in range(runs + 1):  # the first one waits for who executes it
        name = f"{deployment}-{number}"
        mark = stand.folder / name
        began = time.time()
        body = {"parameters": {"name": name}, "state": {"type": "SCHEDULED"}}
        stand.ask("POST", f"/deployments/{deployment}/create_flow_run", body)
        stand.until(lambda mark=mark: mark.exists() and mark.read_text(), 180)
        found.append(float(mark.read_text()) - began)
    return found[1:]


def storm(stand: Stand, deployment: str, number: int) -> dict[str, float]:
    """Many runs that are due at one moment: seconds until all are taken."""
    due = (datetime.now(timezone.utc) - timedelta(seconds=1)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
    for _ in range(number):
        stand.ask("POST", f"/deployments/{deployment}/create_flow_run", {"state": state})
    before, taken, began = stand.errors, 0, time.monotonic()
    while time.monotonic() < began + 300:
        body = {"deployment_ids": [deployment], "scheduled_before": datetime.now(timezone.utc).isoformat()}
        found = stand.ask("POST", "/deployments/get_scheduled_flow_runs", body) or []
        if not found:
            break
        for run in found:
            answer = stand.ask("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "PENDING"}})
            taken += answer is not None and answer["status"] == "ACCEPT"
    return {"due": number, "taken": taken, "seconds": time.monotonic() - began, "errors": stand.errors - before}


def measure(python: str, runs: int, due: int, *, has_worker: bool) -> dict[str, Any]:
    """All figures of one product."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        stand = Stand(python, Path(folder))
        try:
            stand.start("flows.py")
            place = "/deployments/name/work/served"
            stand.until(lambda: stand.ask("GET", place), 180)
            served = stand.ask("GET", place)
            figures["served"] = summary(latencies(stand, served["id"], runs))
            made: dict[str, Any] = {"name": "queued", "flow_id": served["flow_id"], "entrypoint": "flows.py:work"}
            if has_worker:
                stand.ask("POST", "/work_pools/", {"name": "pool", "type": "process"})
                stand.start("-m", "prefect", "worker", "start", "--pool", "pool")
                queued = stand.ask("POST", "/deployments/", {**made, "path": folder, "work_pool_name": "pool"})
                figures["worker"] = summary(latencies(stand, queued["id"], runs))
            figures["storm"] = storm(stand, stand.ask("POST", "/deployments/", {**made, "name": "storm"})["id"], due)
        finally:
            stand.close()
    return figures


def summary(seconds: list[float]) -> dict[str, float]:
    """The median, and what 19 of 20 do not exceed."""
    ordered = sorted(seconds)
    return {"p50": statistics.median(ordered), "p95": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]}


def python_start(python: str) -> float:
    """Seconds that it takes to start Python and to load the product, as each run must."""
    began = time.monotonic()
    subprocess.run(
        [python, "-c", "from prefect import flow; import prefect.flow_engine"], check=True, capture_output=True
    )
    return time.monotonic() - began


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", help="the Python of another Prefect")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--due", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {"ours": measure(sys.executable, options.runs, options.due, has_worker=True)}
    found["ours"]["python start"] = {"seconds": python_start(sys.executable)}
    if options.against:
        found["theirs"] = measure(options.against, min(options.runs, 3), options.due, has_worker=False)
        found["theirs"]["python start"] = {"seconds": python_start(options.against)}
    for product, figures in found.items():
        for name, values in figures.items():
            print(product, name, "  ".join(f"{key} {value:.2f}" for key, value in values.items()))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
