"""Retries and time limits, of tasks and flows, sync and async."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from prefect import flow, task
from prefect.tasks import exponential_backoff


def test_a_task_is_retried_until_it_completes(records: Any) -> None:
    calls = []

    @task(retries=3, retry_delay_seconds=0)
    def flaky() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError("not yet")
        return "ok"

    @flow
    def f() -> str:
        return flaky()

    assert f() == "ok"
    [run] = records.task_runs()
    assert run.run_count == 3
    assert records.states_of_task(run.id) == [
        "Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed",
    ]  # fmt: skip


def test_exhausted_retries_fail_with_the_last_error(records: Any) -> None:
    @task(retries=2, retry_delay_seconds=0)
    def broken() -> None:
        raise ValueError("always")

    @flow
    def f() -> None:
        broken()

    with pytest.raises(ValueError, match="always"):
        f()
    assert records.task_runs()[0].run_count == 3


def test_delays_are_waited_for(records: Any) -> None:
    times = []

    @task(retries=2, retry_delay_seconds=[0.1, 0.6])
    def flaky() -> None:
        times.append(time.monotonic())
        if len(times) < 3:
            raise ValueError("again")

    @flow
    def f() -> None:
        flaky()

    f()
    assert times[1] - times[0] >= 0.1
    assert times[2] - times[1] >= 0.6
    [run] = records.task_runs()
    waits = [state for state in records.history_of_task(run.id) if state.name == "AwaitingRetry"]
    delays = [state.state_details.scheduled_time - state.timestamp for state in waits]
    assert [round(delay.total_seconds(), 1) for delay in delays] == [0.1, 0.6]


def test_exponential_backoff_and_its_limits() -> None:
    assert exponential_backoff(10)(4) == [10, 20, 40, 80]

    @task(retries=3, retry_delay_seconds=exponential_backoff(2))
    def f() -> None: ...

    assert f.retry_delay_seconds == [2, 4, 8]
    with pytest.raises(ValueError, match="more than 50"):
        task(retries=60, retry_delay_seconds=[1.0] * 60)(lambda: None)
    with pytest.raises(ValueError, match="must be >= 0"):
        task(retry_jitter_factor=-1)(lambda: None)


def test_jitter_lengthens_within_its_bound() -> None:
    from prefect._engine.task_run import retry_delay

    @task(retries=1, retry_delay_seconds=10, retry_jitter_factor=0.5)
    def f() -> None: ...

    delays = {retry_delay(f, 1) for _ in range(50)}
    assert len(delays) > 1
    assert all(10 <= delay <= 15 for delay in delays)


def test_the_retry_condition_decides(records: Any) -> None:
    seen = []

    def only_connection_errors(task: Any, run: Any, state: Any) -> bool:
        seen.append(run.run_count)
        try:
            state.result()
        except ConnectionError:
            return True
        except ValueError:
            return False
        return True

    @task(retries=5, retry_delay_seconds=0, retry_condition_fn=only_connection_errors)
    def fails(kind: type[Exception]) -> None:
        raise kind("no")

    @flow
    def f() -> None:
        fails(ConnectionError, return_state=True)
        fails(ValueError, return_state=True)

    f()
    assert [run.run_count for run in records.task_runs()] == [6, 1]
    assert seen == [1, 2, 3, 4, 5, 1]


def test_a_broken_retry_condition_means_no_retry(records: Any) -> None:
    def broken(task: Any, run: Any, state: Any) -> bool:
        raise RuntimeError("condition is broken")

    @task(retries=3, retry_condition_fn=broken)
    def fails() -> None:
        raise ValueError("original")

    @flow
    def f() -> None:
        fails()

    with pytest.raises(ValueError, match="original"):
        f()
    assert records.task_runs()[0].run_count == 1


def test_async_tasks_and_flows_retry(records: Any, arun: Any) -> None:
    calls = []

    @task(retries=1, retry_delay_seconds=0)
    async def flaky() -> int:
        calls.append("task")
        if calls.count("task") == 1:
            raise ValueError("first")
        return 1

    @flow(retries=1)
    async def f() -> int:
        calls.append("flow")
        if calls.count("flow") == 1:
            raise ValueError("first")
        return await flaky()

    assert arun(f()) == 1
    assert calls == ["flow", "flow", "task", "task"]


def test_a_flow_is_retried_and_stored_results_are_not_computed_again(records: Any) -> None:
    calls = []

    @task(persist_result=True)
    def costly() -> int:
        calls.append("costly")
        return 5

    @task
    def cheap() -> int:
        calls.append("cheap")
        return 1

    @flow(retries=1)
    def f() -> int:
        value = costly() + cheap()
        if calls.count("cheap") == 1:
            raise ValueError("after both")
        return value

    assert f() == 6
    assert calls == ["costly", "cheap", "cheap"]
    [run] = records.flow_runs()
    assert run.run_count == 2
    assert records.states_of_flow(run.id) == ["Pending", "Running", "AwaitingRetry", "Running", "Completed"]


def test_a_sync_task_is_ended_at_its_time_limit(records: Any) -> None:
    @task(timeout_seconds=0.3)
    def sleeps() -> None:
        time.sleep(30)

    @task(timeout_seconds=0.3)
    def computes() -> None:
        while True:
            pass

    @flow
    def f() -> list[str]:
        return [sleeps(return_state=True).name, computes(return_state=True).name]

    began = time.monotonic()
    assert f() == ["TimedOut", "TimedOut"]
    assert time.monotonic() - began < 25
    [first, _] = records.task_runs()
    assert first.state.type.value == "FAILED"
    assert first.state.message == "Task run exceeded timeout of 0.3 second(s)"


def test_submitted_tasks_are_ended_at_their_time_limit() -> None:
    @task(timeout_seconds=0.3)
    def sleeps() -> None:
        time.sleep(30)

    @flow
    def f() -> str:
        future = sleeps.submit()
        future.wait()
        return future.state.name

    began = time.monotonic()
    assert f() == "TimedOut"
    assert time.monotonic() - began < 25


def test_async_tasks_and_flows_are_ended_at_their_time_limit(arun: Any) -> None:
    @task(timeout_seconds=0.2)
    async def sleeps() -> None:
        await asyncio.sleep(30)

    @flow
    async def f() -> str:
        return (await sleeps(return_state=True)).name

    @flow(timeout_seconds=0.2)
    async def slow() -> None:
        await asyncio.sleep(30)

    assert arun(f()) == "TimedOut"
    assert arun(slow(return_state=True)).name == "TimedOut"


def test_a_sync_flow_is_ended_at_its_time_limit_with_what_it_submitted(records: Any) -> None:
    begun = threading.Event()

    @task
    def sleeps() -> None:
        begun.set()
        for _ in range(300):
            time.sleep(0.1)

    @flow(timeout_seconds=2)
    def slow() -> None:
        sleeps.submit()
        begun.wait()
        time.sleep(30)

    began = time.monotonic()
    assert slow(return_state=True).name == "TimedOut"
    assert time.monotonic() - began < 25
    assert records.flow_runs()[0].state_name == "TimedOut"
    assert records.task_runs()[0].state_name == "Crashed"


def test_a_timeout_of_the_users_own_is_a_failure_not_timed_out() -> None:
    @task(timeout_seconds=10)
    def own() -> None:
        raise TimeoutError("mine")

    @flow
    def f() -> str:
        return own(return_state=True).name

    assert f() == "Failed"


def test_a_task_that_timed_out_is_retried() -> None:
    calls = []

    @task(timeout_seconds=0.2, retries=1, retry_delay_seconds=0)
    def slow_at_first() -> str:
        calls.append(1)
        if len(calls) == 1:
            time.sleep(10)
        return "second"

    @flow
    def f() -> str:
        return slow_at_first()

    assert f() == "second"


@pytest.mark.parametrize("option", [{"retries": -1}, {"timeout_seconds": -1}])
def test_impossible_options_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(option.values())))):
        task(**option)(lambda: None)


def test_settings_give_flows_and_tasks_their_default_retries(records: Any) -> None:
    from prefect.settings import temporary_settings

    with temporary_settings({"PREFECT_FLOWS_DEFAULT_RETRIES": 1, "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "0,5"}):

        @flow
        def f() -> None:
            raise ValueError("always")

    assert (f.retries, f.retry_delay_seconds) == (1, 0)
    f(return_state=True)
    assert records.flow_runs()[0].run_count == 2
