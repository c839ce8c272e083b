"""Runs of deployments, from where they are asked for to where their code is fetched and executed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.compat.products.running import Product
from tests.integration.deployments.conftest import Project, Repository
from tests.postgres import PostgresServer

from prefect import flow, task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments import arun_deployment, run_deployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.flow_engine import load_flow_and_flow_run
from prefect.flows import load_flow_from_flow_run
from prefect.runner import Runner
from prefect.settings import temporary_settings
from prefect.utilities.time import now


@pytest.fixture
def deployed(project: Project, client: SyncPrefectClient) -> SyncPrefectClient:
    project.load("greet").to_deployment("d", parameters={"times": 3}, tags=["of the deployment"]).apply()
    return client


def test_a_run_that_nobody_waits_for(deployed: SyncPrefectClient) -> None:
    run = run_deployment(
        "greet/d", parameters={"name": "me"}, flow_run_name="mine", tags=["more"], timeout=0, idempotency_key="once"
    )
    there = deployed.read_flow_run(run.id)
    assert there.state_name == "Scheduled"
    assert there.parameters == {"name": "me", "times": 3}
    assert there.name == "mine"
    assert set(there.tags) == {"of the deployment", "more"}
    assert there.parent_task_run_id is None
    assert run_deployment("greet/d", parameters={"name": "me"}, timeout=0, idempotency_key="once").id == run.id
    later = run_deployment(run.deployment_id, scheduled_time=now() + timedelta(hours=1), timeout=0, client=None)
    assert later.expected_start_time - now() > timedelta(minutes=50)
    assert asyncio.run(arun_deployment(str(run.deployment_id), timeout=0.2)).state.is_scheduled()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"timeout": -1}, ValueError, "`timeout` cannot be negative"),
        ({"poll_interval": -1}, ValueError, "`poll_interval` cannot be negative"),
        ({"name": "nonsense"}, ValueError, "Invalid deployment: 'nonsense'"),
        ({"name": "greet/other"}, ObjectNotFound, "not found|no deployment|There is no"),
        ({"name": uuid4()}, ObjectNotFound, "not found|no deployment|There is no"),
        ({"parameters": {"times": "many"}}, PrefectHTTPStatusError, "times"),
    ],
)
def test_runs_that_cannot_be(
    deployed: SyncPrefectClient, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        run_deployment(**{"name": "greet/d", "timeout": 0, **options})
    assert deployed.read_flow_runs() == []


def execute(run: Any, folder: Path, **environment: str) -> None:
    """Execute a run in a process of its own, in a folder of its own."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "flow-run", "execute", str(run.id)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server, and what a process must know to use it."""
    settings = {}
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        settings["PREFECT_API_DATABASE_CONNECTION_URL"] = postgres.url(postgres.new_database())
    home = tmp_path_factory.mktemp("served")
    server = Product(sys.executable, home, environment=settings).start_server()
    yield {"PREFECT_API_URL": server.api, "PREFECT_HOME": str(home)}
    server.stop()


def test_code_is_fetched_from_a_repository_where_the_run_is_executed(
    served: dict[str, str], project: Project, repository: Repository, tmp_path: Path
) -> None:
    with temporary_settings(served):
        client = get_client(sync_client=True)
        name = f"pool-{uuid4().hex[:6]}"
        client.create_work_pool(WorkPoolCreate(name=name, type="process"))
        loaded = flow.from_source(repository.url, "flows.py:greet")
        loaded.deploy("fetched", work_pool_name=name)
        repository.commit({"flows.py": (project.folder / "flows.py").read_text().replace("hello ", "good morning ")})

        @flow
        def parent() -> Any:
            run = run_deployment("greet/fetched", parameters={"name": "sub"}, timeout=0)
            execute(run, tmp_path / "elsewhere", **served)
            return run.id

        ran = parent()
        run = client.read_flow_run(ran)
        assert run.state.is_completed()
        assert (tmp_path / "elsewhere/origin/flows.py").exists()
        assert any("good morning sub" in log.message for log in client.read_logs() if log.flow_run_id == ran)
        stand_in = client.read_task_run(run.parent_task_run_id)
        assert stand_in.name == "fetched-0"
        assert stand_in.state.is_completed()
        assert stand_in.state.state_details.child_flow_run_id == ran


def test_waiting_ends_with_the_run(deployed: SyncPrefectClient, project: Project) -> None:
    workers: list[threading.Thread] = []

    @task
    def name_of_somebody() -> str:
        return "somebody"

    @flow
    def parent() -> Any:
        scheduled = run_deployment("greet/d", timeout=0, idempotency_key="k")
        worker = threading.Thread(target=execute, args=(scheduled, project.folder))
        worker.start()
        workers.append(worker)
        return run_deployment(
            "greet/d", parameters={"name": name_of_somebody.submit()}, idempotency_key="k", poll_interval=0.1
        )

    run = parent()
    workers[0].join()
    assert run.state.is_completed()


def test_where_the_code_is(deployed: SyncPrefectClient, project: Project, tmp_path: Path, monkeypatch: Any) -> None:
    run = run_deployment("greet/d", timeout=0)
    assert load_flow_and_flow_run(run.id)[1].name == "greet"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"There is no file 'flows\.py'"):
        load_flow_and_flow_run(run.id)
    loading = load_flow_from_flow_run(get_client(), run, storage_base_path=str(project.folder))
    assert asyncio.run(loading).name == "greet"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT__STORAGE_BASE_PATH", str(project.folder))
    assert load_flow_and_flow_run(run.id)[1].name == "greet"


def test_a_step_that_fails_says_whose_it_was(project: Project, client: SyncPrefectClient, tmp_path: Path) -> None:
    client.create_work_pool(WorkPoolCreate(name="pool", type="process"))
    made = flow.from_source(str(project.folder), "flows.py:greet").deploy(
        "gone", work_pool_name="pool", ignore_warnings=True
    )
    project.folder.rename(tmp_path / "renamed")
    run = client.create_flow_run_from_deployment(made)
    with pytest.raises(Exception, match=r"set_working_directory for deployment 'gone' for flow run.*No such file"):
        load_flow_and_flow_run(run.id)


def test_served_code_is_fetched_once(
    client: SyncPrefectClient, repository: Repository, tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "server").mkdir()
    monkeypatch.chdir(tmp_path / "server")
    runner = Runner(name="r", pause_on_shutdown=False)
    runner.add_deployment(flow.from_source(repository.url, "flows.py:greet").to_deployment("served"))
    run = run_deployment("greet/served", timeout=0)
    asyncio.run(runner.start(run_once=True))
    assert client.read_flow_run(run.id).state.is_completed()
    messages = [log.message for log in client.read_logs() if log.flow_run_id == run.id]
    assert "hello you" in messages
    assert not any("git_clone" in message for message in messages)
