"""The loop for events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.server.database.queries.events import has_backlog
from prefect.server.operations.events import take_in
from prefect.server.services.service import Service

if TYPE_CHECKING:
    from prefect.server.operations.work import UnitOfWork
    from prefect.settings import Settings

__all__ = ["EVENT_BACKLOG"]


def _look(work: UnitOfWork, settings: Settings) -> bool:
    return has_backlog(work.connection)


def _act(work: UnitOfWork, settings: Settings) -> bool:
    return take_in(work, settings.server.services.event_persister.batch_size)


EVENT_BACKLOG = Service(
    name="event-backlog",
    seconds=lambda settings: settings.server.services.event_persister.flush_interval,
    is_enabled=lambda settings: settings.server.services.event_persister.enabled,
    act=_act,
    look=_look,
    switch="PREFECT_SERVER_SERVICES_EVENT_PERSISTER_ENABLED",
    does="Takes in the events of processes that use this server's database without it.",
)
