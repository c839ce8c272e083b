"""What becomes of leases and claims when the clock is put where there is no server: they last from then on, for a while."""

from __future__ import annotations

from datetime import timedelta

from prefect.server.database.queries import deliveries, leases
from prefect.server.operations.global_concurrency_limits import renew_all_leases
from prefect.server.operations.work import UnitOfWork

__all__ = ["hold_what_is_held"]

_WHILE = timedelta(seconds=60)
"""In which whoever is there renews what it has, several times."""


def hold_what_is_held(work: UnitOfWork) -> None:
    """
    Let nothing be over, nor last for hours, because the clock was put: whoever is there renews what it has soon.

    What somebody had who is gone is free again that much later.
    """
    renew_all_leases(work)
    leases.hold_all(work.connection, work.now + _WHILE)
    deliveries.hold_all_claims(work.connection, work.now + _WHILE)
