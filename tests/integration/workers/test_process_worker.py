"""Workers, as processes of their own, with a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.compat.products.running import Product, Server
from tests.ports import free_port

from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import DeploymentFlowRunCreate, FlowCreate
from prefect._contract.actions.settings import WorkPoolCreate
from prefect._contract.endpoints import deployments, flow_runs, flows, work_pools
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect._contract.objects import FlowRun
from prefect._contract.state import State, StateType
from prefect.client.base import Transport, current_transport
from prefect.settings.context import temporary_settings
from prefect.utilities.time import now

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

    def order_elsewhere(self, name: str, **fields: Any) -> FlowRun:
        """A run of another deployment."""
        flow = self.send(flows.create_flow(FlowCreate(name="work"))).id
        wanted = DeploymentCreate(name=name, flow_id=flow, work_pool_name="pool", **fields)
        made = self.send(deployments.create_deployment(wanted))
        return self.send(deployments.create_flow_run_from_deployment(made.id, DeploymentFlowRunCreate()))

    def execute(self, run_id: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Execute a flow run without a worker."""
        settings = {"PREFECT_HOME": str(self.home), "PREFECT_API_URL": self.server.api, **environment}
        command = [sys.executable, "-m", "prefect", "flow-run", "execute", *([str(run_id)] if run_id else [])]
        return subprocess.run(
            command, env=os.environ | settings, cwd=self.home, text=True, capture_output=True, timeout=60, check=False
        )

    def state(self, run: FlowRun) -> Any:
        return self.send(flow_runs.read_flow_run(run.id)).state

    def until(self, what: Callable[[], Any], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def start(self, *options: str, **variables: str) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        environment |= {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.server.api,
            "PREFECT_WORKER_QUERY_SECONDS": "0.5",
            **variables,
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
    (known,) = fleet.send(work_pools.read_workers_for_work_pool("pool"))
    for run in runs:
        labels = fleet.send(flow_runs.read_flow_run(run.id)).labels
        assert {name: value for name, value in labels.items() if "work" in name} == {
            "prefect.worker.name": known.name,
            "prefect.worker.type": "process",
            "prefect.work-pool.name": "pool",
            "prefect.work-pool.id": str(known.work_pool_id),
        }


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


def test_a_worker_whose_process_is_killed_is_followed_by_another(fleet: Fleet) -> None:
    """What it had begun ends with it, and what it had only taken is offered to the next."""
    begun = fleet.order(seconds=60)
    first = fleet.start("--name", "first")
    fleet.until(lambda: fleet.state(begun).type is StateType.RUNNING)
    first.kill()
    first.communicate()
    fleet.until(lambda: fleet.state(begun).type is StateType.CRASHED)
    taken = fleet.order()
    owner = replace(ProcessIdentity.current(), pid=first.pid, started="0")
    claim = LeaseRequest(uuid4(), owner, 45)
    fleet.send(flow_runs.set_flow_run_state(taken.id, State(type=StateType.PENDING), lease=claim))
    second = fleet.start("--name", "second")
    try:
        fleet.until(lambda: fleet.state(taken).is_final(), 60)
        assert fleet.state(taken).type is StateType.COMPLETED
    finally:
        second.terminate()
        second.communicate()


def test_a_worker_tells_whether_it_is_healthy(fleet: Fleet) -> None:
    port = free_port()
    variables = {"PREFECT_WORKER_WEBSERVER_PORT": str(port), "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1"}
    worker = fleet.start("--with-healthcheck", **variables)

    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).json() == {"message": "OK"}
        except httpx.TransportError:
            return False

    fleet.until(answers)
    other = fleet.start("--with-healthcheck", **variables)
    output, _ = other.communicate(timeout=60)
    assert other.returncode == 1
    assert f"cannot be answered at 127.0.0.1:{port}" in output
    assert "Traceback" not in output
    worker.terminate()
    worker.communicate(timeout=60)


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
        (["--pool", "pool", "--type", "mainframe"], "No worker type 'mainframe' is registered. Installed:"),
    ],
)
def test_a_worker_that_cannot_work_says_why(fleet: Fleet, options: list[str], words: str) -> None:
    worker = fleet.start(*options)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert words in output
    assert "Traceback" not in output


