"""Background task runs that wait for a task worker: the durable queue that they are delivered from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, func, or_, select, update
from sqlalchemy.engine import Connection

from prefect._contract.state import TERMINAL_STATES, StateType
from prefect.server.database.queries.records import inserting, remove_where
from prefect.server.database.tables import task_run, task_run_delivery
from prefect.utilities.ids import uuid7

__all__ = [
    "Claim",
    "Delivery",
    "abandon",
    "are_any_due",
    "claim",
    "claim_each",
    "claimants",
    "claimed_as",
    "extend",
    "extend_claims",
    "hold_all_claims",
    "offer",
    "offer_once",
    "read_claims",
    "read_expired",
    "settle",
    "shorten_claims",
    "token_of",
    "uncount",
    "withdraw",
    "withdraw_begun",
]

_ENDED = tuple(sorted(kind.value for kind in TERMINAL_STATES))

_CLAIM = "claim:"
"""
Begins the `client_id` of deliveries to workers that renew what they have until it has ended. Deliveries to others, those of
Prefect 3, are over when the run begins.
"""

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
    waiting = select(*(bindparam(column.name, type_=column.type) for column in _delivery)).where(
        select(task_run.c.id)
        .where(task_run.c.id == bindparam("task_run_id"), task_run.c.state_type == StateType.SCHEDULED.value)
        .exists()
    )
    insert = inserting(kind, task_run_delivery).from_select(_delivery.keys(), waiting)
    return insert.on_conflict_do_nothing(index_elements=["task_run_id"])


def offer_once(connection: Connection, offers: Iterable[tuple[UUID, str, datetime]]) -> None:
    """
    The same for several task runs, as far as they are still scheduled, and do not wait already.

    Args:
        connection: The transaction.
        offers: The id of each, its task, and when it is due.
    """
    connection.execute(_offering_once(connection.dialect.name), [_row(*offer) for offer in offers])


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


def withdraw_begun(connection: Connection, task_run_id: UUID) -> None:
    """Let a task run that has begun wait no longer, unless its worker has it until it has ended."""
    remove_where(connection, task_run_delivery, (_delivery.task_run_id == task_run_id) & ~_is_claimed())


def settle(connection: Connection, task_run_ids: Sequence[UUID]) -> None:
    """Let those of some task runs wait no longer that have ended, or begun at a worker that does not keep them."""
    for first in range(0, len(task_run_ids), _HANDFUL):
        connection.execute(_settling(), {"runs": task_run_ids[first : first + _HANDFUL]})


@cache
def _settling() -> Any:
    chosen = select(task_run.c.id).where(task_run.c.id.in_(bindparam("runs", expanding=True, type_=task_run.c.id.type)))
    ended = chosen.where(task_run.c.state_type.in_(_ENDED))
    running = chosen.where(task_run.c.state_type == StateType.RUNNING.value)
    over = _delivery.task_run_id.in_(ended) | (_delivery.task_run_id.in_(running) & ~_is_claimed())
    return delete(task_run_delivery).where(over)


def _is_claimed() -> ColumnElement[bool]:
    return func.coalesce(_delivery.client_id, "").startswith(_CLAIM)


def are_any_due(connection: Connection, task_keys: Iterable[str], now: datetime) -> bool:
    """Whether any task run of some tasks waits for a worker."""
    wanted = {"task_keys": sorted(set(task_keys)), "now": now, "most": 1}
    return connection.execute(_due_first_of(), wanted).first() is not None


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
    claimed = [run_id for run_id, _ in _due_first(connection, task_keys, limit, now)]
    if claimed:
        statement = update(task_run_delivery).where(_delivery.task_run_id.in_(claimed))
        changes = {"client_id": client_id, "claimed_until": until, "deliveries": _delivery.deliveries + 1}
        connection.execute(statement.values(changes))
    return claimed


@cache
def _due_first_of() -> Any:
    return (
        select(_delivery.task_run_id, _delivery.deliveries)
        .join(task_run, task_run.c.id == _delivery.task_run_id)
        .where(
            _delivery.task_key.in_(bindparam("task_keys", expanding=True)),
            _delivery.available_at <= bindparam("now", type_=_delivery.available_at.type),
            or_(
                _delivery.client_id.is_(None),
                # A claim that was not renewed is scheduled again first, which says when that is due.
                ~_is_claimed() & (_delivery.claimed_until <= bindparam("now", type_=_delivery.claimed_until.type)),
            ),
            task_run.c.state_type == StateType.SCHEDULED.value,
        )
        .order_by(_delivery.available_at, _delivery.task_run_id)
        .limit(bindparam("most"))
    )


@cache
def _claimable() -> Any:
    # on databases with one writer this is no clause at all
    return _due_first_of().with_for_update(skip_locked=True, of=task_run_delivery)


def _due_first(connection: Connection, task_keys: Iterable[str], limit: int, now: datetime) -> list[tuple[UUID, int]]:
    """The task runs that wait longest, and how often they were given to a client. Nobody else takes them now."""
    wanted = {"task_keys": sorted(set(task_keys)), "now": now, "most": limit}
    return [(row[0], row[1]) for row in connection.execute(_claimable(), wanted)]


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


# -- claims: deliveries that are kept until the run has ended


class Delivery(NamedTuple):
    """
    A task run that a worker has claimed.

    Args:
        task_run_id: The task run.
        deliveries: How often it was given to a worker.
    """

    task_run_id: UUID
    deliveries: int


class Claim(NamedTuple):
    """
    What names a claim of a task run.

    Args:
        token: Shown by the worker that has it.
        deliveries: How often the task run was given to a worker, this time counted.
    """

    token: UUID
    deliveries: int


def claimed_as(token: UUID) -> str:
    """The `client_id` of a claim."""
    return f"{_CLAIM}{token}"


_claiming_each = (
    update(task_run_delivery)
    .where(_delivery.task_run_id == bindparam("run_id"))
    .values(client_id=bindparam("claim"), claimed_until=bindparam("until"), deliveries=_delivery.deliveries + 1)
)


def claim_each(
    connection: Connection, task_keys: Iterable[str], limit: int, now: datetime, until: datetime
) -> dict[UUID, Claim]:
    """
    Claim task runs that are due, each under a name of its own.

    Args:
        connection: The transaction.
        task_keys: The tasks that the worker serves.
        limit: How many task runs at most.
        now: When this happens.
        until: When the claims expire.

    Returns:
        The claims by the ids of the task runs, those first that wait longest.
    """
    claims = {run_id: Claim(uuid7(), times + 1) for run_id, times in _due_first(connection, task_keys, limit, now)}
    if claims:
        rows = [{"run_id": run_id, "claim": claimed_as(made.token), "until": until} for run_id, made in claims.items()]
        connection.execute(_claiming_each, rows)
    return claims


def uncount(connection: Connection, task_run_id: UUID) -> None:
    """Take back that a task run was given to a worker once more."""
    theirs = update(task_run_delivery).where(_delivery.task_run_id == task_run_id)
    connection.execute(theirs.values(deliveries=_delivery.deliveries - 1))


def token_of(client_id: str | None) -> UUID | None:
    """The token of a claim by its `client_id`; None if that is not one of a claim."""
    is_claim = client_id is not None and client_id.startswith(_CLAIM)
    return UUID(client_id.removeprefix(_CLAIM)) if is_claim and client_id is not None else None


def read_claims(connection: Connection, tokens: Iterable[UUID]) -> dict[UUID, Delivery]:
    """What the claims with some tokens are of, by token. Those that are over are missing."""
    named = {claimed_as(token): token for token in tokens}
    statement = select(_delivery.client_id, _delivery.task_run_id, _delivery.deliveries)
    found = connection.execute(statement.where(_delivery.client_id.in_(list(named))))
    return {named[client_id]: Delivery(run_id, count) for client_id, run_id, count in found}


def extend_claims(connection: Connection, tokens: Iterable[UUID], until: datetime) -> None:
    """Let claims expire later."""
    theirs = _delivery.client_id.in_([claimed_as(token) for token in tokens])
    connection.execute(update(task_run_delivery).where(theirs).values(claimed_until=until))


def shorten_claims(connection: Connection, most: datetime) -> None:
    """Let no claim last for longer than until some time, unless it is renewed."""
    longer = _is_claimed() & (_delivery.claimed_until > most)
    connection.execute(update(task_run_delivery).where(longer).values(claimed_until=most))


def hold_all_claims(connection: Connection, until: datetime) -> None:
    """Let each claim last until some time, also those that are over and nobody has acted on yet."""
    connection.execute(update(task_run_delivery).where(_is_claimed()).values(claimed_until=until))


def read_expired(connection: Connection, now: datetime, limit: int) -> list[Delivery]:
    """The claims that were not renewed in time, oldest first."""
    statement = select(_delivery.task_run_id, _delivery.deliveries).where(_is_claimed(), _delivery.claimed_until <= now)
    return [Delivery(*row) for row in connection.execute(statement.order_by(_delivery.claimed_until).limit(limit))]


_claiming = select(_delivery.task_run_id, _delivery.client_id).where(
    _delivery.task_run_id.in_(bindparam("runs", expanding=True, type_=_delivery.task_run_id.type))
)


def claimants(connection: Connection, task_run_ids: Iterable[UUID]) -> dict[UUID, str | None]:
    """Who has those of some task runs that wait for a worker or are claimed by one, by their ids."""
    wanted = list(task_run_ids)
    found: dict[UUID, str | None] = {}
    for first in range(0, len(wanted), _HANDFUL):
        rows = connection.execute(_claiming, {"runs": wanted[first : first + _HANDFUL]})
        found |= {run_id: client_id for run_id, client_id in rows}  # noqa: C416 - a row is no pair to `dict`
    return found
