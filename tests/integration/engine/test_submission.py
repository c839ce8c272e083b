"""Submitted and mapped tasks: futures, waiting, failures that do not sink the others, runners, and bounded memory."""

from __future__ import annotations

import threading
import time
import tracemalloc
from typing import Any

import pytest

from prefect import allow_failure, flow, task, unmapped
from prefect.exceptions import MappingLengthMismatch, MappingMissingIterable, UpstreamTaskError
from prefect.futures import (
    PrefectFutureList,
    as_completed,
    resolve_futures_to_results,
    resolve_futures_to_states,
    wait,
)
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner
from prefect.utilities.annotations import quote


@task
def double(x: int) -> int:
    return 2 * x


@task
def fail_on_three(x: int) -> int:
    if x == 3:
        raise ValueError("three")
    return x


@task
def add(x: int, y: int) -> int:
    return x + y


def in_flow(body: Any, **options: Any) -> Any:
    """Run a function as a flow."""
    return flow(**options)(body)()


def test_submitted_tasks_run_at_the_same_time() -> None:
    barrier = threading.Barrier(10, timeout=60)

    @task
    def meet() -> int:
        return barrier.wait()

    assert sorted(in_flow(lambda: [f.result() for f in [meet.submit() for _ in range(10)]])) == list(range(10))


def test_many_tasks_that_wait_for_each_other_all_get_a_thread() -> None:
    barrier = threading.Barrier(120, timeout=60)

    @task
    def meet() -> int:
        return barrier.wait()

    assert len(in_flow(lambda: meet_all(meet))) == 120


def meet_all(meet: Any) -> list[int]:
    return [f.result() for f in [meet.submit() for _ in range(120)]]


def test_max_workers_is_a_limit() -> None:
    active, most = [], []
    meeting = threading.Barrier(3, timeout=60)

    @task
    def busy() -> None:
        active.append(1)
        most.append(len(active))
        meeting.wait()
        time.sleep(0.05)  # in which a fourth would come
        active.pop()

    in_flow(lambda: wait([busy.submit() for _ in range(9)]) and None, task_runner=ThreadPoolTaskRunner(max_workers=3))
    assert max(most) == 3
    with pytest.raises(ValueError, match="at least 1"):
        ThreadPoolTaskRunner(max_workers=0)


def test_futures_of_futures_are_waited_for_where_they_are_used() -> None:
    def body() -> int:
        first = double.submit(1)
        second = add.submit(first, y=double.submit(2))
        return add.submit(second, double.submit(second)).result()

    assert in_flow(body) == 18


def test_futures_in_nested_collections_are_resolved() -> None:
    @task
    def total(data: dict[str, list[int]]) -> int:
        return sum(data["values"])

    assert in_flow(lambda: total({"values": [double.submit(1), double.submit(2), 3]})) == 9


def test_a_quoted_value_is_passed_as_it_is() -> None:
    @task
    def kind(value: Any) -> str:
        return type(value).__name__

    def body() -> tuple[str, str]:
        future = double.submit(1)
        return kind(quote(future)), kind(future)

    assert in_flow(body) == ("PrefectConcurrentFuture", "int")


def test_one_failure_does_not_sink_the_others(records: Any) -> None:
    def body() -> list[Any]:
        futures = fail_on_three.map(range(6))
        done, not_done = wait(futures)
        assert not not_done
        assert len(done) == 6
        return [future.state.name for future in futures]

    assert in_flow(body) == ["Completed", "Completed", "Completed", "Failed", "Completed", "Completed"]
    assert len(records.task_runs()) == 6


