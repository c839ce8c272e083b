"""Tasks that are called with `delay`, and executed by task workers."""

from __future__ import annotations

import asyncio
import json
import pickle
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextvars import ContextVar
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.ports import free_port

from prefect import flow, get_client, tags, task
from prefect._contract.endpoints.deliveries import claim_task_runs, end_task_worker, renew_task_run_claims
from prefect._contract.endpoints.task_runs import read_task_run
from prefect._contract.endpoints.task_workers import read_task_workers
from prefect.cache_policies import INPUTS
from prefect.client.base import current_transport
from prefect.context import FlowRunContext
from prefect.exceptions import FailedRun, MissingResult
from prefect.futures import PrefectDistributedFuture
from prefect.states import Scheduled
from prefect.task_runners import PrefectTaskRunner
from prefect.task_runs import TaskRunWaiter
from prefect.task_worker import TaskWorker, aserve, read_parameters, serve, store_parameters
from prefect.utilities.callables import ParameterBindError


def work(worker: TaskWorker, *futures: Any) -> None:
    """Let a worker work until the runs of some futures have ended."""

    async def act() -> None:
        working = asyncio.ensure_future(worker.astart())
        for future in futures:
            await future.wait_async(timeout=60)
            assert future.state.is_final()
        await worker.astop()
        await working

    asyncio.run(act())


@task
def add(a: int, b: int = 1) -> int:
    return a + b


@task
async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


@task
def count(most: int) -> Any:
    yield from range(most)


def test_a_worker_executes_what_was_delayed(records) -> None:
    sync, coroutine = add.delay(1, b=2), double.delay(4)
    generator, bare = count.apply_async((3,)), add.apply_async(kwargs={"a": 5})
    assert isinstance(sync, PrefectDistributedFuture)
    assert sync.state.is_scheduled()
    work(TaskWorker(add, double, count), sync, coroutine, generator, bare)
    assert (sync.result(), coroutine.result(), bare.result()) == (3, 8, 6)
    assert records.states_of_task(sync.task_run_id) == ["Scheduled", "Pending", "Running", "Completed"]


LOADING = """
    import logging, sys
    from prefect import task
    from prefect.task_worker import serve

    @task
    def loaded(number):
        return sorted(name for name in {*sys.modules} - before if name.startswith("prefect."))

    def note(record):
        if record.msg.startswith("Serving"):
            before.update(sys.modules)
        return True

    before = set()
    logging.getLogger("prefect.task_worker").addFilter(note)
    if sys.argv[1:] == ["serve"]:
        serve(loaded)
    else:
        print(loaded.delay(1).task_run_id)
"""


def test_a_worker_has_loaded_what_runs_need_before_the_first_begins(tmp_path: Path) -> None:
    file = tmp_path / "loading.py"
    file.write_text(dedent(LOADING))
    run = UUID(subprocess.check_output([sys.executable, str(file)], text=True).strip())
    with subprocess.Popen([sys.executable, str(file), "serve"]) as worker:
        try:
            assert PrefectDistributedFuture(run).result(timeout=60) == []
        finally:
            worker.terminate()
    assert worker.returncode == 0


def test_a_future_can_be_had_anywhere(arun) -> None:
    future = add.delay(1)
    with pytest.raises(TimeoutError, match="did not end within 0.01 seconds"):
        future.result(timeout=0.01)
    future.wait(timeout=0.01)
    assert not future.state.is_final()
    elsewhere = pickle.loads(pickle.dumps(future))
    ended = threading.Event()
    future.add_done_callback(lambda done: ended.set())
    work(TaskWorker(add), future)
    assert ended.wait(10)
    assert elsewhere.result(timeout=5) == 2
    assert arun(PrefectDistributedFuture(future.task_run_id).result_async(timeout=5)) == 2


