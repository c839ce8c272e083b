"""Runs that are well are never taken for dead, however busy the machine is."""

from __future__ import annotations

import pytest
from tests.faults.fleets import Fleet
from tests.faults.sites import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.slow]

BATCH = 50


def see_complete(fleet: Fleet, runs: list[str]) -> None:
    wait_until(lambda: fleet.has_ended(*runs), 600)
    assert fleet.count(runs, "COMPLETED") == len(runs)
    fleet.site.answers.clear()


def test_healthy_runs_complete(fleet: Fleet, pytestconfig: pytest.Config, kind_of_database: str) -> None:
    count: int = pytestconfig.getoption("--healthy-runs")
    if kind_of_database == "postgres" and count < BATCH:
        pytest.skip("Only thoroughly: `nox -s healthy`.")
    fleet.serve()
    fleet.work()
    how = ["served", "queued"]
    under_way: list[list[str]] = []
    for begin in range(0, count, BATCH):
        under_way.append([fleet.order(how[number % 2], seconds=0.2) for number in range(min(BATCH, count - begin))])
        if len(under_way) > 1:  # nobody waits for the last ones of a batch
            see_complete(fleet, under_way.pop(0))
    see_complete(fleet, under_way.pop())
    assert set(fleet.starts().values()) == {1}
    assert len(fleet.starts()) == count
    fleet.site.check(all_ended=True, started=fleet.starts())
