"""Events in and out: `/events/in`, `/events/out`."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import to_json

from prefect._contract.events import Event, ReceivedEvent
from prefect._contract.filters.events import EventFilter
from prefect.server.api.tail import TooSlowError
from prefect.server.api.websockets.conversation import Conversation
from prefect.server.api.websockets.handshake import POLICY_VIOLATION, PROTOCOL_ERROR, EndedError, end, greet, hear
from prefect.server.database.errors import DatabaseError
from prefect.server.database.queries.event_reading import Place
from prefect.server.operations.events import hear_events, read_events_after
from prefect.utilities.time import UTC

if TYPE_CHECKING:
    from uuid import UUID

    from starlette.websockets import WebSocket

    from prefect.server.api.gate import Policy
    from prefect.server.api.performance import Performer
    from prefect.server.api.tail import EventTail

__all__ = ["EventsIn", "EventsOut"]

_logger = logging.getLogger("prefect.server.api")

_MOST_AT_ONCE = 500
_TRY_AGAIN_LATER = 1013
_LONGEST_WAIT_SECONDS = 10.0
_PAGE = 500
_MOST_PAGES = 200
"""How much of the past is told on one connection. Whoever wants more connects again, and asks from the last one on."""
_NO_END = datetime.max.replace(tzinfo=UTC)


class EventsIn:
    """Stores the events that a client sends. What the database does not take at once is tried again, in order."""

    def __init__(self, performer: Performer, policy: Policy) -> None:
        self._performer = performer
        self._policy = policy

    async def __call__(self, socket: WebSocket) -> None:
        """Hear one client until it is gone."""
        heard: asyncio.Queue[Event | None] = asyncio.Queue(_MOST_AT_ONCE)
        try:
            await greet(socket, self._policy)
        except EndedError:
            return
        storing = asyncio.create_task(self._store(heard))
        try:
            while True:
                await heard.put(await _event(socket))
        except EndedError:
            await heard.put(None)
        await asyncio.shield(storing)

    async def _store(self, heard: asyncio.Queue[Event | None]) -> None:
        """Store what is heard, as much of it at once as there is."""
        while True:
            event = await heard.get()
            batch: list[Event] = []
            while event is not None and len(batch) < _MOST_AT_ONCE:
                batch.append(event)
                if heard.empty():
                    break
                event = heard.get_nowait()
            if batch:
                await self._keep(batch)
            if event is None:
                return

    async def _keep(self, batch: list[Event]) -> None:
        pause = 0.1
        while True:
            try:
                wrong = await self._performer.perform(lambda work: hear_events(work, batch), write=True)
            except DatabaseError as error:
                if not error.is_transient:
                    _logger.exception("%d events cannot be stored, and are lost.", len(batch))
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_WAIT_SECONDS)
            else:
                for reason in wrong:
                    _logger.warning("An event is not kept: %s", reason)
                self._performer.task_runs_changed.send()
                return


async def _event(socket: WebSocket) -> Event:
    message = await hear(socket)
    try:
        return Event.model_validate(message)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise await end(socket, POLICY_VIOLATION, f"Not an event: {place}: {problem['msg']}"[:120]) from None


class EventsOut:
    """Tells a client of the events that its filter selects: those that were stored lately, then all that come."""

    def __init__(self, performer: Performer, policy: Policy, tail: EventTail) -> None:
        self._performer = performer
        self._policy = policy
        self._tail = tail

    async def __call__(self, socket: WebSocket) -> None:
        """Tell one client until it is gone."""
        try:
            await greet(socket, self._policy)
            wanted = await filter_of(socket, EventFilter)
            wanted.occurred.until = _NO_END  # it was when the filter was made, and events have occurred since then
            async with Conversation(socket) as talk, self._tail.follow() as following:
                told = await self._tell_of_the_past(socket, talk, wanted)
                while True:
                    event: ReceivedEvent = await talk.unless_gone(following(), None)
                    if event.id in told or _excludes(wanted, event):
                        continue
                    await talk.say(_message(event))
        except TooSlowError:
            await end(socket, _TRY_AGAIN_LATER, "Too slow: events were left out. Connect again.")
        except EndedError:
            return

    async def _tell_of_the_past(self, socket: WebSocket, talk: Conversation, wanted: EventFilter) -> set[UUID]:
        """Tell of what was stored before, the oldest first, and answer with the ids."""
        told: set[UUID] = set()
        after: Place | None = None
        for _ in range(_MOST_PAGES):
            read = partial(read_events_after, filter=wanted, after=after, limit=_PAGE)
            events = await self._performer.perform(read, write=False)
            for event in events:
                told.add(event.id)
                await talk.say(_message(event))
            if len(events) < _PAGE:
                return told
            after = Place(events[-1].occurred, events[-1].id)
        reason = f"{len(told)} past events were told, and there are more. Ask from the last one on."
        raise await end(socket, _TRY_AGAIN_LATER, reason)


def _excludes(wanted: EventFilter, event: ReceivedEvent) -> bool:
    """Whether a filter does not select an event that is stored now, whenever the filter thinks that it ends."""
    return any(not part.includes(event) for part in wanted.get_filters() if part is not wanted.occurred)


def _message(event: ReceivedEvent) -> str:
    return to_json({"type": "event", "event": event}).decode()


async def filter_of(socket: WebSocket, kind: type[Any]) -> Any:
    """
    The filter that a client sends first.

    Raises:
        EndedError: It sends something else.
    """
    message = await hear(socket)
    if not isinstance(message, dict) or message.get("type") != "filter":
        raise await end(socket, PROTOCOL_ERROR, "Expected 'filter' message")
    try:
        return kind.model_validate(message.get("filter") or {})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise await end(socket, PROTOCOL_ERROR, f"Not a filter: {place}: {problem['msg']}"[:120]) from None
