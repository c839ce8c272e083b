"""What else changes in a run when it enters a state: its counts and times. Pure, like the rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from prefect._contract.state import TERMINAL_STATES, StateType
from prefect._orchestration.transition import Effect, Transition, Write

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRunPolicy
    from prefect._contract.state import State

__all__ = ["RunTimes", "apply", "apply_writes", "estimated_run_time", "estimated_start_time_delta"]

_NOTHING = timedelta(0)


class RunTimes(Protocol):
    """What bookkeeping reads of a run: a model, a row, or anything with these attributes."""

    @property
    def run_count(self) -> int: ...
    @property
    def start_time(self) -> datetime | None: ...
    @property
    def end_time(self) -> datetime | None: ...
    @property
    def expected_start_time(self) -> datetime | None: ...
    @property
    def next_scheduled_start_time(self) -> datetime | None: ...
    @property
    def total_run_time(self) -> timedelta: ...


def apply(run: RunTimes, transition: Transition, entered: State[Any]) -> dict[str, Any]:
    """
    What changes in a run when it enters a state.

    Args:
        run: The run as it was.
        transition: What was proposed, and the state that is left.
        entered: The state that is entered, as it was decided.

    Returns:
        New values by field. `state_id` and `updated` are not among them: they belong to who stores the run.
    """
    initial = transition.initial
    moment = entered.timestamp
    entered_type = entered.type
    changes: dict[str, Any] = {"state_type": entered_type, "state_name": entered.name}
    left_type = None
    if initial is not None:
        left_type = initial.type
        if left_type is StateType.RUNNING:
            changes["total_run_time"] = run.total_run_time + max(moment - initial.timestamp, _NOTHING)
        elif left_type in TERMINAL_STATES and entered_type not in TERMINAL_STATES:
            changes["end_time"] = None
    if entered_type is StateType.RUNNING:
        changes.update(_started(run, transition, moment))
    elif entered_type in TERMINAL_STATES:
        changes["start_time"] = start = run.start_time or moment
        changes["end_time"] = max(moment, start)
    if entered_type is StateType.SCHEDULED:
        changes["next_scheduled_start_time"] = entered.state_details.scheduled_time
    elif run.next_scheduled_start_time is not None:
        changes["next_scheduled_start_time"] = None
    if run.expected_start_time is None:
        changes["expected_start_time"] = entered.state_details.scheduled_time or moment
    return changes


def _started(run: RunTimes, transition: Transition, moment: datetime) -> dict[str, Any]:
    """What changes when a run enters Running. Going on after a pause is no new attempt."""
    facts = transition.run
    changes: dict[str, Any] = {}
    goes_on = facts.resuming or (transition.initial is not None and transition.initial.is_paused())
    if not goes_on or run.run_count == 0:
        changes["run_count"] = run.run_count + 1
    if run.start_time is None:
        changes["start_time"] = moment
    if facts.flow_run_run_count is not None:
        changes["flow_run_run_count"] = facts.flow_run_run_count
    return changes


def apply_writes(policy: FlowRunPolicy, writes: Iterable[Effect]) -> FlowRunPolicy:
    """The policy of a flow run after the writes of a decision."""
    values = {write.field: write.value for write in writes if isinstance(write, Write)}
    if "pause_keys" in values:
        values["pause_keys"] = set(values["pause_keys"])  # type: ignore[call-overload]
    return policy.model_copy(update=values) if values else policy


def estimated_run_time(
    total_run_time: timedelta, state_type: StateType | None, since: datetime | None, now: datetime
) -> timedelta:
    """How long a run was in Running, with the current attempt so far: since it entered its current state."""
    if state_type is not StateType.RUNNING or since is None:
        return total_run_time
    return total_run_time + max(now - since, _NOTHING)


def estimated_start_time_delta(
    expected_start_time: datetime | None, start_time: datetime | None, state_type: StateType | None, now: datetime
) -> timedelta:
    """How late a run started, or is by now when it has not started."""
    if expected_start_time is None:
        return _NOTHING
    if start_time is not None:
        return max(start_time - expected_start_time, _NOTHING)
    if state_type in TERMINAL_STATES:
        return _NOTHING
    return max(now - expected_start_time, _NOTHING)
