"""Events, written in batches by the driver: see `recording`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import select
from sqlalchemy.engine import Connection

from prefect.server.database import tables
from prefect.server.database.queries.batches import insert_new
from prefect.server.database.types import moment_text

if TYPE_CHECKING:
    from prefect._contract.events import Event, ReceivedEvent

__all__ = ["Occurrence", "add_events", "occurrence_of", "only_new", "received"]

_ID = "prefect.resource.id"
_ROLE = "prefect.resource.role"


class Occurrence(NamedTuple):
    """An event as it is stored: what `Event` says, without models. Most events are made here, many a second."""

    id: UUID
    occurred: datetime
    event: str
    resource: dict[str, str]
    related: list[dict[str, str]]
    payload: dict[str, Any]
    follows: UUID | None = None


def occurrence_of(event: Event) -> Occurrence:
    """An event as it is stored."""
    related = [resource.root for resource in event.related]
    return Occurrence(
        event.id, event.occurred, event.event, event.resource.root, related, event.payload, event.follows
    )


def received(occurrence: Occurrence, now: datetime) -> ReceivedEvent:
    """An event as subscribers are told of it."""
    from prefect._contract.events import ReceivedEvent

    return ReceivedEvent(**occurrence._asdict(), received=now)


def only_new(connection: Connection, occurrences: Iterable[Occurrence]) -> list[Occurrence]:
    """The events that are not stored yet, each once."""
    distinct = {occurrence.id: occurrence for occurrence in reversed(list(occurrences))}
    event = tables.event.c
    known = set(connection.execute(select(event.id).where(event.id.in_(distinct))).scalars())
    return [occurrence for occurrence in reversed(distinct.values()) if occurrence.id not in known]


def add_events(connection: Connection, occurrences: Sequence[Occurrence], now: datetime) -> None:
    """Store events. Those that are stored already are left as they are."""
    stamp = moment_text(now)
    events: list[tuple[Any, ...]] = []
    resources: list[tuple[Any, ...]] = []
    for identifier, moment, name, resource, related, payload, follows in occurrences:
        event_id, occurred = str(identifier), moment_text(moment)
        events.append(
            (
                event_id,
                stamp,
                stamp,
                occurred,
                name,
                resource[_ID],
                to_json(resource).decode(),
                to_json(related).decode() if related else "[]",
                to_json(payload).decode() if payload else "{}",
                stamp,
                None if follows is None else str(follows),
            )
        )
        for position, each in enumerate(related):
            resources.append((event_id, position, occurred, each[_ID], each[_ROLE], to_json(each).decode()))
    insert_new(connection, tables.event, events)
    insert_new(connection, tables.event_resource, resources)
