"""What is to be said of a flow run whose process has ended, in place of that process."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints.flow_runs import read_flow_run
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry, Cancelled, Crashed

if TYPE_CHECKING:
    from prefect._contract.state import State
    from prefect.client.base import Transport
    from prefect.runner.claims import Claims

__all__ = ["hooks_command", "is_under_way", "settle"]


async def settle(
    transport: Transport, claims: Claims, run_id: UUID, message: str, *, reschedules: bool = False
) -> tuple[State[Any] | None, bool]:
    """
    Say how a run ended that did not say it itself. If somebody else has taken it over, nothing is said.

    Args:
        transport: Asks the orchestrator.
        claims: The runs taken here.
        run_id: The run.
        message: What to say.
        reschedules: Whether it is to be executed elsewhere.

    Returns:
        The state it is in, None if it does not exist any more; and whether its hooks are still to be called, since its own
        process did not say how it ended.
    """
    with suppress(ObjectNotFound):
        state: State[Any] | None = (await transport.asend(read_flow_run(run_id))).state
        if state is None or not is_under_way(state):
            # The engine names each of its proposals; what the orchestrator itself has noticed has no such name.
            return state, _has_hooks(state) and state is not None and state.state_details.transition_id is None
        proposal: State[Any] = Crashed(message=message)
        if state.is_cancelling():
            proposal = Cancelled(message=message)
        elif reschedules:
            proposal = AwaitingRetry(message=message)
        answer = await claims.end(run_id, proposal)
        entered: State[Any] | None = answer.state
        is_told = answer.status.value in {"ACCEPT", "REJECT"}
        return (entered, _has_hooks(entered)) if is_told else (state, False)
    return None, False


def is_under_way(state: State[Any] | None) -> bool:
    """Whether somebody executes a run in a state, or is about to."""
    return state is not None and (state.is_pending() or state.is_running() or state.is_cancelling())


def _has_hooks(state: State[Any] | None) -> bool:
    return state is not None and (state.is_crashed() or state.is_cancelled())


def hooks_command(run_id: UUID) -> list[str]:
    """What calls the hooks of a run for the state that it is in."""
    return [sys.executable, "-m", "prefect.runner.hooks", str(run_id)]
