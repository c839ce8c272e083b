"""Summer time begins or ends while a server and who executes runs are at work: nobody does anything twice, or not at all."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.faults.clocks import PutClock, time_of
from tests.faults.fleets import Fleet
from tests.faults.sites import Site, wait_until
from tests.faults.test_wrong_clocks import check_pauses, history, moment_of

from prefect.utilities.time import UTC, now

pytestmark = [pytest.mark.faults, pytest.mark.slow]

ZONE = "Europe/Berlin"
EDGES = {"spring": datetime(2027, 3, 28, 1, tzinfo=UTC), "autumn": datetime(2027, 10, 31, 1, tzinfo=UTC)}
STEP = timedelta(seconds=3)
BEFORE = {"served": 12.0, "queued": 30.0}
"""So many seconds before summer time begins or ends the schedules are made; more on a machine that proves slow."""


@pytest.fixture(autouse=True)
def chosen(request: pytest.FixtureRequest, is_thorough: bool) -> None:
    """Before anything is started."""
    if not is_thorough and request.node.callspec.id != "sqlite-served-autumn":
        pytest.skip("Only thoroughly: `nox -s faults`.")


@pytest.fixture
def variables(clock: PutClock) -> dict[str, str]:
    """Those of processes in the zone, whose clock can be put."""
    return {
        **clock.variables,
        "TZ": ZONE,
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }


@pytest.fixture
def site(make_site: Any, variables: dict[str, str]) -> Site:
    site: Site = make_site(**variables)
    site.start()
    return site


def half_hours_of_the_clock(begin: datetime, end: datetime) -> list[datetime]:
    """When a clock in the zone shows full and half hours: those that it shows twice, the first time; none that it skips."""
    shown: dict[datetime, datetime] = {}
    moment = begin
    while moment < end:
        local = moment.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)
        if local.minute % 30 == 0 and local.second == 0:
            shown.setdefault(local, moment)
        moment += timedelta(seconds=60)
    return sorted(shown.values())


class Schedules:
    """Two schedules of a deployment, told apart by what their runs are called with."""

    STEPS, HALF_HOURS = {"seconds": 0.0}, {"seconds": 0.001}

    def __init__(self, site: Site, deployment: str, anchor: datetime) -> None:
        self._site = site
        self._path = f"/deployments/{deployment}"
        self._wanted = {"deployments": {"id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
        steps = {"interval": STEP.total_seconds(), "anchor_date": anchor.isoformat(), "timezone": ZONE}
        half_hours = {"cron": "*/30 * * * *", "timezone": ZONE}
        body = [
            {"schedule": steps, "parameters": self.STEPS, "slug": "steps"},
            {"schedule": half_hours, "parameters": self.HALF_HOURS, "slug": "half-hours"},
        ]
        site.post(f"{self._path}/schedules", body)

    def runs(self, parameters: Any) -> list[tuple[datetime, str]]:
        """The runs of a schedule: when they are due, and their ids."""
        runs = self._site.post("/flow_runs/filter", self._wanted)
        chosen = [run for run in runs if run["auto_scheduled"] and run["parameters"] == parameters]
        return [(moment_of(run["expected_start_time"]), run["id"]) for run in chosen]

    def due(self, parameters: Any) -> list[datetime]:
        return [due for due, _ in self.runs(parameters)]

    def end(self) -> None:
        self._site.ask("PATCH", self._path, {"paused": True}).raise_for_status()


@pytest.mark.timeout(200)
@pytest.mark.parametrize("season", ["autumn", "spring"])
@pytest.mark.parametrize("how", ["served", "queued"])
def test_each_time_has_one_run_and_what_is_under_way_goes_on(
    fleet: Fleet,
    clock: PutClock,
    variables: dict[str, str],
    how: str,
    season: str,
) -> None:
    site, edge = fleet.site, EDGES[season]
    start: Any = fleet.serve if how == "served" else fleet.work
    began_at = time.monotonic()
    supervisor = start(**variables)
    deployment, _ = fleet.deployment("work", how), fleet.deployment("again", how)
    before = min(max(BEFORE[how], 3 * (time.monotonic() - began_at)), 50.0)
    clock.put(round((edge - now()).total_seconds() - before))
    wait_until(lambda: edge - timedelta(minutes=1) < time_of(site) < edge)
    long, tried = fleet.order(how, seconds=12), fleet.order(how, "again", edge - timedelta(seconds=1))
    schedules = Schedules(site, deployment, edge)
    begin = time_of(site)
    wait_until(lambda: schedules.due(Schedules.STEPS) and schedules.due(Schedules.HALF_HOURS))
    steps, half_hours = schedules.due(Schedules.STEPS), schedules.due(Schedules.HALF_HOURS)
    assert begin - STEP < steps[0] <= edge, "It took too long to get here."
    assert steps == [
        edge + number * STEP for number in range((steps[0] - edge) // STEP, (steps[-1] - edge) // STEP + 1)
    ]
    shown = half_hours_of_the_clock(edge - timedelta(days=1), half_hours[-1] + timedelta(minutes=1))
    assert half_hours == [due for due in shown if due >= begin]
    assert (edge in half_hours) is (season == "spring")

    wait_until(lambda: time_of(site) > edge + 2 * STEP, 60)
    runs = [*schedules.runs(Schedules.STEPS), *schedules.runs(Schedules.HALF_HOURS)]
    chosen = [run for due, run in runs if due <= edge + 2 * STEP]
    wait_until(lambda: fleet.has_ended(long, tried, *chosen), 120)
    schedules.end()
    assert fleet.count([long, tried, *chosen], "COMPLETED") == 2 + len(chosen)
    began = Counter(run for run, _ in fleet.notes("start"))
    assert {run: began[run] for run in [long, *chosen]} == dict.fromkeys([long, *chosen], 1)
    assert [kind for kind, _ in history(fleet, long)] == ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]
    check_pauses(fleet, tried)
    assert supervisor.poll() is None
    site.check(started=fleet.starts())
