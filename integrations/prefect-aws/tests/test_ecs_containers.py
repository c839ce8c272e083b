"""
Flow runs in real containers: ministack is ECS, and podman its engine. Functions that it really runs, too.

Needs root, `podman` and `runc`, and `ministack` with the package `docker`: on the PATH, or where MINISTACK says.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

import prefect
import prefect_aws
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings.context import get_current_settings
from prefect.states import Cancelling
from prefect.testing.podman import EMPTY_IMAGE, SYSTEM, Podman
from prefect.testing.utilities import prefect_test_harness
from prefect_aws import AwsCredentials, LambdaFunction
from prefect_aws.workers import ECSWorker

MINISTACK = os.environ.get("MINISTACK") or shutil.which("ministack")
MISSING = [name for name in ("podman", "runc") if not shutil.which(name)]
MISSING += [name for name, has in (("ministack", MINISTACK), ("root", os.geteuid() == 0)) if not has]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"),
    pytest.mark.timeout(300),
    pytest.mark.slow,
]

CODE = """
import os
import time

from prefect import flow


@flow
def work(seconds: float = 0.0, exit_code: int = 0):
    if exit_code:
        os._exit(exit_code)
    time.sleep(seconds)
    return os.path.exists("/run/.containerenv"), os.environ["GREETING"]
"""


def _until(what: Callable[[], Any], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            what()
        except (OSError, subprocess.CalledProcessError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        else:
            return


def _started(stack: ExitStack, command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)
    return process


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of ministack, with a podman of its own."""
    with ExitStack() as stack:
        try:
            podman = stack.enter_context(Podman())
        except RuntimeError as error:
            pytest.skip(str(error))
        sock, log = stack.enter_context(podman.serving()), podman.folder / "ministack.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        about = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "DOCKER_HOST": sock}
        assert MINISTACK is not None
        stack_of_services = _started(stack, [MINISTACK], log, about)
        url = f"http://127.0.0.1:{port}"
        _until(
            lambda: urllib.request.urlopen(f"{url}/_ministack/health", timeout=5).close(),
            stack_of_services,
            log,
        )
        yield url


def _mounted(folder: Path) -> dict[str, Any]:
    """The product and its Python as the container sees them: those of this machine, which it cannot change."""
    packages = [Path(module.__file__ or "").parents[1] for module in (prefect, prefect_aws)]
    wanted = {Path(sys.prefix), Path(sys.base_prefix), *packages, *map(Path, SYSTEM)}
    places = [(path, True) for path in sorted(wanted) if path.exists()] + [(folder, False)]
    return {
        "volumes": [{"name": f"v{n}", "host": {"sourcePath": str(path)}} for n, (path, _) in enumerate(places)],
        "mountPoints": [
            {"sourceVolume": f"v{n}", "containerPath": str(path), "readOnly": is_fixed}
            for n, (path, is_fixed) in enumerate(places)
        ],
    }


@pytest.fixture
def order(endpoint: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    let_in = {
        "aws_access_key_id": "an-id",
        "aws_secret_access_key": "a-secret-key",
        "region_name": "us-east-1",
        "aws_client_parameters": {"endpoint_url": endpoint},
    }
    client = AwsCredentials(**let_in).get_client("ecs")
    client.create_cluster(clusterName="default")
    template = ECSWorker.get_default_base_job_template()
    mounted = _mounted(tmp_path)
    definition = template["job_configuration"]["task_definition"]
    definition["volumes"] = mounted["volumes"]
    definition["networkMode"] = "host"
    definition["containerDefinitions"][0]["mountPoints"] = mounted["mountPoints"]
    (tmp_path / "code.py").write_text(CODE)
    with prefect_test_harness():
        # The database of the harness is a file, which the container sees, too.
        orchestrator = get_client(sync_client=True)
        url = get_current_settings().server.database.connection_url
        assert url is not None
        folder = str(Path(url.get_secret_value().partition("///")[2]).parent)
        definition["volumes"].append({"name": "database", "host": {"sourcePath": folder}})
        mounted["mountPoints"].append({"sourceVolume": "database", "containerPath": folder, "readOnly": False})
        orchestrator.create_work_pool(WorkPoolCreate(name="pool", type="ecs", base_job_template=template))
        flow = orchestrator.create_flow_from_name("work")
        variables = {
            "aws_credentials": let_in,
            "image": EMPTY_IMAGE,
            "launch_type": "EC2",
            "command": f"{sys.executable} -m prefect flow-run execute",
            "env": {"GREETING": "hello", "HOME": str(tmp_path), "PREFECT_HOME": str(tmp_path)},
            "execution_role_arn": "arn:aws:iam::000000000000:role/execution",
            "task_watch_poll_interval": 0.5,
        }

        def order(more: dict[str, Any] | None = None, **parameters: Any) -> Any:
            made = orchestrator.create_deployment(
                flow,
                "d",
                work_pool_name="pool",
                path=str(tmp_path),
                entrypoint="code.py:work",
                job_variables={**variables, **(more or {})},
            )
            return orchestrator.create_flow_run_from_deployment(made, parameters=parameters).id

        yield order


def test_a_function_of_lambda_is_called(endpoint: str) -> None:
    let_in = {"aws_access_key_id": "an-id", "aws_secret_access_key": "a-secret-key", "region_name": "us-east-1"}
    credentials = AwsCredentials(**let_in, aws_client_parameters={"endpoint_url": endpoint})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", "def handler(event, context): return event['a'] + event['b']")
    about = {"FunctionName": "f", "Runtime": "python3.11", "Role": "arn:aws:iam::000000000000:role/any"}
    client = credentials.get_client("lambda")
    client.create_function(**about, Handler="f.handler", Code={"ZipFile": packed.getvalue()})
    answer = LambdaFunction(function_name="f", aws_credentials=credentials).invoke({"a": 1, "b": 2})
    assert (answer["StatusCode"], json.load(answer["Payload"])) == (200, 3)


def _look(run: Any, meanwhile: Callable[[], None] = lambda: None) -> Any:
    async def look() -> None:
        with anyio.fail_after(240):
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.to_thread.run_sync, meanwhile)
                await ECSWorker("pool").start(run_once=True, printer=lambda *_: None)

    anyio.run(look)
    return get_client(sync_client=True).read_flow_run(run)


def test_a_run_completes_in_a_container(order: Any) -> None:
    run = _look(order())
    assert run.state.is_completed(), run.state
    assert "::arn:aws:ecs:" in run.infrastructure_pid


def test_exit_codes_are_those_of_the_container(order: Any) -> None:
    state = _look(order(exit_code=3)).state
    assert state.is_crashed()
    assert "exit code 3" in state.message


def test_an_image_that_is_missing_is_a_crash_that_says_so(order: Any) -> None:
    state = _look(order({"image": "localhost/missing:1"})).state
    assert state.is_crashed(), state
    assert "did not start" in state.message


def test_a_cancelled_run_is_stopped(order: Any) -> None:
    run = order(seconds=600)
    client = get_client(sync_client=True)

    def cancel() -> None:
        deadline = time.monotonic() + 200
        while not client.read_flow_run(run).state.is_running():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        client.set_flow_run_state(run, Cancelling())

    assert _look(run, cancel).state.is_cancelled()
