"""Processes of runs, runners and workers that are killed: each run ends, is tried again, or is offered to others."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.faults.fleets import Fleet, Line, is_alive
from tests.faults.sites import Site, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture(autouse=True)
def spared(kind_of_database: str, is_thorough: bool, request: pytest.FixtureRequest) -> None:
    """Most faults do not reach the database: for these one kind is enough, unless there is time."""
    if kind_of_database == "postgres" and not is_thorough and "worker" not in request.node.name:
        pytest.skip("Only thoroughly: `nox -s faults`.")


@pytest.fixture
def times(is_thorough: bool, pytestconfig: pytest.Config) -> int:
    """How often a fault occurs, one after the other."""
    return int(pytestconfig.getoption("--fault-repetitions")) if is_thorough else 1


def start(fleet: Fleet, how: str) -> Any:
    return fleet.serve() if how == "served" else fleet.work()


@pytest.mark.parametrize("how", ["served", "queued"])
def test_a_killed_process_is_noticed_within_ten_seconds(fleet: Fleet, how: str, times: int) -> None:
    fleet.site.post("/concurrency_limits/", {"tag": "few", "concurrency_limit": 1})
    start(fleet, how)
    for _ in range(times):
        run = fleet.order(how, seconds=60, holds=True)
        pid = fleet.pid(run)
        wait_until(lambda: fleet.site.read("/concurrency_limits/tag/few")["active_slots"])
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda run=run: fleet.has_ended(run), 10)
        assert fleet.state(run)["type"] == "CRASHED"
        wait_until(lambda run=run: fleet.hooks(run))
        wait_until(lambda: not fleet.site.read("/concurrency_limits/tag/few")["active_slots"], 60)
        assert fleet.hooks(run) == ["CRASHED"]
    fleet.site.check(all_ended=True, started=fleet.starts())


def test_a_killed_script_is_noticed_within_ninety_seconds(fleet: Fleet, times: int) -> None:
    for _ in range(times):
        script = fleet.call(60)
        wait_until(lambda script=script: any(int(pid) == script.pid for _, pid in fleet.notes("start")), 60)
        run = fleet.notes("start")[-1][0]
        script.kill()
        script.wait()
        wait_until(lambda run=run: fleet.has_ended(run), 90)
        assert fleet.state(run)["type"] == "CRASHED"
    fleet.site.check(all_ended=True, started=fleet.starts())


def test_a_run_with_retries_is_tried_again_when_its_process_is_killed(fleet: Fleet) -> None:
    fleet.serve()
    run = fleet.order("served", "tough", seconds=2)
    for attempt in range(2):
        wait_until(lambda attempt=attempt: len(fleet.notes("start")) > attempt, 30)
        os.kill(fleet.pid(run), signal.SIGKILL)
    wait_until(lambda: fleet.has_ended(run), 30)
    assert fleet.state(run)["type"] == "COMPLETED"
    assert len(fleet.notes("start")) == 3
    fleet.site.check(all_ended=True, started=fleet.starts())


def test_a_run_whose_process_is_killed_before_it_has_loaded_the_flow_is_tried_again_too(fleet: Fleet) -> None:
    fleet.serve()
    run = fleet.order("served", "early")
    loading = fleet.folder / "loading"
    wait_until(loading.exists, 60)
    os.kill(int(loading.read_text()), signal.SIGKILL)
    wait_until(lambda: fleet.has_ended(run), 60)
    assert fleet.state(run)["type"] == "COMPLETED"
    fleet.site.check(all_ended=True)


@pytest.mark.parametrize("how", ["served", "queued"])
def test_no_process_outlives_its_supervisor(fleet: Fleet, how: str, is_thorough: bool) -> None:
    supervisor = start(fleet, how)
    runs = [fleet.order(how, seconds=60) for _ in range(20 if is_thorough else 4)]
    pids = [fleet.pid(run, 60) for run in runs]
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids), 30) <= 30
    wait_until(lambda: fleet.has_ended(*runs), 90)
    assert {fleet.state(run)["type"] for run in runs} == {"CRASHED"}
    wait_until(lambda: all(fleet.hooks(run) for run in runs))
    assert all(fleet.hooks(run) == ["CRASHED"] for run in runs)
    fleet.site.check(all_ended=True, started=fleet.starts())


def test_a_new_worker_goes_on_where_a_killed_one_was(fleet: Fleet, times: int) -> None:
    for _ in range(times):
        worker = fleet.work()
        first = [fleet.order("queued", "tough", seconds=2) for _ in range(2)]
        for run in first:
            fleet.pid(run, 60)
        more = [fleet.order("queued") for _ in range(3)]  # some of which it has taken, and not begun
        wait_until(lambda more=more: fleet.count(more, "SCHEDULED") < len(more))
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        follower = fleet.work()
        wait_until(lambda first=first, more=more: fleet.has_ended(*first, *more), 90)
        assert {fleet.state(run)["type"] for run in first} == {"COMPLETED"}
        assert {fleet.state(run)["type"] for run in more} <= {"COMPLETED", "CRASHED"}  # a crash has no retries there
        follower.terminate()
        follower.wait()
    fleet.site.check(all_ended=True, started=fleet.starts())


@pytest.mark.parametrize("behavior", ["reschedule", "die"])
def test_a_process_that_is_told_to_terminate_is_followed_by_another(fleet: Fleet, behavior: str) -> None:
    fleet.serve(PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR=behavior)
    run = fleet.order("served", seconds=5)
    first = fleet.pid(run)
    os.kill(first, signal.SIGTERM)
    if behavior == "die":
        wait_until(lambda: fleet.has_ended(run), 30)
        assert fleet.state(run)["type"] == "CRASHED"
        wait_until(lambda: fleet.hooks(run))
        assert fleet.hooks(run) == ["CRASHED"]
    else:
        wait_until(lambda: fleet.pid(run) != first, 30)
        wait_until(lambda: fleet.has_ended(run), 30)
        assert fleet.state(run)["type"] == "COMPLETED"
        assert not fleet.hooks(run)
    fleet.site.check(all_ended=True, started=fleet.starts())


def test_a_worker_that_is_told_to_terminate_lets_its_runs_end(fleet: Fleet) -> None:
    worker = fleet.work()
    run = fleet.order("queued", seconds=3)
    fleet.pid(run)
    worker.terminate()
    wait_until(lambda: "Stops when" in fleet.output())
    later = fleet.order("queued")
    assert worker.wait(60) == 0
    assert fleet.state(run)["type"] == "COMPLETED"
    assert fleet.state(later)["type"] == "SCHEDULED"
    fleet.site.check(started=fleet.starts())


def test_runs_outlast_a_cut_and_who_was_taken_over_has_no_say(fleet: Fleet, make_line: Callable[[], Line]) -> None:
    short, long = make_line(), make_line()
    served = fleet.serve()
    served.terminate()
    served.wait()
    lucky, unlucky = (fleet.order("served", seconds=6) for _ in range(2))
    for run, line in ((lucky, short), (unlucky, long)):
        fleet._start("-m", "prefect", "flow-run", "execute", run, api=line.api)
        fleet.pid(run)
        line.cut()
    wait_until(lambda: fleet.state(unlucky)["type"] == "RUNNING")
    first = fleet.pid(unlucky)
    retry = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
    fleet.site.post(f"/flow_runs/{unlucky}/set_state", retry)
    fleet.serve()
    second = 0
    wait_until(lambda: fleet.pid(unlucky) != first, 30)
    second = fleet.pid(unlucky)
    wait_until(lambda: [unlucky, str(first)] in fleet.notes("done"), 30)
    short.mend()
    wait_until(lambda: fleet.has_ended(lucky), 30)
    wait_until(lambda: fleet.has_ended(unlucky), 30)
    before = fleet.state(unlucky)
    long.mend()
    wait_until(lambda: not is_alive(first), 60)
    assert fleet.state(unlucky) == before
    assert second != first
    assert [fleet.state(run)["type"] for run in (lucky, unlucky)] == ["COMPLETED", "COMPLETED"]
    fleet.site.check(all_ended=True, started=fleet.starts())


@pytest.fixture
def make_line(site: Site) -> Iterator[Callable[[], Line]]:
    made: list[Line] = []

    def make() -> Line:
        made.append(Line(site.port))
        return made[-1]

    yield make
    for line in made:
        line.close()
