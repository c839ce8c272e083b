"""Runners as processes of their own, with and without a server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.compat.products.running import Product, Server
from tests.processes import kill_all_of

from prefect._contract.actions.runs import DeploymentFlowRunCreate
from prefect._contract.endpoints import deployments, flow_runs
from prefect._contract.objects import FlowRun
from prefect._contract.state import State, StateType
from prefect.client.base import Transport, current_transport
from prefect.settings.context import temporary_settings

CODE = """
import asyncio
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from prefect import flow, task

HERE = Path(__file__).parent


def note(line):
    with open(HERE / "journal", "a") as file:
        file.write(line + "\\n")


def crashed(flow, run, state):
    note(f"crashed {run.name} {state.type.value}")


def cancelled(flow, run, state):
    note(f"cancelled {run.name} {state.type.value}")


@task
def sleep(seconds):
    time.sleep(seconds)


@flow(on_crashed=[crashed], on_cancellation=[cancelled])
def work(how: str = "", seconds: float = 0.0):
    note(f"begin {os.getpid()}")
    if how == "dies":
        os.kill(os.getpid(), 9)
    if how == "exits":
        os._exit(0)
    if how == "spins":
        while True:
            pass
    if how == "swallows":
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass
    if how == "in-c":
        libc = ctypes.CDLL(None)
        until = time.monotonic() + 60
        libc.pause.restype = ctypes.c_int
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        libc.sleep(60)
    if how == "holds-gil":
        ctypes.PyDLL(None).usleep(60_000_000)
    if how == "subflow":
        inner()
    if how == "task":
        sleep.submit(60).wait()
    time.sleep(seconds)
    return os.environ.get("GREETING")


@flow(on_cancellation=[cancelled])
def inner():
    time.sleep(60)


@flow(retries=1, on_crashed=[crashed])
def again():
    note("again")
    if (HERE / "journal").read_text().count("again") == 1:
        os.kill(os.getpid(), 9)


@flow(on_cancellation=[cancelled])
async def waits():
    note(f"begin {os.getpid()}")
    await asyncio.sleep(60)
"""

SERVE = """
import asyncio
import logging
import sys
from pathlib import Path

from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner

if __name__ == "__main__":
    runner = Runner(name="test", limit=30)
    for name in ("work", "again", "waits"):
        made = RunnerDeployment.from_entrypoint(f"code.py:{name}", name=Path.cwd().name)
        runner.add_deployment(made)
    print("serves", flush=True)
    asyncio.run(runner.start(run_once="once" in sys.argv, webserver="web" in sys.argv))
"""


class Stage:
    """A folder with flows, and runners that serve them."""

    def __init__(self, folder: Path, transport: Transport, environment: dict[str, str]) -> None:
        self.folder = folder
        self.send = transport.send
        self.environment = environment
        self.processes: list[subprocess.Popen[str]] = []
        (folder / "code.py").write_text(CODE)
        (folder / "serve.py").write_text(SERVE)

    def start(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        process = subprocess.Popen(
            [sys.executable, "serve.py", *options],
            env=kept | self.environment | environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "serves\n", process.communicate()
        return process

    def deployment(self, name: str = "work") -> UUID:
        return self.send(deployments.read_deployment_by_name(name, self.folder.name)).id

    def order(self, name: str = "work", **parameters: Any) -> FlowRun:
        asked = DeploymentFlowRunCreate(parameters=parameters)
        return self.send(deployments.create_flow_run_from_deployment(self.deployment(name), asked))

    def read(self, run: FlowRun) -> FlowRun:
        return self.send(flow_runs.read_flow_run(run.id))

    def state(self, run: FlowRun) -> State[Any]:
        state = self.read(run).state
        assert state is not None
        return state

    def cancel(self, run: FlowRun) -> None:
        self.send(flow_runs.set_flow_run_state(run.id, State(type=StateType.CANCELLING)))

    def notes(self) -> list[str]:
        journal = self.folder / "journal"
        return journal.read_text().splitlines() if journal.exists() else []

    def pids(self) -> list[int]:
        return [int(line.split()[1]) for line in self.notes() if line.startswith("begin ")]

    def until(self, what: Callable[[], Any], seconds: float = 60) -> float:
        began = time.monotonic()
        while not what():
            assert time.monotonic() < began + seconds, f"not within {seconds} s: {self.notes()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        kill_all_of(self.folder / "home")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tests of runners share."""
    server = Product(sys.executable, tmp_path_factory.mktemp("server")).start_server()
    yield server
    server.stop()


@pytest.fixture
def stage(tmp_path: Path, server: Server) -> Iterator[Stage]:
    """A stage whose orchestrator is a server."""
    yield from _stage(tmp_path, {"PREFECT_API_URL": server.api})


@pytest.fixture
def stage_alone(tmp_path: Path) -> Iterator[Stage]:
    """A stage whose orchestrator is in each of its processes."""
    yield from _stage(tmp_path, {})


def _stage(folder: Path, environment: dict[str, str]) -> Iterator[Stage]:
    environment = {"PREFECT_HOME": str(folder / "home"), **environment}
    with temporary_settings(
        {"PREFECT_API_URL": environment.get("PREFECT_API_URL"), "PREFECT_HOME": str(folder / "home")}
    ):
        transport = current_transport()
        stage = Stage(folder, transport, environment)
        try:
            yield stage
        finally:
            stage.close()
            transport.close()
