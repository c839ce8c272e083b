"""Processes whose clock is ten minutes wrong: runs are due by the server's clock, and what is to last lasts as long."""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from tests.faults.clocks import PutClock, time_of
from tests.faults.fleets import Fleet
from tests.faults.sites import Site, wait_until
from tests.faults.test_slot_holders import Limit

pytestmark = [pytest.mark.faults, pytest.mark.slow]

MINUTES = [pytest.param(-10, id="behind"), pytest.param(10, id="ahead")]
A_WHILE = timedelta(seconds=45)
"""What is late by less is late because the machine is busy, and not because a clock is wrong."""


@pytest.fixture(autouse=True)
def chosen(request: pytest.FixtureRequest, is_thorough: bool) -> None:
    """Before anything is started."""
    if not is_thorough and request.node.callspec.id not in {"sqlite-served-behind", "sqlite-queued-ahead"}:
        pytest.skip("Only thoroughly: `nox -s faults`.")


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def history(fleet: Fleet, run: str) -> list[tuple[str, datetime]]:
    """The types of the states of a flow run, in the order of their times, which is also that in which they were entered."""
    states = fleet.site.read(f"/flow_run_states/?flow_run_id={run}")
    states.sort(key=lambda state: state["timestamp"])
    return [(state["type"], moment_of(state["timestamp"])) for state in states]


def check_pauses(fleet: Fleet, run: str) -> None:
    """Between two attempts as much time has passed as was to, and not ten minutes more."""
    for word, delay in (("flow", 3), ("task", 2)):
        moments = [float(moment) for found, moment in fleet.notes(word) if found == run]
        pauses = [later - earlier for earlier, later in pairwise(moments)]
        assert len(pauses) == 1
        assert delay <= pauses[0] <= delay + A_WHILE.total_seconds()


@pytest.mark.timeout(200)
@pytest.mark.parametrize("minutes", MINUTES)
@pytest.mark.parametrize("how", ["served", "queued"])
def test_runs_begin_when_they_are_due_by_the_servers_clock(
    fleet: Fleet, clock: PutClock, how: str, minutes: int
) -> None:
    fleet.site.post("/concurrency_limits/", {"tag": "few", "concurrency_limit": 1})
    start: Any = fleet.serve if how == "served" else fleet.work
    supervisor = start(**clock.wrong_by(minutes * 60))
    moment = time_of(fleet.site)
    due = moment + timedelta(seconds=5)
    run, much_later = fleet.order(how, "again", due), fleet.order(how, due=moment + timedelta(minutes=5))
    wait_until(lambda: fleet.has_ended(run), 120)
    kinds = [kind for kind, _ in history(fleet, run)]
    assert kinds == ["SCHEDULED", "PENDING", "RUNNING", "SCHEDULED", "RUNNING", "COMPLETED"]
    moments = [moment for _, moment in history(fleet, run)]
    assert due <= moments[2] <= due + A_WHILE
    assert moments[3] + timedelta(seconds=3) <= moments[4] <= moments[3] + A_WHILE
    check_pauses(fleet, run)
    assert fleet.state(much_later)["type"] == "SCHEDULED"
    assert supervisor.poll() is None
    assert fleet.site.read("/concurrency_limits/tag/few")["active_slots"] == []
    fleet.site.check()


@pytest.mark.timeout(200)
@pytest.mark.parametrize("minutes", MINUTES)
def test_a_flow_that_a_script_calls_is_retried_after_its_delay(fleet: Fleet, clock: PutClock, minutes: int) -> None:
    fleet.site.post("/concurrency_limits/", {"tag": "few", "concurrency_limit": 1})
    script = fleet.call("again", **clock.wrong_by(minutes * 60))
    assert script.wait(timeout=120) == 0, fleet.output()
    [run] = {run for run, _ in fleet.notes("flow")}
    assert [kind for kind, _ in history(fleet, run)] == ["PENDING", "RUNNING", "SCHEDULED", "RUNNING", "COMPLETED"]
    check_pauses(fleet, run)
    fleet.site.check(all_ended=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("minutes", MINUTES)
def test_a_slot_is_held_as_long_as_its_holder_is_there(site: Site, clock: PutClock, minutes: int) -> None:
    limit = Limit(site, 1)
    first = limit.holder(**clock.wrong_by(minutes * 60))
    first.enters()
    second = limit.holder(**clock.wrong_by(-minutes * 60))
    began = time.monotonic()
    while time.monotonic() < began + 70:  # longer than a lease that is not renewed
        assert limit.in_use == 1
        site.check()
        time.sleep(5)
    first.kill()
    killed = time.monotonic()
    second.enters()
    assert time.monotonic() - killed < 75  # which is how long a lease lasts, and a moment
    assert limit.in_use == 1
    second.leave()
    second.ends()
    assert limit.in_use == 0
    site.check()


BACKGROUND = """
    import os, sys, time
    os.environ["PREFECT_SERVER_TASKS_SCHEDULING_PENDING_TASK_TIMEOUT"] = "2"
    from prefect import task
    from prefect.context import TaskRunContext
    from prefect.task_worker import serve

    @task(retries=1, retry_delay_seconds=15)
    def step():
        count = TaskRunContext.get().task_run.run_count
        print(count, time.monotonic(), flush=True)
        if count == 1:
            raise ValueError("the first time")

    if sys.argv[1] == "serve":
        print("serving", flush=True)
        serve(step)
    else:
        print(step.delay().task_run_id, flush=True)
"""


@pytest.mark.timeout(200)
@pytest.mark.parametrize("minutes", MINUTES)
@pytest.mark.parametrize("is_lost", [False, True], ids=["kept", "lost"])
def test_a_background_task_is_retried_after_its_delay_also_by_another_worker(
    site: Site, clock: PutClock, minutes: int, is_lost: bool
) -> None:
    output, errors = site.run(BACKGROUND, "delay", **clock.wrong_by(-minutes * 60)).communicate(timeout=60)
    run = output.strip()
    assert run, errors
    worker = site.run(BACKGROUND, "serve", **clock.wrong_by(minutes * 60))
    first = attempt_of(worker)
    wait_until(lambda: site.read(f"/task_runs/{run}")["state_name"] == "AwaitingRetry")
    if is_lost:
        os.killpg(worker.pid, signal.SIGKILL)
        worker = site.run(BACKGROUND, "serve")
    second = attempt_of(worker)
    assert first[0] == 1
    assert second[0] == 2
    assert 15 <= second[1] - first[1] <= 15 + A_WHILE.total_seconds()
    wait_until(lambda: site.read(f"/task_runs/{run}")["state_type"] == "COMPLETED")
    site.check(all_ended=True)


def attempt_of(worker: Any) -> tuple[int, float]:
    """The number of the attempt that a worker begins next, and when."""
    line = worker.stdout.readline()
    if line == "serving\n":
        line = worker.stdout.readline()
    assert line, worker.stderr.read()
    number, moment = line.split()
    return int(number), float(moment)
