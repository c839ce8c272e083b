"""Rules for task runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect._contract.state import State, StateDetails, StateType
from prefect._orchestration.shared_rules import has_retries_left
from prefect._orchestration.transition import Decision, Transition, abort, accept, reject

__all__ = [
    "let_ended_tasks_rest",
    "name_retries",
    "retry_failed_tasks",
    "run_tasks_only_while_their_flow_runs",
    "use_the_cached_result",
]


def let_ended_tasks_rest(t: Transition) -> Decision | None:
    """A task run that has ended stays as it is; only one that task workers run is given to them again on request."""
    assert t.initial is not None
    if t.initial.is_completed():
        return reject(t, "This run is already completed.")
    if t.proposed.is_scheduled() and t.proposed.state_details.deferred:
        return None
    ended = t.initial.type.value
    return abort(t, f"Run is already {ended}. Force the transition if it shall nevertheless change.")


def run_tasks_only_while_their_flow_runs(t: Transition) -> Decision | None:
    """Task runs do not begin when their flow run is paused or has stopped."""
    flow = t.run.flow_run_state
    if flow is None or flow is StateType.RUNNING:
        return None
    if flow is not StateType.PAUSED:
        return abort(t, f"The enclosing flow must be running to begin task execution. It is {flow.value}.")
    reason = "The flow is paused, new tasks can execute after resuming the flow run."
    details = StateDetails(flow_run_id=t.proposed.state_details.flow_run_id)
    state: State[Any] = State(
        type=StateType.PAUSED, name="NotReady", message=reason, state_details=details, timestamp=t.now
    )
    return reject(t, reason, state)


def use_the_cached_result(t: Transition) -> Decision | None:
    """A task run whose result is already known completes with it instead of running."""
    details = t.proposed.state_details
    if t.run.cached_state is None or details.cache_key is None or details.refresh_cache:
        return None
    state: State[Any] = State(
        type=StateType.COMPLETED,
        name="Cached",
        message=t.run.cached_state.message,
        data=t.run.cached_state.data,
        state_details=t.run.cached_state.state_details.model_copy(update={"transition_id": details.transition_id}),
        timestamp=t.now,
    )
    return reject(t, "Retrieved state from cache", state)


def retry_failed_tasks(t: Transition) -> Decision | None:
    """A task run that fails with retries left waits to be run again."""
    if not has_retries_left(t):
        return None
    due = t.now + timedelta(seconds=t.run.retry_delay)
    details = StateDetails(scheduled_time=due)
    message = t.proposed.message
    state: State[Any] = State(
        type=StateType.SCHEDULED, name="AwaitingRetry", message=message, state_details=details, timestamp=t.now
    )
    return reject(t, "Retrying", state)


def name_retries(t: Transition) -> Decision | None:
    """A task run that runs again after it was scheduled is Retrying."""
    if t.run.run_count == 0 or t.proposed.name != "Running":
        return None
    return accept(t, t.proposed.model_copy(update={"name": "Retrying", "timestamp": t.proposed.timestamp}))