def test_whoever_waits_for_a_task_run_hears_of_its_end(arun) -> None:
    future, ended = add.delay(1), threading.Event()
    TaskRunWaiter.add_done_callback(future.task_run_id, ended.set)
    arun(TaskRunWaiter.wait_for_task_run(future.task_run_id, timeout=0.01))
    assert not ended.is_set()
    work(TaskWorker(add), future)
    assert ended.wait(10)
    arun(TaskRunWaiter.wait_for_task_run(future.task_run_id, timeout=10))


def test_arguments_that_do_not_fit_are_refused_where_they_are_given() -> None:
    with pytest.raises(ParameterBindError):
        add.delay(1, 2, 3)
    with pytest.raises(ParameterBindError):
        add.apply_async((1,), {"c": 3})


def test_only_its_own_tasks_are_given_to_a_worker() -> None:
    other, mine = double.delay(1), add.delay(1)
    work(TaskWorker(add), mine)
    assert other.state.is_scheduled()


def test_a_failure_is_raised_where_the_result_is_wanted(records) -> None:
    tries = []

    @task(retries=1, retry_delay_seconds=0)
    def fails() -> None:
        tries.append(1)
        raise KeyError("gone")

    future = fails.delay()
    work(TaskWorker(fails), future)
    with pytest.raises(KeyError, match="gone"):
        future.result()
    assert repr(PrefectDistributedFuture(future.task_run_id).result(raise_on_failure=False)) == "KeyError('gone')"
    assert len(tries) == 2
    assert records.states_of_task(future.task_run_id)[2:] == ["Running", "AwaitingRetry", "Retrying", "Failed"]


class Unspeakable(Exception):
    """Nobody else can have it."""

    def __reduce__(self) -> Any:
        raise TypeError("not me")


@pytest.mark.parametrize("kept", [True, False])
def test_an_exception_that_is_not_stored_is_told_of(kept: bool) -> None:
    @task(persist_result=None if kept else False)
    def fails() -> None:
        raise Unspeakable("words") if kept else KeyError("words")

    future = fails.delay()
    work(TaskWorker(fails), future)
    with pytest.raises(FailedRun, match="words"):
        future.result()


def test_hooks_caching_and_tags_hold_in_a_worker() -> None:
    seen, calls = [], []

    @task(cache_policy=INPUTS, tags=["own"], on_completion=[lambda task, run, state: seen.append(state.name)])
    def cached(number: int) -> int:
        calls.append(number)
        return number

    with tags("around"):
        first, second = cached.delay(1), cached.delay(1)
    work(TaskWorker(cached, limit=1), first, second)
    assert (first.result(), second.result(), calls) == (1, 1, [1])
    assert sorted(seen) == ["Cached", "Completed"]
    assert set(current_transport().send(read_task_run(first.task_run_id)).tags) == {"around", "own"}


def test_results_are_kept_unless_the_task_says_otherwise() -> None:
    @task(persist_result=False)
    def forgotten() -> int:
        return 1

    future = forgotten.delay()
    work(TaskWorker(forgotten), future)
    assert future.state.is_completed()
    with pytest.raises(MissingResult):
        future.result()


def test_a_run_waits_for_others_and_takes_their_results() -> None:
    first = add.delay(1)
    second = add.delay(first, b=10)
    third = add.apply_async((0,), wait_for=[second])
    work(TaskWorker(add, limit=4), first, second, third)
    assert (second.result(), third.result()) == (12, 1)


def test_a_run_knows_the_flow_run_that_it_was_called_in() -> None:
    seen = []

    @task
    def look() -> None:
        seen.append(FlowRunContext.get().flow_run.id)

    made = []

    @flow
    def main() -> Any:
        local = add.submit(1)
        made.extend([look.delay(), add.delay(local)])
        return FlowRunContext.get().flow_run.id

    flow_run_id = main()
    looking, adding = made
    work(TaskWorker(look, add), looking, adding)
    assert seen == [flow_run_id]
    assert adding.result() == 3
    assert current_transport().send(read_task_run(looking.task_run_id)).flow_run_id == flow_run_id


