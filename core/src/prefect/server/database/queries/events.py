"""Events, written in batches by the driver: see `recording`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.engine import Connection, Dialect

from prefect.server.database import tables
from prefect.server.database.queries.batches import insert_new
from prefect.server.database.queries.records import count, inserting
from prefect.server.database.types import has_nul, moment_text, show_nul

if TYPE_CHECKING:
    from prefect._contract.events import Event

__all__ = [
    "EnteredStates",
    "Occurrence",
    "add_events",
    "backlog_length",
    "has_backlog",
    "occurrence_of",
    "only_new",
    "set_aside",
    "set_states_aside",
    "take_up",
]

_MOST_AT_ONCE = 2000
"""How many events are taken up in one transaction, unless one that was set aside has more."""

_ID = "prefect.resource.id"
_ROLE = "prefect.resource.role"


def _json(value: Any) -> str:
    return to_json(value, inf_nan_mode="null").decode()  # as JSON has no other word for such numbers


class Occurrence(NamedTuple):
    """An event as it is stored: what `Event` says, without models. Most events are made here, many a second."""

    id: UUID
    occurred: datetime
    event: str
    resource: dict[str, str]
    related: list[dict[str, str]]
    payload: dict[str, Any]
    follows: UUID | None = None


class EnteredStates(NamedTuple):
    """
    States that task runs have entered, of which events are made once somebody asks for events.

    Args:
        ids: The states, in the order in which they were entered.
        decided_by: Who has decided that they are entered: `client` or `server`.
    """

    ids: list[UUID]
    decided_by: str


def occurrence_of(event: Event) -> Occurrence:
    """An event as it is stored."""
    related = [resource.root for resource in event.related]
    return Occurrence(event.id, event.occurred, event.event, event.resource.root, related, event.payload, event.follows)


_known = select(tables.event.c.id).where(
    tables.event.c.id.in_(bindparam("ids", expanding=True, type_=tables.event.c.id.type))
)

_is_known = select(tables.event.c.id).where(tables.event.c.id == bindparam("only", type_=tables.event.c.id.type))


def only_new(connection: Connection, occurrences: Iterable[Occurrence]) -> list[Occurrence]:
    """The events that are not stored yet, each once."""
    distinct = {occurrence.id: occurrence for occurrence in reversed(list(occurrences))}
    if len(distinct) == 1:
        (only,) = distinct
        return [] if connection.execute(_is_known, {"only": only}).first() else list(distinct.values())
    known = set(connection.execute(_known, {"ids": list(distinct)}).scalars()) if distinct else set()
    return [occurrence for occurrence in reversed(distinct.values()) if occurrence.id not in known]


_setting_aside: dict[str, str] = {}
"""For each kind of database the statement."""


def set_aside(connection: Connection, occurrences: Sequence[Occurrence]) -> None:
    """Keep events without making them findable: see `event_backlog`."""
    document = _json(occurrences)
    if connection.dialect.name != "sqlite" and has_nul(document):
        document = show_nul(document)
    _set_aside(connection, document)


def set_states_aside(connection: Connection, entered: EnteredStates) -> None:
    """Keep, in the same place, that task runs have entered states. Events of them would take ten times as long to make."""
    if entered.ids:
        _set_aside(connection, _json({entered.decided_by: "".join([state.hex for state in entered.ids])}))


def _set_aside(connection: Connection, document: str) -> None:
    kind = connection.dialect.name
    statement = _setting_aside.get(kind)
    if statement is None:
        inserting = insert(tables.event_backlog).compile(dialect=connection.dialect, column_keys=["events"])
        statement = _setting_aside[kind] = str(inserting)
    connection.exec_driver_sql(statement, (document,))


def has_backlog(connection: Connection) -> bool:
    """Whether there are events that were set aside."""
    return connection.execute(select(tables.event_backlog.c.position).limit(1)).first() is not None


def backlog_length(connection: Connection) -> int:
    """In how many batches there are events that were set aside."""
    return count(connection, tables.event_backlog, [])


def take_up(connection: Connection, rows: int) -> list[Occurrence | EnteredStates]:
    """Take the oldest of what was set aside, and have it set aside no longer: by `rows` transactions at most."""
    position, events = tables.event_backlog.c.position, tables.event_backlog.c.events
    taken: list[int] = []
    told: list[Occurrence | EnteredStates] = []
    number = 0
    for row in connection.execute(select(position, events).order_by(position).limit(rows)).all():
        found, size = _of_document(row.events)
        number += size
        if taken and number > _MOST_AT_ONCE:
            break
        taken.append(row.position)
        told += found
    connection.execute(delete(tables.event_backlog).where(position.in_(taken)))
    return told


def _of_document(document: Any) -> tuple[Sequence[Occurrence | EnteredStates], int]:
    """What one transaction has set aside, and how many events that is."""
    if isinstance(document, list):
        return [_occurrence(fields) for fields in document], len(document)
    found = [EnteredStates(_ids(packed), decided_by) for decided_by, packed in document.items()]
    return found, sum(len(entered.ids) for entered in found)


def _ids(packed: str) -> list[UUID]:
    return [UUID(packed[first : first + 32]) for first in range(0, len(packed), 32)]


def _occurrence(fields: list[Any]) -> Occurrence:
    identifier, occurred, event, resource, related, payload, follows = fields
    moment = datetime.fromisoformat(occurred.replace("Z", "+00:00"))
    return Occurrence(UUID(identifier), moment, event, resource, related, payload, follows and UUID(follows))


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
                _json(resource),
                _json(related) if related else "[]",
                _json(payload) if payload else "{}",
                stamp,
                None if follows is None else str(follows),
            )
        )
        for position, each in enumerate(related):
            resources.append((event_id, position, occurred, each[_ID], each[_ROLE], _json(each)))
    insert_new(connection, tables.event, events)
    insert_new(connection, tables.event_resource, resources)
    _leave_to_automations(connection, [event[0] for event in events])


@cache
def _leaving(dialect: Dialect) -> str:
    insertion = inserting(dialect.name, tables.event_unheard).on_conflict_do_nothing(index_elements=["event_id"])
    return str(insertion.compile(dialect=dialect, column_keys=["event_id"]))


_SOMEBODY_LISTENS = select(tables.automation.c.id).where(tables.automation.c.enabled.is_(True)).limit(1)


def _leave_to_automations(connection: Connection, event_ids: list[str]) -> None:
    """Have automations hear of events, if there are automations."""
    if connection.execute(_SOMEBODY_LISTENS).first() is not None:
        connection.exec_driver_sql(_leaving(connection.dialect), [(event_id,) for event_id in event_ids])
