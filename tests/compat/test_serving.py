"""
The original's processes with our server: `serve`, a worker, background tasks, cancellation, and a server that dies.

They need `ORIGINAL_PYTHON`, an interpreter with Prefect 3.8.8; `nox -s compat` makes one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.compat.products.running import Product, Server

ORIGINAL = os.environ.get("ORIGINAL_PYTHON")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(ORIGINAL is None, reason="needs Prefect 3.8.8 in a venv of its own: run `nox -s compat`"),
]

SCRIPT = Path(__file__).parent / "products" / "served.py"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Product:
    return Product(sys.executable, tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Product:
    assert ORIGINAL is not None
    return Product(ORIGINAL, tmp_path_factory.mktemp("theirs"))


@pytest.fixture
def server(ours: Product) -> Iterator[Server]:
    server = ours.start_server()
    yield server
    server.stop()


def command(product: Product, server: Server, *arguments: str) -> dict[str, Any]:
    environment = {"MARK": "s", "PREFECT_API_URL": server.api, "PREFECT_LOGGING_LEVEL": "WARNING"}
    return {"args": [product.python, *arguments], "env": product._environment(**environment), "cwd": product.home}


@contextmanager
def running(product: Product, server: Server, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    log = product.home / "process.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            **command(product, server, *arguments), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("It did not happen in time.")


class Api:
    def __init__(self, server: Server) -> None:
        self._url = server.api

    def get(self, path: str) -> Any:
        answer = httpx.get(self._url + path, timeout=20, trust_env=False)
        return answer.json() if answer.is_success else None

    def post(self, path: str, body: Any) -> Any:
        answer = httpx.post(self._url + path, json=body, timeout=20, trust_env=False)
        assert answer.is_success, answer.text
        return answer.json()

    def state(self, run: str) -> str:
        return str(self.get(f"/flow_runs/{run}")["state"]["type"])


def test_a_flow_that_the_original_serves_is_scheduled_run_and_cancelled(theirs: Product, server: Server) -> None:
    api = Api(server)
    with running(theirs, server, str(SCRIPT), "serve"):
        deployment = until(lambda: api.get("/deployments/name/served-s/here"))
        assert deployment["tags"] == ["compat"]
        due = {
            "deployments": {"id": {"any_": [deployment["id"]]}},
            "flow_runs": {"state": {"name": {"any_": ["Scheduled"]}}},
        }
        assert len(until(lambda: api.post("/flow_runs/filter", due))) >= 3
        short = api.post(f"/deployments/{deployment['id']}/create_flow_run", {})
        until(lambda: api.state(short["id"]) == "COMPLETED")
        long = api.post(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": {"seconds": 120}})
        until(lambda: api.state(long["id"]) == "RUNNING")
        api.post(f"/flow_runs/{long['id']}/set_state", {"state": {"type": "CANCELLING"}})
        until(lambda: api.state(long["id"]) == "CANCELLED")
    assert api.get(f"/deployments/{deployment['id']}")["paused"] is True  # as `serve` leaves it


def test_background_tasks_survive_the_server(theirs: Product, ours: Product) -> None:
    """Five are asked for, the server dies, another one starts on what it left, and a worker runs them all."""
    server = ours.start_server()
    asked = subprocess.run(
        **command(theirs, server, str(SCRIPT), "delay", "5"), capture_output=True, text=True, timeout=100, check=True
    )
    ids = [line for line in asked.stdout.splitlines() if len(line) == 36]
    assert len(ids) == 5
    server.kill()
    server = ours.start_server(port=httpx.URL(server.api).port)  # what was asked for remembers where
    try:
        api = Api(server)
        with running(theirs, server, str(SCRIPT), "work"):
            mine = {"task_runs": {"id": {"any_": ids}}}

            def states() -> list[str]:
                return [run["state"]["name"] for run in api.post("/task_runs/filter", mine)]

            until(lambda: states() == ["Completed"] * 5)
            names = {run["name"] for run in api.post("/task_runs/filter", mine)}
        assert names == {f"background {number}" for number in range(5)}
    finally:
        server.stop()


def test_a_worker_of_the_original_takes_runs_from_our_work_pool(theirs: Product, server: Server) -> None:
    api = Api(server)
    prefect = str(Path(theirs.python).with_name("prefect"))
    made = command(theirs, server)
    subprocess.run(
        [prefect, "--no-prompt", "work-pool", "create", "pool", "--type", "process"],
        env=made["env"],
        cwd=made["cwd"],
        check=True,
        capture_output=True,
        timeout=100,
    )
    assert api.get("/work_pools/pool")["type"] == "process"
    flow = api.post("/flows/", {"name": "served-s"})["id"]
    deployment = api.post(
        "/deployments/",
        {
            "name": "pooled",
            "flow_id": flow,
            "work_pool_name": "pool",
            "path": str(SCRIPT.parent),
            "entrypoint": f"{SCRIPT.name}:served",
        },
    )
    run = api.post(f"/deployments/{deployment['id']}/create_flow_run", {})["id"]
    with running(theirs, server, "-m", "prefect", "worker", "start", "--pool", "pool", "--run-once"):
        until(lambda: api.state(run) == "COMPLETED", 90)
    workers = api.post("/work_pools/pool/workers/filter", {})
    assert len(workers) == 1
