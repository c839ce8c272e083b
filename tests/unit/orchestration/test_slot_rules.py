"""Who is worked at has slots, who is not gives them back, and who gets none waits."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.unit.orchestration.scenarios import at, flow, outcome, state, task

from prefect._contract.objects import FlowRunPolicy
from prefect._contract.state import StateType
from prefect._orchestration.bookkeeping import apply_writes
from prefect._orchestration.slot_rules import waits_in_its_process
from prefect._orchestration.transition import AcquireSlots, ReleaseSlots, SlotFacts, SlotLimit, Write

LEASE = uuid4()


def slots(*limits: SlotLimit, **facts) -> SlotFacts:
    return SlotFacts(limits, LEASE, 30, **facts)


def a_limit(*, free: bool = True, held: bool = False, size: int = 1, name: str = "db") -> SlotLimit:
    return SlotLimit(uuid4(), name, size, free, held)


def effects(decision, kind):
    return [effect for effect in decision.writes if isinstance(effect, kind)]


# -- tags


def test_a_task_with_free_slots_takes_them_all():
    free, held = a_limit(), a_limit(free=False, held=True)
    decision = task("PENDING", "RUNNING", slots=slots(free, held))
    assert outcome(decision) == ("ACCEPT", "Running")
    assert effects(decision, AcquireSlots) == [AcquireSlots((free.id, held.id), LEASE)]


def test_a_task_without_a_slot_waits_and_takes_none_of_the_others():
    decision = task("PENDING", "RUNNING", slots=slots(a_limit(), a_limit(free=False, name="gpu")))
    assert (decision.verdict, decision.delay_seconds) == ("WAIT", 30)
    assert decision.reason == "Concurrency limit for the gpu tag has been reached"
    assert decision.writes == ()


def test_a_limit_of_zero_stops_a_task():
    decision = task("PENDING", "RUNNING", slots=slots(a_limit(free=False, size=0)))
    assert decision.verdict == "ABORT"
    assert '"db" is 0 and will deadlock' in (decision.reason or "")


def test_a_forced_task_goes_on_without_a_slot():
    decision = task("PENDING", "RUNNING", force=True, slots=slots(a_limit(free=False)))
    assert outcome(decision) == ("ACCEPT", "Running")
    assert decision.writes == ()
    assert effects(task("PENDING", "RUNNING", force=True, slots=slots(a_limit())), AcquireSlots)


def test_a_task_that_has_its_result_already_needs_no_slot():
    decision = task(
        "PENDING",
        state("RUNNING", cache_key="k"),
        slots=slots(a_limit(free=False)),
        cached_state=state("COMPLETED"),
    )
    assert outcome(decision) == ("REJECT", "Cached")
    assert effects(decision, ReleaseSlots)
    assert not effects(decision, AcquireSlots)


def test_other_rules_come_first():
    full = slots(a_limit(free=False))
    assert task("PENDING", "RUNNING", slots=full, flow_run_state=StateType.CANCELLING).verdict == "ABORT"
    later = task(state("SCHEDULED", scheduled_time=at(500)), "RUNNING", slots=full)
    assert (later.verdict, later.delay_seconds) == ("WAIT", 500)


@pytest.mark.parametrize(
    ("initial", "proposed", "gives_back"),
    [
        ("RUNNING", "COMPLETED", True),
        ("RUNNING", "FAILED", True),
        ("RUNNING", "CRASHED", True),
        ("RUNNING", "SCHEDULED", True),
        ("RUNNING", "PAUSED", True),
        ("RUNNING", "CANCELLING", False),
        ("CANCELLING", "CANCELLED", True),
        ("PENDING", "SCHEDULED", False),
        ("SCHEDULED", "PENDING", False),
        ("PENDING", "FAILED", True),
        (None, "PENDING", False),
    ],
)
def test_when_tasks_give_slots_back(initial, proposed, gives_back):
    decision = task(initial, proposed, slots=slots())
    assert bool(effects(decision, ReleaseSlots)) is gives_back, decision


def test_a_failure_that_is_retried_gives_slots_back():
    decision = task("RUNNING", "FAILED", run_count=1, retries=1, slots=slots())
    assert outcome(decision) == ("REJECT", "AwaitingRetry")
    assert effects(decision, ReleaseSlots)


def test_where_slots_are_not_decided_on_nothing_is_said_of_them():
    assert task("PENDING", "RUNNING").writes == ()
    assert task("RUNNING", "COMPLETED").writes == ()


# -- deployments


@pytest.mark.parametrize("proposed", ["PENDING", "RUNNING"])
def test_a_flow_run_takes_the_slot_of_its_deployment(proposed):
    limit = a_limit()
    decision = flow("SCHEDULED", proposed, has_deployment=True, slots=slots(limit))
    assert decision.verdict == "ACCEPT"
    assert effects(decision, AcquireSlots) == [AcquireSlots((limit.id,), LEASE)]
    assert decision.state is not None
    assert decision.state.state_details.deployment_concurrency_lease_id == LEASE
    assert decision.state.timestamp == at(0)


@pytest.mark.parametrize("proposed", ["PENDING", "RUNNING"])
def test_a_flow_run_without_a_slot_is_scheduled_for_later(proposed):
    decision = flow("SCHEDULED", proposed, has_deployment=True, slots=slots(a_limit(free=False)))
    assert outcome(decision) == ("REJECT", "AwaitingConcurrencySlot")
    assert decision.reason == "Deployment concurrency limit reached."
    assert decision.state is not None
    assert decision.state.state_details.scheduled_time == at(30)
    assert not effects(decision, AcquireSlots)


def test_a_flow_run_without_a_slot_may_be_cancelled():
    decision = flow("SCHEDULED", "PENDING", slots=slots(a_limit(free=False), cancels_new=True))
    assert outcome(decision) == ("REJECT", "Cancelled")
    assert effects(decision, ReleaseSlots)


def test_a_flow_run_that_is_worked_at_is_not_stopped_by_a_limit():
    full = slots(a_limit(free=False))
    assert flow("RUNNING", state("RUNNING", name="Going on"), slots=full).verdict == "ACCEPT"
    assert flow(state("PAUSED", pause_timeout=at(60)), "RUNNING", slots=full).verdict == "ACCEPT"


def test_who_has_the_slot_keeps_it():
    decision = flow("PENDING", "RUNNING", slots=slots(a_limit(free=False, held=True)))
    assert outcome(decision) == ("ACCEPT", "Running")
    assert effects(decision, AcquireSlots)


@pytest.mark.parametrize(
    ("proposed", "facts", "gives_back"),
    [
        (state("COMPLETED"), {}, True),
        (state("CRASHED"), {}, True),
        (state("CANCELLING"), {}, False),
        (state("PAUSED", pause_timeout=at(60)), {}, False),
        (state("PAUSED", pause_timeout=at(60), pause_reschedule=True), {}, True),
        (state("SCHEDULED"), {}, True),
        (state("FAILED"), {"run_count": 1, "retries": 1}, False),
        (state("CRASHED"), {"run_count": 1, "retries": 1, "has_deployment": True}, True),
    ],
)
def test_when_flow_runs_give_slots_back(proposed, facts, gives_back):
    decision = flow("RUNNING", proposed, slots=slots(), **facts)
    assert bool(effects(decision, ReleaseSlots)) is gives_back, decision


def test_a_process_that_waits_for_a_retry_is_told_from_one_that_is_gone():
    retried = state("SCHEDULED", "AwaitingRetry")
    assert waits_in_its_process(retried, "in_process")
    assert not waits_in_its_process(retried, "reschedule")
    assert not waits_in_its_process(retried, None)
    assert not waits_in_its_process(state("RUNNING"), "in_process")


def test_effects_on_slots_do_not_change_the_policy():
    policy = FlowRunPolicy()
    assert apply_writes(policy, (ReleaseSlots(), AcquireSlots((uuid4(),), LEASE))) is policy
    assert apply_writes(policy, (Write("resuming", True), ReleaseSlots())).resuming is True


def test_a_repeated_proposal_has_no_effect_on_slots():
    again = uuid4()
    initial = state("RUNNING", when=-5, transition_id=again)
    decision = task(initial, state("RUNNING", transition_id=again), slots=slots(a_limit()))
    assert decision.verdict == "ACCEPT"
    assert decision.writes == ()
