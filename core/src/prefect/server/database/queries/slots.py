"""
Slots of concurrency limits: who has them, and how many are free.

There is no counter. A slot is in use while a lease holds it: a row of `concurrency_lease` that has not expired. Slots of
limits with a decay are not given back but come back by themselves; what is left of them follows from when they were taken.
Whoever takes slots locks the rows of the limits first, in the order of their names: so two can neither count the same free
slot, nor wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, delete, func, or_, select, update
from sqlalchemy.engine import Connection

from prefect._contract.state import TERMINAL_STATES, StateType
from prefect.server.database.queries import records
from prefect.server.database.tables import concurrency_lease, concurrency_limit, task_run
from prefect.utilities.ids import uuid7

__all__ = [
    "Limit",
    "free_all_of",
    "free_expired",
    "free_those_not_running",
    "give_back",
    "hold",
    "hold_these",
    "holders",
    "keep",
    "leases_of",
    "limits_of_holder",
    "read_lease",
    "read_limit",
    "read_limits",
    "settle",
    "take",
]

Row = dict[str, Any]
Mode = Literal["concurrency", "rate_limit"]

_WEIGHT = 0.2
"""How much the newest occupancy counts in the average of a limit's occupancies."""

_IDLE = tuple(sorted({kind.value for kind in TERMINAL_STATES} | {StateType.SCHEDULED.value}))

_HANDFUL = 500
"""How many values one condition lists: databases bound them."""

_limit, _lease = concurrency_limit.c, concurrency_lease.c


@dataclass(frozen=True, slots=True)
class Limit:
    """
    A concurrency limit, and how many of its slots were in use when it was read.

    Args:
        row: Its row.
        held: How many slots live leases hold.
        now: When it was read.
    """

    row: Row
    held: int
    now: datetime

    @property
    def id(self) -> UUID:
        """Its id."""
        return self.row["id"]  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """Its name."""
        return self.row["name"]  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """How many slots it has."""
        return self.row["limit"]  # type: ignore[no-any-return]

    @property
    def active(self) -> bool:
        """Whether it limits at all."""
        return bool(self.row["active"])

    @property
    def decay(self) -> float:
        """How many slots come back by themselves, each second."""
        return self.row["slot_decay_per_second"]  # type: ignore[no-any-return]

    @property
    def decaying(self) -> float:
        """How many slots were taken and have not come back by themselves yet."""
        taken, since = self.row["decaying_slots"], self.row["decaying_since"]
        if not taken or since is None:
            return 0.0
        left: float = taken - self.decay * (self.now - since).total_seconds()
        return max(0.0, round(left, 6))  # what is left of a slot by rounding is no slot

    @property
    def in_use(self) -> int:
        """How many slots are in use; one that is on its way back counts until it is."""
        return self.held + ceil(self.decaying)

    @property
    def free(self) -> int:
        """How many slots can be taken. As many as are asked for when the limit is inactive, so this is for active ones."""
        return max(0, self.size - self.in_use)

    def seconds_until(self, slots: int) -> float:
        """After how many seconds so many slots should be free: known for a decay, else how long slots are kept on average."""
        missing = self.held + self.decaying + slots - self.size
        if self.decay > 0 and missing <= self.decaying:
            return max(0.0, missing) / self.decay
        return float(self.row["avg_slot_occupancy_seconds"])


def _is_live(now: ColumnElement[Any] | datetime) -> ColumnElement[bool]:
    return or_(_lease.expires_at.is_(None), _lease.expires_at > now)


def _reading() -> Select[Any]:
    held = (
        select(func.coalesce(func.sum(_lease.slots), 0))
        .where(
            _lease.concurrency_limit_id == _limit.id,
            _lease.mode == "concurrency",
            _is_live(bindparam("now", type_=_lease.expires_at.type)),
        )
        .scalar_subquery()
    )
    return select(concurrency_limit, held)


_ALL = _reading()
_BY_ID = _ALL.where(_limit.id == bindparam("id"))
_BY_NAME = _ALL.where(_limit.name == bindparam("name"))
_HELD_BY = {
    column.name: (
        select(_limit.id).where(chosen := column.in_(bindparam("chosen", expanding=True, type_=column.type))),
        _ALL.where(chosen).order_by(_limit.name),
    )
    for column in (_limit.id, _limit.name)
}
"""For a column by which limits are held: what selects their ids, and them. Made once, for the sake of uncontended slots."""

