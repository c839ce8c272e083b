"""What a loop is, and who may run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_

from prefect.server.database.queries import records
from prefect.server.database.tables import service_lease

if TYPE_CHECKING:
    from prefect.server.operations.work import UnitOfWork
    from prefect.settings import Settings

__all__ = ["Service", "hold_lease", "release_leases"]


def _always(work: UnitOfWork, settings: Settings) -> bool:
    return True


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
        does: What it is for, for people.
    """

    name: str
    seconds: Callable[[Settings], float]
    is_enabled: Callable[[Settings], bool]
    act: Callable[[UnitOfWork, Settings], bool]
    does: str
    look: Callable[[UnitOfWork, Settings], bool] = _always
    switch: str | None = None


@cache
def _taking(kind: str) -> Any:
    insert = records.inserting(kind, service_lease)
    new = insert.excluded
    is_free = or_(service_lease.c.holder == new.holder, service_lease.c.expires_at < new.last_tick)
    values = {"holder": new.holder, "expires_at": new.expires_at, "last_tick": new.last_tick}
    taking = insert.on_conflict_do_update(index_elements=["service"], set_=values, where=is_free)
    return taking.returning(service_lease.c.service)


def hold_lease(work: UnitOfWork, service: str, holder: str, seconds: float) -> bool:
    """
    Take the lease of a loop, or renew it.

    Args:
        work: The transaction.
        service: The name of the loop.
        holder: Names the server.
        seconds: How long others leave the loop alone.

    Returns:
        Whether this server has it. Otherwise another one does.
    """
    expires = work.now + timedelta(seconds=seconds)
    row = {"service": service, "holder": holder, "expires_at": expires, "last_tick": work.now}
    return work.connection.execute(_taking(work.connection.dialect.name), row).first() is not None


def release_leases(work: UnitOfWork, holder: str) -> None:
    """Let others run what this server ran."""
    records.remove(work.connection, service_lease, holder=holder)
