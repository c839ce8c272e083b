"""Rules for all runs, of flows and of tasks."""

from __future__ import annotations

from math import ceil

from prefect._orchestration.transition import Decision, Transition, abort, accept, reject, wait

__all__ = [
    "answer_repeated_proposals",
    "has_retries_left",
    "keep_the_scheduled_time_while_pending",
    "let_nobody_claim_what_is_claimed",
    "let_nothing_restart_while_cancelling",
    "refuse_those_who_lost_the_lease",
    "wait_for_the_scheduled_time",
]


def answer_repeated_proposals(t: Transition) -> Decision | None:
    """A proposal that was already decided on gets the same answer again, and has no second effect."""
    repeated = t.proposed.state_details.transition_id
    if repeated is None or t.initial is None or t.initial.state_details.transition_id != repeated:
        return None
    if t.initial.type is t.proposed.type:
        return accept(t, t.initial)
    return reject(t, "This run has already made this state transition.")


def refuse_those_who_lost_the_lease(t: Transition) -> Decision | None:
    """Who shows the token of an attempt other than the one that owns the run must stop, even when it insists."""
    shown, live = t.run.proposer_token, t.run.lease_token
    if shown is None or shown == live or _begins_what_was_taken(t):
        return None
    if live is not None:
        return abort(t, f"This attempt ({shown}) no longer owns the run: attempt {live} has taken it over.")
    # Waiting for a retry needs no lease, but nothing can end well or badly while it waits, or be given to others twice.
    is_over = (
        t.proposed.is_completed() or t.proposed.is_failed() or (t.run.kind == "flow" and t.proposed.is_scheduled())
    )
    if t.initial is not None and t.initial.is_scheduled() and is_over:
        return abort(t, f"This attempt ({shown}) no longer owns the run: it was scheduled to be run again.")
    return None


def _begins_what_was_taken(t: Transition) -> bool:
    """Whether somebody begins a flow run that was taken from a queue: who took it has it executed, and knows no token of that."""
    is_pending = t.initial is not None and t.initial.is_pending()
    return t.run.kind == "flow" and is_pending and t.proposed.is_running()


def wait_for_the_scheduled_time(t: Transition) -> Decision | None:
    """What is scheduled for later does not run before."""
    due = None if t.initial is None else t.initial.state_details.scheduled_time
    if due is None or due <= t.now:
        return None
    return wait(t, f"Scheduled time is in the future: {due.isoformat()}.", ceil((due - t.now).total_seconds()))


def let_nobody_claim_what_is_claimed(t: Transition) -> Decision | None:
    """Only one can make a run Pending: who comes second must stop. Saying what it is pending for is another matter."""
    if t.initial is None or (t.initial.is_pending() and t.initial.name != t.proposed.name):
        return None
    return abort(t, f"This run is in a {t.initial.type.value} state and cannot transition to a PENDING state.")


def let_nothing_restart_while_cancelling(t: Transition) -> Decision | None:
    """A run that is being cancelled only ends."""
    return reject(t, "This run is being cancelled and can only end.")


def keep_the_scheduled_time_while_pending(t: Transition) -> Decision | None:
    """A scheduled run that becomes Pending early still waits for its time before it runs."""
    due = None if t.initial is None else t.initial.state_details.scheduled_time
    if due is None or t.proposed.state_details.scheduled_time is not None:
        return None
    details = t.proposed.state_details.model_copy(update={"scheduled_time": due})
    update = {"state_details": details, "timestamp": t.proposed.timestamp}
    return accept(t, t.proposed.model_copy(update=update))


def has_retries_left(t: Transition) -> bool:
    """
    Whether a run that does not end well may be run again, by its policy and by what is said of this failure.

    What the details of a failed flow run's state say is not heeded: clients of Prefect 3 always say there that it is not
    to be retried, and expect it to be.
    """
    run = t.run
    is_ruled_out = run.kind == "task" and t.proposed.state_details.retriable is False
    return 0 < run.retries >= run.run_count and run.retriable and not is_ruled_out
