"""A server, a cluster, and flow runs for a worker."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.settings.context import temporary_settings
from prefect_kubernetes.testing import FakeCluster
from prefect_kubernetes.worker import KubernetesWorker

CODE = """
import os
import time
from pathlib import Path

from prefect import flow


@flow(log_prints=True)
def work(waits_for: str = "", dies: bool = False):
    print("hello from the pod")
    if dies:
        os.kill(os.getpid(), 9)
    while waits_for and not Path(waits_for).exists():
        time.sleep(0.05)
    return os.environ.get("GREETING")
"""


class Site:
    """
    A server with a work pool, and a cluster.

    Args:
        api: The address of the server's API.
        cluster: The cluster.
        folder: Where the flow's code is.
    """

    def __init__(self, api: str, cluster: FakeCluster, folder: Path) -> None:
        self.api = api
        self.cluster = cluster
        self.folder = folder
        (folder / "code.py").write_text(CODE)
        self.client = get_client(sync_client=True)
        template = KubernetesWorker.get_default_base_job_template()
        pool = WorkPoolCreate(name="pool", type="kubernetes", base_job_template=template)
        self.client.create_work_pool(pool)
        self.flow_id = self.client.create_flow_from_name("work")

    def order(self, parameters: dict[str, Any] | None = None, **job_variables: Any) -> FlowRun:
        variables = {"cluster_config": self.cluster.kubeconfig, "pod_watch_timeout_seconds": 5, **job_variables}
        deployment = self.client.create_deployment(
            self.flow_id,
            "d",
            work_pool_name="pool",
            path=str(self.folder),
            entrypoint="code.py:work",
            job_variables=variables,
        )
        return self.client.create_flow_run_from_deployment(deployment, parameters=parameters or {})

    def state(self, run: FlowRun) -> Any:
        state = self.client.read_flow_run(run.id).state
        assert state is not None
        return state

    def work(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Let a worker execute what is due, and do something meanwhile."""

        async def both() -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(anyio.to_thread.run_sync, meanwhile)
                worker = KubernetesWorker("pool", name="w")
                await worker.start(run_once=True, printer=lambda text: None)

        anyio.run(both)

    def until(self, what: Callable[[], Any], seconds: float = 60.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return found

    def pods(self) -> list[dict[str, Any]]:
        return self.cluster.store.find("pods", "default", {})

    def until_it_runs(self, run: FlowRun) -> str:
        """The name of the pod in which a run has begun."""
        self.until(lambda: self.state(run).is_running())
        return str(self.pods()[-1]["metadata"]["name"])

    def logs(self, run: FlowRun) -> str:
        from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

        wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
        return "\n".join(log.message for log in self.client.read_logs(wanted))


@pytest.fixture(scope="module")
def server_options() -> list[str]:
    """How the server is started."""
    return []


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, server_options: list[str]) -> Iterator[str]:
    home = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    command += server_options
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, env={**os.environ, "PREFECT_HOME": str(home)}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}/api"
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                httpx.get(f"{address}/health", timeout=2).raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, (home / "log").read_text()
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the code of flows is."""
    return tmp_path_factory.mktemp("code")


@pytest.fixture(scope="module")
def cluster() -> Iterator[FakeCluster]:
    """A cluster whose pods are processes."""
    with FakeCluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def _site(api: str, folder: Path, cluster: FakeCluster) -> Iterator[Site]:
    settings = {"PREFECT_API_URL": api, "PREFECT_HOME": str(folder), "PREFECT_WORKER_QUERY_SECONDS": "0.5"}
    with temporary_settings(settings):
        yield Site(api, cluster, folder)


@pytest.fixture
def site(_site: Site) -> Site:
    """The site, with a cluster in which nothing goes wrong yet."""
    cluster = _site.cluster
    cluster.images_that_fail.clear()
    cluster.server.refusals.clear()
    cluster.server.requests.clear()
    cluster.makes_no_pods = False
    return _site
