"""Flows that are bound to infrastructure, on real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from pathlib import Path

import anyio
import pytest

from prefect import flow, get_client
from prefect._contract.actions.settings import WorkPoolCreate
from prefect._contract.endpoints import flow_runs, task_runs, work_pools
from prefect._contract.filters.flow_runs import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect._contract.state import StateType
from prefect._contract.work_pools import WorkPoolStorageConfiguration
from prefect._engine.recorder import recorder_of
from prefect.client.base import current_transport
from prefect.exceptions import ConfigurationError, CrashedRun, ParameterTypeError
from prefect.filesystems import LocalFileSystem
from prefect.flows import bind_flow_to_infrastructure
from prefect.futures import PrefectFlowRunFuture
from prefect.runner.processes import executing, parts_of
from prefect.settings import temporary_settings
from prefect.states import Scheduled
from prefect.testing.utilities import prefect_test_harness
from prefect.workers.base import BaseJobConfiguration, BaseWorker, BaseWorkerResult
from prefect.workers.process import ProcessWorker

STEPS = """
import argparse, asyncio, json, os, shutil, sys
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--folder"), parser.add_argument("--key"), parser.add_argument("file", nargs="?")
given = parser.parse_args()
place = Path(given.folder, given.key)
if given.file:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(given.file, place)
else:
    from prefect.bundles._zip_extractor import ZipExtractor
    from prefect.bundles.execute import execute_bundle

    bundle = json.loads(place.read_text())
    if bundle["files_key"]:
        ZipExtractor(Path(given.folder, bundle["files_key"])).extract()
    asyncio.run(execute_bundle(bundle))
