"""Rules about slots: how many runs may be worked at, at the same time, by tag or by deployment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Any

from prefect._contract.state import TERMINAL_STATES, State, StateDetails, StateType
from prefect._orchestration.transition import (
    AcquireSlots,
    Decision,
    ReleaseSlots,
    Transition,
    Write,
    abort,
    reject,
    wait,
)

__all__ = ["settle_slots", "share_the_slots_of_the_deployment", "wait_for_a_slot_of_each_tag", "waits_in_its_process"]

_WORKED_AT = {
    "flow": frozenset({StateType.PENDING, StateType.RUNNING}),
    "task": frozenset({StateType.RUNNING}),
}
"""In which states a run needs its slots."""


def wait_for_a_slot_of_each_tag(t: Transition) -> Decision | None:
    """A task run with tags that have a limit runs when it gets a slot of each; of a limit of zero there is never one."""
    missing = None if t.run.slots is None else t.run.slots.missing
    if t.run.slots is None or missing is None:
        return None
    if missing.size <= 0:
        reason = f'The concurrency limit on tag "{missing.name}" is 0 and will deadlock if the task tries to run again.'
        return abort(t, reason)
    return wait(t, f"Concurrency limit for the {missing.name} tag has been reached", ceil(t.run.slots.wait_seconds))


def share_the_slots_of_the_deployment(t: Transition) -> Decision | None:
    """A flow run for which its deployment has no slot left is scheduled for later or cancelled, as the deployment says."""
    slots = t.run.slots
    if slots is None or slots.missing is None:
        return None
    reason = "Deployment concurrency limit reached."
    state: State[Any]
    if slots.cancels_new:
        state = State(type=StateType.CANCELLED, message=reason, timestamp=t.now, state_details=_details(t))
    else:
        due = t.now + timedelta(seconds=slots.wait_seconds)
        details = _details(t).model_copy(update={"scheduled_time": due})
        state = State(type=StateType.SCHEDULED, name="AwaitingConcurrencySlot", timestamp=t.now, state_details=details)
    return reject(t, reason, state)


def _details(t: Transition) -> StateDetails:
    return StateDetails(flow_run_id=t.proposed.state_details.flow_run_id)


def waits_in_its_process(entered: State[Any], retry_type: str | None) -> bool:
    """Whether a flow run waits, and the process that worked at it waits with it: paused, or until its next attempt."""
    if entered.type is StateType.PAUSED:
        return not entered.state_details.pause_reschedule
    return entered.type is StateType.SCHEDULED and retry_type == "in_process"


def settle_slots(t: Transition, decision: Decision) -> Decision:
    """
    Add to a decision what becomes of the run's slots, which follows from the state that it enters.

    Who is worked at has them; who is not gives them back, unless its process waits. A transition that is forced takes no
    slots that are not free: the limit holds, and the run goes on without.
    """
    slots, entered = t.run.slots, decision.entered(t)
    if slots is None or entered is None:
        return decision
    if entered.type in _WORKED_AT[t.run.kind]:
        if not slots.limits or slots.missing is not None:
            return decision
        acquired = AcquireSlots(tuple(limit.id for limit in slots.limits), slots.lease_id)
        return replace(decision, state=_naming(t, entered), writes=(*decision.writes, acquired))
    if _gives_back(t, entered, decision):
        return replace(decision, writes=(*decision.writes, ReleaseSlots()))
    return decision


def _naming(t: Transition, entered: State[Any]) -> State[Any]:
    """The state of a flow run says which lease is its slot's, for clients that renew it themselves."""
    details = entered.state_details
    if t.run.kind == "task" or t.run.slots is None or details.deployment_concurrency_lease_id == t.run.slots.lease_id:
        return entered
    details = details.model_copy(update={"deployment_concurrency_lease_id": t.run.slots.lease_id})
    return entered.model_copy(update={"state_details": details, "timestamp": entered.timestamp})


def _gives_back(t: Transition, entered: State[Any], decision: Decision) -> bool:
    if entered.type in TERMINAL_STATES:
        return True
    if entered.type in {StateType.PENDING, StateType.CANCELLING}:
        return False
    if t.run.kind == "task":
        return t.initial is not None and t.initial.is_running()
    retry_type: Any = t.run.retry_type
    for write in decision.writes:
        if isinstance(write, Write) and write.field == "retry_type":
            retry_type = write.value
    return not waits_in_its_process(entered, retry_type)