def test_code_may_be_in_a_module_or_where_a_step_says(fleet: Fleet) -> None:
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(fleet.home)}}
    runs = [
        fleet.order_elsewhere("module", path=str(fleet.home), entrypoint="code_in_module.work"),
        fleet.order_elsewhere("step", entrypoint="code.py:work", pull_steps=[step]),
    ]
    (fleet.home / "code_in_module.py").write_text(CODE)
    output, _ = fleet.start("--run-once").communicate(timeout=60)
    assert [fleet.state(run).type for run in runs] == [StateType.COMPLETED] * 2, output


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {
                "entrypoint": "code.py:work",
                "pull_steps": [{"prefect.deployments.steps.git_clone": {"repository": "x"}}],
            },
            "Failed to get the repository 'x': git fetch ended with exit code 128",
        ),
        ({"entrypoint": "code.py:work", "path": "/nowhere"}, "should be in '/nowhere', which is no directory"),
        ({"entrypoint": "code.py:play"}, "There is no flow 'play' in code.py"),
        ({"path": "."}, "It is not known where the code of flow run"),
    ],
)
def test_code_that_cannot_be_had_crashes_a_run_with_the_reason(
    fleet: Fleet, fields: dict[str, Any], words: str
) -> None:
    run = fleet.order_elsewhere(f"missing {words}".replace("/", "-"), **{"path": str(fleet.home), **fields})
    done = fleet.execute(None, PREFECT__FLOW_RUN_ID=str(run.id))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    state = fleet.state(run)
    assert state.type is StateType.CRASHED
    assert words in state.message


def test_a_run_can_be_executed_without_a_worker(fleet: Fleet) -> None:
    run = fleet.order()
    assert fleet.execute(run.id).returncode == 0
    assert fleet.state(run).type is StateType.COMPLETED
    again = fleet.execute(run.id)
    assert again.returncode == 1
    assert "has ended already, as Completed" in again.stderr
    assert "not found" in fleet.execute("00000000-0000-0000-0000-000000000000").stderr
    assert "PREFECT__FLOW_RUN_ID is 'x', which is no id" in fleet.execute(None, PREFECT__FLOW_RUN_ID="x").stderr


def test_a_run_that_was_taken_early_begins_in_time(fleet: Fleet) -> None:
    def order(seconds: float) -> tuple[Any, datetime]:
        due = now() + timedelta(seconds=seconds)
        asked = DeploymentFlowRunCreate(state={"type": "SCHEDULED", "state_details": {"scheduled_time": due}})
        return fleet.send(deployments.create_flow_run_from_deployment(fleet.deployment, asked)), due

    later, _ = order(3_000)
    assert fleet.start("--run-once", "--prefetch-seconds", "0").communicate(timeout=60)
    assert fleet.state(later).type is StateType.SCHEDULED
    soon, due = order(8)
    fleet.start("--run-once", "--prefetch-seconds", "60").communicate(timeout=60)
    assert fleet.state(soon).type is StateType.COMPLETED
    assert fleet.send(flow_runs.read_flow_run(soon.id)).start_time >= due
    assert fleet.state(later).type is StateType.SCHEDULED


def test_a_worker_that_is_told_to_stop_lets_its_runs_end(fleet: Fleet) -> None:
    run = fleet.order(seconds=3)
    worker = fleet.start()
    fleet.until(lambda: fleet.state(run).type is StateType.RUNNING)
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert fleet.state(run).type is StateType.COMPLETED


def test_a_second_signal_ends_the_runs_of_a_worker(fleet: Fleet) -> None:
    run = fleet.order(seconds=60)
    worker = fleet.start()
    fleet.until(lambda: fleet.state(run).type is StateType.RUNNING)
    worker.send_signal(signal.SIGINT)
    assert worker.stdout is not None
    while "Stops when" not in (line := worker.stdout.readline()):
        assert line, "the worker has ended at the first signal"
    worker.send_signal(signal.SIGINT)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert fleet.state(run).type is StateType.CRASHED


def test_the_template_of_a_work_pool_is_filled_in(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(
        "import os\nfrom prefect import flow\n\n@flow(persist_result=True)\ndef where():\n"
        "    open('seen', 'w').write(f\"{os.environ['GREETING']} {os.environ['ALSO']} {os.environ.get('HOME')}\")\n"
    )
    job_variables = {"env": {"ALSO": "this", "GREETING": "hi", "HOME": None}, "working_dir": str(tmp_path)}
    run = fleet.order_elsewhere("here", entrypoint="code.py:where", job_variables=job_variables)
    output, _ = fleet.start("--run-once").communicate(timeout=60)
    assert fleet.state(run).type is StateType.COMPLETED, output
    assert (tmp_path / "seen").read_text() == "hi this None"


def test_a_worker_needs_no_server(tmp_path: Path) -> None:
    """On one machine the database is enough."""
    (tmp_path / "code.py").write_text(CODE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment["PREFECT_HOME"] = str(tmp_path / "home")
    with temporary_settings({"PREFECT_HOME": environment["PREFECT_HOME"], "PREFECT_API_URL": None}):
        send = current_transport().send
        send(work_pools.create_work_pool(WorkPoolCreate(name="pool", type="process")))
        flow = send(flows.create_flow(FlowCreate(name="work"))).id
        wanted = DeploymentCreate(
            name="d", flow_id=flow, work_pool_name="pool", path=str(tmp_path), entrypoint="code.py:work"
        )
        made = send(deployments.create_deployment(wanted))
        run = send(deployments.create_flow_run_from_deployment(made.id, DeploymentFlowRunCreate()))
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "pool", "--run-once"]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert send(flow_runs.read_flow_run(run.id)).state_type is StateType.COMPLETED
        current_transport().close()
