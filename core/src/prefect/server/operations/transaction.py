"""Does something in one transaction, together with the events that it emits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.engine import Connection

from prefect.server.database.queries.events import add_events, set_aside
from prefect.server.operations.work import UnitOfWork

if TYPE_CHECKING:
    from prefect.server.database.engine import Database

__all__ = ["transact"]

R = TypeVar("R")


def transact(
    database: Database,
    begin: Callable[[Connection], UnitOfWork],
    act: Callable[[UnitOfWork], R],
    *,
    write: bool,
) -> R:
    """
    Do something in one transaction. What it emits is stored with it.

    Args:
        database: Where.
        begin: Makes the unit of work of a transaction.
        act: What to do. While the database is busy it may be done again, from the start.
        write: Whether it writes.
    """

    def attempt(connection: Connection) -> R:
        work = begin(connection)
        result = act(work)
        if work.events and work.serves:
            add_events(connection, work.events, work.now)
        elif work.events:
            set_aside(connection, work.events)
        return result

    return database.transaction(attempt, write=write)
