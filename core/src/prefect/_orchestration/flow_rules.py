"""Rules for flow runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect._contract.state import State, StateDetails, StateType
from prefect._orchestration.shared_rules import has_retries_left
from prefect._orchestration.transition import Decision, Transition, Write, abort, accept, reject

__all__ = [
    "begin_anew_when_rescheduled",
    "cancel_at_once_what_no_process_works_at",
    "end_as_cancelled_what_is_being_cancelled",
    "fail_pauses_that_lasted_too_long",
    "forget_how_the_run_came_here",
    "give_retries_to_others_when_their_process_is_gone",
    "let_ended_flows_rest",
    "mark_only_scheduled_flows_late",
    "pause_only_running_flows",
    "remember_that_a_pause_ends",
    "remember_the_pause",
    "resume_paused_flows_before_they_are_pending",
    "retry_crashed_flows",
    "retry_failed_flows",
]


def let_ended_flows_rest(t: Transition) -> Decision | None:
    """A flow run that has ended stays as it is; only an explicit retry schedules one that did not complete again."""
    assert t.initial is not None
    ended = t.initial.type.value
    if t.initial.is_completed():
        if t.proposed.is_running() or t.proposed.is_pending():
            return reject(t, f"Run is already {ended}.")
        return abort(t, f"Run is already {ended}. Start a new run, or force the transition.")
    if not t.proposed.is_scheduled():
        return abort(t, f"Run is already in terminal state {ended}. Schedule a retry, or force the transition.")
    if not t.run.has_deployment:
        return abort(t, f"Cannot reschedule a {ended} run without an associated deployment: nothing would start it.")
    return None


def end_as_cancelled_what_is_being_cancelled(t: Transition) -> Decision | None:
    """However a flow run ends that is being cancelled: it is Cancelled, so that it never stays Cancelling."""
    details = t.proposed.state_details
    message = f"The run was being cancelled when it ended as {t.proposed.name}."
    state = _state(t, StateType.CANCELLED, "Cancelled", message, details)
    return reject(t, "Runs that are being cancelled end as Cancelled.", state)


def cancel_at_once_what_no_process_works_at(t: Transition) -> Decision | None:
    """A flow run that waits is Cancelled at once, since there is no process that would have to stop first."""
    assert t.initial is not None
    waits = (
        t.initial.is_scheduled()
        or (t.initial.is_paused() and t.initial.state_details.pause_reschedule)
        or (t.initial.is_pending() and not t.run.has_deployment and t.run.lease_token is None)
    )
    if not waits:
        return None
    state = _state(t, StateType.CANCELLED, "Cancelled", t.proposed.message, t.proposed.state_details)
    return reject(t, f"A flow run that is {t.initial.name} has no process to stop.", state)


def mark_only_scheduled_flows_late(t: Transition) -> Decision | None:
    """Only what is still scheduled can be late."""
    if t.proposed.name != "Late":
        return None
    return reject(t, "Only scheduled flows can be marked late.")


def pause_only_running_flows(t: Transition) -> Decision | None:
    """Flow runs pause while they run, once for each key; subflows, which nobody starts again, are not suspended."""
    if t.initial is None or not t.initial.is_running():
        return reject(t, "Cannot pause flows that are not currently running.")
    details = t.proposed.state_details
    if details.pause_key is not None and details.pause_key in t.run.pause_keys:
        return reject(t, "This pause has already fired.")
    if details.pause_reschedule and t.run.is_subflow:
        return abort(t, "Cannot suspend subflows. Suspend the flow run that started it, or pause it.")
    return None


def remember_the_pause(t: Transition) -> Decision | None:
    """The key of a pause is kept, so that the code that comes there again after a restart goes on."""
    key = t.proposed.state_details.pause_key or str(t.proposed.id)
    return accept(t, None, Write("pause_keys", t.run.pause_keys | {key}))


def fail_pauses_that_lasted_too_long(t: Transition) -> Decision | None:
    """A pause that was not ended in time fails the flow run, whatever it wants to do next."""
    assert t.initial is not None
    expired = t.initial.state_details.pause_timeout
    if expired is None or expired >= t.now:
        return None
    message = "The flow was paused and never resumed."
    state = _state(t, StateType.FAILED, "Failed", message, StateDetails())
    return reject(t, "The flow run pause has timed out and can no longer resume.", state)


def resume_paused_flows_before_they_are_pending(t: Transition) -> Decision | None:
    """A paused flow run is resumed first: to Running, or to Scheduled when its process is gone."""
    return reject(t, "This run cannot transition to the PENDING state from the PAUSED state. Resume it first.")


def remember_that_a_pause_ends(t: Transition) -> Decision | None:
    """Going on after a pause is no new attempt: this is known until the process says that it is running."""
    return accept(t, None, Write("resuming", True))


def retry_failed_flows(t: Transition) -> Decision | None:
    """A flow run that fails with retries left waits to be run again by the process that it failed in."""
    if not has_retries_left(t):
        return None
    return _retry(t, "in_process" if t.run.retry_type is None else t.run.retry_type)


def retry_crashed_flows(t: Transition) -> Decision | None:
    """A flow run whose process is gone is run again in another one, if it has retries left and a deployment."""
    if not has_retries_left(t) or not t.run.has_deployment or t.run.is_subflow:
        return None
    return _retry(t, "reschedule")


def retry_flows_that_crashed_before_they_began(t: Transition) -> Decision | None:
    """
    A flow run whose process is gone before it began is given to another one, if it has retries left and a deployment.

    It was no attempt that counts, so it takes one of the retries: what dies each time that it is loaded comes to an end.
    """
    if not has_retries_left(t) or not t.run.has_deployment or t.run.is_subflow:
        return None
    return _retry(t, "reschedule", Write("retries", t.run.retries - 1))


def give_retries_to_others_when_their_process_is_gone(t: Transition) -> Decision | None:
    """A retry that a process waited to begin is begun by another one, if the run has a deployment."""
    assert t.initial is not None
    if t.run.retry_type != "in_process" or not t.run.has_deployment or t.run.is_subflow:
        return None
    details = StateDetails(scheduled_time=t.initial.state_details.scheduled_time)
    state = _state(t, StateType.SCHEDULED, "AwaitingRetry", t.proposed.message, details)
    return reject(t, "Retrying", state, Write("retry_type", "reschedule"))


def begin_anew_when_rescheduled(t: Transition) -> Decision | None:
    """An explicit retry is run by any process, as an attempt of its own."""
    return accept(t, None, Write("retry_type", "reschedule"), Write("resuming", False))


def forget_how_the_run_came_here(t: Transition) -> Decision | None:
    """Once a flow run is running, or has stopped doing so, it no longer matters how it was started."""
    writes = []
    if t.run.resuming:
        writes.append(Write("resuming", False))
    if t.run.retry_type is not None:
        writes.append(Write("retry_type", None))
    return accept(t, None, *writes) if writes else None


def _retry(t: Transition, how: str, *writes: Write) -> Decision:
    due = t.now + timedelta(seconds=t.run.retry_delay)
    state = _state(t, StateType.SCHEDULED, "AwaitingRetry", t.proposed.message, StateDetails(scheduled_time=due))
    return reject(t, "Retrying", state, Write("retry_type", how), Write("resuming", False), *writes)


def _state(t: Transition, type_: StateType, name: str, message: str | None, details: StateDetails) -> State[Any]:
    return State(type=type_, name=name, message=message, state_details=details, timestamp=t.now)
