"""Flows that are submitted run beside each other."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from prefect import flow, task
from prefect.exceptions import CancelledRun
from prefect.futures import as_completed, wait
from prefect.states import Cancelling

BESIDE = 30.0


def test_submitted_subflows_run_at_the_same_time(records):
    meeting = threading.Barrier(3, timeout=BESIDE)

    @flow
    def part(n: int):
        meeting.wait()
        return n * 2

    @flow
    async def apart(n: int):
        await asyncio.to_thread(meeting.wait)
        return n * 3

    @flow
    def day():
        futures = [part.submit(1), part.submit(n=2), apart.submit(3)]
        assert len(wait(futures).done) == 3
        return sorted(future.result() for future in as_completed(futures))

    assert day() == [2, 4, 9]
    runs = records.flow_runs()
    stand_ins = {run.id: run for run in records.task_runs()}
    assert [run.state_name for run in runs] == ["Completed"] * 4
    parts = [run for run in runs if run.parent_task_run_id]
    assert {stand_ins[run.parent_task_run_id].state_name for run in parts} == {"Completed"}
    assert {stand_ins[run.parent_task_run_id].flow_run_id for run in parts} == {runs[0].id}


def test_futures_of_flows_go_into_tasks_and_flows():
    @task
    def add(a, b):
        return a + b

    @flow
    def number(n):
        return n

    @flow
    def total(a, b):
        return add(a, b)

    @flow
    async def day():
        one = number.submit(1)
        two = number.submit(add.submit(one, 1), wait_for=[one])
        return add.submit(two, total.submit(one, two)).result()

    assert asyncio.run(day()) == 5


def test_the_parent_waits_for_what_it_submitted_and_its_tags_and_failures(records):
    from prefect import tags

    ended = threading.Event()

    @flow(flow_run_name="slow-{n}")
    def slow(n: int):
        time.sleep(0.2)
        ended.set()
        raise ValueError("no")

    @flow
    def day():
        with tags("a"):
            slow.submit(1)
        return "done"

    assert day() == "done"
    assert ended.is_set()
    run = records.flow_runs()[1]
    assert (run.name, run.tags, run.state_name) == ("slow-1", ["a"], "Failed")


def test_a_failure_is_raised_where_the_result_is_asked_for():
    @flow(retries=1)
    def fails():
        raise ValueError("no luck")

    future = fails.submit()
    with pytest.raises(ValueError, match="no luck"):
        future.result(timeout=BESIDE)
    assert future.state.is_failed()


def test_one_of_them_can_be_cancelled(records):
    from prefect._contract.endpoints.flow_runs import set_flow_run_state
    from prefect.client.base import current_transport

    begun = threading.Event()

    @flow
    def long():
        begun.set()
        for _ in range(600):
            time.sleep(0.1)

    @flow
    def day():
        future = long.submit()
        assert begun.wait(BESIDE)
        current_transport().send(set_flow_run_state(future.flow_run_id, Cancelling()))
        with pytest.raises(CancelledRun):
            future.result(timeout=BESIDE)

    day()
    assert [run.state_name for run in records.flow_runs()] == ["Completed", "Cancelled"]


def test_generators_are_not_submitted():
    @flow
    def values():
        yield 1

    with pytest.raises(TypeError, match="generator"):
        values.submit()
