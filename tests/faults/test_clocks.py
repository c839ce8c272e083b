"""The clock of a real server is put: nobody who lives is taken for dead, and nothing is done twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.faults.clocks import PutClock, time_of
from tests.faults.conftest import Victim
from tests.faults.sites import Site, wait_until
from tests.faults.test_background_tasks import Tasks
from tests.faults.test_slot_holders import Limit

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture
def site(make_site: Callable[..., Site], clock: PutClock) -> Site:
    site = make_site(**clock.variables)
    site.start()
    return site


def holding_elsewhere(site: Site) -> str:
    """A run of a process on another host, which is never heard of again."""
    run = site.post("/flow_runs/", {"flow_id": site.flow(), "state": {"type": "PENDING"}})["id"]
    owner = {"host": "elsewhere", "pid": 1, "started": "1", "boot_id": "b", "pid_namespace": "n"}
    lease = {"token": str(uuid4()), "owner": owner, "ttl_seconds": 60}
    answer: Any = site.post(f"/flow_runs/{run}/set_state", {"state": {"type": "RUNNING"}, "lease": lease})
    assert answer["status"] == "ACCEPT"
    return str(run)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("hours", [1, -1])
def test_a_task_worker_keeps_what_it_is_at_when_the_clock_is_put(
    site: Site, clock: PutClock, hours: int, is_thorough: bool
) -> None:
    if not is_thorough and (hours < 0 or not site.url.startswith("sqlite")):
        pytest.skip("Only thoroughly: `nox -s faults`.")
    tasks = Tasks(site)
    runs = tasks.delay(1, seconds=13)
    first = tasks.worker()
    assert first.stdout.readline() == "begun 0\n"
    other = tasks.worker()
    elsewhere = holding_elsewhere(site)
    before = time_of(site)
    clock.put(hours * 3600)
    wait_until(lambda: abs(time_of(site) - before - timedelta(hours=hours)) < timedelta(minutes=1))
    tasks.wait_for(runs, 120)
    assert site.read(f"/task_runs/{runs[0]}")["run_count"] == 1
    assert site.read(f"/flow_runs/{elsewhere}")["state_type"] == "RUNNING"
    clock.put(0)
    wait_until(lambda: time_of(site) - before < timedelta(minutes=10))
    later = tasks.delay(1)
    tasks.wait_for(later, 120)
    assert other.poll() is None
    site.check(ended_as=dict.fromkeys([*runs, *later], "COMPLETED"))


@pytest.mark.timeout(200)
@pytest.mark.parametrize("hours", [1, -1])
def test_a_slot_stays_its_holders_when_the_clock_is_put(
    site: Site, clock: PutClock, hours: int, is_thorough: bool
) -> None:
    if not is_thorough:
        pytest.skip("What servers do is tested without processes, too; this: `nox -s faults`.")
    limit = Limit(site, 1)
    first = limit.holder()
    first.enters()
    before = time_of(site)
    clock.put(hours * 3600)
    wait_until(lambda: abs(time_of(site) - before - timedelta(hours=hours)) < timedelta(minutes=1))
    second = limit.holder()
    time.sleep(3)  # in which it asks, and is refused
    assert limit.in_use == 1
    left = first.leave()
    assert second.enters() >= left
    second.leave()
    for each in (first, second):
        each.ends()
    assert limit.in_use == 0
    site.check()


@pytest.mark.timeout(400)
def test_a_host_that_is_gone_is_noticed_although_the_clock_was_put_back(
    site: Site, clock: PutClock, is_thorough: bool
) -> None:
    if not is_thorough:
        pytest.skip("It takes two minutes: `nox -s faults`.")
    clock.put(3600)
    time.sleep(1)
    elsewhere = holding_elsewhere(site)
    clock.put(0)
    wait_until(lambda: site.read(f"/flow_runs/{elsewhere}")["state_type"] == "CRASHED", 240)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("minutes", [10, -10])
def test_a_task_runs_at_once_that_is_called_where_the_clock_is_wrong(
    make_site: Callable[..., Site], clock: PutClock, minutes: int, is_thorough: bool
) -> None:
    if not is_thorough:
        pytest.skip("What is due when is tested without processes, too; this: `nox -s faults`.")
    site = make_site()
    site.start()
    clock.put(minutes * 60)
    tasks = Tasks(site, **clock.variables)
    runs = tasks.delay(3)
    tasks.worker()
    tasks.wait_for(runs, 60)
    tasks.check(runs)


EMBEDDED = """
    from prefect.task_worker import serve

    @task
    def step(seconds):
        note("begun")
        time.sleep(seconds)
        note("ended")
"""


@pytest.mark.timeout(200)
@pytest.mark.parametrize("hours", [1, -1])
def test_without_a_server_a_task_worker_keeps_what_it_is_at_when_the_clock_is_put(
    victim: Victim, clock: PutClock, hours: int, is_thorough: bool
) -> None:
    if not is_thorough and hours < 0:
        pytest.skip("Only thoroughly: `nox -s faults`.")
    victim.env |= clock.variables
    code, output = victim.run(EMBEDDED + "\n    step.delay(5.0)")
    assert code == 0, output
    workers = [victim.start(EMBEDDED + "\n    serve(step)", "first.py")]
    victim.wait_for_note("begun")
    workers.append(victim.start(EMBEDDED + "\n    serve(step)", "second.py"))
    wait_until(lambda: victim.rows("select count(*) from task_worker") == [(2,)], 30)
    clock.put(hours * 3600)
    victim.wait_for_note("ended")
    wait_until(lambda: victim.states()["task"] == ["Completed"], 30)
    for worker in workers:
        os.kill(worker.pid, signal.SIGTERM)
        output, _ = worker.communicate(timeout=30)
        assert worker.returncode == 0, output
    assert victim.notes() == ["begun", "ended"]
    assert victim.rows("select run_count from task_run") == [(1,)]
    victim.check_invariants()
