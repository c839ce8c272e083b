"""Tasks with a tag that has a limit: only so many run at the same time, in this process and in all others."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from prefect import flow, get_client, tags, task
from prefect._contract.endpoints.liveness import reap_leases
from prefect.client.base import current_transport
from prefect.exceptions import FailedRun
from prefect.settings import PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS, temporary_settings
from prefect.task_runners import ProcessPoolTaskRunner
from prefect.utilities.time import now


@pytest.fixture(autouse=True)
def quickly() -> Iterator[None]:
    with temporary_settings({PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS: 1}):
        yield


def limit(tag: str, number: int) -> None:
    with get_client(sync_client=True) as client:
        client.create_concurrency_limit(tag, number)


def holders(tag: str) -> list[Any]:
    with get_client(sync_client=True) as client:
        return client.read_concurrency_limit_by_tag(tag).active_slots


class Watched:
    """Counts how many are inside at the same time."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self._guard = threading.Lock()

    def __enter__(self) -> None:
        with self._guard:
            self.inside += 1
            self.most = max(self.most, self.inside)

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self.inside -= 1


def test_only_so_many_run_at_the_same_time(records) -> None:
    limit("db", 2)
    watched = Watched()
    meeting = threading.Barrier(2, timeout=60)

    @task(tags=["db", "unlimited"])
    def use(number: int) -> int:
        with watched:
            meeting.wait()
            time.sleep(0.2)  # in which a third would come
        return number

    @flow
    def many() -> list[int]:
        return [future.result() for future in use.map(range(4))]

    assert many() == [0, 1, 2, 3]
    assert watched.most == 2
    assert holders("db") == []
    for run in records.task_runs():
        assert records.states_of_task(run.id) == ["Pending", "Running", "Completed"]
        assert (run.run_count, run.state.is_completed()) == (1, True)
        assert run.start_time <= run.end_time


def test_async_tasks_share_slots_without_blocking_each_other() -> None:
    limit("db", 1)
    watched = Watched()
    ticks = 0

    @task
    async def use() -> None:
        with watched:
            await asyncio.sleep(0.3)

    @flow
    async def many() -> None:
        nonlocal ticks

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.05)
                ticks += 1

        ticking = asyncio.create_task(tick())
        with tags("db"):
            await asyncio.gather(*(use() for _ in range(2)))
        ticking.cancel()

    asyncio.run(many())
    assert watched.most == 1
    assert ticks >= 6  # more than half a second, half of it of waiting


def test_a_task_that_is_tried_again_gets_another_slot(records) -> None:
    limit("db", 1)
    tries = 0

    @task(tags=["db"], retries=2)
    def flaky() -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ValueError("not yet")
        return "done"

    @flow
    def patient() -> str:
        return flaky()

    assert patient() == "done"
    (run,) = records.task_runs()
    states = ["Pending", "Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed"]
    assert records.states_of_task(run.id) == states
    assert run.run_count == 3
    assert holders("db") == []


def test_tasks_outside_of_flows_share_slots_too(records) -> None:
    limit("db", 1)

    @task(tags=["db"])
    def look() -> int:
        return len(holders("db"))

    assert look() == 1
    assert holders("db") == []


def test_generator_tasks_hold_their_slot_while_they_are_consumed() -> None:
    limit("db", 1)

    @task(tags=["db"])
    def count() -> Iterator[int]:
        yield from range(3)

    @flow
    def consume() -> list[int]:
        return [len(holders("db")) for _ in count()]

    assert consume() == [1, 1, 1]
    assert holders("db") == []


def test_a_limit_of_zero_ends_the_task(records) -> None:
    limit("db", 0)

    @task(tags=["db"])
    def never() -> None:
        raise AssertionError

    @task(tags=["db"])
    def nothing() -> Iterator[int]:
        yield from ()

    def call() -> None:
        never()

    for body in (call, lambda: list(nothing()), lambda: never.submit().result()):
        with pytest.raises(FailedRun, match="will deadlock"):
            flow(body, name="f")()
    assert [run.state_name for run in records.task_runs()] == ["Failed"] * 3
    assert [run.state_name for run in records.flow_runs()] == ["Failed"] * 3


@task(tags=["db"])
def stamp(_: int) -> tuple[float, float]:
    begun = time.time()
    time.sleep(0.3)
    return begun, time.time()


def test_other_processes_share_the_slots() -> None:
    limit("db", 1)

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
    def two() -> list[tuple[float, float]]:
        return sorted(future.result() for future in stamp.map([1, 2]))

    (_, first_end), (second_begin, _) = two()
    assert first_end <= second_begin
    assert holders("db") == []


HOLDER = """
import time
from prefect import flow, task

@task(tags=["db"])
def hold():
    print("held", flush=True)
    time.sleep(600)

@flow
def holding():
    hold()

holding()
"""


def test_the_slot_of_a_process_that_is_killed_is_free(records) -> None:
    limit("db", 1)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert holder.stdout is not None
        while "held" not in (line := holder.stdout.readline()):
            assert line, "the process ended before its task began"
        assert len(holders("db")) == 1
    finally:
        holder.kill()
        holder.communicate()
    current_transport().send(reap_leases(now()))
    assert holders("db") == []
    (run,) = records.task_runs()
    assert run.state_name == "Crashed"
