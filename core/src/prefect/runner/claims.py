"""Taking flow runs from where they wait, and keeping them until they are begun."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio

from prefect._contract.endpoints.flow_runs import set_flow_run_state
from prefect._contract.endpoints.liveness import renew_leases
from prefect._contract.liveness import LeaseRequest
from prefect._contract.state import StateType
from prefect._engine.leases import CLAIM, identity
from prefect.exceptions import PrefectHTTPStatusError, ServerUnreachableError
from prefect.logging.loggers import get_logger
from prefect.states import Pending
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.responses.orchestration import OrchestrationResult
    from prefect._contract.state import State
    from prefect.client.base import Transport

__all__ = ["Claims"]

TTL_SECONDS = 45.0
"""So soon is offered again what was taken by somebody who is not heard of any more."""

_logger = get_logger("runner")


class Claims:
    """
    The flow runs that this process has taken, each with the token that names the taking.

    If this process ends before a run is begun, the orchestrator notices and offers the run to others. What begins it takes
    it over: afterwards this process has no say in it any more, unless that shows the same token.

    Args:
        transport: Asks the orchestrator.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._tokens: dict[UUID, UUID] = {}
        self._begun: set[UUID] = set()

    def token(self, run_id: UUID) -> UUID | None:
        """The token by which a run was taken; None if it was not taken here."""
        return self._tokens.get(run_id)

    async def take(self, run_id: UUID) -> bool:
        """Whether this process may execute a run: another one may have it, or it may not begin now."""
        token = uuid7()
        answer = await self._propose(run_id, Pending(), token)
        is_taken = answer.status.value == "ACCEPT" and answer.state is not None and answer.state.is_pending()
        if is_taken:
            self._tokens[run_id] = token
        return is_taken

    def inherit(self, run_id: UUID, environment: Mapping[str, str] = os.environ) -> None:
        """Keep a run that was taken by who started a process for it, this one by default, and said so in its environment."""
        token = environment.get(CLAIM)
        if token and environment.get("PREFECT__FLOW_RUN_ID") == str(run_id):
            self._tokens[run_id] = UUID(token)

    async def end(self, run_id: UUID, state: State[Any]) -> OrchestrationResult[Any]:
        """Propose how a run ended, unless somebody else has taken it over."""
        return await self._propose(run_id, state, self._tokens.get(run_id))

    async def _propose(self, run_id: UUID, state: State[Any], token: UUID | None) -> OrchestrationResult[Any]:
        shown = None if token is None else LeaseRequest(token, identity(), TTL_SECONDS)
        return await self._transport.asend(set_flow_run_state(run_id, state, lease=shown))

    def drop(self, run_id: UUID) -> None:
        """No longer keep a run, as it has ended."""
        self._tokens.pop(run_id, None)
        self._begun.discard(run_id)

    async def keep(self) -> None:
        """Let the orchestrator know, again and again, that this process is there."""
        while True:
            await anyio.sleep(self._transport.renewal_seconds)
            waiting = {token: run_id for run_id, token in self._tokens.items() if run_id not in self._begun}
            if not waiting:
                continue
            try:
                statuses = await self._transport.asend(renew_leases(list(waiting), TTL_SECONDS))
            except (ServerUnreachableError, PrefectHTTPStatusError) as error:
                _logger.warning("It cannot be said that this process is there: %s", error)
                continue
            for status in statuses:
                if status.flow_run_id is None or status.state_type is not StateType.PENDING:
                    self._begun.add(waiting[status.token])
