"""What a loop is, and who may run it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import or_, select

from prefect._contract.liveness import ProcessIdentity
from prefect.server.database.queries import records
from prefect.server.database.tables import service_lease
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect.server.operations.work import UnitOfWork
    from prefect.settings import Settings

__all__ = ["Errands", "Service", "hold_lease", "name_holder", "release_leases"]


def _always(work: UnitOfWork, settings: Settings) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Errands:
    """
    What a loop does outside of the database. Each errand is on a thread of its own, and others are not held up.

    Args:
        take: Takes a bounded number of errands, in one transaction; other servers leave them alone for a while.
        run: Runs one, without a transaction, and reports; it raises nothing.
        settle: Says what became of one, in a transaction.
        seconds: After how long one is no longer waited for.
        late: The report of one that took longer.
    """

    take: Callable[[UnitOfWork], list[Any]]
    run: Callable[[Any], Any]
    settle: Callable[[UnitOfWork, Any, Any], None]
    seconds: float
    late: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Service:
    """
    One loop.

    Args:
        name: What it is called: `late-runs`.
        seconds: How long it rests between two looks.
        is_enabled: Whether it runs at all.
        act: Does a bounded part of what is to be done, in one transaction, and says whether something is left. May be
            run again from the start, so it has no other effect.
        look: Says whether something is to be done, without writing anything.
        switch: The setting that switches it off; None if none does.
        hears: After what it looks at once: when this server has stored events, or has changed when schedules are due.
        wakes: The loops that look at once when it has done something.
        errands: What it does outside of the database, instead of `act`; any number of servers at a time.
        does: What it is for, for people.
    """

    name: str
    seconds: Callable[[Settings], float]
    is_enabled: Callable[[Settings], bool]
    act: Callable[[UnitOfWork, Settings], bool]
    does: str
    look: Callable[[UnitOfWork, Settings], bool] = _always
    switch: str | None = None
    hears: Literal["events", "schedules"] | None = None
    wakes: tuple[str, ...] = ()
    errands: Errands | None = None


@cache
def _taking(kind: str) -> Any:
    insert = records.inserting(kind, service_lease)
    new = insert.excluded
    is_free = or_(service_lease.c.holder == new.holder, service_lease.c.expires_at < new.last_tick)
    values = {"holder": new.holder, "expires_at": new.expires_at, "last_tick": new.last_tick}
    taking = insert.on_conflict_do_update(index_elements=["service"], set_=values, where=is_free)
    return taking.returning(service_lease.c.service)


def name_holder(process: ProcessIdentity) -> str:
    """A name for the server in a process, by which others on its machine see whether that is still there."""
    return json.dumps({**asdict(process), "server": str(uuid7())})


def _is_gone(holder: str) -> bool:
    """Whether a server is provably dead."""
    try:
        identity = json.loads(holder)
        identity.pop("server")
        return ProcessIdentity(**identity).is_alive() is False
    except (ValueError, TypeError, AttributeError, KeyError):
        return False  # it was named by another version


def hold_lease(work: UnitOfWork, service: str, holder: str, seconds: float) -> bool:
    """
    Take the lease of a loop, or renew it. That of a server that is provably dead is taken over before it expires.

    Args:
        work: The transaction.
        service: The name of the loop.
        holder: Names the server: see `name_holder`.
        seconds: How long others leave the loop alone.

    Returns:
        Whether this server has it. Otherwise another one does.
    """
    expires = work.now + timedelta(seconds=seconds)
    row = {"service": service, "holder": holder, "expires_at": expires, "last_tick": work.now}
    taking = _taking(work.connection.dialect.name)
    if work.connection.execute(taking, row).first() is not None:
        return True
    statement = select(service_lease.c.holder).where(service_lease.c.service == service)
    other = work.connection.execute(statement).scalar()
    if other is None or not _is_gone(other):
        return False
    records.remove(work.connection, service_lease, service=service, holder=other)
    return work.connection.execute(taking, row).first() is not None


def release_leases(work: UnitOfWork, holder: str) -> None:
    """Let others run what this server ran."""
    records.remove(work.connection, service_lease, holder=holder)
