"""Leases of flow runs: renewing them, and ending the runs of processes that are gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Connection

from prefect._contract.liveness import Lease, LeaseStatus
from prefect._contract.state import TERMINAL_STATES, State, StateDetails, StateType
from prefect.server.database.queries import leases
from prefect.server.database.queries.runs import FLOW_RUNS, read_run
from prefect.server.operations.remainders import end_task_runs
from prefect.server.operations.transitions import propose_for_flow_run
from prefect.server.operations.work import UnitOfWork, read_only

__all__ = ["find_dead", "offer_again", "read_leases", "reap", "reap_leases", "renew_leases"]


def renew_leases(work: UnitOfWork, tokens: Sequence[UUID], ttl_seconds: float) -> list[LeaseStatus]:
    """Renew leases, and tell of each what has become of its flow run."""
    held = leases.renew(work.connection, tokens, work.now + timedelta(seconds=ttl_seconds))
    return [_status(token, held.get(token)) for token in tokens]


def _status(token: UUID, held: tuple[UUID, str] | None) -> LeaseStatus:
    if held is None:
        return LeaseStatus(None, token, None)
    run_id, state_type = held
    return LeaseStatus(run_id, token, StateType(state_type))


@read_only
def read_leases(work: UnitOfWork) -> list[Lease]:
    """List the leases of flow runs that somebody works at."""
    return [holder.lease for holder in leases.read_leases(work.connection) if not holder.suspended]


def find_dead(connection: Connection, now: datetime) -> list[leases.Holder]:
    """The leases whose process is gone."""
    return [holder for holder in leases.read_leases(connection) if holder.is_gone(now)]


def reap_leases(work: UnitOfWork, now: datetime) -> list[UUID]:
    """Mark as Crashed the flow runs whose process is gone, with their task runs, and answer with their ids."""
    return reap(work, find_dead(work.connection, now))


def reap(work: UnitOfWork, dead: Iterable[leases.Holder]) -> list[UUID]:
    """
    Mark as Crashed the flow runs of some leases, with their task runs, and answer with their ids.

    Those that were only taken from a queue, and not begun, are offered again.
    """
    reaped: list[UUID] = []
    for holder in dead:
        run_id = holder.lease.flow_run_id
        leases.release(work.connection, run_id)
        run = read_run(work.connection, FLOW_RUNS, run_id, work.now)
        if run is None or _has_ended(run):
            continue
        message = _explain(holder)
        if run["state_type"] == StateType.PENDING.value and run["deployment_id"] is not None:
            offer_again(work, run, f"{message} It had taken the run, and not begun it.")
            reaped.append(run_id)
            continue
        crashed: State[Any] = State(
            type=StateType.CRASHED,
            name="Crashed",
            message=message,
            timestamp=work.now,
            state_details=StateDetails(flow_run_id=run_id),
        )
        propose_for_flow_run(work, run, crashed)
        was_cancelled = run["state_type"] == StateType.CANCELLED.value
        end_task_runs(work, run_id, StateType.CANCELLED if was_cancelled else StateType.CRASHED, message)
        reaped.append(run_id)
    return reaped


def offer_again(work: UnitOfWork, run: dict[str, Any], message: str) -> None:
    """Let somebody else take a flow run from its queue that was taken, and not begun."""
    due = run["expected_start_time"] or work.now
    scheduled: State[Any] = State(
        type=StateType.SCHEDULED,
        name="Scheduled",
        message=message,
        timestamp=work.now,
        state_details=StateDetails(flow_run_id=run["id"], scheduled_time=due),
    )
    propose_for_flow_run(work, run, scheduled, force=True)


def _has_ended(run: dict[str, Any]) -> bool:
    return run["state_type"] in {kind.value for kind in TERMINAL_STATES}


def _explain(holder: leases.Holder) -> str:
    owner = holder.lease.owner
    process = f"process {owner.pid} on host '{owner.host}'"
    if owner.is_alive() is False:
        return f"The process that ran this flow is gone: {process}."
    expired = holder.lease.expires_at.isoformat(timespec="seconds")
    return f"The process that ran this flow has not been heard of: the lease of {process} expired at {expired}."