def test_what_depends_on_a_failure_does_not_run_unless_failures_are_allowed() -> None:
    @task
    def describe(value: Any) -> str:
        return repr(value)

    def body() -> tuple[Any, Any, Any]:
        failed = fail_on_three.submit(3)
        blocked = describe.submit(failed)
        blocked.wait()
        waiting = double.submit(1, wait_for=[failed])
        waiting.wait()
        allowed = describe(allow_failure(failed))
        return blocked.state, waiting.state, allowed

    blocked, waiting, allowed = in_flow(lambda: quote(body()))
    assert (blocked.name, blocked.type.value) == ("NotReady", "PENDING")
    assert "did not reach a 'COMPLETED' state" in blocked.message
    assert waiting.name == "NotReady"
    assert allowed == "ValueError('three')"
    with pytest.raises(UpstreamTaskError):
        in_flow(lambda: double(fail_on_three.submit(3)))


def test_map_pairs_elements_and_passes_static_values() -> None:
    @task
    def scale(x: int, factors: list[int], offset: int = 100) -> int:
        return x * sum(factors) + offset

    assert in_flow(lambda: add.map([1, 2, 3], 10).result()) == [11, 12, 13]
    assert in_flow(lambda: add.map([1, 2], [10, 20]).result()) == [11, 22]
    assert in_flow(lambda: scale.map([1, 2], unmapped([2, 3]), offset=0).result()) == [5, 10]
    assert in_flow(lambda: scale.map([1, 2], unmapped([2, 3])).result()) == [105, 110]
    assert in_flow(lambda: double.map(double.map([1, 2])).result()) == [4, 8]


def test_map_refuses_what_cannot_be_mapped() -> None:
    with pytest.raises(MappingMissingIterable):
        in_flow(lambda: double.map(1))
    with pytest.raises(MappingLengthMismatch, match="'x': 2, 'y': 3"):
        in_flow(lambda: add.map([1, 2], [1, 2, 3]))


def test_map_with_return_state() -> None:
    states = in_flow(lambda: quote(double.map([1, 2], return_state=True)))
    assert [state.result() for state in states] == [2, 4]


def test_max_in_flight_bounds_what_is_unfinished() -> None:
    active, most = [], []

    @task
    def busy(x: int) -> int:
        active.append(1)
        most.append(len(active))
        time.sleep(0.01)
        active.pop()
        return x

    assert in_flow(lambda: busy.map(range(30), max_in_flight=4).result()) == list(range(30))
    assert max(most) <= 4


def test_as_completed_yields_in_the_order_of_ends() -> None:
    turns = [threading.Event() for _ in range(3)]
    turns[0].set()

    @task
    def end(turn: int) -> int:
        assert turns[turn].wait(60)
        return turn

    def body() -> list[int]:
        order = []
        for future in as_completed(end.map([2, 0, 1])):
            order.append(future.result())
            if len(order) < len(turns):
                turns[len(order)].set()
        return order

    assert in_flow(body) == [0, 1, 2]


def test_timeouts_of_waiting() -> None:
    release = threading.Event()

    @task
    def block() -> None:
        release.wait(60)

    def body() -> None:
        slow, quick = block.submit(), double.submit(1)
        quick.wait()
        done, not_done = wait([slow, quick], timeout=0.5)
        assert (done, not_done) == ({quick}, {slow})
        with pytest.raises(TimeoutError):
            slow.result(timeout=0.05)
        with pytest.raises(TimeoutError):
            PrefectFutureList([slow]).result(timeout=0.05)
        assert not slow.state.is_final()
        release.set()

    in_flow(body)


def test_resolving_nested_futures() -> None:
    def body() -> None:
        nested = {"a": double.submit(1), "b": [double.submit(2), 5]}
        assert resolve_futures_to_results(nested) == {"a": 2, "b": [4, 5]}
        states = resolve_futures_to_states(nested)
        assert states["a"].is_completed()
        assert states["b"][0].result() == 4

    in_flow(body)


def test_a_flow_ends_after_what_it_submitted(records: Any) -> None:
    ended = []

    @task
    def slow() -> None:
        time.sleep(0.3)
        ended.append(1)

    in_flow(lambda: slow.submit() and None)
    assert ended == [1]
    assert records.task_runs()[0].state_name == "Completed"


