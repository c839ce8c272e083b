"""The vocabulary of the rules: what is proposed, what is known, and what is decided. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from prefect._contract.state import State, StateType

__all__ = ["Decision", "Rule", "RunFacts", "Transition", "Verdict", "Write"]

Verdict = Literal["ACCEPT", "REJECT", "WAIT", "ABORT"]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a rule may know of a run, read by the caller beforehand.

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


@dataclass(frozen=True, slots=True)
class Transition:
    """A proposal: this run, now in `initial`, wants to be in `proposed`. `force` skips the rules, keeps the bookkeeping."""

    run: RunFacts
    initial: State | None
    proposed: State
    now: datetime
    force: bool = False

    def moves(self, source: StateType | None, target: StateType) -> bool:
        """Whether this goes from one state type to another; None means that the run has no state yet."""
        current = None if self.initial is None else self.initial.type
        return current == source and self.proposed.type == target


@dataclass(frozen=True, slots=True)
class Write:
    """A change to the run that goes with a decision, performed in the same transaction: field name and value."""

    field: str
    value: object


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a proposal.

    Args:
        verdict: ACCEPT: the run enters `state`. REJECT: the run enters `state`, another one than proposed (or stays as it
            is when `state` is None). WAIT: ask again after `delay_seconds`. ABORT: nothing changes, the proposer must stop.
        state: The state that the run is in afterwards.
        reason: For people; for all but ACCEPT.
        delay_seconds: For WAIT.
        writes: Changes to the run's other fields.
    """

    verdict: Verdict
    state: State | None = None
    reason: str | None = None
    delay_seconds: int = 0
    writes: tuple[Write, ...] = field(default=())


Rule = Callable[[Transition], "Decision | None"]
"""A rule has an opinion (a Decision, which ends the matter) or none."""
