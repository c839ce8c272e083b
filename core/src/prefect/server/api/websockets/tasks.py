"""Background task runs for task workers: `/task_runs/subscriptions/scheduled`."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from prefect._contract.objects import TaskRun
from prefect.server.api.websockets.conversation import Conversation
from prefect.server.api.websockets.handshake import EndedError, end, greet, hear
from prefect.server.operations.deliveries import (
    abandon_deliveries,
    claim_deliveries,
    confirm_delivery,
    renew_deliveries,
)
from prefect.server.operations.task_workers import forget_task_worker, see_task_worker

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from prefect.server.api.gate import Policy
    from prefect.server.api.performance import Performer
    from prefect.server.operations.work import UnitOfWork

__all__ = ["ScheduledTaskRuns"]

_PROTOCOL_VIOLATION = 4001

_HOLD_SECONDS = 60.0
"""For how long after its worker was heard of last a task run that nobody has begun is not offered to others."""

_LOOK_EVERY_SECONDS = 2.0
"""How often to look for what other servers have stored, and what becomes due."""

_ACKNOWLEDGED_WITHIN_SECONDS = 60.0


class ScheduledTaskRuns:
    """
    Hands out background task runs, one after the other.

    A task run is claimed in the database before it is sent, so that of many servers and workers one gets it; if the
    worker is gone before it has begun to run it, the task run is offered again.
    """

    def __init__(self, performer: Performer, policy: Policy) -> None:
        self._performer = performer
        self._policy = policy

    async def __call__(self, socket: WebSocket) -> None:
        """Serve one worker until it is gone."""
        try:
            await greet(socket, self._policy)
            client, keys = await _subscription(socket)
        except EndedError:
            return
        try:
            async with Conversation(socket) as talk:
                await self._serve(talk, client, keys)
        except EndedError:
            pass
        finally:
            await asyncio.shield(self._performer.perform(partial(_leave, client=client), write=True))

    async def _serve(self, talk: Conversation, client: str, keys: list[str]) -> None:
        with self._performer.task_runs_changed.heard() as changed:
            while True:
                changed.clear()
                found = await self._performer.perform(partial(_next, client=client, keys=keys), write=True)
                if not found:
                    await talk.unless_gone(changed.wait(), _LOOK_EVERY_SECONDS)
                for run in found:
                    await self._hand_over(talk, client, run)

    async def _hand_over(self, talk: Conversation, client: str, run: TaskRun) -> None:
        await talk.say(run.model_dump_json())
        answer = await talk.hear(_ACKNOWLEDGED_WITHIN_SECONDS)
        kind = answer.get("type") if isinstance(answer, dict) else None
        if kind != "ack":
            what = "nothing" if answer is None else f"{kind!r}"
            raise await end(talk.socket, _PROTOCOL_VIOLATION, f"Protocol violation: expected 'ack', got {what}")
        await self._performer.perform(
            lambda work: confirm_delivery(work, client_id=client, task_run_id=run.id), write=True
        )


async def _subscription(socket: WebSocket) -> tuple[str, list[str]]:
    message = await hear(socket)
    if not isinstance(message, dict) or message.get("type") != "subscribe":
        raise await end(socket, _PROTOCOL_VIOLATION, "Protocol violation: expected 'subscribe' message")
    keys, client = message.get("keys"), message.get("client_id")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        raise await end(socket, _PROTOCOL_VIOLATION, "Protocol violation: expected 'keys' in subscribe message")
    if not isinstance(client, str) or not client:
        raise await end(socket, _PROTOCOL_VIOLATION, "Protocol violation: expected 'client_id' in subscribe message")
    return client, keys


def _next(work: UnitOfWork, client: str, keys: list[str]) -> list[TaskRun]:
    see_task_worker(work, client_id=client, task_keys=keys)
    renew_deliveries(work, client, _HOLD_SECONDS)
    return claim_deliveries(work, client_id=client, task_keys=keys, limit=1, hold_seconds=_HOLD_SECONDS)


def _leave(work: UnitOfWork, client: str) -> None:
    abandon_deliveries(work, client_id=client)
    forget_task_worker(work, client_id=client)
