"""The loops for automations: they hear of events, act in the database, and run errands outside of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from prefect.server.database.tables import automation_action
from prefect.server.operations.automation_actions import act_on_due
from prefect.server.operations.errands import Report, run_errand, settle_errand, take_errands
from prefect.server.operations.triggers import KnownAutomations, hear_of_events, is_anything_due, let_time_pass
from prefect.server.services.service import Errands, Service

if TYPE_CHECKING:
    from prefect.server.operations.work import UnitOfWork
    from prefect.settings import Settings

__all__ = ["ACTIONS", "ERRANDS", "make_triggers"]

_LOOK_EVERY_SECONDS = 1.0
"""What this server stores wakes the loops; this is for what others store, and for time that passes."""

_EVENTS_AT_ONCE = 200
_ACTIONS_AT_ONCE = 20
_ERRANDS_AT_ONCE = 8
_ERRAND_SECONDS = 60.0


def _is_enabled(settings: Settings) -> bool:
    return settings.server.services.triggers.enabled


def make_triggers() -> Service:
    """The loop in which automations hear of events, and of time that passes."""
    known = KnownAutomations()

    def act(work: UnitOfWork, settings: Settings) -> bool:
        if hear_of_events(work, known, _EVENTS_AT_ONCE) == _EVENTS_AT_ONCE:
            return True  # time passes for those who have heard of all that has occurred
        return let_time_pass(work, known, _EVENTS_AT_ONCE) == _EVENTS_AT_ONCE

    return Service(
        name="triggers",
        seconds=lambda settings: _LOOK_EVERY_SECONDS,
        is_enabled=_is_enabled,
        look=lambda work, settings: is_anything_due(work),
        act=act,
        switch="PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED",
        does="Lets automations hear of events, and notes what they are to do.",
        hears="events",
        wakes=("actions", "errands"),
    )


def _has_due(work: UnitOfWork, *, errands: bool) -> bool:
    action = automation_action.c
    due = select(action.id).where(action.is_errand.is_(errands), action.due <= work.now).limit(1)
    return work.connection.execute(due).first() is not None


ACTIONS = Service(
    name="actions",
    seconds=lambda settings: _LOOK_EVERY_SECONDS,
    is_enabled=_is_enabled,
    look=lambda work, settings: _has_due(work, errands=False),
    act=lambda work, settings: act_on_due(work, _ACTIONS_AT_ONCE) == _ACTIONS_AT_ONCE,
    switch="PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED",
    does="Does what automations have decided to do: runs deployments, pauses, cancels ...",
)

ERRANDS = Service(
    name="errands",
    seconds=lambda settings: _LOOK_EVERY_SECONDS,
    is_enabled=_is_enabled,
    look=lambda work, settings: _has_due(work, errands=True),
    act=lambda work, settings: False,
    errands=Errands(
        take=lambda work: take_errands(work, _ERRANDS_AT_ONCE),
        run=run_errand,
        settle=settle_errand,
        seconds=_ERRAND_SECONDS,
        late=lambda errand: Report(f"It took longer than {_ERRAND_SECONDS:.0f} seconds.", {}),
    ),
    switch="PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED",
    does="Sends the notifications of automations, and calls their webhooks.",
)
