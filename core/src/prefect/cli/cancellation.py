"""Cancelling flow runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from prefect.cli.asking import ask
from prefect.cli.errors import CliError

if TYPE_CHECKING:
    from prefect._contract.liveness import Lease
    from prefect._contract.objects import FlowRun

__all__ = ["cancel_flow_run"]

_LOOK_SECONDS = 0.2


def cancel_flow_run(run: FlowRun) -> str:
    """
    Ask the process of a flow run to stop it; cancel it at once if there is none.

    Returns:
        What happens now, for people.

    Raises:
        CliError: It has ended already, or the orchestrator refuses.
    """
    from prefect._contract.endpoints.flow_runs import set_flow_run_state
    from prefect._contract.state import State, StateType
    from prefect.client.base import current_transport

    who = f"flow run {run.name!r} ({run.id})"
    if run.state is not None and run.state.is_final():
        raise CliError(f"F{who[1:]} cannot be cancelled: it has ended already, as {run.state_name}.")
    proposal: State[Any] = State(type=StateType.CANCELLING, message="Cancelled from the command line.")
    result = ask(set_flow_run_state(run.id, proposal), missing=f"F{who[1:]} not found!")
    entered = result.state
    if entered is None or not (entered.is_cancelling() or entered.is_cancelled()):
        reason = getattr(result.details, "reason", None) or f"it is {entered.name if entered else run.state_name}"
        raise CliError(f"F{who[1:]} cannot be cancelled: {reason}")
    if entered.is_cancelled():
        return f"Cancelled {who}."
    lease = live_lease(run)
    if lease is not None and lease.owner.is_alive() and current_transport().patience == 0:
        return _see_it_end(run, lease, who)
    if lease is not None:
        return f"Cancelling {who}: process {lease.owner.pid} on {lease.owner.host} stops it within seconds."
    if run.deployment_id is not None:
        return f"Cancelling {who}: the worker that started it stops it."
    final: State[Any] = State(
        type=StateType.CANCELLED, message="Cancelled from the command line. No process was running it."
    )
    ask(set_flow_run_state(run.id, final, force=True))
    return f"Cancelled {who}: no process was running it."


def _see_it_end(run: FlowRun, lease: Lease, who: str) -> str:
    """
    Wait for a process to stop a flow run, and end the process if it is deaf: where there is no server, nobody else does.

    A process hears of a cancellation when it renews its lease.
    """
    from prefect._contract.endpoints.liveness import reap_leases
    from prefect._contract.liveness import DEAF_SECONDS
    from prefect.utilities.time import now

    heard, since = lease.expires_at, time.monotonic()
    while time.monotonic() < since + DEAF_SECONDS:
        time.sleep(_LOOK_SECONDS)
        current = live_lease(run)
        if current is None or current.token != lease.token:
            return f"Cancelled {who}."
        if current.expires_at != heard:
            heard, since = current.expires_at, time.monotonic()
    pid = lease.owner.pid
    try:
        lease.owner.kill()
    except PermissionError:
        raise CliError(
            f"F{who[1:]} cannot be cancelled: process {pid} does not answer, and is another user's."
        ) from None
    while lease.owner.is_alive():
        time.sleep(_LOOK_SECONDS)
    ask(reap_leases(now()))
    return f"Cancelled {who}: process {pid} did not answer for {DEAF_SECONDS:g} seconds, and was killed."


def live_lease(run: FlowRun) -> Lease | None:
    """The lease of the process that runs a flow run, if there is one and it may be there still."""
    from prefect._contract.endpoints.liveness import read_leases
    from prefect.utilities.time import now

    for lease in ask(read_leases()):
        if lease.flow_run_id == run.id:
            alive = lease.owner.is_alive()
            return lease if alive or (alive is None and lease.expires_at > now()) else None
    return None
