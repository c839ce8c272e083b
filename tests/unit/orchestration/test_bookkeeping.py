"""Counts and times of runs follow from their states."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.unit.orchestration.scenarios import NOW, at, state, transition

from prefect._contract.objects import FlowRun, FlowRunPolicy
from prefect._contract.state import StateType
from prefect._orchestration.bookkeeping import apply, apply_writes, estimated_run_time, estimated_start_time_delta
from prefect._orchestration.transition import Write


def run(**fields):
    return FlowRun(flow_id=uuid4(), name="r", **fields)


def enter(record, initial, entered, **facts):
    return apply(record, transition("flow", initial, entered, **facts), entered)


def test_the_first_state_sets_what_was_expected():
    assert enter(run(), None, state("PENDING", when=3))["expected_start_time"] == at(3)
    assert enter(run(), None, state("SCHEDULED", scheduled_time=at(60)))["expected_start_time"] == at(60)


def test_what_was_expected_stays_when_a_run_is_scheduled_anew():
    record = run(expected_start_time=at(-5))
    changes = enter(record, state("SCHEDULED", when=-5), state("SCHEDULED", "Late", scheduled_time=at(60)))
    assert "expected_start_time" not in changes
    assert changes["next_scheduled_start_time"] == at(60)


def test_leaving_scheduled_clears_what_is_next():
    record = run(next_scheduled_start_time=at(5))
    assert enter(record, state("SCHEDULED"), state("PENDING"))["next_scheduled_start_time"] is None


def test_running_counts_and_starts():
    changes = enter(run(), state("PENDING", when=-5), state("RUNNING", when=1))
    assert (changes["run_count"], changes["start_time"]) == (1, at(1))
    again = enter(run(run_count=1, start_time=at(-9)), state("SCHEDULED", when=-5), state("RUNNING"))
    assert again["run_count"] == 2
    assert "start_time" not in again


def test_time_in_running_adds_up():
    record = run(run_count=1, total_run_time=timedelta(seconds=10))
    changes = enter(record, state("RUNNING", when=-5), state("SCHEDULED", "AwaitingRetry", when=2))
    assert changes["total_run_time"] == timedelta(seconds=17)
    assert "total_run_time" not in enter(record, state("PENDING", when=-5), state("RUNNING"))


def test_time_in_running_never_shrinks():
    record = run(run_count=1, total_run_time=timedelta(seconds=10))
    assert enter(record, state("RUNNING", when=5), state("COMPLETED"))["total_run_time"] == timedelta(seconds=10)


def test_an_end_has_a_time_and_so_has_the_start():
    changes = enter(run(), state("PENDING", when=-5), state("CANCELLED", when=1))
    assert (changes["start_time"], changes["end_time"]) == (at(1), at(1))
    assert enter(run(start_time=at(3)), state("RUNNING", when=3), state("COMPLETED", when=1))["end_time"] == at(3)


def test_leaving_an_end_clears_its_time():
    record = run(start_time=at(-9), end_time=at(-5), run_count=1)
    assert enter(record, state("FAILED", when=-5), state("SCHEDULED"))["end_time"] is None
    assert enter(record, state("FAILED", when=-5), state("COMPLETED", when=2))["end_time"] == at(2)


def test_going_on_after_a_pause_is_no_new_attempt():
    record = run(run_count=1, start_time=at(-9))
    assert "run_count" not in enter(record, state("PAUSED", when=-5), state("RUNNING"))
    assert "run_count" not in enter(record, state("PENDING", when=-5), state("RUNNING"), resuming=True)
    assert enter(run(), state("PAUSED", when=-5), state("RUNNING"))["run_count"] == 1


def test_a_task_run_knows_the_attempt_of_its_flow_run():
    changes = apply(run(), transition("task", "PENDING", "RUNNING", flow_run_run_count=3), state("RUNNING"))
    assert changes["flow_run_run_count"] == 3


def test_state_type_and_name_are_those_of_the_state_that_is_entered():
    changes = enter(run(), state("RUNNING", when=-5), state("SCHEDULED", "AwaitingRetry"))
    assert (changes["state_type"], changes["state_name"]) == (StateType.SCHEDULED, "AwaitingRetry")


def test_writes_change_the_policy():
    policy = FlowRunPolicy(retries=3, pause_keys={"1"})
    changed = apply_writes(policy, (Write("pause_keys", frozenset({"1", "2"})), Write("resuming", True)))
    assert (changed.pause_keys, changed.resuming, changed.retries) == ({"1", "2"}, True, 3)
    assert policy.pause_keys == {"1"}
    assert apply_writes(policy, ()) is policy
    FlowRunPolicy.model_validate_json(changed.model_dump_json())


def test_estimates_include_the_current_attempt():
    total = timedelta(seconds=10)
    assert estimated_run_time(total, StateType.RUNNING, NOW - timedelta(seconds=5), NOW) == timedelta(seconds=15)
    assert estimated_run_time(total, StateType.COMPLETED, NOW - timedelta(seconds=5), NOW) == total
    assert estimated_run_time(total, None, None, NOW) == total


@pytest.mark.parametrize(
    ("expected", "started", "type_", "late"),
    [
        (None, None, None, 0),
        (-60, -50, StateType.RUNNING, 10),
        (-60, None, StateType.SCHEDULED, 60),
        (60, None, StateType.SCHEDULED, 0),
        (60, 0, StateType.RUNNING, 0),
        (-60, None, StateType.CANCELLED, 0),
    ],
)
def test_lateness(expected, started, type_, late):
    moments = [None if seconds is None else at(seconds) for seconds in (expected, started)]
    assert estimated_start_time_delta(*moments, type_, NOW) == timedelta(seconds=late)
