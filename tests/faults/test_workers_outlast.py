"""Workers whose server is away for a while, and workers of several servers."""

from __future__ import annotations

import os
import signal

import pytest
from tests.faults.fleets import Fleet
from tests.faults.sites import wait_until
from tests.ports import free_port

pytestmark = [pytest.mark.faults, pytest.mark.slow]


def types(fleet: Fleet, runs: list[str]) -> set[str]:
    return {fleet.state(run)["type"] for run in runs}


@pytest.mark.parametrize("how", ["served", "queued"])
def test_runs_and_who_supervises_them_outlast_a_server_that_is_away(
    fleet: Fleet, how: str, kind_of_database: str, is_thorough: bool
) -> None:
    if kind_of_database == "postgres" and how == "served" and not is_thorough:
        pytest.skip("Only thoroughly: `nox -s faults`.")
    supervisor = fleet.serve() if how == "served" else fleet.work()
    runs = [fleet.order(how, seconds=4) for _ in range(10 if is_thorough else 3)]
    for run in runs:
        fleet.pid(run, 60)
    fleet.site.kill()
    wait_until(lambda: len(fleet.notes("done")) == len(runs), 60)  # all of them end while there is no server
    fleet.site.start()
    wait_until(lambda: fleet.has_ended(*runs), 60)
    later = fleet.order(how)
    wait_until(lambda: fleet.has_ended(later), 60)
    assert types(fleet, [*runs, later]) == {"COMPLETED"}
    assert supervisor.poll() is None
    fleet.site.check(all_ended=True, started=fleet.starts())


def test_workers_of_two_servers_execute_each_run_once(fleet: Fleet, kind_of_database: str, is_thorough: bool) -> None:
    if kind_of_database == "sqlite":
        pytest.skip("Several servers need Postgres.")
    site, port = fleet.site, free_port()
    second = site.start(port)
    workers = [fleet.work(), fleet.work(api=f"http://127.0.0.1:{port}/api")]
    runs = [fleet.order("queued", seconds=0.5) for _ in range(50 if is_thorough else 8)]
    wait_until(lambda: fleet.has_ended(*runs), 180)
    assert types(fleet, runs) == {"COMPLETED"}
    victims = [fleet.order("queued", seconds=60) for _ in range(2)]
    for victim in victims:
        os.kill(fleet.pid(victim, 60), signal.SIGKILL)
    second.kill()  # whichever of the two notices what, and whatever it was at
    wait_until(lambda: fleet.has_ended(*victims), 120)
    site.start(port)  # only then its worker can hear that there are hooks to be called
    wait_until(lambda: all(fleet.hooks(victim) for victim in victims), 60)
    assert types(fleet, victims) == {"CRASHED"}
    assert [fleet.hooks(victim) for victim in victims] == [["CRASHED"]] * 2
    assert fleet.starts() == dict.fromkeys(fleet.starts(), 1)
    assert all(worker.poll() is None for worker in workers)
    site.check(all_ended=True, started=fleet.starts())
