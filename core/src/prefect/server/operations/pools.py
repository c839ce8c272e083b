"""Work pools and their queues as records: how they are found, made, and kept in order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from prefect._contract.work_pools import DEFAULT_AGENT_WORK_POOL_NAME, WorkPoolStatus, WorkQueueStatus
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.place_events import tell_pool, tell_queue
from prefect.server.operations.refusals import already_exists, not_found
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7

__all__ = [
    "default_agent_pool",
    "default_queue",
    "find_pool",
    "find_queue",
    "make_pool",
    "make_queue",
    "move_queue",
    "queue_of",
    "read_pool",
    "read_queue",
]

Row = dict[str, Any]

DEFAULT_QUEUE_NAME = "default"


def find_pool(work: UnitOfWork, name: str) -> Row | None:
    """A work pool by name; None if there is none."""
    return records.read(work.connection, tables.work_pool, name=name)


def read_pool(work: UnitOfWork, name: str) -> Row:
    """
    A work pool by name.

    Raises:
        prefect.exceptions.ObjectNotFound: There is none.
    """
    row = find_pool(work, name)
    if row is None:
        raise not_found("work pool", name=name)
    return row


def find_queue(work: UnitOfWork, pool: Row, name: str) -> Row | None:
    """A queue of a work pool by name; None if there is none."""
    return records.read(work.connection, tables.work_queue, work_pool_id=pool["id"], name=name)


def read_queue(work: UnitOfWork, pool: Row, name: str) -> Row:
    """
    A queue of a work pool by name.

    Raises:
        prefect.exceptions.ObjectNotFound: There is none.
    """
    row = find_queue(work, pool, name)
    if row is None:
        raise not_found("work queue", work_pool=pool["name"], name=name)
    return row


def make_pool(work: UnitOfWork, **fields: Any) -> Row:
    """
    Create a work pool with its default queue.

    Raises:
        prefect.exceptions.ObjectAlreadyExists: There is one of this name.
    """
    if find_pool(work, fields["name"]) is not None:
        raise already_exists("work pool", name=fields["name"])
    row = dict.fromkeys(records.keys_of(tables.work_pool))
    row |= {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "type": "prefect-agent",
        "base_job_template": {},
        "is_paused": False,
        "default_queue_id": uuid7(),
        "status": WorkPoolStatus.NOT_READY.value,
        "storage_configuration": {},
        **fields,
    }
    records.create(work.connection, tables.work_pool, row)
    description = "The work pool's default queue."
    make_queue(work, row, DEFAULT_QUEUE_NAME, id=row["default_queue_id"], description=description)
    tell_pool(work, row, "created")
    return row


def default_agent_pool(work: UnitOfWork) -> Row:
    """The work pool of queues that name no other one; it is created when it is first asked for."""
    return find_pool(work, DEFAULT_AGENT_WORK_POOL_NAME) or make_pool(work, name=DEFAULT_AGENT_WORK_POOL_NAME)


def make_queue(work: UnitOfWork, pool: Row, name: str, *, priority: int | None = None, **fields: Any) -> Row:
    """
    Create a queue of a work pool.

    Args:
        work: The transaction.
        pool: The work pool.
        name: The queue's name.
        priority: Where it goes; the queues that are in its way go behind it. By default the first free place.
        **fields: Other columns.

    Raises:
        prefect.exceptions.ObjectAlreadyExists: The pool has a queue of this name.
    """
    if find_queue(work, pool, name) is not None:
        raise already_exists("work queue", name=name, work_pool=pool["name"])
    places = _places(work, pool["id"])
    if priority is None:
        priority = next(place for place in range(1, len(places) + 2) if place not in places)
    _make_room(work, places, priority)
    row = dict.fromkeys(records.keys_of(tables.work_queue))
    row |= {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "name": name,
        "description": "",
        "is_paused": False,
        "priority": priority,
        "status": WorkQueueStatus.NOT_READY.value,
        "work_pool_id": pool["id"],
        **fields,
    }
    records.create(work.connection, tables.work_queue, row)
    tell_queue(work, row, "created")
    return row


def move_queue(work: UnitOfWork, queue: Row, priority: int) -> None:
    """Give a queue another place; the queues that are in its way go behind it."""
    places = {place: id for place, id in _places(work, queue["work_pool_id"]).items() if id != queue["id"]}
    _make_room(work, places, priority)
    records.revise(work.connection, tables.work_queue, queue["id"], priority=priority, updated=work.now)


def _places(work: UnitOfWork, pool_id: UUID) -> dict[int, UUID]:
    """The queues of a pool by their places. Who looks at the same time, to take a place, has to look again."""
    records.revise(work.connection, tables.work_pool, pool_id, updated=work.now)
    queue = tables.work_queue.c
    statement = select(queue.priority, queue.id).where(queue.work_pool_id == pool_id)
    return {row[0]: row[1] for row in work.connection.execute(statement)}


def _make_room(work: UnitOfWork, places: dict[int, UUID], priority: int) -> None:
    """Let the queues go one place on that lie from a place on without a gap."""
    place = priority
    while place in places:
        records.revise(work.connection, tables.work_queue, places[place], priority=place + 1, updated=work.now)
        place += 1


def queue_of(
    work: UnitOfWork, pool_name: str | None, queue_name: str | None, *, pool: Row | None = None
) -> tuple[Row, Row]:
    """
    The work pool and queue that something is to wait in. A queue that its pool does not have is created.

    Args:
        work: The transaction.
        pool_name: The pool's name; by default `pool`, or else the pool of queues that name no other one.
        queue_name: The queue's name; by default that of the pool's default queue.
        pool: The pool it has been in.

    Raises:
        prefect.exceptions.ObjectNotFound: There is no such pool.
    """
    if pool_name is not None:
        pool = read_pool(work, pool_name)
    elif pool is None:
        pool = default_agent_pool(work)
    if queue_name is None:
        return pool, default_queue(work, pool)
    return pool, find_queue(work, pool, queue_name) or make_queue(work, pool, queue_name)


def default_queue(work: UnitOfWork, pool: Row) -> Row:
    """The queue of a work pool in which runs wait that name none."""
    queue = records.read(work.connection, tables.work_queue, id=pool["default_queue_id"])
    return queue or make_queue(work, pool, DEFAULT_QUEUE_NAME)
