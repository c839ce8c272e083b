"""What may happen to flow runs, rule by rule."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.unit.orchestration.scenarios import NOW, at, flow, outcome, state, transition, writes

from prefect._contract.state import TERMINAL_STATES, StateType

ENDED = sorted(state_type.value for state_type in TERMINAL_STATES)
WITHOUT_COMPLETED = [ended for ended in ENDED if ended != "COMPLETED"]
ALL = [state_type.value for state_type in StateType]


# -- repeated proposals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("force", [False, True])
def test_a_repeated_proposal_is_answered_and_changes_nothing(force):
    name = uuid4()
    running = state("RUNNING", when=-5, transition_id=name)
    decision = flow(running, state("RUNNING", transition_id=name), force)
    assert (decision.verdict, decision.state) == ("ACCEPT", running)
    assert decision.entered(transition("flow", running, "RUNNING")) is None


def test_a_repeated_proposal_that_was_rejected_is_rejected_again():
    name = uuid4()
    first = flow("RUNNING", state("FAILED", transition_id=name), run_count=1, retries=1)
    assert outcome(first) == ("REJECT", "AwaitingRetry")
    again = flow(first.state, state("FAILED", transition_id=name), run_count=1, retries=1)
    assert again.verdict == "REJECT"
    assert again.state is first.state


def test_another_proposal_is_decided_on():
    running = state("RUNNING", when=-5, transition_id=uuid4())
    assert outcome(flow(running, state("COMPLETED", transition_id=uuid4()))) == ("ACCEPT", "Completed")


# -- leases ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("proposed", ALL)
def test_who_lost_the_lease_must_stop(proposed, force):
    mine, theirs = uuid4(), uuid4()
    decision = flow("RUNNING", proposed, force, lease_token=theirs, proposer_token=mine)
    assert decision.verdict == "ABORT"
    assert str(mine) in decision.reason
    assert str(theirs) in decision.reason


def test_who_holds_the_lease_goes_on():
    token = uuid4()
    assert flow("RUNNING", "COMPLETED", lease_token=token, proposer_token=token).verdict == "ACCEPT"


def test_who_shows_no_token_may_cancel():
    assert flow("RUNNING", "CANCELLING", lease_token=uuid4()).verdict == "ACCEPT"


@pytest.mark.parametrize("proposed", ["COMPLETED", "FAILED", "SCHEDULED"])
def test_an_attempt_whose_run_was_scheduled_again_cannot_end_it_or_schedule_it_once_more(proposed):
    decision = flow(state("SCHEDULED", "AwaitingRetry"), proposed, proposer_token=uuid4(), has_deployment=True)
    assert decision.verdict == "ABORT"
    assert "scheduled to be run again" in decision.reason


def test_a_scheduled_run_is_taken_by_showing_a_new_token():
    assert flow("SCHEDULED", "PENDING", proposer_token=uuid4()).verdict == "ACCEPT"
    assert flow("SCHEDULED", "RUNNING", proposer_token=uuid4()).verdict == "ACCEPT"


# -- runs that have ended --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("proposed", ALL)
@pytest.mark.parametrize("initial", ENDED)
def test_terminal_is_final(initial, proposed):
    decision = flow(initial, proposed, run_count=1, retries=3)
    assert decision.verdict in {"ABORT", "REJECT"}
    assert decision.state.type.value == initial
    assert initial in decision.reason


@pytest.mark.parametrize("proposed", ["RUNNING", "PENDING"])
def test_who_wants_to_run_what_is_completed_gets_the_completed_state(proposed):
    assert outcome(flow("COMPLETED", proposed)) == ("REJECT", "Completed")


@pytest.mark.parametrize("name", [None, "AwaitingRetry"])
@pytest.mark.parametrize("initial", WITHOUT_COMPLETED)
def test_an_explicit_retry_schedules_what_belongs_to_a_deployment(initial, name):
    decision = flow(initial, state("SCHEDULED", name), has_deployment=True, resuming=True)
    assert decision.verdict == "ACCEPT"
    assert writes(decision) == {"retry_type": "reschedule", "resuming": False}


def test_an_explicit_retry_without_a_deployment_says_why_not():
    assert "without an associated deployment" in flow("FAILED", "SCHEDULED").reason


@pytest.mark.parametrize("initial", ENDED)
def test_what_ended_is_never_late(initial):
    decision = flow(initial, state("SCHEDULED", "Late"), has_deployment=True)
    assert (decision.verdict, decision.state.type.value) == ("REJECT", initial)


@pytest.mark.parametrize("proposed", ALL)
@pytest.mark.parametrize("initial", ENDED)
def test_force_leaves_a_terminal_state(initial, proposed):
    assert flow(initial, proposed, force=True).verdict == "ACCEPT"


# -- cancelling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("proposed", ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"])
def test_what_is_being_cancelled_does_not_restart(proposed):
    assert outcome(flow("CANCELLING", proposed)) == ("REJECT", "Cancelling")


@pytest.mark.parametrize("proposed", ["COMPLETED", "FAILED", "CRASHED"])
def test_what_is_being_cancelled_ends_as_cancelled(proposed):
    decision = flow("CANCELLING", proposed, run_count=1, retries=5, has_deployment=True)
    assert outcome(decision) == ("REJECT", "Cancelled")
    assert proposed.capitalize() in decision.state.message


def test_what_is_being_cancelled_is_cancelled():
    assert outcome(flow("CANCELLING", "CANCELLED")) == ("ACCEPT", "Cancelled")


@pytest.mark.parametrize(
    "initial",
    [
        state("SCHEDULED", when=-60),
        state("SCHEDULED", "AwaitingRetry", when=-60),
        state("PAUSED", "Suspended", when=-60, pause_reschedule=True),
        state("PENDING", when=-60),
    ],
)
def test_what_has_no_process_is_cancelled_at_once(initial):
    decision = flow(initial, state("CANCELLING", message="by me"))
    assert outcome(decision) == ("REJECT", "Cancelled")
    assert decision.state.message == "by me"


@pytest.mark.parametrize("facts", [{"has_deployment": True}, {"lease_token": uuid4()}])
def test_what_may_have_a_process_is_given_time_to_stop(facts):
    assert outcome(flow("PENDING", "CANCELLING", **facts)) == ("ACCEPT", "Cancelling")


def test_running_and_waiting_processes_are_told_to_stop():
    assert outcome(flow("RUNNING", "CANCELLING")) == ("ACCEPT", "Cancelling")
    assert outcome(flow(state("PAUSED", when=-60), "CANCELLING")) == ("ACCEPT", "Cancelling")


# -- claiming --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("initial", ["PENDING", "RUNNING"])
def test_what_is_claimed_is_not_claimed_again(initial):
    decision = flow(initial, "PENDING")
    assert decision.verdict == "ABORT"
    assert f"{initial} state and cannot transition to a PENDING" in decision.reason


def test_what_a_pending_run_waits_for_may_change():
    assert outcome(flow("PENDING", state("PENDING", "Submitting"))) == ("ACCEPT", "Submitting")


@pytest.mark.parametrize("initial", [None, "SCHEDULED"])
def test_what_nobody_has_claimed_becomes_pending(initial):
    assert flow(initial, "PENDING").verdict == "ACCEPT"


# -- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "delay"), [(30, 30), (0.2, 1), (1.01, 2)])
@pytest.mark.parametrize("initial", ["SCHEDULED", "PENDING"])
def test_nothing_runs_before_its_time(initial, ahead, delay):
    waiting = state(initial, when=-5, scheduled_time=at(ahead))
    decision = flow(waiting, "RUNNING")
    assert (decision.verdict, decision.state, decision.delay_seconds) == ("WAIT", waiting, delay)


@pytest.mark.parametrize("ahead", [0, -30])
def test_what_is_due_runs(ahead):
    assert flow(state("SCHEDULED", when=-5, scheduled_time=at(ahead)), "RUNNING").verdict == "ACCEPT"


def test_becoming_pending_early_keeps_the_time():
    decision = flow(state("SCHEDULED", when=-5, scheduled_time=at(30)), "PENDING")
    assert decision.state.state_details.scheduled_time == at(30)
    named = flow(decision.state, state("PENDING", "InfrastructurePending"))
    assert named.state.state_details.scheduled_time == at(30)
    assert flow(named.state, "RUNNING").verdict == "WAIT"


def test_a_state_is_never_earlier_than_the_one_before():
    decision = flow(state("RUNNING", when=5), state("COMPLETED", when=0))
    assert decision.state.timestamp == at(5)
    rejected = flow(state("RUNNING", when=5), state("FAILED", when=0), run_count=1, retries=1)
    assert rejected.state.timestamp == at(5)


# -- pauses ----------------------------------------------------------------------------------------------------------


def test_a_running_flow_pauses_and_the_key_is_kept():
    decision = flow("RUNNING", state("PAUSED", pause_key="2"), pause_keys=frozenset({"1"}))
    assert outcome(decision) == ("ACCEPT", "Paused")
    assert writes(decision) == {"pause_keys": frozenset({"1", "2"})}


def test_a_pause_without_a_key_is_kept_too():
    paused = state("PAUSED")
    assert writes(flow("RUNNING", paused)) == {"pause_keys": frozenset({str(paused.id)})}


def test_a_pause_that_was_observed_does_not_happen_again():
    assert outcome(flow("RUNNING", state("PAUSED", pause_key="1"), pause_keys=frozenset({"1"}))) == (
        "REJECT",
        "Running",
    )


@pytest.mark.parametrize("initial", [None, "SCHEDULED", "PENDING", "PAUSED"])
def test_only_running_flows_pause(initial):
    decision = flow(initial, "PAUSED")
    assert decision.verdict == "REJECT"
    assert decision.state is None or decision.state.type.value == initial


def test_only_what_can_be_started_again_is_suspended():
    suspended = state("PAUSED", "Suspended", pause_reschedule=True)
    assert flow("RUNNING", suspended, has_deployment=True).verdict == "ACCEPT"
    assert flow("RUNNING", suspended).verdict == "ACCEPT"  # it is started again by hand
    assert "subflows" in flow("RUNNING", suspended, has_deployment=True, is_subflow=True).reason


@pytest.mark.parametrize("proposed", ["RUNNING", "SCHEDULED"])
def test_going_on_after_a_pause_is_remembered(proposed):
    decision = flow(state("PAUSED", when=-60, pause_timeout=at(60)), proposed)
    assert decision.verdict == "ACCEPT"
    assert writes(decision) == {"resuming": True}


@pytest.mark.parametrize("proposed", ["RUNNING", "SCHEDULED", "PENDING", "COMPLETED", "FAILED"])
def test_a_pause_that_lasted_too_long_fails(proposed):
    decision = flow(state("PAUSED", when=-60, pause_timeout=at(-1)), proposed, run_count=1, retries=5)
    assert outcome(decision) == ("REJECT", "Failed")
    assert decision.state.message == "The flow was paused and never resumed."


@pytest.mark.parametrize("proposed", ["CANCELLED", "CRASHED", "CANCELLING"])
def test_a_pause_that_lasted_too_long_can_be_cancelled(proposed):
    assert flow(state("PAUSED", when=-60, pause_timeout=at(-1)), proposed).verdict == "ACCEPT"


def test_a_paused_flow_is_resumed_before_it_is_pending():
    assert outcome(flow("PAUSED", "PENDING")) == ("REJECT", "Paused")


# -- retries ---------------------------------------------------------------------------------------------------------


def test_a_failed_flow_with_retries_left_waits_for_the_next_attempt():
    decision = flow("RUNNING", state("FAILED", message="boom"), run_count=2, retries=2, retry_delay=30)
    assert outcome(decision) == ("REJECT", "AwaitingRetry")
    assert decision.state.state_details.scheduled_time == at(30)
    assert (decision.state.timestamp, decision.state.message) == (NOW, "boom")
    assert writes(decision) == {"retry_type": "in_process", "resuming": False}


@pytest.mark.parametrize(
    ("proposed", "facts"),
    [
        (state("FAILED"), {"run_count": 3, "retries": 2}),
        (state("FAILED"), {"run_count": 1, "retries": 0}),
        (state("FAILED"), {"run_count": 1, "retries": 2, "retriable": False}),
    ],
)
def test_a_failed_flow_without_retries_left_has_failed(proposed, facts):
    assert outcome(flow("RUNNING", proposed, **facts)) == ("ACCEPT", "Failed")


def test_what_a_state_says_of_retrying_a_flow_is_not_heeded():
    proposed = state("FAILED", retriable=False)
    assert outcome(flow("RUNNING", proposed, run_count=1, retries=2)) == ("REJECT", "AwaitingRetry")


def test_a_timed_out_flow_is_retried_too():
    assert outcome(flow("RUNNING", state("FAILED", "TimedOut"), run_count=1, retries=1)) == ("REJECT", "AwaitingRetry")


def test_failing_before_running_is_not_retried():
    assert outcome(flow("PENDING", "FAILED", retries=5)) == ("ACCEPT", "Failed")


def test_a_crashed_flow_with_a_deployment_is_run_again_elsewhere():
    facts = {"run_count": 1, "retries": 1, "has_deployment": True}
    decision = flow("RUNNING", state("CRASHED", message="killed"), **facts)
    assert outcome(decision) == ("REJECT", "AwaitingRetry")
    assert decision.state.message == "killed"
    assert writes(decision)["retry_type"] == "reschedule"


@pytest.mark.parametrize(
    "facts",
    [
        {"run_count": 2, "retries": 1, "has_deployment": True},
        {"run_count": 1, "retries": 1},
        {"run_count": 1, "retries": 1, "has_deployment": True, "is_subflow": True},
    ],
)
def test_other_crashed_flows_have_crashed(facts):
    assert outcome(flow("RUNNING", "CRASHED", **facts)) == ("ACCEPT", "Crashed")


def test_a_flow_that_crashed_before_it_began_takes_one_of_its_retries():
    decision = flow("PENDING", state("CRASHED", message="killed"), run_count=0, retries=2, has_deployment=True)
    assert outcome(decision) == ("REJECT", "AwaitingRetry")
    assert writes(decision)["retries"] == 1
    assert writes(decision)["retry_type"] == "reschedule"


@pytest.mark.parametrize(
    "facts",
    [
        {"retries": 0, "has_deployment": True},
        {"retries": 2},
        {"retries": 2, "has_deployment": True, "is_subflow": True},
    ],
)
def test_other_flows_that_crashed_before_they_began_have_crashed(facts):
    assert outcome(flow("PENDING", "CRASHED", run_count=0, **facts)) == ("ACCEPT", "Crashed")


def test_a_retry_whose_process_is_gone_is_begun_by_another():
    waiting = state("SCHEDULED", "AwaitingRetry", when=-5, scheduled_time=at(30))
    facts = {"run_count": 1, "retries": 1, "retry_type": "in_process"}
    decision = flow(waiting, state("CRASHED", message="killed"), has_deployment=True, **facts)
    assert outcome(decision) == ("REJECT", "AwaitingRetry")
    assert decision.state.state_details.scheduled_time == at(30)
    assert decision.state is not waiting
    assert writes(decision) == {"retry_type": "reschedule"}
    assert outcome(flow(waiting, "CRASHED", **facts)) == ("ACCEPT", "Crashed")


def test_how_a_run_was_started_is_forgotten_once_it_runs():
    decision = flow(state("SCHEDULED", "AwaitingRetry"), "RUNNING", resuming=True, retry_type="reschedule")
    assert outcome(decision) == ("ACCEPT", "Running")
    assert writes(decision) == {"resuming": False, "retry_type": None}
    assert writes(flow("RUNNING", "COMPLETED", resuming=True)) == {"resuming": False}
    assert not flow("RUNNING", "COMPLETED").writes


def test_late_runs_are_those_that_are_still_scheduled():
    assert outcome(flow("SCHEDULED", state("SCHEDULED", "Late"))) == ("ACCEPT", "Late")
    assert outcome(flow("RUNNING", state("SCHEDULED", "Late"))) == ("REJECT", "Running")
