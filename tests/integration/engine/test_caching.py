"""Cached and stored results, transactions around tasks, and what happens when a value cannot be hashed or stored."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from prefect import flow, task
from prefect.cache_policies import FLOW_PARAMETERS, INPUTS, NO_CACHE, RUN_ID, TASK_SOURCE
from prefect.transactions import IsolationLevel, transaction


def test_equal_inputs_run_once(records: Any) -> None:
    calls = []

    @task(cache_policy=INPUTS)
    def compute(x: int, y: int = 0) -> int:
        calls.append((x, y))
        return x + y

    @flow
    def f() -> list[int]:
        return [compute(1), compute(1), compute(1, y=0), compute(2)]

    assert f() == [1, 1, 1, 2]
    assert f() == [1, 1, 1, 2]
    assert calls == [(1, 0), (2, 0)]
    assert [run.state_name for run in records.task_runs()][:4] == ["Completed", "Cached", "Cached", "Completed"]
    assert records.task_runs()[1].state.state_details.cache_key


def test_policies_say_what_belongs_to_the_key() -> None:
    calls = []

    @task(cache_policy=INPUTS - "debug")
    def without_debug(x: int, debug: bool = False) -> int:
        calls.append(x)
        return x

    @task(cache_policy=RUN_ID + INPUTS)
    def per_run(x: int) -> int:
        calls.append(f"run {x}")
        return x

    @task(cache_policy=FLOW_PARAMETERS)
    def per_parameters() -> int:
        calls.append("parameters")
        return 1

    @flow
    def f(p: int) -> None:
        without_debug(1, debug=True)
        without_debug(1, debug=False)
        per_run(1)
        per_run(1)
        per_parameters()

    f(1)
    f(1)
    assert calls == [1, "run 1", "parameters", "run 1"]


def test_cache_key_fn() -> None:
    calls = []

    @task(cache_key_fn=lambda context, arguments: f"{context.task.name}-{arguments['x'] % 2}")
    def parity(x: int) -> int:
        calls.append(x)
        return x

    @flow
    def f() -> list[int]:
        return [parity(x) for x in (1, 2, 3, 4)]

    assert f() == [1, 2, 1, 2]
    assert calls == [1, 2]
    with pytest.raises(ValueError, match="cache_key_fn"):
        task(cache_policy=INPUTS, cache_key_fn=lambda *_: "x")(lambda: None)


def test_cached_results_expire() -> None:
    calls = []

    @task(cache_policy=INPUTS, cache_expiration=timedelta(minutes=5))
    def compute(x: int) -> int:
        calls.append(x)
        return x

    brief = compute.with_options(cache_expiration=timedelta(seconds=0.1))

    @flow
    def f() -> None:
        compute(1)
        brief(2)
        time.sleep(0.2)
        compute(1)
        brief(2)

    f()
    assert calls == [1, 2, 2]


def test_refresh_runs_again_and_stores_anew() -> None:
    calls = []

    @task(cache_policy=INPUTS)
    def count(x: int) -> int:
        calls.append(x)
        return len(calls)

    @flow
    def f() -> list[int]:
        return [count(1), count(1), count.with_options(refresh_cache=True)(1), count(1)]

    assert f() == [1, 1, 2, 2]


def test_what_cannot_be_hashed_is_not_cached_and_warned_of_once(records: Any) -> None:
    calls = []

    @task(cache_policy=INPUTS)
    def take(lock: Any) -> int:
        calls.append(1)
        return 1

    @flow
    def f() -> None:
        lock = threading.Lock()
        take(lock)

    f()
    f()
    assert len(calls) == 2
    [run, _] = records.flow_runs()
    from prefect._contract.endpoints.logs import read_logs
    from prefect._contract.filters import LogFilter, LogFilterFlowRunId
    from prefect.client.base import current_transport

    lines = current_transport().send(read_logs(log_filter=LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))))
    warnings = [line.message for line in lines if line.level == 30]
    assert len(warnings) == 1
    assert "lock" in warnings[0]


def test_no_cache_and_persist_false_do_not_cache() -> None:
    calls = []

    @task(cache_policy=NO_CACHE, persist_result=True)
    def stored() -> int:
        calls.append("stored")
        return 1

    @task(persist_result=False)
    def not_stored() -> int:
        calls.append("not stored")
        return 1

    @flow
    def f() -> None:
        stored()
        stored()
        not_stored()
        not_stored()

    f()
    assert calls == ["stored", "stored", "not stored", "not stored"]


def test_results_that_are_stored_can_be_read_from_the_recorded_state(records: Any) -> None:
    @task(persist_result=True)
    def stored() -> dict[str, Any]:
        return {"answer": 42, "when": timedelta(days=1)}

    @task
    def kept_in_memory() -> int:
        return 1

    @flow(persist_result=True)
    def f() -> list[int]:
        stored()
        kept_in_memory()
        return [1, 2]

    f()

    [first, second] = records.task_runs()
    assert first.state.result() == {"answer": 42, "when": timedelta(days=1)}
    assert records.flow_runs()[0].state.result() == [1, 2]


def test_a_result_that_is_not_stored_says_how_to_keep_it(records: Any) -> None:
    from prefect.exceptions import MissingResult

    @task(persist_result=False)
    def kept_in_memory() -> int:
        return 1

    @flow
    def f() -> None:
        kept_in_memory()

    f()
    with pytest.raises(MissingResult, match="persist_result=True"):
        records.task_runs()[0].state.result()


def test_failures_are_not_cached() -> None:
    calls = []

    @task(cache_policy=INPUTS)
    def fails_once(x: int) -> int:
        calls.append(x)
        if len(calls) == 1:
            raise ValueError("first")
        return x

    @flow
    def f() -> int:
        fails_once(1, return_state=True)
        return fails_once(1)

    assert f() == 1
    assert calls == [1, 1]


def test_a_failing_transaction_rolls_back_what_was_done_in_it() -> None:
    events = []

    @task
    def write(x: int) -> int:
        events.append(f"write {x}")
        return x

    @write.on_rollback
    def undo(txn: Any) -> None:
        events.append("undo")

    @write.on_commit
    def keep(txn: Any) -> None:
        events.append("commit")

    @flow
    def fails() -> None:
        with transaction():
            write(1)
            raise RuntimeError("quality check failed")

    @flow
    def succeeds() -> None:
        with transaction():
            write(2)

    with pytest.raises(RuntimeError, match="quality"):
        fails()
    succeeds()
    assert events == ["write 1", "undo", "write 2", "commit"]


def test_serializable_isolation_runs_concurrent_equal_calls_once() -> None:
    from prefect.locking.memory import MemoryLockManager

    calls = []
    policy = (INPUTS + TASK_SOURCE).configure(
        isolation_level=IsolationLevel.SERIALIZABLE, lock_manager=MemoryLockManager()
    )

    @task(cache_policy=policy)
    def compute(x: int) -> int:
        calls.append(x)
        time.sleep(0.2)
        return x

    @flow
    def f() -> list[int]:
        return [future.result() for future in [compute.submit(1) for _ in range(5)]]

    assert f() == [1] * 5
    assert calls == [1]


def test_serializable_isolation_in_one_event_loop_does_not_block_it(arun: Any) -> None:
    import asyncio

    from prefect.locking.memory import MemoryLockManager

    calls = []
    policy = INPUTS.configure(isolation_level="SERIALIZABLE", lock_manager=MemoryLockManager())

    @task(cache_policy=policy)
    async def compute(x: int) -> int:
        calls.append(x)
        await asyncio.sleep(0.1)
        return x

    @flow
    async def f() -> list[int]:
        return list(await asyncio.gather(*(compute(1) for _ in range(4))))

    assert arun(f()) == [1] * 4
    assert calls == [1]


def test_a_result_storage_key_is_a_name_of_ones_own() -> None:
    calls = []

    @task(result_storage_key="report-{parameters[day]}", persist_result=True)
    def report(day: str) -> str:
        calls.append(day)
        return day

    @flow
    def f() -> list[str]:
        return [report("mon"), report("mon"), report("tue")]

    assert f() == ["mon", "mon", "tue"]
    assert calls == ["mon", "tue"]


def test_settings_switch_caching_off() -> None:
    from prefect.settings import temporary_settings

    calls = []

    @task(cache_policy=INPUTS)
    def compute(x: int) -> int:
        calls.append(x)
        return x

    @flow
    def f() -> None:
        compute(1)
        compute(1)

    with temporary_settings({"PREFECT_TASKS_DISABLE_CACHING": True}):
        f()
    assert calls == [1, 1]
    with temporary_settings({"PREFECT_TASKS_DEFAULT_NO_CACHE": True}):
        assert task(lambda: None).cache_policy == NO_CACHE
