"""Logs out: `/logs/out`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import select

from prefect._contract.filters.logs import LogFilter
from prefect._contract.objects import Log
from prefect.server.api.websockets.conversation import Conversation
from prefect.server.api.websockets.events import filter_of
from prefect.server.api.websockets.handshake import EndedError, greet
from prefect.server.database import tables
from prefect.server.database.queries import filters, records

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from prefect.server.api.gate import Policy
    from prefect.server.api.performance import Performer
    from prefect.server.operations.work import UnitOfWork

__all__ = ["LogsOut"]

_LOOK_EVERY_SECONDS = 1.0
_GATHER_SECONDS = 0.02
_PAGE = 500


class LogsOut:
    """
    Sends a client the lines of logs that its filter selects, as they are stored.

    Lines are numbered by the time of their storing. Those of the time just before are looked at again, as the transaction
    that stores them may take a while.

    Args:
        overlap: How long.
    """

    def __init__(self, performer: Performer, policy: Policy, overlap: timedelta) -> None:
        self._performer = performer
        self._policy = policy
        self._overlap = overlap

    async def __call__(self, socket: WebSocket) -> None:
        """Tell one client until it is gone."""
        try:
            await greet(socket, self._policy)
            wanted = await filter_of(socket, LogFilter)
            async with Conversation(socket) as talk:
                await self._tell(talk, wanted)
        except EndedError:
            return

    async def _tell(self, talk: Conversation, wanted: LogFilter) -> None:
        since, told = self._performer.clock(), dict[UUID, datetime]()
        with self._performer.logs_stored.heard() as stored:
            while True:
                stored.clear()
                read = _stored_since(since - self._overlap, wanted, told)
                new = await self._performer.perform(read, write=False)
                for line in new:
                    told[line.id] = _moment(line.id)
                    since = max(since, told[line.id])
                    await talk.say(to_json({"type": "log", "log": line}).decode())
                told = {id: moment for id, moment in told.items() if moment >= since - self._overlap}
                if len(new) < _PAGE:
                    await talk.unless_gone(stored.wait(), _LOOK_EVERY_SECONDS)
                    await asyncio.sleep(_GATHER_SECONDS)


def _moment(identifier: UUID) -> datetime:
    """When a time-ordered id was made."""
    from prefect.utilities.time import UTC

    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def _first_of(moment: datetime) -> UUID:
    """The smallest id that can have been made at a moment."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _stored_since(moment: datetime, wanted: LogFilter, told: Collection[UUID]) -> Callable[[UnitOfWork], list[Log]]:
    """What reads the first page of the selected lines that were stored since a moment and were not told yet."""

    def read(work: UnitOfWork) -> list[Log]:
        log = tables.log
        since = select(log.c.id).where(log.c.id >= _first_of(moment), *filters.rows_where(log, wanted))
        found = work.connection.execute(since.order_by(log.c.id).limit(len(told) + _PAGE)).scalars()
        new = [id for id in found if id not in told][:_PAGE]
        page = select(log).where(log.c.id.in_(new)).order_by(log.c.id)
        if not new:
            return []
        return [Log.model_validate(row) for row in records.read_all(work.connection, log, page)]

    return read
