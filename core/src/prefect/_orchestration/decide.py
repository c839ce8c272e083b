"""Decides what becomes of a proposed state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from prefect._contract.state import State
from prefect._orchestration.policies import FLOW_POLICY, TASK_POLICY, Policy
from prefect._orchestration.slot_rules import settle_slots
from prefect._orchestration.transition import Decision, Transition

__all__ = ["decide"]


def decide(transition: Transition, policy: Policy | None = None) -> Decision:
    """
    Decide what becomes of a proposed state.

    Args:
        transition: The proposal, with all that is known of the run.
        policy: The rules; those for the kind of run by default.

    Returns:
        The decision of the first rule that has an opinion; without any the proposal is accepted. The state that is
        entered is never earlier than the one that is left.
    """
    if policy is None:
        policy = TASK_POLICY if transition.run.kind == "task" else FLOW_POLICY
    decision = _first_opinion(transition, policy)
    return decision if transition.run.slots is None else settle_slots(transition, decision)


def _first_opinion(transition: Transition, policy: Policy) -> Decision:
    initial, proposed = transition.initial, transition.proposed
    for rule in policy.rules_for(None if initial is None else initial.type, proposed.type, transition.force):
        decision = rule(transition)
        if decision is not None:
            state = decision.state
            if state is not None and initial is not None and state.timestamp < initial.timestamp:
                return replace(decision, state=_not_before(state, initial))
            return decision
    if initial is not None and proposed.timestamp < initial.timestamp:
        proposed = _not_before(proposed, initial)
    return Decision("ACCEPT", proposed)


def _not_before(state: State[Any], initial: State[Any]) -> State[Any]:
    """The same state, entered when the other one was: clocks of two hosts differ, the order of states does not."""
    return state.model_copy(update={"timestamp": initial.timestamp})
