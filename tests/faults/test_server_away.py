"""A server that is killed while flows run, and comes back: no run fails, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.compat.products.running import Product, Server
from tests.faults.invariants import check_invariants
from tests.ports import free_port

pytestmark = [pytest.mark.faults, pytest.mark.slow]

SCRIPT = """
import sys, time
from pathlib import Path
from prefect import flow, task

enough = Path(__file__).with_name("enough")

@task(log_prints=True)
def step(number):
    print("step", number)
    time.sleep(0.2)
    return number

@flow(name="away")
def main(steps: int):
    results = []
    while len(results) < steps and not enough.exists():
        results.append(step(len(results)))
    return f"{sum(results)} of {len(results)}"

print("result", main(int(sys.argv[1])))
"""

STEPS = 20


class Site:
    """A server that can be killed and started again, and processes that use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.product = Product(sys.executable, folder / "server")
        self.port = free_port()
        self.server: Server | None = None
        self.processes: list[subprocess.Popen[bytes]] = []
        self.script = folder / "script.py"
        self.script.write_text(SCRIPT)
        self.start()

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def kept(self) -> list[Path]:
        return [file for file in (self.folder / "home" / "spool").rglob("*") if file.is_file()]

    def start(self) -> None:
        self.server = self.product.start_server(self.port)

    def kill(self) -> None:
        assert self.server is not None
        self.server.kill()
        self.server = None

    def run(self, steps: int) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        # Files, not pipes: of many processes, those whose turn has not come must not wait for a reader.
        with self._said(len(self.processes)).open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, str(self.script), str(steps)],
                env={**kept, "PREFECT_API_URL": self.api, "PREFECT_HOME": str(self.folder / "home")},
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def _said(self, number: int) -> Path:
        return self.folder / f"said-{number}.txt"

    def ended(self, process: subprocess.Popen[bytes], seconds: float = 60) -> str:
        """What a process said, once it has ended."""
        process.wait(seconds)
        return self._said(self.processes.index(process)).read_text()

    def read(self, path: str, **query: Any) -> Any:
        return httpx.get(self.api + path, params=query, timeout=60, trust_env=False).raise_for_status().json()

    def find(self, path: str, **body: Any) -> Any:
        return httpx.post(self.api + path, json=body, timeout=60, trust_env=False).raise_for_status().json()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    for process in site.processes:
        if process.poll() is None:
            process.kill()
            process.wait()
    if site.server is not None:
        site.server.stop()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def has_begun(site: Site) -> bool:
    return bool(site.find("/task_runs/filter", limit=1))


def test_runs_go_on_while_the_server_is_away(site: Site, repetition: int) -> None:
    process = site.run(STEPS)
    wait_until(lambda: has_begun(site))
    site.kill()
    wait_until(lambda: bool(site.kept))
    time.sleep(2)
    assert process.poll() is None
    site.start()
    said = site.ended(process)
    assert process.returncode == 0, said
    assert f"result {sum(range(STEPS))}" in said
    assert "Waiting for the server" in said or "is back" in said
    assert site.kept == []
    [flow_run] = site.find("/flow_runs/filter")
    assert [state["name"] for state in site.read("/flow_run_states/", flow_run_id=flow_run["id"])] == [
        "Pending", "Running", "Completed",
    ]  # fmt: skip
    tasks = site.find("/task_runs/filter")
    assert len(tasks) == STEPS
    for task in tasks:
        states = site.read("/task_run_states/", task_run_id=task["id"])
        assert [state["name"] for state in states] == ["Pending", "Running", "Completed"]
    lines = [line["message"] for line in site.find("/logs/filter", sort="TIMESTAMP_ASC")]
    assert [line for line in lines if line.startswith("step")] == [f"step {number}" for number in range(STEPS)]
    assert len(lines) == 2 * STEPS + 2


def test_many_runs_outlast_a_long_outage(site: Site, pytestconfig: pytest.Config) -> None:
    seconds: float = pytestconfig.getoption("--outage-seconds")
    count: int = pytestconfig.getoption("--outage-runs")
    to_start = 30 + 5 * count
    processes = [site.run(100_000) for _ in range(count)]
    running = {"state": {"type": {"any_": ["RUNNING"]}}}
    wait_until(lambda: len(site.find("/flow_runs/filter", flow_runs=running)) == count, to_start)
    site.kill()
    time.sleep(seconds)
    assert [process.poll() for process in processes] == [None] * count
    site.start()
    (site.folder / "enough").touch()
    steps = []
    for process in processes:
        said = site.ended(process, 60 + 2 * seconds + 2 * to_start)
        assert process.returncode == 0, said
        total, number = map(int, said.rpartition("result ")[2].split(" of "))
        assert total == sum(range(number))
        steps.append(number)
    assert min(steps) >= 2 * seconds  # they went on meanwhile
    assert site.kept == []
    runs = site.find("/flow_runs/filter")
    assert [run["state_name"] for run in runs] == ["Completed"] * count
    recorded = []
    for run in runs:
        completed = {"flow_run_id": {"any_": [run["id"]]}, "state": {"type": {"any_": ["COMPLETED"]}}}
        recorded.append(site.find("/task_runs/count", task_runs=completed))
        states = site.read("/flow_run_states/", flow_run_id=run["id"])
        assert [state["name"] for state in states] == ["Pending", "Running", "Completed"]
    assert sorted(recorded) == sorted(steps)
    check_invariants(f"sqlite:///{site.product.home / 'prefect.db'}", all_ended=True)


def test_what_a_dead_process_could_not_say_is_said_by_the_next(site: Site, repetition: int) -> None:
    process = site.run(1000)
    wait_until(lambda: has_begun(site))
    site.kill()
    wait_until(lambda: len(site.kept) >= 4)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    site.start()
    before = {line["message"] for line in site.find("/logs/filter")}
    assert "result 0" in site.ended(site.run(1))
    assert site.kept == []
    after = {line["message"] for line in site.find("/logs/filter")}
    assert len([message for message in after - before if message.startswith("step")]) >= 2


def test_a_server_that_is_not_there_at_all_is_told_at_once(site: Site, tmp_path: Path) -> None:
    site.kill()
    began = time.monotonic()
    said = site.ended(site.run(1))
    assert time.monotonic() - began < 30
    assert "result 0" not in said
    assert f"No server answers at {site.api} (PREFECT_API_URL)" in said
