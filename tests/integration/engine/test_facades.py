"""What runners, integrations and other processes call: the engine's facades, contexts that travel, loading of flows."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import prefect.flows
from prefect import flow, tags, task
from prefect.client.base import current_transport
from prefect.context import (
    AsyncClientContext,
    FlowRunContext,
    SyncClientContext,
    TagsContext,
    TaskRunContext,
    hydrated_context,
    serialize_context,
    with_context,
)
from prefect.exceptions import MissingFlowError, UnspecifiedFlowError
from prefect.flow_engine import load_flow_and_flow_run, run_flow, run_flow_in_subprocess
from prefect.flow_runs import wait_for_flow_run
from prefect.flows import (
    flows_in_file,
    is_entrypoint_async,
    load_flow_arguments_from_entrypoint,
    load_flow_from_entrypoint,
    load_function_and_convert_to_flow,
    load_placeholder_flow,
    safe_load_flow_from_entrypoint,
    select_flow,
)
from prefect.states import Completed, Failed
from prefect.task_engine import run_task, run_task_async, run_task_sync
from prefect.utilities import engine

SCRIPT = '''
from prefect import flow

@flow(name="Nightly import", retries=2, log_prints=True)
def nightly(day: str = "monday", n: int = 1):
    """Import a day."""
    return day * n

@flow
async def other(): ...

def plain(x: int = 1):
    return x
'''


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


# -- loading


def test_flows_are_loaded_and_chosen(script: Path) -> None:
    nightly = load_flow_from_entrypoint(f"{script}:nightly")
    assert (nightly.name, nightly.retries, nightly("x", 3)) == ("Nightly import", 2, "xxx")
    flows = flows_in_file(script)
    assert select_flow(flows, "other").isasync
    with pytest.raises(UnspecifiedFlowError, match="'Nightly import', 'other'"):
        select_flow(flows)
    with pytest.raises(MissingFlowError, match="'nope' not found"):
        select_flow(flows, "nope")
    with pytest.raises(MissingFlowError, match="is not a flow"):
        load_flow_from_entrypoint(f"{script}:plain")
    assert load_function_and_convert_to_flow(f"{script}:plain")(5) == 5


def test_flows_are_read_without_being_run(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import does_not_exist_anywhere\n" + SCRIPT)
    entrypoint = f"{path}:nightly"
    assert safe_load_flow_from_entrypoint(entrypoint) is None
    assert load_flow_arguments_from_entrypoint(entrypoint) == {
        "name": "Nightly import",
        "retries": 2,
        "log_prints": True,
        "description": "Import a day.",
    }
    assert is_entrypoint_async(f"{path}:other")
    assert not is_entrypoint_async(entrypoint)
    placeholder = load_placeholder_flow(entrypoint, raises=ImportError("missing"))
    assert placeholder.name == "Nightly import"
    with pytest.raises(ImportError, match="missing"):
        placeholder.fn()
    with pytest.raises(ValueError, match="Could not find 'nope'"):
        is_entrypoint_async(f"{path}:nope")


def test_an_existing_run_is_executed_by_another_process(script: Path, records: Any) -> None:
    nightly = load_flow_from_entrypoint(f"{script}:nightly")
    from prefect._contract.actions import FlowCreate, FlowRunCreate
    from prefect._contract.endpoints.flow_runs import create_flow_run
    from prefect._contract.endpoints.flows import create_flow
    from prefect.states import Pending, to_state_create

    transport = current_transport()
    known = transport.send(create_flow(FlowCreate(name=nightly.name)))
    run = transport.send(
        create_flow_run(
            FlowRunCreate(
                flow_id=known.id,
                parameters={"day": "z"},
                labels={"prefect.flow.entrypoint": f"{script}:nightly"},
                state=to_state_create(Pending()),
            )
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "prefect.engine", str(run.id)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert records.flow_runs()[0].state_name == "Completed"
    assert load_flow_and_flow_run(run.id)[1].name == "Nightly import"
    assert asyncio.run(wait_for_flow_run(run.id)).state.is_completed()
    wrong = subprocess.run([sys.executable, "-m", "prefect.engine", "x"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "'x' is not the id" in wrong.stderr


def test_a_flow_in_a_process_of_its_own(script: Path, records: Any) -> None:
    process = run_flow_in_subprocess(load_flow_from_entrypoint(f"{script}:nightly"), parameters={"day": "a", "n": 2})
    process.join(60)
    assert process.exitcode == 0
    [run] = records.flow_runs()
    assert (run.state_name, run.parameters) == ("Completed", {"day": "a", "n": 2})


# -- the engine, called by runners


@task
def add(x: int, y: int) -> int:
    return x + y


@task
async def aadd(x: int, y: int) -> int:
    return x + y


@task
def numbers(n: int):
    yield from range(n)


def test_tasks_are_run_by_the_engine_facade(records: Any, arun: Any) -> None:
    assert run_task_sync(add, parameters={"x": 1, "y": 2}) == 3
    assert run_task(add, parameters={"x": 1, "y": 2}, return_type="state").result() == 3
    assert arun(run_task_async(aadd, parameters={"x": 1, "y": 2})) == 3
    assert list(run_task(numbers, parameters={"n": 3})) == [0, 1, 2]
    with pytest.raises(ValueError, match="must be 'result'"):
        list(run_task(numbers, parameters={"n": 3}, return_type="state"))
    assert len(records.task_runs()) == 4


def test_a_run_that_exists_is_taken_up(records: Any, arun: Any) -> None:
    made = arun(add.create_run(parameters={"x": 1, "y": 1}))
    assert run_task_sync(add, task_run=made, parameters={"x": 1, "y": 1}) == 2
    [run] = records.task_runs()
    assert (run.id, run.state_name) == (made.id, "Completed")


def test_contexts_travel(records: Any) -> None:
    packed: list[Any] = []

    @flow
    def outer() -> None:
        with tags("travelled"):
            packed.append(serialize_context())

    outer()
    with hydrated_context(packed[0]):
        context = FlowRunContext.get()
        assert context is not None
        assert context.detached
        assert context.flow_run.id == records.flow_runs()[0].id
        assert TagsContext.get().current_tags == {"travelled"}
        run_task_sync(add, parameters={"x": 1, "y": 1})
    assert FlowRunContext.get() is None
    assert records.task_runs()[0].flow_run_id == records.flow_runs()[0].id


def test_with_context_carries_a_run_into_a_thread() -> None:
    found = []

    @flow
    def f() -> None:
        thread = threading.Thread(target=with_context(lambda: found.append(FlowRunContext.get().flow_run.name)))
        thread.start()
        thread.join()
        found.append(FlowRunContext.get().flow_run.name)

    f()
    assert found[0] == found[1]


def test_shared_clients(arun: Any) -> None:
    with SyncClientContext.get_or_create() as one, SyncClientContext.get_or_create() as two:
        assert one is two
        assert one.client.read_flows() == []

    async def main() -> None:
        async with AsyncClientContext.get_or_create() as context:
            assert await context.client.read_flows() == []

    arun(main())


def test_run_contexts_have_a_client() -> None:
    @task
    def t() -> int:
        return len(TaskRunContext.get().client.read_flow_runs())

    @flow
    def f() -> int:
        return t() + len(FlowRunContext.get().client.read_flow_runs())

    assert f() == 2


def test_functions_for_integrations(arun: Any) -> None:
    made: list[Any] = []

    @task
    def make() -> list[int]:
        return [1]

    @flow(log_prints=True)
    def f() -> None:
        value = make()
        future = make.submit()
        [source] = engine.collect_task_run_inputs_sync(future)
        assert source.id == future.task_run_id
        assert engine.get_state_for_result(value)[0].is_completed()
        assert engine.resolve_inputs_sync({"x": future, "y": 1}) == {"x": [1], "y": 1}
        assert engine.should_log_prints(make)
        other: list[int] = []
        engine.link_state_to_task_run_result(future.state, other)
        assert engine.collect_task_run_inputs_sync([other]) == {source}
        made.append(future)

    f()
    assert arun(engine.resolve_inputs({"x": made[0]})) == {"x": [1]}
    assert engine.get_state_for_result(object()) is None


def test_states_of_flow_runs_can_be_proposed(records: Any, arun: Any) -> None:
    @flow
    def f() -> None: ...

    f()
    [run] = records.flow_runs()
    from prefect.client.orchestration import get_client

    kept = engine.propose_state_sync(get_client(sync_client=True), Failed(), run.id, force=True)
    assert kept.is_failed()
    assert records.flow_runs()[0].state_name == "Failed"

    async def again() -> Any:
        async with get_client() as client:
            await engine.check_api_reachable(client, "No orchestrator")
            return await engine.propose_state(client, Completed(message="forced"), run.id, force=True)

    assert arun(again()).message == "forced"


def test_an_attribute_that_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match="'Flow' object has no attribute 'nonsense'"):
        flow(lambda: None).nonsense  # type: ignore[attr-defined]


def test_run_flow_follows_the_colour_of_the_function(arun: Any) -> None:
    @flow
    def sync_flow(x: int = 1) -> int:
        return x

    @flow
    async def async_flow(x: int = 1) -> int:
        return x

    assert run_flow(sync_flow, parameters={"x": 5}) == 5
    assert run_flow(sync_flow) == 1
    assert arun(run_flow(async_flow)) == 1


@pytest.mark.parametrize("name", ["Flow", "FlowDecorator", "InfrastructureBoundFlow"])
def test_the_classes_of_flows_are_of_the_public_module(name: str) -> None:
    kind = getattr(prefect.flows, name)
    assert repr(kind) == f"<class 'prefect.flows.{name}'>"
    assert pickle.loads(pickle.dumps(kind)) is kind