def test_mapping_can_be_left_to_workers() -> None:
    futures = add.map([1, 2, 3], b=10, deferred=True)
    work(TaskWorker(add), *futures)
    assert futures.result() == [11, 12, 13]
    with pytest.raises(ValueError, match="max_in_flight"):
        add.map([1], deferred=True, max_in_flight=2)


def test_no_more_run_at_once_than_the_limit_allows() -> None:
    inside, most, guard = [0], [0], threading.Lock()
    meeting = threading.Barrier(2, timeout=60)

    @task
    def watched() -> None:
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        meeting.wait()
        time.sleep(0.02)  # in which a third would come
        with guard:
            inside[0] -= 1

    futures = [watched.delay() for _ in range(8)]
    work(TaskWorker(watched, limit=2), *futures)
    assert most[0] == 2


def test_tags_with_a_limit_hold_for_background_runs() -> None:
    with get_client(sync_client=True) as client:
        client.create_concurrency_limit("narrow", 1)
    inside, most = [0], [0]

    @task(tags=["narrow"])
    def alone() -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.02)
        inside[0] -= 1

    futures = [alone.delay()]

    @flow
    def main() -> None:
        futures.extend(alone.delay() for _ in range(2))

    main()  # which has ended by the time at which they run
    work(TaskWorker(alone), *futures)
    assert most[0] == 1
    with get_client(sync_client=True) as client:
        assert client.read_concurrency_limit_by_tag("narrow").active_slots == []


def test_parameters_that_cannot_be_read_fail_the_run() -> None:
    run = asyncio.run(add.create_run(deferred=True, parameters={"a": 1}))
    lost = Scheduled(state_details={"deferred": True, "task_parameters_id": uuid4()})
    with get_client(sync_client=True) as client:
        client.set_task_run_state(run.id, lost, force=True)
    future = PrefectDistributedFuture(run.id)
    work(TaskWorker(add), future)
    assert future.state.is_failed()
    assert "PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK" in future.state.message


def test_parameters_are_deleted_once_their_run_has_ended() -> None:
    from prefect.settings import get_current_settings

    done, other = add.delay(1), count.delay(2)
    left = lambda: [path.name for path in get_current_settings().results.local_storage_path.rglob("parameters/*")]
    assert len(left()) == 2
    work(TaskWorker(add), done)
    assert len(left()) == 1
    work(TaskWorker(count), other)
    assert left() == []


def test_what_a_run_is_called_with_is_there_for_the_worker_that_it_is_given_to_meanwhile() -> None:
    attempts = []

    @task
    def taken_away(number: int) -> int:
        attempts.append(number)
        if len(attempts) == 1:
            first._tell()  # so that it does not take the run again
            current_transport().send(end_task_worker("first", first._keeper.tokens))
        return number

    future = taken_away.delay(1)
    first = TaskWorker(taken_away, limit=1)
    first.start(timeout=30)
    future.wait(timeout=0)
    assert not future.state.is_final()  # nobody believes a worker that has the run no longer
    work(TaskWorker(taken_away), future)
    assert (future.result(), attempts) == (1, [1])  # the other one finds the result that the first has stored


met: ContextVar[str] = ContextVar("met", default="nobody")


@task
def meet(number: int) -> str:
    before = met.get()
    met.set(f"meet {number}")
    return before


@task
async def ameet(number: int) -> str:
    before = met.get()
    met.set(f"ameet {number}")
    return before


@pytest.mark.parametrize("limit", [1, 4])
def test_many_short_runs_of_both_kinds_follow_each_other_and_do_not_meet(limit: int) -> None:
    futures = [(ameet if number % 3 else meet).delay(number) for number in range(60)]
    work(TaskWorker(meet, ameet, limit=limit), *futures)
    assert [future.result() for future in futures] == ["nobody"] * 60


