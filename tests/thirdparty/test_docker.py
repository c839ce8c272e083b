"""
Flow runs in containers, which podman runs behind the interface of Docker.

Needs root, `podman` and `runc`. The image is empty: a container sees the Python of this machine, which it cannot change.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import anyio
import pytest
from prefect_docker import DockerHost
from prefect_docker.decorators import docker
from prefect_docker.worker import DockerWorker
from tests.compat.products.running import Product

import prefect
from prefect import flow, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import WorkPoolStorageConfiguration
from prefect.deployments import run_deployment
from prefect.filesystems import LocalFileSystem
from prefect.settings import temporary_settings
from prefect.testing.podman import EMPTY_IMAGE, SYSTEM, Podman

MISSING = [name for name in ("podman", "runc") if not shutil.which(name)] + ["root"] * (os.geteuid() != 0)
pytestmark = [pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}"), pytest.mark.timeout(240)]

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "PREFECT_HOME": "/tmp", "GREETING": "hello"}
CODE = """
import os

from prefect import flow


@flow
def work(name: str = "Ada", exit_code: int = 0):
    if exit_code:
        os._exit(exit_code)
    return f"{os.environ['GREETING']} {name}, in a container: {os.path.exists('/run/.containerenv')}"
"""
CARRY = """
import argparse, asyncio, json, shutil
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--folder"), parser.add_argument("--key"), parser.add_argument("file", nargs="?")
given = parser.parse_args()
place = Path(given.folder, given.key)
if given.file:
    shutil.copy(given.file, place)
else:
    from prefect.bundles.execute import execute_bundle

    asyncio.run(execute_bundle(json.loads(place.read_text())))
"""


@pytest.fixture(scope="module")
def podman() -> Iterator[Podman]:
    """What runs the containers."""
    with ExitStack() as stack:
        try:
            yield stack.enter_context(Podman())
        except RuntimeError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="module")
def engine(podman: Podman) -> Iterator[str]:
    """Where that answers what is asked of Docker."""
    with podman.serving() as address:
        yield address


@pytest.fixture(scope="module")
def shared(podman: Podman) -> Path:
    """A folder that containers see, too."""
    folder = podman.folder / "shared"
    folder.mkdir()
    (folder / "code.py").write_text(CODE)
    (folder / "carry.py").write_text(CARRY)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The worker insists on one."""
    home = tmp_path_factory.mktemp("server")
    running = Product(sys.executable, home).start_server()
    with temporary_settings({"PREFECT_API_URL": running.api, "PREFECT_HOME": str(home)}):
        yield running.api
    running.stop()


@pytest.fixture
def pool(server: str, engine: str, shared: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A work pool whose containers see this machine's Python."""
    monkeypatch.setenv("DOCKER_HOST", engine)
    seen = {sys.prefix, sys.base_prefix, *(str(Path(each.__file__ or "").parents[1]) for each in (prefect,))}
    seen |= {*SYSTEM}
    template = DockerWorker.get_default_base_job_template()
    defaults = {
        "image": EMPTY_IMAGE,
        "image_pull_policy": "Never",
        "network_mode": "host",
        "volumes": [f"{each}:{each}:ro" for each in sorted(seen)] + [f"{shared}:{shared}"],
        "env": {
            "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
            "PREFECT_HOME": "/tmp",
            "PYTHONPATH": str(shared),
            "GREETING": "hello",
        },
    }
    for name, value in defaults.items():
        template["variables"]["properties"][name]["default"] = value
    step = {"carry": {"folder": str(shared)}}
    storage = WorkPoolStorageConfiguration(bundle_upload_step=step, bundle_execution_step=step)
    wanted = WorkPoolCreate(name="dock", type="docker", base_job_template=template, storage_configuration=storage)
    with get_client(sync_client=True) as client:
        if not client.read_work_pools():
            client.create_work_pool(wanted)
    return wanted.name


def test_a_host_answers(pool):
    with DockerHost().get_client() as client:
        assert EMPTY_IMAGE in client.images.list()[0].tags


def test_a_worker_runs_what_was_deployed_in_containers(pool, shared):
    work = flow.from_source(str(shared), "code.py:work")
    work.deploy("d", work_pool_name=pool, image=EMPTY_IMAGE, build=False, push=False, print_next_steps=False)
    good, bad = (run_deployment("work/d", timeout=0, parameters={"exit_code": code}) for code in (0, 3))
    anyio.run(partial(DockerWorker(pool).start, run_once=True))
    with get_client(sync_client=True) as client:
        states = [client.read_flow_run(run.id).state for run in (good, bad)]
    assert [state.name for state in states] == ["Completed", "Crashed"]
    assert "exit code 3" in states[1].message


def test_a_bound_flow_runs_in_a_container_with_its_code(pool, shared, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(shared))

    @flow(result_storage="local-file-system/shared")
    def work(name: str):
        return f"{os.environ['GREETING']} {name}, in a container: {os.path.exists('/run/.containerenv')}"

    LocalFileSystem(basepath=str(shared / "results")).save("shared", overwrite=True)
    env = {**ENVIRONMENT, "PYTHONPATH": str(shared), "GREETING": "ahoi"}
    bound = docker(work_pool=pool, env=env, launcher=[sys.executable])(work)
    assert bound.submit("Bob").result() == "ahoi Bob, in a container: True"