"""

RUNNING = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])))


@contextmanager
def database_at(url):
    """A harness on another database than a file of its own, in the processes that are started too."""
    setting = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
    with pytest.MonkeyPatch.context() as environment, temporary_settings(setting):
        environment.setenv(*setting.popitem())
        try:
            yield
        finally:
            recorder_of(current_transport()).flush()
            current_transport().close()


@pytest.fixture(autouse=True)
def orchestrator(kind_of_database, request):
    with prefect_test_harness(), ExitStack() as place:
        if kind_of_database == "postgres":
            server = request.getfixturevalue("postgres_server")
            place.enter_context(database_at(server.url(server.shared_database())))
        make_pool("here")
        yield


def make_pool(name: str, type: str = "process", **storage):
    wanted = WorkPoolCreate(name=name, type=type, storage_configuration=WorkPoolStorageConfiguration(**storage))
    return current_transport().send(work_pools.create_work_pool(wanted))


def read(future):
    return current_transport().send(flow_runs.read_flow_run(future.flow_run_id))


@flow(log_prints=True)
def greet(name: str = "Ada", how: str = ""):
    if how == "dies":
        os._exit(3)
    if how == "reads":
        return (Path("data") / "greeting.txt").read_text()
    return f"{os.environ.get('GREETING', 'hello')} {name} {os.getpid()}"


def test_a_flow_runs_in_a_process_of_its_own_wherever_it_is_called():
    bound = bind_flow_to_infrastructure(greet, "here", ProcessWorker, job_variables={"env": {"GREETING": "hi"}})

    @flow
    def day():
        future = bound.submit("Bob")
        return future.flow_run_id, future.result()

    run_id, said = day()
    greeting, name, pid = said.split()
    assert (greeting, name, int(pid) == os.getpid()) == ("hi", "Bob", False)
    run = current_transport().send(flow_runs.read_flow_run(run_id))
    assert (run.work_pool_name, run.parameters, run.state_name) == ("here", {"name": "Bob", "how": ""}, "Completed")
    stand_in = current_transport().send(task_runs.read_task_run(run.parent_task_run_id))
    assert (stand_in.state_name, stand_in.state.state_details.child_flow_run_id) == ("Completed", run_id)
    assert run.infrastructure_pid.endswith(f":{pid}")


def test_a_process_that_dies_is_noticed():
    future = bind_flow_to_infrastructure(greet, "here", ProcessWorker).submit(how="dies")
    with pytest.raises(CrashedRun, match="exit code 3"):
        future.result()


def test_a_call_that_is_interrupted_cancels_its_run():
    @flow
    def long():
        time.sleep(120)

    def interrupt():
        while not current_transport().send(flow_runs.read_flow_runs(flow_run_filter=RUNNING)):
            time.sleep(0.1)
        signal.raise_signal(signal.SIGINT)

    bound = bind_flow_to_infrastructure(long, "here", ProcessWorker)
    threading.Thread(target=copy_context().run, args=(interrupt,)).start()
    with pytest.raises(KeyboardInterrupt):
        bound()
    (run,) = current_transport().send(flow_runs.read_flow_runs())
    future = PrefectFlowRunFuture(run.id)
    future.wait(timeout=60)
    assert future.state.name == "Cancelled"
    for thread in threading.enumerate():
        if thread.name == "prefect-infrastructure":
            thread.join(30)


def test_async_flows_are_awaited_and_runs_are_retried():
    @flow
    async def add(n: int):
        await anyio.sleep(0)
        return n + 1

    bound = bind_flow_to_infrastructure(add, "here", ProcessWorker)

    async def both():
        state = await bound(n=1, return_state=True)
        async with get_client() as client:
            run = await client.read_flow_run(state.state_details.flow_run_id)
            return state.name, await bound.retry(run), (await client.read_flow_run(run.id)).run_count

    assert asyncio.run(both()) == ("Completed", 2, 2)


def test_what_cannot_run_leaves_nothing_half_done(tmp_path):
    bound = bind_flow_to_infrastructure(greet, "here", ProcessWorker)
    with pytest.raises(ParameterTypeError):
        bound.submit(name=[1])
    with pytest.raises(ConfigurationError, match="no work pool 'nowhere'"):
        bind_flow_to_infrastructure(greet, "nowhere", ProcessWorker).submit()
    with pytest.raises(ValueError, match="has not ended"):
        asyncio.run(bound.retry(scheduled_run()))
    with pytest.raises(TypeError, match="launcher"):
        bound.with_options(launcher="python")


def scheduled_run():
    with get_client(sync_client=True) as client:
        return client.create_flow_run(greet, state=Scheduled())


# -- through storage ----------------------------------------------------------------------------------------------------


def test_a_worker_executes_what_the_storage_steps_of_the_pool_carry(tmp_path, monkeypatch):
    (tmp_path / "carry.py").write_text(STEPS)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "greeting.txt").write_text("good morning")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    step = {"carry": {"requires": "nothing-of-that-name", "folder": str(tmp_path / "store")}}
    make_pool("stored", bundle_upload_step=step, bundle_execution_step=step)
    bound = bind_flow_to_infrastructure(
        greet, "stored", ProcessWorker, include_files=["data/*.txt"], include_files_base_dir=tmp_path
    )
    future = bound.with_options(launcher={"execution": [sys.executable]}).submit_to_work_pool(how="reads")
    run = read(future)
    assert run.state_name == "Scheduled"
    assert run.job_variables["command"].startswith(f"{sys.executable} -m carry --folder {tmp_path}/store --key ")
    asyncio.run(ProcessWorker("stored").start(run_once=True, printer=lambda _: None))
    assert future.result() == "good morning"


def test_a_step_that_fails_is_said_where_the_flow_was_submitted(tmp_path):
    make_pool("broken", bundle_upload_step={"json.tool": {}}, bundle_execution_step={"json.tool": {}})
    bound = bind_flow_to_infrastructure(greet, "broken", ProcessWorker)
    with pytest.raises(RuntimeError, match="could not be uploaded"):
        bound.dispatch()
    (run,) = current_transport().send(flow_runs.read_flow_runs())
    assert (run.state_name, "could not be uploaded" in run.state.message) == ("Crashed", True)


class FarWorker(BaseWorker[BaseJobConfiguration, None, BaseWorkerResult]):
    """Its processes are on this machine, which it does not know."""

    type = "far"

    async def run(self, flow_run, configuration, task_status=None):
        command = parts_of(configuration.command)
        async with executing(flow_run.id, command, env=configuration.env, cwd=None) as process:
            task_status.started(process.pid)
            return FarResult(identifier=str(process.pid), status_code=await process.wait())


class FarResult(BaseWorkerResult):
    pass


def test_infrastructure_elsewhere_reads_from_the_storage_of_results(tmp_path):
    make_pool("far", "far")
    bound = bind_flow_to_infrastructure(greet, "far", FarWorker)
    with pytest.raises(RuntimeError, match="Storage is not configured for work pool 'far'"):
        bound.submit()
    LocalFileSystem(basepath=str(tmp_path / "shared")).save("shared")
    with temporary_settings({"PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK": "local-file-system/shared"}):
        future = bound.submit("Eve")
        assert " Eve " in future.result()
    assert read(future).job_variables["env"]["PREFECT__FLOW_BUNDLE"].startswith("local-file-system/shared:bundles/")


def test_environment_variables_may_be_a_list():
    class Listed(BaseJobConfiguration):
        env: list  # type: ignore[assignment]

    made = Listed(env=[{"name": "A", "value": "1"}, {"name": "PREFECT_HOME", "value": "/there"}])
    made.prepare_for_flow_run(scheduled_run())
    names = [entry["name"] for entry in made.env]
    assert names.count("A") == names.count("PREFECT_HOME") == names.count("PREFECT__FLOW_RUN_ID") == 1
    assert {"name": "PREFECT_HOME", "value": "/there"} in made.env
