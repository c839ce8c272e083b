"""Tasks on real Dask clusters: in threads, in processes, at an address."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from distributed import LocalCluster

from prefect import allow_failure, flow, task, unmapped
from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger
from prefect.plugins.registries import task_runners
from prefect.runtime import flow_run, task_run
from prefect.states import Cancelling
from prefect.testing.conformance import PluginContract
from prefect.testing.utilities import prefect_test_harness
from prefect_dask import DaskTaskRunner, PrefectDaskFuture, get_async_dask_client, get_dask_client

pytestmark = pytest.mark.filterwarnings("default")  # Dask leaves sockets to the garbage collector


class TestPlugin(PluginContract):
    @pytest.fixture
    def module(self) -> str:
        return "prefect_dask.plugin"


@pytest.fixture(scope="module", autouse=True)
def harness() -> Iterator[None]:
    with prefect_test_harness():
        yield


@pytest.fixture(scope="module")
def threads() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=1, threads_per_worker=4, processes=False, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def processes() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture(params=["threads", "processes", "address"])
def runner(request: pytest.FixtureRequest) -> DaskTaskRunner:
    if request.param == "address":
        return DaskTaskRunner(address=request.getfixturevalue("processes").scheduler_address)
    return DaskTaskRunner(cluster=request.getfixturevalue(request.param))


def recorded(run_id: UUID) -> Any:
    return get_client(sync_client=True).read_task_run(run_id)


def test_it_is_found_by_its_name() -> None:
    assert task_runners.get("dask") is DaskTaskRunner


def test_tasks_run_there_and_are_recorded(runner: DaskTaskRunner) -> None:
    @task
    def place(x: int) -> tuple[int, str, int]:
        return x, str(task_run.id), os.getpid()

    @flow(task_runner=runner)
    def work() -> list[Any]:
        futures = [place.submit(1), *place.map([2, 3])]
        return [(future.task_run_id, future.result()) for future in futures]

    found = work()
    assert [value for _, (value, _, _) in found] == [1, 2, 3]
    assert all(str(run_id) == inner for run_id, (_, inner, _) in found)
    assert all(recorded(run_id).state.is_completed() for run_id, _ in found)
    is_elsewhere = "processes" in str(runner.cluster) or runner.address is not None
    if is_elsewhere:
        assert os.getpid() not in {pid for _, (_, _, pid) in found}


def test_futures_are_passed_from_task_to_task(runner: DaskTaskRunner) -> None:
    @task
    def one() -> int:
        return 1

    @task
    def add(numbers: list[int], more: dict[str, int]) -> int:
        return sum(numbers) + more["x"]

    @task
    async def double(x: int) -> int:
        return 2 * x

    @flow(task_runner=runner)
    def work() -> tuple[int, UUID, UUID]:
        first = one.submit()
        second = add.submit([first, first, 5], {"x": first})
        third = double.submit(second, wait_for=[first])
        return third.result(), first.task_run_id, second.task_run_id

    result, first, second = work()
    assert result == 16
    assert {each.id for each in recorded(second).task_inputs["numbers"]} == {first}


def test_mapping_and_annotations(threads: LocalCluster) -> None:
    @task
    def base() -> int:
        return 10

    @task
    def fail() -> int:
        raise ValueError("no")

    @task
    def add(x: int, y: int) -> int:
        return x + y

    @task
    def name_of(x: Any) -> str:
        return type(x).__name__

    @flow(task_runner=DaskTaskRunner(cluster=threads))
    def work() -> Any:
        sums = add.map([1, 2], unmapped(base.submit())).result()
        return sums, name_of.submit(allow_failure(fail.submit())).result()

    assert work() == ([11, 12], "ValueError")


def test_a_failure_is_retried_and_then_told(runner: DaskTaskRunner, tmp_path: Path) -> None:
    @task(retries=2)
    def flaky(path: str) -> int:
        with Path(path).open("a") as file:
            file.write("x")
        if len(Path(path).read_text()) < 3:
            raise ValueError("not yet")
        return len(Path(path).read_text())

    @task
    def fail() -> None:
        raise KeyError("gone")

    @task
    def after(x: Any) -> None:
        pass

    @flow(task_runner=runner)
    def work() -> tuple[int, str, str]:
        failed = fail.submit()
        downstream = after.submit(failed)
        with pytest.raises(KeyError, match="gone"):
            failed.result()
        downstream.wait()
        return flaky.submit(str(tmp_path / "tries")).result(), failed.state.name, downstream.state.name

    assert work() == (3, "Failed", "NotReady")


def test_what_is_not_waited_for_ends_before_the_flow(threads: LocalCluster, tmp_path: Path) -> None:
    @task
    def write(path: str) -> None:
        time.sleep(0.3)
        Path(path).touch()

    @flow(task_runner=DaskTaskRunner(cluster=threads))
    def work() -> None:
        write.submit(str(tmp_path / "written"))

    work()
    assert (tmp_path / "written").exists()


def test_a_result_that_takes_too_long(threads: LocalCluster, tmp_path: Path) -> None:
    @task
    def rest(gate: str) -> None:
        while not Path(gate).exists():
            time.sleep(0.05)

    @flow(task_runner=DaskTaskRunner(cluster=threads))
    def work() -> None:
        gate = tmp_path / "gate"
        future = rest.submit(str(gate))
        try:
            with pytest.raises(TimeoutError):
                future.result(timeout=0.05)
            assert not future.state.is_final()
        finally:
            gate.touch()

    work()


def test_a_parameter_that_cannot_be_sent_is_named(threads: LocalCluster) -> None:
    @task
    def use(x: Any) -> None:
        pass

    @flow(task_runner=DaskTaskRunner(cluster=threads))
    def work() -> None:
        use.submit(i for i in [1])

    with pytest.raises(TypeError, match="Task 'use' or its parameters cannot be sent to the cluster"):
        work()


def test_logs_come_home(processes: LocalCluster) -> None:
    @task
    def say() -> None:
        get_run_logger().info("from the cluster")

    @flow(task_runner=DaskTaskRunner(cluster=processes))
    def work() -> None:
        say.submit().wait()

    work()
    assert "from the cluster" in [log.message for log in get_client(sync_client=True).read_logs(None)]


@pytest.mark.parametrize("by_address", [False, True])
def test_the_dashboard_is_told(processes: LocalCluster, by_address: bool, caplog: pytest.LogCaptureFixture) -> None:
    address = processes.scheduler_address
    runner = DaskTaskRunner(address=address) if by_address else DaskTaskRunner(cluster=processes)
    flow(task_runner=runner)(lambda: None)()
    [message] = [record.message for record in caplog.records if "The Dask dashboard" in record.message]
    shown = httpx.URL(message.rpartition(" ")[2])
    assert shown.path == "/status"
    assert httpx.get(shown.copy_with(host="127.0.0.1", path="/health")).text == "ok"


def test_tasks_and_flows_use_dask_themselves(threads: LocalCluster) -> None:
    @task
    def inner() -> int:
        with get_dask_client() as client:
            return int(client.submit(sum, [1, 2]).result())

    @task
    async def ainner() -> int:
        async with get_async_dask_client() as client:
            return int(await client.submit(sum, [3, 4]))

    @flow(task_runner=DaskTaskRunner(cluster=threads))
    def work() -> tuple[int, int, int]:
        with get_dask_client(timeout=60) as client:
            here = int(client.submit(sum, [5, 6]).result())
        return inner.submit().result(), ainner.submit().result(), here

    assert work() == (3, 7, 11)
    with pytest.raises(RuntimeError, match="no Dask cluster here"), get_dask_client():
        pass


def test_a_cluster_is_made_and_closed_with_the_flow_run() -> None:
    @task
    def one() -> int:
        return 1

    runner = DaskTaskRunner(
        cluster_class="distributed.LocalCluster",
        cluster_kwargs={"n_workers": 1, "processes": False, "dashboard_address": ":0"},
        adapt_kwargs={"minimum": 1, "maximum": 2},
    )

    @flow(task_runner=runner)
    def work() -> int:
        return one.submit().result()

    assert (work(), work()) == (1, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"cluster": object(), "address": "tcp://x:1"},
        {"address": "tcp://x:1", "cluster_kwargs": {"n_workers": 1}},
        {"address": "tcp://x:1", "adapt_kwargs": {"maximum": 1}},
    ],
)
def test_settings_that_contradict_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        DaskTaskRunner(**arguments)


def test_a_worker_that_dies_crashes_the_task(processes: LocalCluster) -> None:
    processes.scheduler.allowed_failures = 0

    @task
    def die() -> None:
        time.sleep(0.5)
        os._exit(1)

    @flow(task_runner=DaskTaskRunner(cluster=processes))
    def work() -> tuple[UUID, str]:
        future = die.submit()
        future.wait()
        return future.task_run_id, future.state.type.value

    run_id, kind = work()
    assert kind == "CRASHED"
    assert recorded(run_id).state.is_crashed()


def test_what_has_not_begun_is_given_up_when_a_flow_run_is_interrupted(tmp_path: Path) -> None:
    @task
    def rest(path: str) -> None:
        with Path(path).open("a") as file:
            file.write("x")
        time.sleep(0.5)

    begun = tmp_path / "begun"
    kwargs = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    futures: list[Any] = []

    @flow(task_runner=DaskTaskRunner(cluster_kwargs=kwargs))
    def work() -> None:
        futures.extend(rest.map([str(begun)] * 8))
        while not begun.exists():
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    number = len(begun.read_text())  # one, unless it took long to interrupt the flow run
    assert number < 8
    assert {future.state.type.value for future in futures[number:]} == {"CANCELLED"}


def test_a_cancelled_flow_run_ends_with_what_has_not_begun(tmp_path: Path) -> None:
    @task
    def rest(path: str) -> None:
        with Path(path).open("a") as file:
            file.write("x")
        time.sleep(1)

    begun = tmp_path / "begun"
    kwargs = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    futures: list[Any] = []

    @flow(task_runner=DaskTaskRunner(cluster_kwargs=kwargs))
    def work() -> None:
        futures.extend(rest.map([str(begun)] * 60))
        futures[0].wrapped_future.result()
        get_client(sync_client=True).set_flow_run_state(flow_run.id, Cancelling())
        while True:
            time.sleep(0.05)

    assert work(return_state=True).is_cancelled()
    assert len(begun.read_text()) < 60
    assert futures[0].state.is_completed()
    assert futures[-1].state.is_cancelled()


def test_what_was_not_waited_for_is_known_after_the_cluster_is_closed() -> None:
    @task
    def two() -> int:
        return 2

    kwargs = {"n_workers": 1, "processes": False, "dashboard_address": ":0"}

    @flow(task_runner=DaskTaskRunner(cluster_kwargs=kwargs))
    def work() -> Any:
        futures.append(two.submit())
        while not futures[0].wrapped_future.done():
            time.sleep(0.01)

    futures: list[Any] = []
    work()
    assert futures[0].state.is_completed()
    assert futures[0].result() == 2
    lost = PrefectDaskFuture(futures[0].task_run_id, futures[0].wrapped_future)  # as if nobody had asked in time
    assert lost.state.is_completed()
    recorded = get_client(sync_client=True).read_task_run(futures[0].task_run_id).state
    assert recorded is not None
    assert recorded.is_completed()
