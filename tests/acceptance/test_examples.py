"""The examples do what they say, on the real data, with nothing but a folder for what they leave."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)

EXAMPLES = Path(__file__).parents[2] / "examples"
FLIGHTS = 336_776
LARGEST = ("United Air Lines Inc.", 58_665)


def task_states(user, flow_name):
    """The states of the task runs of a flow's runs, oldest run first: how many of each name, by task."""
    with user.client() as client:
        runs = [run for run in client.read_flow_runs() if client.read_flow(run.flow_id).name == flow_name]
        runs.sort(key=lambda run: run.start_time)
        return [
            Counter(
                (task_run.name.split("-")[0], task_run.state.name)
                for task_run in client.read_task_runs(limit=200)
                if task_run.flow_run_id == run.id
            )
            for run in runs
        ]


@pytest.fixture(scope="module")
def analyst(make_user):
    """Someone who has summarised the flights twice, then run everything."""
    user = make_user("flights")
    user.environment["EXAMPLES_OUTPUT"] = str(user.folder)
    user.first = user.python(EXAMPLES / "flights.py", patience=120)
    user.second = user.python(EXAMPLES / "flights.py", patience=120)
    return user


def test_all_flights_are_summarised_by_carrier(analyst):
    assert f"{FLIGHTS:,} flights of 16 carriers" in analyst.first.stderr
    with (analyst.folder / "flights_by_carrier.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    assert sum(int(row["flights"]) for row in rows) == FLIGHTS
    assert (rows[0]["name"], int(rows[0]["flights"])) == LARGEST
    assert sum(int(row["cancelled"]) for row in rows) == 8_255  # those without a departure time


def test_the_summary_is_a_table_that_stays_with_the_run(analyst):
    with analyst.client() as client:
        [latest] = [each for each in client.read_latest_artifacts() if each.key == "flights-by-carrier"]
        versions = [each for each in client.read_artifacts() if each.key == "flights-by-carrier"]
    rows = json.loads(latest.data)
    assert sum(row["flights"] for row in rows) == FLIGHTS
    assert (rows[0]["name"], rows[0]["flights"]) == LARGEST
    assert len({version.flow_run_id for version in versions}) == len(versions) >= 2


def test_the_second_run_finds_every_carrier_in_the_cache(analyst):
    first, second = task_states(analyst, "flights")[:2]
    assert first["summarise", "Completed"] == 16
    assert second["summarise", "Cached"] == 16
    assert second["summarise", "Completed"] == 0
    assert second["split_by_carrier", "Completed"] == 1
    assert analyst.second.seconds < analyst.first.seconds


def test_forty_cities_are_asked_at_once_and_the_failing_ones_again(user):
    done = user.python(EXAMPLES / "async_http.py")
    assert "The warmest of 40 cities is city-4." in done.stderr
    assert done.stderr.count("Retry 1/2 will start") == 8
    [states] = task_states(user, "async-http")
    assert states == {("fetch", "Completed"): 40, ("warmest", "Completed"): 1}
    with user.client() as client:
        [artifact] = client.read_artifacts()
        fetched = [run for run in client.read_task_runs(limit=200) if run.name.startswith("fetch-")]
    assert artifact.key == "warmest-city"
    assert "# city-4" in artifact.data
    assert Counter(run.run_count for run in fetched) == {1: 32, 2: 8}


@pytest.fixture
def survivor(user):
    """Someone whose pipeline died in its last step."""
    user.environment["SURVIVOR_JOURNAL"] = str(user.folder / "journal")
    user.python(EXAMPLES / "survivor.py", expect=137, SURVIVOR_DIES="1")
    return user


STEPS = {f"download {part}": 1 for part in range(3)} | {f"service {part}": 3 for part in range(3)}


def journal(user):
    return Counter((user.folder / "journal").read_text(encoding="utf-8").splitlines())


def test_a_process_that_died_is_noticed_and_its_run_completed_without_repeating_stored_steps(survivor):
    assert journal(survivor) == STEPS | {"add up": 1}
    [crashed] = json.loads(survivor.prefect("flow-run", "ls", "--state", "Crashed", "-o", "json").stdout)
    assert "is gone: process" in crashed["state"]["message"]
    survivor.prefect("flow-run", "retry", crashed["id"])
    with survivor.client() as client:
        run = client.read_flow_run(crashed["id"])
    assert (run.state.name, run.run_count) == ("Completed", 2)
    assert journal(survivor) == STEPS | {"add up": 2}


def test_a_pipeline_that_nothing_happens_to_needs_one_attempt(user):
    done = user.python(EXAMPLES / "survivor.py", SURVIVOR_JOURNAL=user.folder / "journal")
    assert f"Sum: {sum(range(3_000))}" in done.stdout
    assert journal(user) == STEPS | {"add up": 1}


def test_the_demonstration_shows_what_ran(analyst):
    """The same folder as before: its flights are cached, its runs are listed too."""
    done = analyst.python(EXAMPLES / "run_all.py", patience=240)
    shown = dict(
        re.findall(r"^\$ prefect ([a-z-]+ ?[a-z]*)[^\n]*\n(.*?)(?=^\$ |\Z)", done.stdout, re.MULTILINE | re.DOTALL)
    )
    assert {name: shown["flow-run ls"].count(name) for name in ("flights", "async-http", "survivor")} == {
        "flights": 3,
        "async-http": 1,
        "survivor": 1,
    }
    assert "Crashed" not in shown["flow-run ls"]
    assert "United Air Lines Inc." in shown["artifact inspect"]
    assert journal_of_demonstration(analyst) == STEPS | {"add up": 2}


def journal_of_demonstration(user):
    return Counter((user.folder / "survivor.log").read_text(encoding="utf-8").splitlines())
