"""Pausing, suspending and resuming, with and without typed input."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from prefect import flow, pause_flow_run, resume_flow_run, suspend_flow_run, task
from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout, NotPausedError
from prefect.flow_engine import run_flow
from prefect.input import RunInput


def when_paused(records: Any, action: Any) -> threading.Thread:
    """Do something in another thread once the only flow run is paused; nothing if it ends before."""

    def watch() -> None:
        while True:
            runs = records.flow_runs()
            if runs and runs[-1].state.is_paused():
                action(runs[-1].id)
                return
            if runs and runs[-1].state.is_final():
                return
            time.sleep(0.02)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_a_paused_flow_goes_on_when_it_is_resumed(records: Any) -> None:
    @flow
    def f() -> str:
        pause_flow_run(timeout=60)
        return "resumed"

    thread = when_paused(records, resume_flow_run)
    assert f() == "resumed"
    thread.join()
    [run] = records.flow_runs()
    names = records.states_of_flow(run.id)
    assert names[:3] == ["Pending", "Running", "Paused"]
    assert names[-1] == "Completed"


def test_a_pause_that_nobody_ends_fails_the_run(records: Any) -> None:
    @flow
    def f() -> None:
        pause_flow_run(timeout=1, poll_interval=1)

    with pytest.raises(FlowPauseTimeout, match="1 second"):
        f()
    assert records.flow_runs()[0].state.is_failed()


def test_async_flows_pause_without_blocking_their_loop(records: Any, arun: Any) -> None:
    import asyncio

    ticks, ticked = [], threading.Event()

    @flow
    async def f() -> str:
        async def tick() -> None:
            while True:
                ticks.append(is_paused.is_set())
                if ticks.count(True) > 5:
                    ticked.set()
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        await pause_flow_run(timeout=60)
        ticking.cancel()
        return "resumed"

    is_paused = threading.Event()
    thread = when_paused(records, lambda run_id: (is_paused.set(), ticked.wait(30), resume_flow_run(run_id)))
    assert arun(f()) == "resumed"
    thread.join()
    assert ticked.is_set()


def test_typed_input_is_given_on_resumption(records: Any) -> None:
    class Approval(RunInput):
        approved: bool
        reason: str = "none"

    @flow
    def f() -> tuple[bool, str]:
        approval = pause_flow_run(wait_for_input=Approval, timeout=60)
        return approval.approved, approval.reason

    thread = when_paused(records, lambda run_id: resume_flow_run(run_id, run_input={"approved": True, "reason": "ok"}))
    assert f() == (True, "ok")
    thread.join()


def test_plain_types_as_input(records: Any) -> None:
    @flow
    def f() -> int:
        return pause_flow_run(wait_for_input=int, timeout=60) + 1

    thread = when_paused(records, lambda run_id: resume_flow_run(run_id, run_input={"value": 41}))
    assert f() == 42
    thread.join()


def test_input_of_the_wrong_type_is_refused_and_the_run_stays_paused(records: Any) -> None:
    @flow
    def f() -> int:
        return pause_flow_run(wait_for_input=int, timeout=60)

    def resume(run_id: Any) -> None:
        with pytest.raises(NotPausedError, match="'value' does not fit: 'abc' is not of type 'integer'"):
            resume_flow_run(run_id, run_input={"value": "abc"})
        resume_flow_run(run_id, run_input={"value": 5})

    thread = when_paused(records, resume)
    assert f() == 5
    thread.join()


def test_only_paused_runs_can_be_resumed(records: Any) -> None:
    @flow
    def f() -> None: ...

    f()
    with pytest.raises(NotPausedError):
        resume_flow_run(records.flow_runs()[0].id)


def test_pausing_is_for_flows_only() -> None:
    @task
    def t() -> None:
        pause_flow_run(timeout=1)

    @flow
    def f() -> None:
        t()

    with pytest.raises(RuntimeError, match="within a flow run"):
        pause_flow_run()
    with pytest.raises(RuntimeError, match="within a task"):
        f()


def test_a_suspended_flow_ends_its_attempt_and_runs_again_when_resumed(records: Any) -> None:
    calls = []

    @task(persist_result=True)
    def costly() -> int:
        calls.append("costly")
        return 1

    @flow
    def f() -> str:
        costly()
        calls.append(FlowRunContext.get().flow_run.run_count)
        suspend_flow_run(timeout=60)
        calls.append("after")
        return "done"

    state = f(return_state=True)
    assert (state.name, state.type.value) == ("Suspended", "PAUSED")
    [run] = records.flow_runs()
    resume_flow_run(run.id)
    [run] = records.flow_runs()
    assert run.state.is_scheduled()
    assert run_flow(f, flow_run=run) == "done"
    assert calls == ["costly", 1, 2, "after"]
    assert records.flow_runs()[0].state.is_completed()
