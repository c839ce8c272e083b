"""What automations have heard, counted, and decided to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json
from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.engine import Connection

from prefect._contract.events import ReceivedEvent
from prefect._orchestration.firing import Bucket, BucketKey
from prefect.server.database import tables
from prefect.server.database.queries import records

__all__ = [
    "StoredBuckets",
    "due_buckets",
    "forget_buckets",
    "is_anything_waiting",
    "take_actions",
    "take_unheard",
    "write_bucket",
]

_unheard, _bucket, _action = tables.event_unheard, tables.automation_bucket, tables.automation_action


def take_unheard(connection: Connection, limit: int) -> list[ReceivedEvent]:
    """The oldest events that automations have not heard of. From now on they have."""
    oldest = select(_unheard.c.position, _unheard.c.event_id).order_by(_unheard.c.position).limit(limit)
    found = connection.execute(oldest).all()
    if not found:
        return []
    places = {row.event_id: row.position for row in found}
    rows = records.read_all(connection, tables.event, select(tables.event).where(tables.event.c.id.in_(places)))
    connection.execute(delete(_unheard).where(_unheard.c.position.in_(list(places.values()))))
    rows.sort(key=lambda row: (row["occurred"], places[row["id"]]))
    return [ReceivedEvent.model_validate(row) for row in rows]


# -- buckets


@cache
def _buckets() -> TypeAdapter[Bucket]:
    return TypeAdapter(Bucket)


def _named(key: tuple[str, ...]) -> str:
    return to_json(key).decode()


class StoredBuckets(Mapping[BucketKey, Bucket]):
    """What an automation has counted, read when it is asked for, and once."""

    def __init__(self, connection: Connection, automation_id: UUID) -> None:
        self._connection = connection
        self._automation_id = automation_id
        self._read: dict[BucketKey, Bucket | None] = {}

    def __getitem__(self, key: BucketKey) -> Bucket:
        if key not in self._read:
            trigger_id, values = key
            one = {"automation_id": self._automation_id, "trigger_id": trigger_id, "bucket_key": _named(values)}
            row = records.read(self._connection, _bucket, **one)
            self._read[key] = None if row is None else _buckets().validate_python(row["bucket"])
        bucket = self._read[key]
        if bucket is None:
            raise KeyError(key)
        return bucket

    def change(self, changes: Mapping[BucketKey, Bucket | None]) -> None:
        """Know better from now on."""
        self._read.update(changes)

    def __iter__(self) -> Iterator[BucketKey]:
        return (key for key, bucket in self._read.items() if bucket is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@cache
def _writing(kind: str) -> Any:
    insert = records.inserting(kind, _bucket)
    values = {"due": insert.excluded.due, "bucket": insert.excluded.bucket}
    return insert.on_conflict_do_update(index_elements=["automation_id", "trigger_id", "bucket_key"], set_=values)


def write_bucket(
    connection: Connection, automation_id: UUID, key: BucketKey, bucket: Bucket | None, due: datetime | None
) -> None:
    """Store what an automation has counted; None to forget it."""
    row = {"automation_id": automation_id, "trigger_id": key[0], "bucket_key": _named(key[1])}
    if bucket is None:
        records.remove(connection, _bucket, **row)
    else:
        stored = {**row, "due": due, "bucket": _buckets().dump_python(bucket, mode="json")}
        connection.execute(_writing(connection.dialect.name), stored)


_waiting = select(
    exists().where(tables.event_unheard.c.position.is_not(None))
    | exists().where(
        tables.automation.c.id == _bucket.c.automation_id,
        tables.automation.c.enabled.is_(True),
        _bucket.c.due < bindparam("now", type_=_bucket.c.due.type),
    )
)


def is_anything_waiting(connection: Connection, now: datetime) -> bool:
    """Whether there are events that automations have not heard of, or buckets that are due. It is asked after each event."""
    return bool(connection.execute(_waiting, {"now": now}).scalar_one())


def due_buckets(connection: Connection, now: datetime, limit: int) -> dict[UUID, list[BucketKey]]:
    """What is to be looked at although nothing occurred, by automation; the oldest first, of enabled automations only."""
    columns = (_bucket.c.automation_id, _bucket.c.trigger_id, _bucket.c.bucket_key)
    joined = _bucket.join(tables.automation, tables.automation.c.id == _bucket.c.automation_id)
    due = select(*columns).select_from(joined).where(_bucket.c.due < now, tables.automation.c.enabled.is_(True))
    found: dict[UUID, list[BucketKey]] = {}
    for automation_id, trigger_id, key in connection.execute(due.order_by(_bucket.c.due).limit(limit)):
        found.setdefault(automation_id, []).append((trigger_id, tuple(from_json(key))))
    return found


def forget_buckets(connection: Connection, automation_id: UUID, except_of: list[UUID]) -> None:
    """Forget what an automation has counted, but for some triggers."""
    condition = (_bucket.c.automation_id == automation_id) & _bucket.c.trigger_id.not_in(except_of)
    records.remove_where(connection, _bucket, condition)


# -- actions


def take_actions(
    connection: Connection, now: datetime, limit: int, *, errands: bool, again_in: timedelta
) -> list[dict[str, Any]]:
    """
    Actions that are due, the oldest first. Others leave them alone until `again_in` is over.

    Args:
        connection: The transaction.
        now: The moment.
        limit: How many.
        errands: Whether those that lead outside of the database, or the others.
        again_in: After how long they are due again, should nobody have said that they are done.
    """
    due = (
        select(_action)
        .where(_action.c.is_errand.is_(errands), _action.c.due <= now)
        .order_by(_action.c.due, _action.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = records.read_all(connection, _action, due)
    if rows:
        taken = update(_action).where(_action.c.id.in_([row["id"] for row in rows]))
        connection.execute(taken.values(due=now + again_in, attempts=_action.c.attempts + 1, updated=now))
    return rows
