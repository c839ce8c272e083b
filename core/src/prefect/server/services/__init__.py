"""
The loops of a server: what happens although nobody asks for it.

A loop is a `Service`: now and then it looks whether there is something to do, and does a bounded part of it in one
transaction. A lease in the database lets one of several servers do so at a time; if that one dies, another takes over.
"""

from __future__ import annotations

from datetime import datetime

from prefect.server.services.automations import ACTIONS, ERRANDS, make_triggers
from prefect.server.services.events import EVENT_BACKLOG
from prefect.server.services.retention import RETENTION
from prefect.server.services.runs import (
    CANCELLATIONS,
    EXPIRED_SLOTS,
    PAUSE_EXPIRATIONS,
    make_deaf_ends,
    make_lost_deliveries,
    make_reaper,
    make_stale_claims,
)
from prefect.server.services.schedules import LATE_RUNS, SCHEDULER, STATUSES
from prefect.server.services.service import Service

__all__ = ["make_services"]


def make_services(started: datetime) -> tuple[Service, ...]:
    """
    All loops.

    Args:
        started: When the server did that runs them.
    """
    return (
        SCHEDULER,
        LATE_RUNS,
        STATUSES,
        make_reaper(started),
        make_stale_claims(started),
        make_lost_deliveries(started),
        PAUSE_EXPIRATIONS,
        CANCELLATIONS,
        make_deaf_ends(),
        EXPIRED_SLOTS,
        EVENT_BACKLOG,
        make_triggers(),
        ACTIONS,
        ERRANDS,
        RETENTION,
    )
