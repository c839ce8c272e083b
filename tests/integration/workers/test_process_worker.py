"""Workers, as processes of their own, with a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.compat.products.running import Product, Server

from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import DeploymentFlowRunCreate, FlowCreate
from prefect._contract.actions.settings import WorkPoolCreate
from prefect._contract.endpoints import deployments, flow_runs, flows, work_pools
from prefect._contract.objects import FlowRun
from prefect._contract.state import State, StateType
from prefect.client.base import Transport, current_transport
from prefect.settings.context import temporary_settings

pytestmark = pytest.mark.slow

CODE = """
import os
import time

from prefect import flow


@flow
def work(seconds: float = 0.0, dies: bool = False):
    if dies:
        os.kill(os.getpid(), 9)
    time.sleep(seconds)
    return os.environ.get("GREETING")
"""


class Fleet:
    """A server, and workers of its work pool."""

    def __init__(self, server: Server, home: Path, transport: Transport) -> None:
        self.server = server
        self.home = home
        self.send = transport.send
        (home / "code.py").write_text(CODE)
        self.send(work_pools.create_work_pool(WorkPoolCreate(name="pool", type="process")))
        flow = self.send(flows.create_flow(FlowCreate(name="work"))).id
        self.deployment = self.send(
            deployments.create_deployment(
                DeploymentCreate(
                    name="d",
                    flow_id=flow,
                    work_pool_name="pool",
                    path=str(home),
                    entrypoint="code.py:work",
                    job_variables={"env": {"GREETING": "hello"}},
                )
            )
        ).id

    def order(self, **parameters: Any) -> FlowRun:
        asked = DeploymentFlowRunCreate(parameters=parameters)
        return self.send(deployments.create_flow_run_from_deployment(self.deployment, asked))

    def state(self, run: FlowRun) -> Any:
        return self.send(flow_runs.read_flow_run(run.id)).state

    def until(self, what: Callable[[], Any], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def start(self, *options: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment |= {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.server.api,
            "PREFECT_WORKER_QUERY_SECONDS": "0.5",
        }
        command = [sys.executable, "-c", "from prefect.cli import main; main()", "worker", "start", "--pool", "pool"]
        return subprocess.Popen(
            [*command, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    home = tmp_path_factory.mktemp("fleet")
    server = Product(sys.executable, home).start_server()
    try:
        with temporary_settings({"PREFECT_API_URL": server.api, "PREFECT_HOME": str(home)}):
            transport = current_transport()
            yield Fleet(server, home, transport)
            transport.close()
    finally:
        server.stop()


def test_a_worker_that_looks_once_executes_what_is_due_and_ends(fleet: Fleet) -> None:
    runs = [fleet.order(), fleet.order()]
    worker = fleet.start("--run-once")
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert "'pool'" in output
    assert [fleet.state(run).type for run in runs] == [StateType.COMPLETED] * 2
    workers = fleet.send(work_pools.read_workers_for_work_pool("pool"))
    assert len(workers) == 1


def test_a_process_that_dies_is_noticed(fleet: Fleet) -> None:
    run = fleet.order(dies=True)
    worker = fleet.start("--run-once")
    output, _ = worker.communicate(timeout=60)
    assert fleet.state(run).type is StateType.CRASHED
    assert "exit code -9" in output


def test_a_run_whose_code_is_not_there_says_so(fleet: Fleet) -> None:
    (fleet.home / "code.py").rename(fleet.home / "elsewhere.py")
    try:
        run = fleet.order()
        fleet.start("--run-once").communicate(timeout=60)
    finally:
        (fleet.home / "elsewhere.py").rename(fleet.home / "code.py")
    state = fleet.state(run)
    assert state.type is StateType.CRASHED
    assert "There is no file 'code.py'" in state.message


def test_a_worker_keeps_to_its_limit_cancels_and_drains(fleet: Fleet) -> None:
    runs = [fleet.order(seconds=60), fleet.order(seconds=60)]
    worker = fleet.start("--limit", "1")
    try:
        fleet.until(lambda: [fleet.state(run).type for run in runs].count(StateType.RUNNING) == 1)
        time.sleep(1.5)
        kinds = [fleet.state(run).type for run in runs]
        assert kinds.count(StateType.RUNNING) == 1
        running = runs[kinds.index(StateType.RUNNING)]
        waiting = runs[1 - kinds.index(StateType.RUNNING)]
        cancelling: State[Any] = State(type=StateType.CANCELLING)
        fleet.send(flow_runs.set_flow_run_state(running.id, cancelling))
        fleet.until(lambda: fleet.state(running).type is StateType.CANCELLED)
        fleet.until(lambda: fleet.state(waiting).type is StateType.RUNNING)
        fleet.send(flow_runs.set_flow_run_state(waiting.id, cancelling))
        worker.send_signal(signal.SIGTERM)
        output, _ = worker.communicate(timeout=60)
        assert worker.returncode == 0, output
        assert "has ended" in output
        assert fleet.state(waiting).type is StateType.CANCELLED
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.communicate()


def test_two_workers_share_what_there_is(fleet: Fleet) -> None:
    runs = [fleet.order() for _ in range(6)]
    workers = [fleet.start("--run-once") for _ in range(2)]
    outputs = [worker.communicate(timeout=90)[0] for worker in workers]
    assert [fleet.state(run).type for run in runs] == [StateType.COMPLETED] * 6
    executed = [line for output in outputs for line in output.splitlines() if line.startswith("Executes")]
    assert len(executed) == len(set(executed)) == 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pool", "none", "--no-create-pool-if-not-found"], "There is no work pool 'none'"),
        (["--pool", "pool", "--type", "kubernetes"], "No worker type 'kubernetes' is registered. Installed: process."),
    ],
)
def test_a_worker_that_cannot_work_says_why(fleet: Fleet, options: list[str], words: str) -> None:
    worker = fleet.start(*options)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert words in output
    assert "Traceback" not in output
