"""The channel of a worker: `/work_pools/{work_pool_name}/workers/connect`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from prefect._contract.actions.settings import WorkPoolCreate
from prefect._contract.base import Moment
from prefect._contract.responses.work_pools import WorkPoolResponse
from prefect.exceptions import ObjectNotFound
from prefect.server.api.websockets.conversation import Conversation
from prefect.server.api.websockets.handshake import PROTOCOL_ERROR, EndedError, end, greet, hear
from prefect.server.operations.work_pools import create_work_pool, read_work_pool, send_worker_heartbeat
from prefect.server.operations.work_queues import read_work_pool_queues
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from prefect.server.api.gate import Policy
    from prefect.server.api.performance import Performer
    from prefect.server.operations.work import UnitOfWork

__all__ = ["WorkerChannel"]

VERSION = "work_pool_worker_channel.v1"
CAPABILITIES = ("worker_heartbeat.v1", "work_pool_snapshot.v1")

_NOT_FOUND = 1008
_LOOK_EVERY_SECONDS = 15.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Hello(_Strict):
    consumer_id: UUID
    worker_name: str
    worker_type: str
    heartbeat_interval_seconds: Annotated[int, Field(gt=0)]
    supported_channel_versions: list[str]
    requested_capabilities: list[str]
    work_queue_names: list[str] = []
    handled_cleanup_kinds: list[str] = []
    max_cleanup_concurrency: int = 0
    create_pool_if_not_found: bool = False
    default_base_job_template: dict[str, Any] = {}
    worker_metadata: dict[str, Any] | None = None


class _Heartbeat(_Strict):
    consumer_id: UUID
    worker_name: str
    heartbeat_interval_seconds: Annotated[int, Field(gt=0)]


class _HelloFrame(_Strict):
    type: Literal["worker.hello.v1"]
    id: UUID
    sent_at: Moment
    payload: _Hello


class _HeartbeatFrame(_Strict):
    type: Literal["worker.heartbeat.v1"]
    id: UUID
    sent_at: Moment
    payload: _Heartbeat


_HELLO: TypeAdapter[_HelloFrame] = TypeAdapter(_HelloFrame)
_HEARTBEAT: TypeAdapter[_HeartbeatFrame] = TypeAdapter(_HeartbeatFrame)


class WorkerChannel:
    """
    Hears the heartbeats of one worker, and tells it when its work pool changes.

    Runs are fetched over REST. Cleaning up after other workers is not offered over this channel.
    """

    def __init__(self, performer: Performer, policy: Policy) -> None:
        self._performer = performer
        self._policy = policy

    async def __call__(self, socket: WebSocket) -> None:
        """Serve one worker until it is gone."""
        try:
            await greet(socket, self._policy)
            hello = await self._hello(socket)
            async with Conversation(socket) as talk:
                await self._serve(talk, socket.path_params["work_pool_name"], hello)
        except EndedError:
            return

    async def _hello(self, socket: WebSocket) -> _Hello:
        try:
            hello = _HELLO.validate_python(await hear(socket, within=30.0), strict=False).payload
        except ValidationError:
            raise await end(socket, PROTOCOL_ERROR, "protocol_error") from None
        if VERSION not in hello.supported_channel_versions:
            raise await end(socket, PROTOCOL_ERROR, "unsupported_version")
        return hello

    async def _serve(self, talk: Conversation, name: str, hello: _Hello) -> None:
        try:
            pool = await self._performer.perform(partial(_enter, name=name, hello=hello), write=True)
            queues = await self._performer.perform(lambda work: read_work_pool_queues(work, name), write=False)
        except ObjectNotFound:
            raise await end(talk.socket, _NOT_FOUND, "authorization_failed") from None
        wanted = set(hello.work_queue_names)
        number = 1
        ready = {
            "consumer_id": hello.consumer_id,
            "worker_id": None,
            "selected_channel_version": VERSION,
            "effective_heartbeat_interval_seconds": hello.heartbeat_interval_seconds,
            "accepted_capabilities": [name for name in hello.requested_capabilities if name in CAPABILITIES],
            "rejected_capabilities": [name for name in hello.requested_capabilities if name not in CAPABILITIES],
            "effective_max_cleanup_concurrency": 0,
            "resolved_work_queues": [
                {"id": queue.id, "name": queue.name} for queue in queues if not wanted or queue.name in wanted
            ],
            "initial_snapshot": _snapshot(pool, number, "initial"),
        }
        await talk.say(_frame("worker.ready.v1", ready))
        while True:
            message = await talk.hear(_LOOK_EVERY_SECONDS)
            if message is not None:
                await self._heartbeat(talk, name, message)
            now_is = await self._performer.perform(lambda work: read_work_pool(work, name), write=False)
            if now_is.updated != pool.updated or now_is.status != pool.status:
                number += 1
                pool = now_is
                await talk.say(_frame("work_pool.snapshot.v1", _snapshot(pool, number, "work_pool_updated")))

    async def _heartbeat(self, talk: Conversation, pool: str, message: Any) -> None:
        try:
            beat = _HEARTBEAT.validate_python(message).payload
        except ValidationError:
            raise await end(talk.socket, PROTOCOL_ERROR, "protocol_error") from None
        await self._performer.perform(
            lambda work: send_worker_heartbeat(
                work, pool, name=beat.worker_name, heartbeat_interval_seconds=beat.heartbeat_interval_seconds
            ),
            write=True,
        )


def _enter(work: UnitOfWork, name: str, hello: _Hello) -> WorkPoolResponse:
    """Note that a worker is there, and answer with its work pool, made if that was asked for."""
    try:
        read_work_pool(work, name)
    except ObjectNotFound:
        if not hello.create_pool_if_not_found:
            raise
        template = hello.default_base_job_template
        create_work_pool(work, WorkPoolCreate(name=name, type=hello.worker_type, base_job_template=template))
    send_worker_heartbeat(
        work, name, name=hello.worker_name, heartbeat_interval_seconds=hello.heartbeat_interval_seconds
    )
    return read_work_pool(work, name)


def _snapshot(pool: WorkPoolResponse, number: int, reason: str) -> dict[str, Any]:
    return {"snapshot_sequence": number, "reason": reason, "work_pool": pool}


def _frame(kind: str, payload: dict[str, Any]) -> str:
    return to_json({"type": kind, "id": uuid7(), "sent_at": now(), "payload": payload}).decode()
