"""
What is stored from now on, for those who follow it.

One look into the database serves all who follow: when something was committed here, and now and then in case another
server has stored something. Whoever cannot keep up is let go, instead of being waited for or kept in memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from prefect._contract.events import ReceivedEvent
from prefect.server.database import tables
from prefect.server.database.queries import records

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.server.api.performance import Performer
    from prefect.server.operations.work import UnitOfWork

__all__ = ["EventTail", "TooSlowError"]

_logger = logging.getLogger("prefect.server.api")

_LOOK_EVERY_SECONDS = 1.0
_PAGE = 500
_MOST_UNREAD = 2000
_GATHER_SECONDS = 0.02
"""A short rest after something was committed, so that a burst is read at once."""


class TooSlowError(Exception):
    """Who follows has not taken what there was for too long."""


class EventTail:
    """
    The events that are stored from now on.

    Args:
        performer: Reads them.
        overlap: How much later a transaction may be committed than the moment at which it says its events were received.
    """

    def __init__(self, performer: Performer, overlap: timedelta) -> None:
        self._performer = performer
        self._overlap = overlap
        self._queues: set[asyncio.Queue[ReceivedEvent | None]] = set()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def follow(self) -> AsyncIterator[Callable[[], asyncio.Future[ReceivedEvent]]]:
        """What answers with the next event, each time that it is called; it raises TooSlowError when some are lost."""
        queue: asyncio.Queue[ReceivedEvent | None] = asyncio.Queue(_MOST_UNREAD)
        self._queues.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read(self._performer.clock()))

        async def following() -> ReceivedEvent:
            event = await queue.get()
            if event is None:
                raise TooSlowError
            return event

        try:
            yield lambda: asyncio.ensure_future(following())
        finally:
            self._queues.discard(queue)

    async def _read(self, since: datetime) -> None:
        """Read what is new and hand it out, as long as somebody follows."""
        known: dict[UUID, datetime] = {}
        with self._performer.events_stored.heard() as stored:
            while self._queues:
                stored.clear()
                try:
                    new = await self._performer.perform(_stored_since(since - self._overlap, known), write=False)
                except Exception:
                    _logger.warning("Events that were stored just now are told later.", exc_info=True)
                    new = []
                for event in new:
                    known[event.id] = event.received
                    since = max(since, event.received)
                    self._hand_out(event)
                known = {id: moment for id, moment in known.items() if moment >= since - self._overlap}
                if len(new) < _PAGE:
                    await _first_of(stored, _LOOK_EVERY_SECONDS)

    def _hand_out(self, event: ReceivedEvent) -> None:
        for queue in list(self._queues):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._queues.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)


async def _first_of(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except (TimeoutError, asyncio.TimeoutError):
        return
    await asyncio.sleep(_GATHER_SECONDS)


def _stored_since(moment: datetime, known: Collection[UUID]) -> Callable[[UnitOfWork], list[ReceivedEvent]]:
    """What reads the first page of the events that were received since a moment and are not known yet."""

    def read(work: UnitOfWork) -> list[ReceivedEvent]:
        event = tables.event
        order = (event.c.received, event.c.occurred, event.c.id)
        received = select(event.c.id).where(event.c.received >= moment).order_by(*order).limit(len(known) + _PAGE)
        new = [id for id in work.connection.execute(received).scalars() if id not in known][:_PAGE]
        if not new:
            return []
        page = select(event).where(event.c.id.in_(new)).order_by(*order)
        return [ReceivedEvent.model_validate(row) for row in records.read_all(work.connection, event, page)]

    return read
