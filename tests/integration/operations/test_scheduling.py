"""Schedules become runs: ahead of time, once for each due time, and anew when something changes."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from prefect._contract.actions.deployments import (
    DeploymentCreate,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdate,
)
from prefect._contract.actions.settings import VariableCreate, WorkPoolCreate
from prefect._contract.endpoints import deployments, flow_runs, variables, work_pools
from prefect._contract.endpoints.backfills import backfill_deployment
from prefect._contract.filters import FlowRunFilter
from prefect._contract.objects import FlowRun
from prefect._contract.retry_labels import labels_of_retries
from prefect._contract.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from prefect._contract.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.server.database import tables
from prefect.server.database.engine import Database
from prefect.server.database.queries import records
from prefect.server.operations.scheduling import Insertions, Limits, schedule_due_deployments
from prefect.server.operations.vault import Vault
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.time import UTC

HOUR = timedelta(hours=1)
HOURLY = CronSchedule(cron="0 * * * *")
DAILY = CronSchedule(cron="0 0 * * *")
START = datetime(2031, 5, 6, 12, tzinfo=UTC)
"""When the clock of the orchestrator begins: a moment at which hourly schedules are due."""


def make(orchestrator: Any, *schedules: Any, name: str = "d", **fields: Any) -> UUID:
    asked = [
        each if isinstance(each, DeploymentScheduleCreate) else DeploymentScheduleCreate(schedule=each)
        for each in schedules
    ]
    request = DeploymentCreate(name=name, flow_id=orchestrator.flow(), schedules=asked, **fields)
    return orchestrator.send(deployments.create_deployment(request)).id


def runs(orchestrator: Any, id: UUID | None = None) -> list[FlowRun]:
    chosen = FlowRunFilter() if id is None else FlowRunFilter(deployment_id={"any_": [id]})
    call = flow_runs.read_flow_runs(flow_run_filter=chosen, sort=FlowRunSort.EXPECTED_START_TIME_ASC)
    return orchestrator.send(call)


def hours(orchestrator: Any, id: UUID | None = None) -> list[float]:
    """How many hours after the beginning runs are due."""
    return [(run.expected_start_time - START) / HOUR for run in runs(orchestrator, id)]


def tick(orchestrator: Any, database: Database | None = None, **limits: Any) -> Insertions:
    """One transaction of the scheduler."""
    transport = orchestrator.transport

    def insert(connection: Any) -> Insertions:
        work = UnitOfWork(connection, orchestrator.clock.now, Vault(Path("encryption.key")))
        return schedule_due_deployments(work, Limits(**limits))

    return (database or transport.database).transaction(insert, write=True)


def schedule(orchestrator: Any, id: UUID, **asked: Any) -> None:
    orchestrator.send(deployments.schedule_deployment(id, **asked))


# -- the scheduler


def test_runs_are_inserted_ahead_of_time(orchestrator) -> None:
    id = make(orchestrator, HOURLY)
    assert tick(orchestrator) == (1, 3)
    assert hours(orchestrator, id) == [0, 1, 2]
    assert tick(orchestrator) == (0, 0)


def test_an_inserted_run_is_made_of_its_deployment_and_schedule(orchestrator) -> None:
    orchestrator.send(work_pools.create_work_pool(WorkPoolCreate(name="pool", type="process")))
    orchestrator.send(variables.create_variable(VariableCreate(name="five", value=5)))
    asked = DeploymentScheduleCreate(
        schedule=HOURLY,
        slug="s",
        parameters={"b": 2, "five": {"__prefect_kind": "workspace_variable", "variable_name": "five"}},
    )
    id = make(
        orchestrator,
        asked,
        parameters={"a": 1, "b": 1},
        tags=["t"],
        labels={"l": 1},
        version="v",
        work_pool_name="pool",
    )
    (its_schedule,) = orchestrator.send(deployments.read_deployment_schedules(id))
    tick(orchestrator)
    run = runs(orchestrator)[1]
    due = START + HOUR
    assert (run.expected_start_time, run.next_scheduled_start_time, run.state.state_details.scheduled_time) == (
        due,
    ) * 3
    assert (run.state_type.value, run.state_name, run.state.message) == ("SCHEDULED", "Scheduled", "Flow run scheduled")
    assert run.state.state_details.flow_run_id == run.id
    assert (run.parameters, run.tags) == ({"a": 1, "b": 2, "five": 5}, ["auto-scheduled", "t"])
    assert (run.auto_scheduled, run.deployment_id, run.deployment_version, run.run_count) == (True, id, "v", 0)
    assert (run.work_pool_name, run.work_queue_name) == ("pool", "default")
    assert run.labels == {"prefect.flow.id": str(run.flow_id), "prefect.deployment.id": str(id), "l": 1}
    assert run.idempotency_key == f"scheduled {id} {its_schedule.id} 2031-05-06 13:00:00+00:00"
    assert (run.created_by.id, run.created_by.type, run.created_by.display_value) == (its_schedule.id, "SCHEDULE", "s")
    assert len({each.name for each in runs(orchestrator)}) == 3
    assert orchestrator.propose(run, "PENDING").status.value == "ACCEPT"


def test_an_inserted_run_is_tried_as_often_as_the_labels_of_its_deployment_say(orchestrator) -> None:
    make(orchestrator, HOURLY, labels=labels_of_retries(3, 1.5))
    tick(orchestrator)
    (run, *_) = runs(orchestrator)
    assert (run.empirical_policy.retries, run.empirical_policy.retry_delay) == (3, 2)


def test_runs_are_inserted_until_there_are_enough_and_they_reach_far_enough(orchestrator) -> None:
    minutely = make(orchestrator, IntervalSchedule(interval=timedelta(minutes=1), anchor_date=START), name="minutely")
    secondly = make(orchestrator, IntervalSchedule(interval=timedelta(seconds=1), anchor_date=START), name="secondly")
    weekly = make(orchestrator, RRuleSchedule(rrule="FREQ=WEEKLY"), name="weekly")
    few = make(orchestrator, DeploymentScheduleCreate(schedule=HOURLY, max_scheduled_runs=2), name="few")
    yearly = make(orchestrator, CronSchedule(cron="0 0 1 1 *"), name="yearly")
    while tick(orchestrator).schedules:
        pass
    assert hours(orchestrator, minutely)[-1] == 1
    assert len(runs(orchestrator, minutely)) == 61
    assert len(runs(orchestrator, secondly)) == 100
    assert len(runs(orchestrator, weekly)) == 3
    assert hours(orchestrator, few) == [0, 1]
    assert hours(orchestrator, yearly) == []
    tick(orchestrator, min_runs=10)
    assert len(runs(orchestrator, weekly)) == 3


def test_more_runs_are_inserted_as_time_passes(orchestrator) -> None:
    id = make(orchestrator, HOURLY)
    for hour in range(6):
        tick(orchestrator)
        assert hours(orchestrator, id)[-1] == hour + 2
        orchestrator.clock.pass_by(3600)
    assert hours(orchestrator, id) == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_far_date_is_inserted_when_it_comes_within_reach(orchestrator) -> None:
    id = make(orchestrator, RRuleSchedule(rrule="DTSTART:20320101T000000\nRRULE:FREQ=DAILY;COUNT=2"))
    assert tick(orchestrator) == (1, 0)
    orchestrator.clock.pass_by(86_400 * 100)
    assert tick(orchestrator) == (0, 0)
    orchestrator.clock.pass_by(86_400 * 40)
    assert tick(orchestrator) == (1, 1)
    orchestrator.clock.pass_by(86_400 * 1.5)
    assert tick(orchestrator) == (1, 1)
    assert [run.expected_start_time.day for run in runs(orchestrator, id)] == [1, 2]
    orchestrator.clock.pass_by(86_400 * 200)
    tick(orchestrator)
    assert tick(orchestrator) == (0, 0)
    assert len(runs(orchestrator, id)) == 2


def test_what_was_due_a_moment_ago_is_inserted_and_what_was_due_long_ago_is_not(orchestrator) -> None:
    orchestrator.clock.pass_by(-5)
    id = make(orchestrator, HOURLY)
    orchestrator.clock.pass_by(8)
    tick(orchestrator)
    assert hours(orchestrator, id) == [0, 1, 2, 3]
    orchestrator.clock.pass_by(86_400 + 600)
    tick(orchestrator)
    assert hours(orchestrator, id) == [0, 1, 2, 3, 25, 26, 27]


@pytest.mark.parametrize(("catchup", "expected"), [("none", []), ("latest", [30]), ("all", list(range(3, 31)))])
def test_what_was_due_while_nobody_looked_is_caught_up_with_as_the_schedule_says(
    orchestrator, catchup, expected
) -> None:
    id = make(orchestrator, DeploymentScheduleCreate(schedule=HOURLY, catchup=catchup))
    tick(orchestrator)
    assert hours(orchestrator, id) == [0, 1, 2]
    orchestrator.clock.pass_by(30.5 * 3600)
    while tick(orchestrator, max_runs=10).schedules:
        pass
    assert hours(orchestrator, id) == [0, 1, 2, *expected, 31, 32, 33]
    orchestrator.clock.pass_by(1800)
    tick(orchestrator)
    assert hours(orchestrator, id) == [0, 1, 2, *expected, 31, 32, 33]


def test_the_latest_of_very_many_missed_times_is_found_quickly(orchestrator) -> None:
    secondly = IntervalSchedule(interval=timedelta(seconds=1), anchor_date=START)
    ended = RRuleSchedule(rrule="DTSTART:20310506T120000\nRRULE:FREQ=MINUTELY;COUNT=3")
    id = make(orchestrator, DeploymentScheduleCreate(schedule=secondly, catchup="latest", max_scheduled_runs=1))
    few = make(orchestrator, DeploymentScheduleCreate(schedule=ended, catchup="latest"), name="few")
    orchestrator.clock.pass_by(3 * 365 * 86_400)
    began = time.process_time()
    tick(orchestrator)
    assert time.process_time() - began < 2
    assert hours(orchestrator, few) == [2 / 60]
    assert len(runs(orchestrator, id)) == 1


def test_nothing_is_caught_up_with_from_the_time_of_a_pause(orchestrator) -> None:
    id = make(orchestrator, DeploymentScheduleCreate(schedule=HOURLY, catchup="all"))
    orchestrator.send(deployments.pause_deployment(id))
    orchestrator.clock.pass_by(10.5 * 3600)
    orchestrator.send(deployments.resume_deployment(id))
    tick(orchestrator)
    assert hours(orchestrator, id) == [11, 12, 13]


# -- backfills


def fill(orchestrator: Any, id: UUID, start: float, end: float, **asked: Any) -> tuple[int, int, float | None]:
    answer = orchestrator.send(backfill_deployment(id, START + start * HOUR, START + end * HOUR, **asked))
    return answer.created, answer.existing, None if answer.next is None else (answer.next - START) / HOUR


def test_a_backfill_creates_the_runs_that_are_missing_in_a_span_part_by_part(orchestrator) -> None:
    id = make(orchestrator, HOURLY, tags=["t"])
    tick(orchestrator)
    assert fill(orchestrator, id, -10, 2, limit=8) == (8, 0, -2)
    assert fill(orchestrator, id, -10, 2, limit=8) == (0, 8, -2)
    assert fill(orchestrator, id, -2, 2, limit=8) == (2, 2, None)
    assert fill(orchestrator, id, -10, 2) == (0, 12, None)
    assert hours(orchestrator, id) == list(range(-10, 3))
    first = runs(orchestrator, id)[0]
    assert (first.auto_scheduled, first.tags, first.state_name) == (False, ["backfill", "t"], "Scheduled")
    assert first.created_by.type == "SCHEDULE"
    orchestrator.send(deployments.pause_deployment(id))
    assert hours(orchestrator, id) == list(range(-10, 0))


def test_a_backfill_takes_the_due_times_of_all_active_schedules_or_of_one(orchestrator) -> None:
    inactive = DeploymentScheduleCreate(schedule=CronSchedule(cron="30 * * * *"), active=False, slug="half")
    id = make(orchestrator, HOURLY, CronSchedule(cron="15 */2 * * *"), inactive)
    assert fill(orchestrator, id, 0, 4, limit=3) == (3, 0, 2)
    assert hours(orchestrator, id) == [0, 0.25, 1]
    schedules = {each.slug: each.id for each in orchestrator.send(deployments.read_deployment_schedules(id))}
    assert fill(orchestrator, id, 0, 2, schedule_id=schedules["half"]) == (2, 0, None)
    assert hours(orchestrator, id) == [0, 0.25, 0.5, 1, 1.5]


def test_a_backfill_that_cannot_be_meant_is_refused(orchestrator) -> None:
    id = make(orchestrator, HOURLY)
    with pytest.raises(PrefectHTTPStatusError, match="is empty: its end must be after its start"):
        fill(orchestrator, id, 2, 2)
    with pytest.raises(ObjectNotFound):
        fill(orchestrator, id, 0, 1, schedule_id=UUID(int=1))
    with pytest.raises(PrefectHTTPStatusError, match="has no active schedule"):
        fill(orchestrator, make(orchestrator, name="none"), 0, 1)
    assert runs(orchestrator) == []


def test_a_schedule_that_cannot_be_computed_holds_no_other_up(orchestrator, caplog) -> None:
    broken, well = (make(orchestrator, HOURLY, name=name) for name in ("broken", "well"))

    def spoil(connection: Any) -> None:
        schedules = tables.deployment_schedule
        spoilt = update(schedules).where(schedules.c.deployment_id == broken)
        connection.execute(spoilt.values(schedule={"interval": 1, "timezone": "Nowhere"}, insert_at=START - HOUR))

    orchestrator.transport.database.transaction(spoil, write=True)
    assert tick(orchestrator) == (2, 3)
    assert hours(orchestrator, well) == [0, 1, 2]
    assert f"of deployment {broken} is due cannot be told" in caplog.text
    assert "'Nowhere'" in caplog.text
    assert tick(orchestrator) == (0, 0)


def test_paused_deployments_and_schedules_get_no_runs(orchestrator) -> None:
    make(orchestrator, HOURLY, name="paused", paused=True)
    make(orchestrator, DeploymentScheduleCreate(schedule=HOURLY, active=False), name="inactive")
    assert tick(orchestrator) == (0, 0)


def test_a_transaction_inserts_a_bounded_number_of_runs(orchestrator) -> None:
    for name in "abcde":
        make(orchestrator, HOURLY, name=name)
    assert tick(orchestrator, schedules=2) == (2, 6)
    assert tick(orchestrator, insertions=1) == (1, 3)
    assert tick(orchestrator, seconds=0.0) == (1, 3)
    assert tick(orchestrator) == (1, 3)
    assert tick(orchestrator) == (0, 0)
    assert len(runs(orchestrator)) == 15


def test_servers_that_insert_at_the_same_time_insert_each_run_once(orchestrator, url) -> None:
    for number in range(12):
        make(orchestrator, HOURLY, name=f"d{number}")
    orchestrator.transport.database.close()
    inserted: list[int] = []
    failed: list[BaseException] = []

    def serve() -> None:
        database = Database(url)
        try:
            while (batch := tick(orchestrator, database, schedules=3)).schedules:
                inserted.append(batch.runs)
        except BaseException as error:
            failed.append(error)
        finally:
            database.close()

    servers = [threading.Thread(target=serve) for _ in range(4)]
    for server in servers:
        server.start()
    for server in servers:
        server.join(60)
    assert failed == []
    found = runs(orchestrator)
    assert (len(found), sum(inserted)) == (36, 36)
    assert len({(run.deployment_id, run.expected_start_time) for run in found}) == 36


def test_parameters_that_cannot_be_found_are_told_of(orchestrator) -> None:
    missing = {"__prefect_kind": "workspace_variable", "variable_name": "none"}
    make(orchestrator, HOURLY, parameters={"x": missing})
    assert tick(orchestrator) == (1, 3)
    run = runs(orchestrator)[0]
    assert run.parameters == {"x": missing}
    assert run.state.message.endswith("Variable 'none' not found in workspace.")


# -- on demand


def test_runs_are_inserted_on_demand(orchestrator) -> None:
    id = make(orchestrator, HOURLY)
    at = lambda hour: START + hour * HOUR
    schedule(orchestrator, id, start_time=at(10), max_runs=2)
    assert hours(orchestrator, id) == [10, 11]
    schedule(orchestrator, id, start_time=at(10), max_runs=2)
    schedule(orchestrator, id, start_time=at(10), end_time=at(11))
    assert hours(orchestrator, id) == [10, 11]
    schedule(orchestrator, id, start_time=at(10))
    assert hours(orchestrator, id) == [10, 11, 12]
    schedule(orchestrator, id, start_time=at(20), min_time=2 * HOUR, min_runs=1)
    schedule(orchestrator, id, start_time=at(30), min_runs=5, end_time=at(32.5))
    assert hours(orchestrator, id) == [10, 11, 12, 20, 21, 22, 30, 31, 32]
    schedule(orchestrator, id, start_time=at(40), max_runs=0)
    schedule(orchestrator, id, start_time=at(-30), max_runs=1)
    assert hours(orchestrator, id) == [-30, 10, 11, 12, 20, 21, 22, 30, 31, 32]
    assert len({run.created_by.id for run in runs(orchestrator)}) == 1


def test_inactive_schedules_ask_for_nothing_on_demand(orchestrator) -> None:
    id = make(orchestrator, DeploymentScheduleCreate(schedule=HOURLY, active=False), HOURLY, paused=True)
    schedule(orchestrator, id, start_time=START, max_runs=2)
    assert hours(orchestrator, id) == [0, 1]


def test_the_scheduler_finds_what_was_inserted_on_demand(orchestrator) -> None:
    id = make(orchestrator, HOURLY)
    schedule(orchestrator, id, max_runs=2)
    assert tick(orchestrator) == (1, 1)
    assert hours(orchestrator, id) == [0, 1, 2]


# -- when something changes


@pytest.fixture
def waiting(orchestrator) -> UUID:
    """A deployment with a late run, runs that wait, and runs that were asked for one by one or have begun."""
    from prefect._contract.actions.runs import DeploymentFlowRunCreate

    id = make(
        orchestrator,
        DeploymentScheduleCreate(schedule=HOURLY, slug="h"),
        DeploymentScheduleCreate(schedule=DAILY, slug="d"),
    )
    while tick(orchestrator).schedules:
        pass
    first, *_ = runs(orchestrator, id)
    orchestrator.propose(runs(orchestrator, id)[1], "PENDING")
    orchestrator.clock.pass_by(1800)
    assert first.expected_start_time < orchestrator.clock.now
    create = lambda **fields: orchestrator.send(
        deployments.create_flow_run_from_deployment(id, DeploymentFlowRunCreate(**fields))
    )
    create(name="asked for")
    return id


WAITING = [0, 0.5, 1, 2, 12, 36, 60]
"""Hours: late; asked for; pending; the next hour; the next days."""


def test_a_change_inserts_the_coming_runs_anew(orchestrator, waiting) -> None:
    assert hours(orchestrator, waiting) == WAITING
    orchestrator.send(deployments.update_deployment(waiting, DeploymentUpdate(parameters={"new": 1})))
    assert hours(orchestrator, waiting) == [0, 0.5, 1]
    tick(orchestrator)
    assert hours(orchestrator, waiting) == [0, 0.5, 1, 2, 3, 12, 36, 60]
    assert [run.parameters for run in runs(orchestrator, waiting)] == [{}] * 3 + [{"new": 1}] * 5


def test_deploying_again_inserts_the_coming_runs_anew(orchestrator, waiting) -> None:
    make(orchestrator, DeploymentScheduleCreate(schedule=DAILY, slug="d"))
    assert hours(orchestrator, waiting) == [0, 0.5, 1]
    tick(orchestrator)
    assert hours(orchestrator, waiting) == [0, 0.5, 1, 12, 36, 60]


@pytest.mark.parametrize("how", ["pause", "update"])
def test_a_pause_deletes_what_waits_for_the_schedules(orchestrator, waiting, how) -> None:
    if how == "pause":
        orchestrator.send(deployments.pause_deployment(waiting))
    else:
        orchestrator.send(deployments.update_deployment(waiting, DeploymentUpdate(paused=True)))
    assert hours(orchestrator, waiting) == [0.5, 1]
    assert tick(orchestrator) == (0, 0)
    orchestrator.clock.pass_by(3600)
    orchestrator.send(deployments.resume_deployment(waiting))
    tick(orchestrator)
    assert hours(orchestrator, waiting) == [0.5, 1, 2, 3, 4, 12, 36, 60]


def test_changing_a_schedule_concerns_its_runs_alone(orchestrator, waiting) -> None:
    hourly, daily = orchestrator.send(deployments.read_deployment_schedules(waiting))
    edit = lambda this, **fields: orchestrator.send(
        deployments.update_deployment_schedule(waiting, this.id, DeploymentScheduleUpdate(**fields))
    )
    edit(daily, schedule=CronSchedule(cron="0 6 * * *"))
    assert hours(orchestrator, waiting) == [0, 0.5, 1, 2]
    tick(orchestrator)
    assert hours(orchestrator, waiting) == [0, 0.5, 1, 2, 3, 18, 42, 66]
    edit(hourly, active=False)
    assert hours(orchestrator, waiting) == [0.5, 1, 18, 42, 66]
    tick(orchestrator)
    assert hours(orchestrator, waiting) == [0.5, 1, 18, 42, 66]
    edit(hourly, active=True)
    tick(orchestrator)
    assert hours(orchestrator, waiting) == [0.5, 1, 2, 3, 18, 42, 66]
    orchestrator.send(deployments.delete_deployment_schedule(waiting, daily.id))
    assert hours(orchestrator, waiting) == [0.5, 1, 2, 3]


def test_a_run_that_waits_to_be_run_again_is_not_deleted(orchestrator) -> None:
    id = make(orchestrator, HOURLY)
    tick(orchestrator)
    run = runs(orchestrator, id)[0]
    for state in ("PENDING", "RUNNING"):
        orchestrator.propose(run, state)
    orchestrator.propose(run, "SCHEDULED", name="AwaitingRetry", force=True)
    orchestrator.send(deployments.pause_deployment(id))
    assert [left.id for left in runs(orchestrator, id)] == [run.id]


def test_what_schedules_write_down_is_found_by_an_index(orchestrator) -> None:
    """Schedules that never ask for runs again are not looked at again."""
    make(orchestrator, RRuleSchedule(rrule="DTSTART:20200101T000000\nRRULE:FREQ=DAILY;COUNT=2"))
    assert tick(orchestrator) == (1, 0)
    with_schedules = lambda connection: records.count(
        connection, tables.deployment_schedule, [tables.deployment_schedule.c.insert_at.is_not(None)]
    )
    assert orchestrator.transport.database.transaction(with_schedules, write=False) == 0
