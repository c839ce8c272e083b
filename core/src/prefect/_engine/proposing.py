"""Asking the orchestrator for a state of a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.base import evolve
from prefect._contract.endpoints.flow_runs import set_flow_run_state
from prefect._contract.endpoints.task_runs import set_task_run_state
from prefect._contract.state import State, StateType
from prefect._engine.effects import Shielded, SleepUntil
from prefect.client.base import Send
from prefect.exceptions import Abort, Pause
from prefect.states import Running, to_state_create
from prefect.utilities.dual import Steps
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now

if TYPE_CHECKING:
    from prefect._contract.call import Call
    from prefect._contract.liveness import LeaseRequest
    from prefect._contract.responses.orchestration import OrchestrationResult
    from prefect.client.base import Transport

PAUSED_SECONDS = 5.0
"""Seconds after which a task run asks again whether its paused flow run goes on."""

_CLOCK_DIFFERENCE = 0.2
_A_MOMENT = 0.01
"""Seconds by which the orchestrator's clock may be behind: it would say to wait for another second."""


def ask_for_state(
    flow_run_id: UUID,
    state: State[Any],
    *,
    force: bool = False,
    lease: LeaseRequest | None = None,
    transport: Transport | None = None,
    due: datetime | None = None,
) -> Steps[State[Any]]:
    """
    Propose a state for a flow run, as often as the orchestrator says to wait, and return the one that it is in then.

    Args:
        flow_run_id: The run.
        state: The state. Its result stays here, and is put into the state that is returned.
        force: Skip the rules.
        lease: What the process that executes the run shows.
        transport: Where to ask; the current orchestrator without.
        due: When the run is due, as far as is known here: the orchestrator says how long to wait in whole seconds.

    Raises:
        Abort: The proposer must stop executing the run.
        Pause: The run is paused, and something else was proposed.
    """
    call = set_flow_run_state(flow_run_id, to_state_create(state), force, lease)
    result = yield from _ask_until_decided(call, transport, _sleep if due is None else partial(_sleep_until, due))
    entered: State[Any] = result.state or Running()
    if entered.type is state.type:  # accepted, or put in other words
        return evolve(entered, data=state.data)
    if entered.type is StateType.PAUSED:
        raise Pause(result.details.reason, state=entered)
    return entered


def ask_for_task_state(
    task_run_id: UUID,
    state: State[Any],
    *,
    lease_token: UUID | None = None,
    transport: Transport | None = None,
    pause: Callable[[float], Steps[None]] | None = None,
) -> Steps[State[Any]]:
    """
    Propose a state for a task run that this process may not decide on alone, and return the one that it is in then.

    Args:
        task_run_id: The run.
        state: The state. It has no result.
        lease_token: Names the attempt to run its flow that asks.
        transport: Where to ask; the current orchestrator without.
        pause: Waits for so many seconds, or for less, when the orchestrator says to wait.

    Raises:
        Abort: The proposer must stop executing the run.
    """
    while True:
        call = set_task_run_state(task_run_id, to_state_create(state), lease_token=lease_token)
        result = yield from _ask_until_decided(call, transport, pause or _sleep)
        entered: State[Any] = result.state or state
        if not entered.is_paused():
            return entered
        yield SleepUntil(now() + timedelta(seconds=PAUSED_SECONDS))  # its flow run is paused: it goes on when that does
        state = evolve(state, state_details=evolve(state.state_details, transition_id=uuid7()))


def wait_for_retry(state: State[Any]) -> Steps[None]:
    """
    Wait until a flow run that the orchestrator has scheduled again is due: for as long as that was ahead then.

    Its clock and the one here may differ. Should it be due sooner by the one here, the orchestrator is asked then, who knows.
    """
    due = state.state_details.scheduled_time
    assert due is not None
    yield from _sleep(max(0.0, min((due - state.timestamp).total_seconds(), (due - now()).total_seconds())))


def _sleep(seconds: float) -> Steps[None]:
    yield SleepUntil(now() + timedelta(seconds=seconds))


def _sleep_until(due: datetime, seconds: float) -> Steps[None]:
    """Wait until a run is due, unless that is not about as long as the orchestrator said: then by its clock."""
    exact = (due - now()).total_seconds()
    is_likely = seconds - 1 - _CLOCK_DIFFERENCE < exact <= seconds
    yield from _sleep(max(exact, 0.0) + _A_MOMENT if is_likely else seconds)


def _ask_until_decided(
    call: Call[OrchestrationResult[Any]], transport: Transport | None, pause: Callable[[float], Steps[None]]
) -> Steps[Any]:
    """Send a proposal as often as the orchestrator says to wait."""
    while True:
        result = yield Shielded(Send(call, transport))
        status = str(getattr(result.status, "value", result.status))
        if status == "ABORT":
            raise Abort(result.details.reason)
        if status != "WAIT":
            return result
        yield from pause(result.details.delay_seconds)
