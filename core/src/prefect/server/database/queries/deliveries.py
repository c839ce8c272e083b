"""Background task runs that wait for a task worker: the durable queue that they are delivered from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.engine import Connection

from prefect._contract.state import TERMINAL_STATES, StateType
from prefect.server.database.queries.records import inserting, remove_where
from prefect.server.database.tables import task_run, task_run_delivery

__all__ = ["abandon", "claim", "extend", "offer", "offer_once", "settle", "withdraw"]

_BEGUN = tuple(sorted({kind.value for kind in TERMINAL_STATES} | {StateType.RUNNING.value}))

_HANDFUL = 500
"""How many values one condition lists: databases bound them."""

_delivery = task_run_delivery.c


@cache
def _offering(kind: str) -> Any:
    insert = inserting(kind, task_run_delivery)
    # Offered anew, a run keeps the number of its deliveries.
    values = {name: insert.excluded[name] for name in ("task_key", "available_at", "client_id", "claimed_until")}
    return insert.on_conflict_do_update(index_elements=["task_run_id"], set_=values)


def offer(connection: Connection, task_run_id: UUID, task_key: str, available_at: datetime) -> None:
    """Let a task run wait for a worker that serves its task, from a moment on."""
    connection.execute(_offering(connection.dialect.name), _row(task_run_id, task_key, available_at))


@cache
def _offering_once(kind: str) -> Any:
    return inserting(kind, task_run_delivery).on_conflict_do_nothing(index_elements=["task_run_id"])


def offer_once(connection: Connection, task_run_id: UUID, task_key: str, available_at: datetime) -> None:
    """The same, unless it waits already: then it stays with whom it was given to."""
    connection.execute(_offering_once(connection.dialect.name), _row(task_run_id, task_key, available_at))


def _row(task_run_id: UUID, task_key: str, available_at: datetime) -> dict[str, Any]:
    return {
        "task_run_id": task_run_id,
        "task_key": task_key,
        "available_at": available_at,
        "client_id": None,
        "claimed_until": None,
        "deliveries": 0,
    }


def withdraw(connection: Connection, task_run_ids: Sequence[UUID]) -> None:
    """Let task runs wait no longer: they have begun, or ended without that."""
    for first in range(0, len(task_run_ids), _HANDFUL):
        part = task_run_ids[first : first + _HANDFUL]
        remove_where(connection, task_run_delivery, _delivery.task_run_id.in_(part))


def settle(connection: Connection, task_run_ids: Sequence[UUID]) -> None:
    """Let those of some task runs wait no longer that have begun, or ended."""
    for first in range(0, len(task_run_ids), _HANDFUL):
        part = task_run_ids[first : first + _HANDFUL]
        begun = select(task_run.c.id).where(task_run.c.id.in_(part), task_run.c.state_type.in_(_BEGUN))
        remove_where(connection, task_run_delivery, _delivery.task_run_id.in_(begun))


def claim(
    connection: Connection, client_id: str, task_keys: Iterable[str], limit: int, now: datetime, until: datetime
) -> list[UUID]:
    """
    Give task runs that are due to one client, those that wait longest first.

    Args:
        connection: The transaction.
        client_id: Who gets them.
        task_keys: The tasks that it serves.
        limit: How many task runs at most.
        now: When this happens.
        until: When those that have not begun by then are given to others.

    Returns:
        Their ids, in that order.
    """
    found = (
        select(_delivery.task_run_id)
        .join(task_run, task_run.c.id == _delivery.task_run_id)
        .where(
            _delivery.task_key.in_(sorted(set(task_keys))),
            _delivery.available_at <= now,
            or_(_delivery.client_id.is_(None), _delivery.claimed_until <= now),
            task_run.c.state_type == StateType.SCHEDULED.value,
        )
        .order_by(_delivery.available_at, _delivery.task_run_id)
        .limit(limit)
        .with_for_update(
            skip_locked=True, of=task_run_delivery
        )  # on databases with one writer this is no clause at all
    )
    claimed = list(connection.execute(found).scalars())
    if claimed:
        statement = update(task_run_delivery).where(_delivery.task_run_id.in_(claimed))
        changes = {"client_id": client_id, "claimed_until": until, "deliveries": _delivery.deliveries + 1}
        connection.execute(statement.values(changes))
    return claimed


def _is_scheduled() -> ColumnElement[bool]:
    waiting = select(task_run.c.id).where(task_run.c.state_type == StateType.SCHEDULED.value)
    return _delivery.task_run_id.in_(waiting.where(task_run.c.id == _delivery.task_run_id))


def extend(connection: Connection, client_id: str, until: datetime, task_run_id: UUID | None = None) -> int:
    """Let a client keep what was given to it: one task run, or all. Returns how many it still has."""
    statement = update(task_run_delivery).where(_delivery.client_id == client_id)
    if task_run_id is not None:
        statement = statement.where(_delivery.task_run_id == task_run_id)
    return connection.execute(statement.values(claimed_until=until)).rowcount


def abandon(connection: Connection, client_id: str) -> int:
    """Let the task runs that a client was given and has not begun be available to others at once."""
    theirs = update(task_run_delivery).where(_delivery.client_id == client_id, _is_scheduled())
    return connection.execute(theirs.values(client_id=None, claimed_until=None)).rowcount