def test_tasks_submitted_from_tasks() -> None:
    @task
    def outer(n: int) -> int:
        return sum(double.submit(i).result() for i in range(n))

    assert in_flow(lambda: sum(outer.map([3] * 40).result())) == 40 * 6


def test_callbacks_are_called_once_at_the_end() -> None:
    called, is_called = [], threading.Event()

    def body() -> None:
        future = double.submit(1)
        future.add_done_callback(lambda f: (called.append(f.task_run_id), is_called.set()))
        future.wait()
        assert is_called.wait(60)  # who waits may be told before whoever is called
        future.add_done_callback(lambda f: called.append(f.task_run_id))
        assert called == [future.task_run_id] * 2

    in_flow(body)


def test_processes(records: Any) -> None:
    import os

    @task
    def where(x: int) -> tuple[int, int]:
        return x, os.getpid()

    @task
    def fail() -> None:
        raise KeyError("in a process")

    def body() -> list[Any]:
        futures = where.map([1, 2, 3])
        failed = fail.submit()
        failed.wait()
        chained = where.submit(add.submit(1, 2))
        return [*futures.result(), failed.state.name, chained.result()[0]]

    *places, failed, chained = in_flow(body, task_runner=ProcessPoolTaskRunner(max_workers=2))
    assert [x for x, _ in places] == [1, 2, 3]
    assert all(pid != os.getpid() for _, pid in places)
    assert (failed, chained) == ("Failed", 3)
    names = sorted(run.state_name for run in records.task_runs())
    assert names == ["Completed"] * 5 + ["Failed"]


def test_a_killed_process_crashes_its_task_and_says_so(records: Any) -> None:
    @task
    def die() -> None:
        import os
        import signal

        os.kill(os.getpid(), signal.SIGKILL)

    def body() -> str:
        future = die.submit()
        future.wait()
        return future.state.name

    assert in_flow(body, task_runner=ProcessPoolTaskRunner(max_workers=1)) == "Crashed"
    assert records.task_runs()[0].state_name == "Crashed"


def test_what_cannot_be_pickled_fails_with_its_reason() -> None:
    @task
    def take(lock: Any) -> None: ...

    def body() -> Any:
        future = take.submit(threading.Lock())
        future.wait()
        return future.state

    state = in_flow(lambda: quote(body()), task_runner=ProcessPoolTaskRunner(max_workers=1))
    assert state.is_failed()
    assert "cannot be sent to another process" in state.message


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_mapped_tasks_in_bounded_memory(records: Any) -> None:
    @task
    def nothing(x: int) -> None: ...

    def body() -> None:
        tracemalloc.start()
        wait(nothing.map(range(10_000)))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 200e6, f"{peak / 1e6:.0f} MB"

    in_flow(body)
    from prefect._contract.endpoints.task_runs import count_task_runs
    from prefect.client.base import current_transport

    assert current_transport().send(count_task_runs()) == 10_000


def test_runners_are_named_and_run_one_after_the_other_if_wanted(records: Any) -> None:
    order = []

    @task
    def note(x: int) -> int:
        order.append((x, threading.current_thread() is threading.main_thread()))
        return x

    @task
    async def anote(x: int) -> int:
        order.append((x, threading.current_thread() is threading.main_thread()))
        return x

    def body() -> list[Any]:
        first = note.submit(1)
        order.append("submitted")
        failed = fail_on_three.submit(3)
        return [first.result(), anote.submit(note.submit(2)).result(), failed.state.name]

    assert in_flow(body, task_runner="sequential") == [1, 2, "Failed"]
    assert order == [(1, True), "submitted", (2, True), (2, True)]

    @flow(task_runner="sequential")
    async def from_a_loop() -> int:
        return anote.submit(7).result()

    import asyncio

    assert asyncio.run(from_a_loop()) == 7