_LEASE = select(concurrency_lease).where(
    _is_live(bindparam("now", type_=_lease.expires_at.type)),
    _lease.lease_id == bindparam("lease", type_=_lease.lease_id.type),
)


def _limits(connection: Connection, statement: Select[Any], now: datetime, **parameters: Any) -> list[Limit]:
    keys = records.keys_of(concurrency_limit)
    rows = connection.execute(statement, {"now": now, **parameters})
    return [Limit(dict(zip(keys, row[:-1], strict=True)), int(row[-1]), now) for row in rows]


def read_limit(
    connection: Connection, now: datetime, *, id: UUID | None = None, name: str | None = None
) -> Limit | None:
    """A limit, by its id or its name; None if there is none."""
    if id is not None:
        found = _limits(connection, _BY_ID, now, id=id)
    else:
        found = _limits(connection, _BY_NAME, now, name=name)
    return found[0] if found else None


def read_limits(
    connection: Connection,
    now: datetime,
    *conditions: ColumnElement[bool],
    limit: int | None = None,
    offset: int | None = None,
) -> list[Limit]:
    """The limits that meet conditions, in the order of their names."""
    statement = _ALL.where(*conditions).order_by(_limit.name).limit(limit).offset(offset)
    return _limits(connection, statement, now)


def hold(connection: Connection, now: datetime, *conditions: ColumnElement[bool]) -> list[Limit]:
    """
    Read the limits that meet conditions, so that no other transaction takes slots of them before this one ends.

    Returns:
        The limits in the order of their names, which is the order in which they are locked.
    """
    _lock(connection, select(_limit.id).where(*conditions))
    return read_limits(connection, now, *conditions)


def hold_these(
    connection: Connection, now: datetime, column: Literal["id", "name"], chosen: Iterable[Any]
) -> list[Limit]:
    """The same for the limits with these ids, or names."""
    found, whole = _HELD_BY[column]
    wanted = list(set(chosen))
    _lock(connection, found, chosen=wanted)
    return _limits(connection, whole, now, chosen=wanted)


def _lock(connection: Connection, found: Select[Any], **parameters: Any) -> None:
    if connection.dialect.name != "sqlite":  # which has one writer
        for identifier in list(connection.execute(found.order_by(_limit.name), parameters).scalars()):
            records.lock(connection, concurrency_limit, id=identifier)


def take(
    connection: Connection,
    limits: Sequence[Limit],
    slots: int,
    *,
    lease_id: UUID,
    holder: tuple[str, UUID] | None = None,
    expires_at: datetime | None = None,
    remembered: bool = True,
) -> list[Row]:
    """
    Take slots of limits that were read with `hold` and have so many free.

    Args:
        connection: The transaction.
        limits: The limits.
        slots: How many slots of each.
        lease_id: Names the lease, together for all of the limits.
        holder: The kind and the id of the run that takes them.
        expires_at: When they are free again unless the lease is renewed; None: when they are given back.
        remembered: Whether slots that come back by themselves can be given back before, by the lease.

    Returns:
        The rows of the lease.
    """
    rows: list[Row] = []
    kind, holder_id = (None, None) if holder is None else holder
    for limit in limits:
        if limit.decay > 0:
            changes = {"decaying_slots": limit.decaying + slots, "decaying_since": limit.now, "updated": limit.now}
            records.revise(connection, concurrency_limit, limit.id, **changes)
            if not remembered:
                continue
        rows.append(
            {
                "id": uuid7(),
                "created": limit.now,
                "updated": limit.now,
                "lease_id": lease_id,
                "concurrency_limit_id": limit.id,
                "slots": slots,
                "mode": "rate_limit" if limit.decay > 0 else "concurrency",
                "holder_type": kind,
                "holder_id": holder_id,
                "expires_at": expires_at,
            }
        )
    records.create(connection, concurrency_lease, *rows)
    return rows


def settle(connection: Connection, limit: Limit, slots: int) -> None:
    """Let exactly so many slots of a limit be in use, whoever had them: until they are given back, or come back."""
    remove = delete(concurrency_lease).where(_lease.concurrency_limit_id == limit.id)
    connection.execute(remove)
    records.revise(
        connection, concurrency_limit, limit.id, decaying_slots=0.0, decaying_since=limit.now, updated=limit.now
    )
    if slots > 0:
        emptied = Limit({**limit.row, "decaying_slots": 0.0}, 0, limit.now)
        take(connection, [emptied], slots, lease_id=uuid7(), remembered=False)


