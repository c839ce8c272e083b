"""The vocabulary of the rules: what is proposed, what is known, and what is decided. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from prefect._contract.state import State, StateType

__all__ = [
    "AcquireSlots",
    "Decision",
    "Effect",
    "ReleaseSlots",
    "Rule",
    "RunFacts",
    "SlotFacts",
    "SlotLimit",
    "Transition",
    "Verdict",
    "Write",
    "abort",
    "accept",
    "reject",
    "wait",
]

Verdict = Literal["ACCEPT", "REJECT", "WAIT", "ABORT"]


@dataclass(frozen=True, slots=True)
class SlotLimit:
    """
    A limit of how many runs may be working at the same time.

    Args:
        id: Its id.
        name: What it is known by: the tag, say.
        size: How many slots it has.
        is_free: Whether one of them is free.
        is_held: Whether the run has one of them already.
    """

    id: UUID
    name: str
    size: int
    is_free: bool
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """
    What a rule may know of the slots that a run needs while it is worked at.

    Args:
        limits: The limits of which it needs a slot each.
        lease_id: The lease under which it has them, or would.
        wait_seconds: After how long it asks again when there is none.
        cancels_new: For flow runs: whether one that gets no slot is cancelled, instead of waiting for one.
    """

    limits: tuple[SlotLimit, ...] = ()
    lease_id: UUID | None = None
    wait_seconds: float = 0
    cancels_new: bool = False

    @property
    def missing(self) -> SlotLimit | None:
        """The first limit of which the run has no slot, and can have none."""
        return next((limit for limit in self.limits if not (limit.is_held or limit.is_free)), None)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """
    What a rule may know of a run, read by the caller beforehand.

    Args:
        kind: Whether this is a flow run or a task run.
        run_id: Its id.
        run_count: How often it has entered Running.
        retries: How many retries its policy allows.
        retry_delay: Seconds until the next attempt, jitter and list position already applied.
        retriable: False when the user's `retry_condition_fn` said no to this failure.
        flow_run_state: For task runs: the type of the flow run's state, None outside of flows or when unknown.
        pause_keys: For flow runs: the keys of pauses that were already observed.
        resuming: For flow runs: whether it is being resumed from a pause.
        has_deployment: For flow runs: whether it belongs to a deployment, so that it can be scheduled again.
        retry_type: For flow runs: `in_process`, `reschedule` or None.
        lease_token: The token of the live attempt that owns the run, None if nobody does.
        proposer_token: The token that the proposer shows, None if it shows none.
        is_subflow: For flow runs: whether it was started by another flow run, in the same process.
        flow_run_run_count: For task runs: how often the flow run has entered Running, None when unknown.
        cached_state: For task runs: the completed state that was found under the proposed cache key, if any.
        slots: The slots that it needs; None where slots are not decided on.
    """

    kind: Literal["flow", "task"]
    run_id: UUID | None = None
    run_count: int = 0
    retries: int = 0
    retry_delay: float = 0
    retriable: bool = True
    flow_run_state: StateType | None = None
    pause_keys: frozenset[str] = frozenset()
    resuming: bool = False
    has_deployment: bool = False
    retry_type: Literal["in_process", "reschedule"] | None = None
    lease_token: UUID | None = None
    proposer_token: UUID | None = None
    is_subflow: bool = False
    flow_run_run_count: int | None = None
    cached_state: State[Any] | None = None
    slots: SlotFacts | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """A proposal: this run, now in `initial`, wants to be in `proposed`. `force` skips rules, not bookkeeping."""

    run: RunFacts
    initial: State[Any] | None
    proposed: State[Any]
    now: datetime
    force: bool = False

    def moves(self, source: StateType | None, target: StateType) -> bool:
        """Whether this goes from one state type to another; None means that the run has no state yet."""
        current = None if self.initial is None else self.initial.type
        return current == source and self.proposed.type == target


@dataclass(frozen=True, slots=True)
class Write:
    """
    A change to the run that goes with a decision, performed in the same transaction: field name and value.

    Fields are those of the run's `empirical_policy`: `pause_keys` (a frozenset), `resuming`, `retries`, `retry_type`.
    """

    field: str
    value: object


@dataclass(frozen=True, slots=True)
class AcquireSlots:
    """
    The run takes a slot of each of some limits, performed in the same transaction. Those that it has, it keeps.

    Args:
        limit_ids: The limits.
        lease_id: The lease under which it has them.
    """

    limit_ids: tuple[UUID, ...]
    lease_id: UUID | None


@dataclass(frozen=True, slots=True)
class ReleaseSlots:
    """The run gives back all slots that it has, performed in the same transaction."""


Effect = Write | AcquireSlots | ReleaseSlots
"""What goes with a decision besides the state."""


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What becomes of a proposal.

    Args:
        verdict: ACCEPT: the run enters `state`. REJECT: the run enters `state`, another one than proposed, or stays as
            it is. WAIT: ask again after `delay_seconds`. ABORT: nothing changes, the proposer must stop.
        state: The state that the run is in afterwards.
        reason: For people; for all but ACCEPT.
        delay_seconds: For WAIT.
        writes: Changes to the run's other fields, and to the slots that it has.
    """

    verdict: Verdict
    state: State[Any] | None = None
    reason: str | None = None
    delay_seconds: int = 0
    writes: tuple[Effect, ...] = field(default=())

    def entered(self, transition: Transition) -> State[Any] | None:
        """The state that the run enters, None when it stays in the one it is in: then nothing is to be written."""
        if self.verdict in {"WAIT", "ABORT"} or self.state is transition.initial:
            return None
        return self.state


def accept(transition: Transition, state: State[Any] | None = None, *writes: Write) -> Decision:
    """Let the run enter the proposed state, or `state`, which says the same in more detail."""
    return Decision("ACCEPT", transition.proposed if state is None else state, None, 0, writes)


def reject(transition: Transition, reason: str, state: State[Any] | None = None, *writes: Write) -> Decision:
    """
    Let the run enter `state` instead of the proposed one, or stay as it is without one.

    The state that is entered instead is known by the proposal's `transition_id`, so that proposing again finds it.
    """
    if state is None:
        return Decision("REJECT", transition.initial, reason, 0, writes)
    details = state.state_details
    transition_id = transition.proposed.state_details.transition_id
    if transition_id is not None and details.transition_id != transition_id:
        details = details.model_copy(update={"transition_id": transition_id})
        state = state.model_copy(update={"state_details": details, "timestamp": state.timestamp})
    return Decision("REJECT", state, reason, 0, writes)


def wait(transition: Transition, reason: str, delay_seconds: int) -> Decision:
    """Let the proposer ask again after a delay."""
    return Decision("WAIT", transition.initial, reason, delay_seconds)


def abort(transition: Transition, reason: str) -> Decision:
    """Tell the proposer to stop."""
    return Decision("ABORT", transition.initial, reason)


Rule = Callable[[Transition], "Decision | None"]
"""A rule has an opinion (a Decision, which ends the matter) or none."""