def test_what_waits_in_a_worker_behind_long_runs_is_given_to_another() -> None:
    go_on = threading.Event()

    @task
    def wait() -> bool:
        return go_on.wait(60)

    @task
    def brief() -> None: ...

    before = [brief.delay() for _ in range(40)]
    waiting = [wait.delay() for _ in range(2)]
    after = [brief.delay() for _ in range(20)]
    busy = TaskWorker(brief, wait, limit=2)
    working = threading.Thread(target=busy.start, kwargs={"timeout": 90})
    working.start()
    try:
        for future in before:
            future.wait(timeout=60)
        work(TaskWorker(brief, limit=2), *after)
        assert all(future.state.is_completed() for future in after)
        assert not any(future.state.is_final() for future in waiting)
    finally:
        go_on.set()
        busy.stop()
        working.join()
    assert [future.result() for future in waiting] == [True, True]


def test_what_a_stopped_worker_has_not_finished_is_given_to_another() -> None:
    future = add.delay(1)
    transport = current_transport()
    (claim,) = transport.send(claim_task_runs([add.task_key], 10, 60))
    assert claim.delivery == 1
    assert transport.send(claim_task_runs([add.task_key], 10, 30)) == []
    assert transport.send(renew_task_run_claims("stopped", [add.task_key], [claim.token], 0.1)) == [claim.token]
    time.sleep(0.1)
    work(TaskWorker(add), future)
    assert future.result() == 2


def test_a_worker_ends_what_it_has_begun_when_its_time_is_over() -> None:
    begun = threading.Event()

    @task
    def slow() -> str:
        begun.set()
        time.sleep(0.3)
        return "finished"

    future = slow.delay()
    while not begun.is_set():
        serve(slow, timeout=0.15)
    assert future.state.is_completed()
    assert future.result(timeout=1) == "finished"
    assert current_transport().send(read_task_workers()) == []


def test_the_status_server_says_what_a_worker_does() -> None:
    port = free_port()

    def ask() -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=60) as answer:
            return json.load(answer)

    async def act() -> None:
        working = asyncio.ensure_future(aserve(add, limit=3, status_server_port=port))
        while not current_transport().send(read_task_workers()):
            assert not working.done()
            await asyncio.sleep(0.01)
        while (status := await asyncio.to_thread(ask))["started_at"] is None:
            await asyncio.sleep(0.01)
        assert (status["limit"], status["current_tasks"], status["available"]) == (3, 0, 3)
        assert status["client_id"] == current_transport().send(read_task_workers())[0].identifier
        signal.raise_signal(signal.SIGTERM)
        await working

    asyncio.run(act())


def test_what_cannot_be_served_is_refused(arun) -> None:
    with pytest.raises(ValueError, match="nothing to serve"):
        serve()
    with pytest.raises(TypeError, match="Decorate it with @task"):
        TaskWorker(print)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 1"):
        TaskWorker(add, limit=0)
    with pytest.raises(RuntimeError, match="not been started"):
        arun(TaskWorker(add).astop())
    run = arun(double.create_run(deferred=True, parameters={"number": 1}))
    with pytest.raises(ValueError, match="Tasks served here"):
        arun(TaskWorker(add).execute_task_run(run))


def test_a_run_can_be_executed_without_having_been_asked_for() -> None:
    future = add.delay(41)
    worker = TaskWorker(add)
    run = current_transport().send(read_task_run(future.task_run_id))
    asyncio.run(worker.execute_task_run(run))
    assert future.result(timeout=5) == 42


def test_parameters_go_through_a_result_store(arun) -> None:
    from prefect.results import ResultStore

    async def act() -> None:
        store, identifier = ResultStore(), uuid4()
        await store_parameters(store, identifier, {"parameters": {"a": 1}})
        assert await read_parameters(store, identifier) == {"parameters": {"a": 1}}

    arun(act())


def test_a_flow_may_let_task_workers_run_its_tasks() -> None:
    ordered: list[Any] = []

    @flow(task_runner=PrefectTaskRunner())
    def order() -> None:
        ordered.extend([add.submit(1), *double.map([1, 2])])

    order()
    assert [future.state.is_final() for future in ordered] == [False] * 3
    work(TaskWorker(add, double), *ordered)
    assert [future.result() for future in ordered] == [2, 2, 4]
