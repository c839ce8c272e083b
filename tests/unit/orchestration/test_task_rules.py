"""What may happen to task runs, rule by rule."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.unit.orchestration.scenarios import at, outcome, state, task

from prefect._contract.state import StateType

ALL = [state_type.value for state_type in StateType]


@pytest.mark.parametrize("proposed", ALL)
def test_what_is_completed_stays_so_and_is_answered_with(proposed):
    assert outcome(task("COMPLETED", proposed)) == ("REJECT", "Completed")


@pytest.mark.parametrize("proposed", ALL)
@pytest.mark.parametrize("initial", ["FAILED", "CRASHED", "CANCELLED"])
def test_terminal_is_final(initial, proposed):
    decision = task(initial, proposed, run_count=1, retries=3)
    assert decision.verdict == "ABORT"
    assert decision.state.type.value == initial


@pytest.mark.parametrize("initial", ["FAILED", "CRASHED", "CANCELLED"])
def test_what_task_workers_run_is_given_to_them_again_on_request(initial):
    assert task(initial, state("SCHEDULED", deferred=True)).verdict == "ACCEPT"


def test_force_leaves_a_terminal_state():
    assert outcome(task("COMPLETED", state("COMPLETED", "RolledBack"), force=True)) == ("ACCEPT", "RolledBack")


@pytest.mark.parametrize(
    "flow_run", ["SCHEDULED", "PENDING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED", "CANCELLING"]
)
def test_tasks_do_not_begin_when_their_flow_run_is_not_running(flow_run):
    decision = task("PENDING", "RUNNING", flow_run_state=StateType(flow_run))
    assert decision.verdict == "ABORT"
    assert flow_run in decision.reason


def test_tasks_of_a_paused_flow_wait():
    flow_run_id = uuid4()
    decision = task("PENDING", state("RUNNING", flow_run_id=flow_run_id), flow_run_state=StateType.PAUSED)
    assert outcome(decision) == ("REJECT", "NotReady")
    assert decision.state.is_paused()
    assert decision.state.state_details.flow_run_id == flow_run_id


@pytest.mark.parametrize("flow_run", [None, StateType.RUNNING])
def test_tasks_begin_outside_of_flows_and_in_running_ones(flow_run):
    assert outcome(task("PENDING", "RUNNING", flow_run_state=flow_run)) == ("ACCEPT", "Running")


@pytest.mark.parametrize("proposed", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
def test_tasks_end_whatever_their_flow_run_does(proposed):
    assert task("RUNNING", proposed, flow_run_state=StateType.CANCELLED).verdict == "ACCEPT"


def test_nothing_runs_before_its_time():
    assert task(state("SCHEDULED", when=-5, scheduled_time=at(30)), "RUNNING").delay_seconds == 30
    pending = task(state("SCHEDULED", when=-5, scheduled_time=at(30)), "PENDING").state
    assert task(pending, "RUNNING").verdict == "WAIT"


def test_a_failed_task_with_retries_left_waits_for_the_next_attempt():
    decision = task("RUNNING", state("FAILED", message="boom"), run_count=1, retries=1, retry_delay=2.5)
    assert outcome(decision) == ("REJECT", "AwaitingRetry")
    assert decision.state.state_details.scheduled_time == at(2.5)
    assert decision.state.message == "boom"


@pytest.mark.parametrize(
    ("proposed", "facts"),
    [
        (state("FAILED"), {"run_count": 2, "retries": 1}),
        (state("FAILED"), {"run_count": 1, "retries": 2, "retriable": False}),
        (state("FAILED", retriable=False), {"run_count": 1, "retries": 2}),
        (state("CRASHED"), {"run_count": 1, "retries": 2}),
    ],
)
def test_other_ends_are_ends(proposed, facts):
    assert task("RUNNING", proposed, **facts).verdict == "ACCEPT"


def test_running_again_is_retrying():
    awaiting = state("SCHEDULED", "AwaitingRetry", when=-5)
    assert outcome(task(awaiting, "RUNNING", run_count=1)) == ("ACCEPT", "Retrying")
    assert outcome(task(awaiting, state("RUNNING", "Other"), run_count=1)) == ("ACCEPT", "Other")
    assert outcome(task("SCHEDULED", "RUNNING")) == ("ACCEPT", "Running")


def test_a_known_result_is_used_instead_of_running():
    cached = state("COMPLETED", when=-600, data={"storage_key": "k"}, cache_key="c", message="m")
    name = uuid4()
    decision = task("PENDING", state("RUNNING", cache_key="c", transition_id=name), cached_state=cached)
    assert outcome(decision) == ("REJECT", "Cached")
    assert (decision.state.data, decision.state.message) == ({"storage_key": "k"}, "m")
    assert decision.state.id != cached.id
    assert decision.state.state_details.transition_id == name


def test_a_known_result_is_not_used_when_it_is_to_be_refreshed():
    cached = state("COMPLETED", when=-600)
    assert outcome(task("PENDING", state("RUNNING", cache_key="c", refresh_cache=True), cached_state=cached)) == (
        "ACCEPT",
        "Running",
    )


@pytest.mark.parametrize("proposed", ["SCHEDULED", "PENDING", "RUNNING", "PAUSED"])
def test_what_is_being_cancelled_does_not_restart(proposed):
    assert outcome(task("CANCELLING", proposed)) == ("REJECT", "Cancelling")


@pytest.mark.parametrize("initial", ["PENDING", "RUNNING"])
def test_what_is_claimed_is_not_claimed_again(initial):
    assert task(initial, "PENDING").verdict == "ABORT"


def test_a_repeated_proposal_changes_nothing():
    name = uuid4()
    running = state("RUNNING", when=-5, transition_id=name)
    assert task(running, state("RUNNING", transition_id=name)).state is running