def leases_of(connection: Connection, now: datetime, *conditions: ColumnElement[bool]) -> list[Row]:
    """The live leases that meet conditions, oldest first."""
    statement = select(concurrency_lease).where(_is_live(now), *conditions).order_by(_lease.created, _lease.id)
    return records.read_all(connection, concurrency_lease, statement)


def read_lease(connection: Connection, now: datetime, lease_id: UUID) -> list[Row]:
    """The slots of a lease, unless it is over: a row for each limit."""
    keys = records.keys_of(concurrency_lease)
    rows = connection.execute(_LEASE, {"now": now, "lease": lease_id})
    return [dict(zip(keys, row, strict=True)) for row in rows]


def holders(connection: Connection, limit_id: UUID, now: datetime) -> list[UUID]:
    """The ids of those that have slots of a limit, in the order in which they took them."""
    rows = leases_of(connection, now, _lease.concurrency_limit_id == limit_id, _lease.holder_id.is_not(None))
    return [row["holder_id"] for row in rows]


def limits_of_holder(connection: Connection, holder_id: UUID, now: datetime) -> dict[UUID, UUID]:
    """The limits that a run has slots of, and the ids of the leases."""
    rows = leases_of(connection, now, _lease.holder_id == holder_id)
    return {row["concurrency_limit_id"]: row["lease_id"] for row in rows}


def keep(connection: Connection, limit_ids: Sequence[UUID], holder_id: UUID, expires_at: datetime | None) -> None:
    """Let the slots that a run has of limits be free later than was said, or when they are given back."""
    mine = (_lease.holder_id == holder_id) & _lease.concurrency_limit_id.in_(limit_ids)
    connection.execute(update(concurrency_lease).where(mine).values(expires_at=expires_at))


def free_all_of(connection: Connection, holders: Iterable[UUID] | Select[Any]) -> list[Row]:
    """Free the slots that some runs have, by their ids or by what selects those. Returns the rows of the leases."""
    chosen = holders if isinstance(holders, Select) else list(holders)
    return _freed(connection.execute(_freeing.where(_lease.holder_id.in_(chosen))))


_freeing = delete(concurrency_lease).returning(*concurrency_lease.c)
_freeing_idle = _freeing.where(
    _lease.holder_id.in_(
        select(task_run.c.id).where(
            task_run.c.id.in_(bindparam("runs", expanding=True, type_=task_run.c.id.type)),
            task_run.c.state_type.in_(_IDLE),
        )
    )
)


def _freed(rows: Iterable[Any]) -> list[Row]:
    keys = records.keys_of(concurrency_lease)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def free_those_not_running(connection: Connection, task_run_ids: Sequence[UUID]) -> list[Row]:
    """Free the slots of those of some task runs that have ended, or wait. Returns the rows of the leases."""
    freed: list[Row] = []
    for first in range(0, len(task_run_ids), _HANDFUL):
        freed += _freed(connection.execute(_freeing_idle, {"runs": task_run_ids[first : first + _HANDFUL]}))
    return freed


def free_expired(connection: Connection, now: datetime) -> int:
    """Remove the leases that have expired. Their slots have been free since then."""
    return records.remove_where(connection, concurrency_lease, _lease.expires_at <= now)


def give_back(connection: Connection, limit: Limit, leases: Sequence[Row], slots: int, occupancy: float | None) -> None:
    """
    Give back slots of a limit that was read with `hold`.

    Args:
        connection: The transaction.
        limit: The limit.
        leases: The leases that may hold them; the first ones are used up first.
        slots: How many slots. More than are in use is as many as are.
        occupancy: For how many seconds they were kept; None if that is not known.
    """
    changes: Row = {"updated": limit.now}
    left = slots
    for row in leases:
        if left <= 0:
            break
        if row["slots"] <= left:
            records.remove(connection, concurrency_lease, id=row["id"])
        else:
            records.revise(connection, concurrency_lease, row["id"], slots=row["slots"] - left, updated=limit.now)
        left -= row["slots"]
    if limit.decay > 0:
        changes |= {"decaying_slots": max(0.0, limit.decaying - slots), "decaying_since": limit.now}
    if occupancy is not None:
        average = limit.row["avg_slot_occupancy_seconds"]
        changes["avg_slot_occupancy_seconds"] = average + _WEIGHT * (occupancy - average)
    records.revise(connection, concurrency_limit, limit.id, **changes)
