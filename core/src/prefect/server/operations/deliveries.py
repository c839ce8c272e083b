"""
Deliveries of background task runs to task workers.

A task run that is scheduled to be run in the background waits in the table `task_run_delivery`, from the transaction that
schedules it to the one in which it ends. It is delivered at least once: our own workers claim it, and renew the claim until
the run has ended. What they do not renew is scheduled again, and what they still say of it then is not believed.

Workers of Prefect 3 are connected instead. What was delivered to one is on hold for as long as it is connected, and the
delivery is over when it begins: it does not say that it is still there. That it is run once is decided by its states: only
one client can make it Pending.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect._contract.background import TaskRunClaim
from prefect._contract.objects import TaskRun
from prefect._contract.state import TERMINAL_STATES, State, StateDetails, StateType
from prefect.server.database.queries import deliveries as queries
from prefect.server.database.queries.deliveries import Delivery
from prefect.server.database.queries.runs import TASK_RUNS, read_run, read_runs_by_id, read_states
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.task_workers import forget_task_worker, see_task_worker
from prefect.server.operations.transitions import make_pending, propose_for_task_run, retry_delay
from prefect.server.operations.work import UnitOfWork

__all__ = [
    "MOST_DELIVERIES",
    "abandon_deliveries",
    "are_claims_expired",
    "claim_deliveries",
    "claim_task_runs",
    "confirm_delivery",
    "deliver_again",
    "end_task_worker",
    "renew_deliveries",
    "renew_task_run_claims",
    "return_task_runs",
]

MOST_DELIVERIES = 5
"""A task run whose workers die this often is not given to a further one: it is probably what kills them."""

_MOST_AT_ONCE = 100
_LONGEST_LEASE_SECONDS = 3600.0
_ENDED = frozenset(kind.value for kind in TERMINAL_STATES)


def claim_deliveries(
    work: UnitOfWork, client_id: str, task_keys: Iterable[str], limit: int, hold_seconds: float
) -> list[TaskRun]:
    """
    Give task runs that are due to a client.

    Args:
        work: The transaction.
        client_id: Who gets them.
        task_keys: The tasks that it serves.
        limit: How many task runs at most.
        hold_seconds: After which the task runs that have not begun are given to others.

    Returns:
        The task runs, those that wait longest first.
    """
    until = work.now + timedelta(seconds=hold_seconds)
    claimed = queries.claim(work.connection, client_id, task_keys, limit, work.now, until)
    rows = (read_run(work.connection, TASK_RUNS, identifier, work.now) for identifier in claimed)
    return [TaskRun.model_validate(row) for row in rows if row is not None]


def confirm_delivery(work: UnitOfWork, client_id: str, task_run_id: UUID, hold_seconds: float = 60.0) -> bool:
    """
    Note that a client has received a task run: it has this long, from now, to begin it.

    Returns:
        Whether the task run is still the client's. If not, it was given to another, or has begun already.
    """
    until = work.now + timedelta(seconds=hold_seconds)
    return queries.extend(work.connection, client_id, until, task_run_id) > 0


def renew_deliveries(work: UnitOfWork, client_id: str, hold_seconds: float) -> int:
    """Let a client that is still connected keep what was given to it. Returns how many task runs that are."""
    return queries.extend(work.connection, client_id, work.now + timedelta(seconds=hold_seconds))


def abandon_deliveries(work: UnitOfWork, client_id: str) -> int:
    """
    Note that a client is gone: what it was given and has not begun is available to others at once.

    A task run that it has made Pending or that it was running stays as it is: what becomes of it is decided by who notices
    that its worker is gone, as is done for flow runs in `liveness`.
    """
    return queries.abandon(work.connection, client_id)


# -- claims


def claim_task_runs(work: UnitOfWork, task_keys: list[str], limit: int, lease_seconds: float) -> list[TaskRunClaim]:
    """Make task runs that are due Pending, for one worker to execute them: those first that wait longest."""
    if limit < 1:
        raise Refusal(422, f"Invalid limit {limit}: must be at least 1.")
    until = work.now + _lease(lease_seconds)
    if not work.serves:
        # A server has a loop for it, which leaves workers time to renew their claims after the server was away.
        deliver_again(work)
    claims = queries.claim_each(work.connection, task_keys, min(limit, _MOST_AT_ONCE), work.now, until)
    runs = read_runs_by_id(work.connection, TASK_RUNS, list(claims), work.now)
    make_pending(work, [(run, claims[run["id"]].token) for run in runs.values()])
    return [
        TaskRunClaim(TaskRun.model_validate(runs[run_id]), claim.token, claim.deliveries)
        for run_id, claim in claims.items()
        if run_id in runs
    ]


def _lease(seconds: float) -> timedelta:
    if not 0 < seconds <= _LONGEST_LEASE_SECONDS:
        raise Refusal(422, f"Invalid lease_seconds {seconds:g}: must be between 0 and {_LONGEST_LEASE_SECONDS:g}.")
    return timedelta(seconds=seconds)


def renew_task_run_claims(
    work: UnitOfWork, client_id: str, task_keys: list[str], tokens: list[UUID], lease_seconds: float
) -> list[UUID]:
    """Keep claims, and note that their worker is there. Answers with the tokens that are still good."""
    until = work.now + _lease(lease_seconds)
    see_task_worker(work, client_id, task_keys)
    queries.extend_claims(work.connection, tokens, until)
    return list(queries.read_claims(work.connection, tokens))


def return_task_runs(work: UnitOfWork, tokens: list[UUID]) -> None:
    """Give back task runs that a worker has claimed and not begun. They have not been delivered, then."""
    for delivery in queries.read_claims(work.connection, tokens).values():
        uncounted = delivery._replace(deliveries=delivery.deliveries - 1)
        queries.uncount(work.connection, delivery.task_run_id)
        _schedule_again(work, uncounted, "The task worker that had it has not begun it.")


def end_task_worker(work: UnitOfWork, client_id: str, tokens: list[UUID]) -> None:
    """Give the task runs of a worker that ends to others, and forget the worker."""
    for delivery in queries.read_claims(work.connection, tokens).values():
        _schedule_again(work, delivery, "The task worker that had it was stopped.")
    forget_task_worker(work, client_id)


def are_claims_expired(work: UnitOfWork) -> bool:
    """Whether a worker has not renewed a claim in time."""
    return bool(queries.read_expired(work.connection, work.now, 1))


def deliver_again(work: UnitOfWork) -> int:
    """Schedule again the task runs of workers that have not renewed their claims. Answers with how many there were."""
    expired = queries.read_expired(work.connection, work.now, _MOST_AT_ONCE)
    for delivery in expired:
        _schedule_again(work, delivery, "The task worker that had it has not been heard of.")
    return len(expired)


def _schedule_again(work: UnitOfWork, delivery: Delivery, why: str) -> None:
    run = read_run(work.connection, TASK_RUNS, delivery.task_run_id, work.now)
    if run is None or run["state_type"] in _ENDED:
        queries.withdraw(work.connection, [delivery.task_run_id])
        return
    details = StateDetails(flow_run_id=run["flow_run_id"], task_run_id=run["id"])
    if delivery.deliveries >= MOST_DELIVERIES:
        message = f"{why} This was its delivery number {delivery.deliveries}, and there is no further one."
        crashed: State[Any] = State(type=StateType.CRASHED, message=message, timestamp=work.now, state_details=details)
        propose_for_task_run(work, run, crashed, force=True)
        return
    parameters = next(
        (
            found
            for state in read_states(work.connection, TASK_RUNS, run["id"])[::-1]
            if (found := state["state_details"].get("task_parameters_id"))
        ),
        None,
    )
    details = details.model_copy(
        update={"deferred": True, "scheduled_time": work.now, "task_parameters_id": parameters and UUID(parameters)}
    )
    message = f"{why} It is given to another one. Deliveries so far: {delivery.deliveries}."
    scheduled: State[Any] = State(type=StateType.SCHEDULED, message=message, timestamp=work.now, state_details=details)
    retry = run["state"]
    if retry is not None and retry.type is StateType.SCHEDULED and (due := retry.state_details.scheduled_time):
        # It waits to be tried again: for the rest of the time, whoever has it, and whatever clock that is due by.
        details.scheduled_time = max(due, work.now, run["updated"] + timedelta(seconds=retry_delay(run)))
        scheduled.name = retry.name
    propose_for_task_run(work, run, scheduled, force=True)
