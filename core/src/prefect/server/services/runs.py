"""Ends what cannot go on by itself: runs whose process is gone, pauses that nobody ended, half-done cancellations."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select

from prefect._contract.liveness import DEAF_SECONDS
from prefect._contract.state import TERMINAL_STATES, State, StateDetails, StateType
from prefect.server.database.queries import leases
from prefect.server.database.queries.deliveries import shorten_claims
from prefect.server.database.queries.runs import FLOW_RUNS, read_run, read_runs
from prefect.server.database.tables import concurrency_lease, flow_run, flow_run_lease, flow_run_state, task_run
from prefect.server.operations.deliveries import are_claims_expired, deliver_again
from prefect.server.operations.global_concurrency_limits import release_expired_leases
from prefect.server.operations.liveness import find_dead, offer_again, reap
from prefect.server.operations.transitions import propose_for_flow_run
from prefect.server.services.service import Service

if TYPE_CHECKING:
    from prefect.server.operations.work import UnitOfWork
    from prefect.settings import Settings

__all__ = [
    "CANCELLATIONS",
    "EXPIRED_SLOTS",
    "PAUSE_EXPIRATIONS",
    "make_deaf_ends",
    "make_lost_deliveries",
    "make_reaper",
    "make_stale_claims",
]

_logger = logging.getLogger("prefect.server.services")

_MOST_AT_ONCE = 100
_ENDED = tuple(kind.value for kind in TERMINAL_STATES)

_GRACE = timedelta(seconds=90)
"""
For how long after its start a server takes nobody for dead who may only not have been able to reach it: while there was
no server, no lease could be renewed.
"""

_REAPER_SECONDS = 10.0

_RECENTLY = timedelta(days=1)


_LONGEST_ABSENCE = timedelta(seconds=30)


class _Attention:
    """
    Since when a server can have heard of all who renew something.

    A server that has not looked for long was stopped, asleep, without its database, or its clock was put: that is as if it
    had just been started.

    Args:
        started: When the server did.
    """

    def __init__(self, started: datetime) -> None:
        self._since = started
        self._last = started
        self.is_new = True
        """
        Whether it began, or began anew, and nobody has acted on that yet. What was to last until some time may be to last
        for hours now, if the clock was put back.
        """

    def lasts(self, now: datetime, grace: timedelta) -> bool:
        """Whether it has lasted for so long."""
        if not timedelta() <= now - self._last <= _LONGEST_ABSENCE:
            self._since, self.is_new = now, True
        self._last = now
        return now >= self._since + grace


_REPORT_GRACE = timedelta(seconds=5)
"""For how long it is left to who has started a process to say with what code it ended."""


class _Reports:
    """Those whose process is gone, and since when that is known of those who are to be reported by others."""

    def __init__(self) -> None:
        self._since: dict[UUID, datetime] = {}

    def missing(self, work: UnitOfWork, dead: list[leases.Holder]) -> list[leases.Holder]:
        """Those of whom nobody else is going to report."""
        if not dead and not self._since:
            return []
        reported = leases.started_by_others(work.connection, [holder.lease.flow_run_id for holder in dead])
        self._since = {
            token: min(self._since.get(token, work.now), work.now)
            for token in (holder.lease.token for holder in dead if holder.lease.flow_run_id in reported)
        }
        late = work.now - _REPORT_GRACE
        return [holder for holder in dead if self._since.get(holder.lease.token, late) <= late]


def _gone(work: UnitOfWork, attention: _Attention, reports: _Reports) -> list[leases.Holder]:
    dead = find_dead(work.connection, work.now)
    if not attention.lasts(work.now, _GRACE):
        dead = [holder for holder in dead if holder.lease.owner.is_alive() is False]
    return reports.missing(work, dead)


def make_reaper(started: datetime) -> Service:
    """
    The loop that marks runs as Crashed whose process is gone.

    Args:
        started: When the server did.
    """
    attention, reports = _Attention(started), _Reports()

    def act(work: UnitOfWork, settings: Settings) -> bool:
        if attention.is_new:
            leases.shorten(work.connection, work.now + _GRACE)
            attention.is_new = False
        reap(work, _gone(work, attention, reports)[:_MOST_AT_ONCE])
        return False

    return Service(
        name="reaper",
        seconds=lambda settings: _REAPER_SECONDS,
        is_enabled=lambda settings: True,
        look=lambda work, settings: bool(_gone(work, attention, reports)) or attention.is_new,
        act=act,
        does="Marks runs as Crashed whose process is gone, with their task runs.",
    )


# -- background task runs whose worker is gone ------------------------------------------------------------------------

_OUTAGE_GRACE = timedelta(seconds=15)
"""For how long after its start a server waits for workers to renew their claims, which they do every few seconds."""

_LONGEST_CLAIM = timedelta(seconds=60)
"""How long a claim lasts at most when it is not known what the time was when it was made. Workers renew it before."""


def make_lost_deliveries(started: datetime) -> Service:
    """
    The loop that offers background task runs again whose worker has not renewed its claims.

    Args:
        started: When the server did: before, no claim could be renewed.
    """
    attention = _Attention(started)

    def look(work: UnitOfWork, settings: Settings) -> bool:
        is_watched = attention.lasts(work.now, _OUTAGE_GRACE)
        return attention.is_new or (is_watched and are_claims_expired(work))

    def act(work: UnitOfWork, settings: Settings) -> bool:
        if attention.is_new:
            shorten_claims(work.connection, work.now + _LONGEST_CLAIM)
            attention.is_new = False
        return attention.lasts(work.now, _OUTAGE_GRACE) and deliver_again(work) > 0

    return Service(
        name="lost-deliveries",
        seconds=lambda settings: _REAPER_SECONDS,
        is_enabled=lambda settings: True,
        look=look,
        act=act,
        does="Offers background task runs again whose task worker is gone.",
    )


# -- claimed by a worker, and never begun -----------------------------------------------------------------------------


def _stale(work: UnitOfWork, settings: Settings) -> list[ColumnElement[bool]]:
    """The conditions of a flow run that somebody took from a queue, and of which nothing was heard since."""
    run = flow_run.c
    since = work.now - timedelta(seconds=settings.server.services.cleanup_reconciler.pending_after_seconds)
    return [
        run.state_type == StateType.PENDING.value,
        run.state_name == "Pending",
        run.state_timestamp <= since,
        run.deployment_id.is_not(None),
        run.infrastructure_pid.is_(None),
        run.parent_task_run_id.is_(None),
        ~exists().where(flow_run_lease.c.flow_run_id == run.id),
    ]


def _are_stale(work: UnitOfWork, settings: Settings) -> bool:
    return work.connection.execute(select(flow_run.c.id).where(*_stale(work, settings)).limit(1)).first() is not None


def make_stale_claims(started: datetime) -> Service:
    """
    The loop that offers runs again which a worker took and never began.

    Args:
        started: When the server did: before, nobody could say that a run is begun.
    """

    def look(work: UnitOfWork, settings: Settings) -> bool:
        return work.now >= started + _GRACE and _are_stale(work, settings)

    return Service(
        name="stale-claims",
        seconds=lambda settings: settings.server.services.cleanup_reconciler.loop_seconds,
        is_enabled=lambda settings: settings.server.services.cleanup_reconciler.enabled,
        look=look,
        act=_offer_again,
        switch="PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_ENABLED",
        does="Offers runs again that a worker took and never began.",
    )


def _offer_again(work: UnitOfWork, settings: Settings) -> bool:
    conditions = _stale(work, settings)
    found = read_runs(
        work.connection, FLOW_RUNS, conditions, sort="ID_DESC", limit=_MOST_AT_ONCE, offset=0, now=work.now
    )
    for run in found:
        seconds = settings.server.services.cleanup_reconciler.pending_after_seconds
        message = f"It was taken {seconds:g} seconds ago and nobody has begun to run it. It is offered again."
        offer_again(work, run, message)
    return len(found) == _MOST_AT_ONCE


# -- pauses -----------------------------------------------------------------------------------------------------------


def _expired_pauses(work: UnitOfWork) -> list[UUID]:
    run, state = flow_run.c, flow_run_state.c
    paused = select(run.id, state.state_details).join_from(flow_run, flow_run_state, state.id == run.state_id)
    rows = work.connection.execute(paused.where(run.state_type == StateType.PAUSED.value))
    expired = []
    for run_id, details in rows:
        timeout = StateDetails.model_validate(details).pause_timeout
        if timeout is not None and timeout < work.now:
            expired.append(run_id)
    return expired


def _expire_pauses(work: UnitOfWork, settings: Settings) -> bool:
    for run_id in _expired_pauses(work)[:_MOST_AT_ONCE]:
        run = read_run(work.connection, FLOW_RUNS, run_id, work.now)
        if run is not None:
            failed: State[Any] = State(
                type=StateType.FAILED,
                message="The flow was paused and never resumed.",
                timestamp=work.now,
                state_details=StateDetails(flow_run_id=run["id"]),
            )
            propose_for_flow_run(work, run, failed)
    return False


PAUSE_EXPIRATIONS = Service(
    name="pause-expirations",
    seconds=lambda settings: settings.server.services.pause_expirations.loop_seconds,
    is_enabled=lambda settings: settings.server.services.pause_expirations.enabled,
    look=lambda work, settings: bool(_expired_pauses(work)),
    act=_expire_pauses,
    switch="PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED",
    does="Fails runs that were paused and not resumed in time.",
)


# -- cancellations ----------------------------------------------------------------------------------------------------


def _left_behind(work: UnitOfWork) -> list[ColumnElement[bool]]:
    """The conditions of a subflow's run that goes on although the run that started it was cancelled lately."""
    run, parent = flow_run.c, flow_run.alias("parent")
    cancelled = (
        exists()
        .where(task_run.c.id == run.parent_task_run_id)
        .where(parent.c.id == task_run.c.flow_run_id)
        .where(parent.c.state_type == StateType.CANCELLED.value, parent.c.end_time >= work.now - _RECENTLY)
    )
    goes_on = [*set(StateType) - set(TERMINAL_STATES) - {StateType.CANCELLING}]
    return [run.state_type.in_([kind.value for kind in goes_on]), run.parent_task_run_id.is_not(None), cancelled]


def _stuck(work: UnitOfWork, settings: Settings) -> list[ColumnElement[bool]]:
    """The conditions of a run that has been Cancelling for long, and that no process works at."""
    run = flow_run.c
    seconds = settings.server.services.cancellation_cleanup.cancelling_timeout_seconds
    return [
        run.state_type == StateType.CANCELLING.value,
        run.state_timestamp <= work.now - timedelta(seconds=seconds),
        ~exists().where(flow_run_lease.c.flow_run_id == run.id),
    ]


def _cancellations_are_unfinished(work: UnitOfWork, settings: Settings) -> bool:
    look = work.connection.execute
    left, stuck = _left_behind(work), _stuck(work, settings)
    return any(look(select(flow_run.c.id).where(*where).limit(1)).first() is not None for where in (left, stuck))


def _finish_cancellations(work: UnitOfWork, settings: Settings) -> bool:
    for run in _some(work, _left_behind(work)):
        message = "The run that started this one was cancelled."
        cancelling: State[Any] = State(
            type=StateType.CANCELLING,
            message=message,
            timestamp=work.now,
            state_details=StateDetails(flow_run_id=run["id"]),
        )
        propose_for_flow_run(work, run, cancelling)
    for run in _some(work, _stuck(work, settings)):
        cancelled: State[Any] = State(
            type=StateType.CANCELLED,
            message="No process was there to be stopped.",
            timestamp=work.now,
            state_details=StateDetails(flow_run_id=run["id"]),
        )
        propose_for_flow_run(work, run, cancelled, force=True)
    return False


def _some(work: UnitOfWork, where: list[ColumnElement[bool]]) -> list[dict[str, Any]]:
    return read_runs(work.connection, FLOW_RUNS, where, sort="ID_DESC", limit=_MOST_AT_ONCE, offset=0, now=work.now)


CANCELLATIONS = Service(
    name="cancellations",
    seconds=lambda settings: settings.server.services.cancellation_cleanup.loop_seconds,
    is_enabled=lambda settings: settings.server.services.cancellation_cleanup.enabled,
    look=_cancellations_are_unfinished,
    act=_finish_cancellations,
    switch="PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED",
    does="Cancels what cancelled runs have started, and ends cancellations that no process is left to end.",
)


# -- cancelled runs whose process does not hear of it -----------------------------------------------------------------

_LISTENING_SECONDS = 3.0

_OF_ANOTHER_USER = "Flow run %s is cancelled, but its process %s does not answer, and is another user's: it goes on."


class _Listening:
    """
    Which of the processes whose run is being cancelled are silent.

    They renew their leases every few seconds, and that is how they hear of it. One that does not is frozen, or computes in
    code that lets no other thread go on.
    """

    def __init__(self) -> None:
        self._heard: dict[UUID, tuple[datetime, datetime]] = {}

    def silent(self, holders: list[leases.Holder], now: datetime) -> list[leases.Holder]:
        """Those that have not renewed their lease for too long."""
        heard = self._heard
        self._heard = {}
        for holder in holders:
            expires_at, since = heard.get(holder.token, (None, now))
            since = since if expires_at == holder.lease.expires_at else now
            self._heard[holder.token] = (holder.lease.expires_at, since)
        long_ago = now - timedelta(seconds=DEAF_SECONDS)
        return [holder for holder in holders if self._heard[holder.token][1] <= long_ago]

    def begin_anew(self, holder: leases.Holder, now: datetime) -> None:
        """Look at one as if nothing were known of it."""
        self._heard[holder.token] = (holder.lease.expires_at, now)


def _being_cancelled(work: UnitOfWork) -> list[leases.Holder]:
    """The leases of runs that are being cancelled, of processes that are on this machine."""
    run = flow_run.c
    cancelling = select(run.id).where(run.state_type == StateType.CANCELLING.value)
    found = leases.read_leases(work.connection, flow_run_lease.c.flow_run_id.in_(cancelling))
    return [holder for holder in found if not holder.suspended and holder.lease.owner.is_alive()]


def make_deaf_ends() -> Service:
    """The loop that ends processes of this machine which do not hear that their run is cancelled."""
    listening = _Listening()
    silent: list[leases.Holder] = []

    def look(work: UnitOfWork, settings: Settings) -> bool:
        silent[:] = listening.silent(_being_cancelled(work), work.now)
        return bool(silent)

    def act(work: UnitOfWork, settings: Settings) -> bool:
        for holder in silent:  # if this is run again from the start, what was ended is left alone
            try:
                holder.lease.owner.kill()
            except PermissionError:
                _logger.warning(_OF_ANOTHER_USER, holder.lease.flow_run_id, holder.lease.owner.pid)
                listening.begin_anew(holder, work.now)  # and it is said again in a while
        return False

    return Service(
        name="deaf-processes",
        seconds=lambda settings: _LISTENING_SECONDS,
        is_enabled=lambda settings: settings.server.services.cancellation_cleanup.enabled,
        look=look,
        act=act,
        wakes=("reaper",),
        switch="PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED",
        does="Ends processes of this machine that do not hear that their run is cancelled.",
    )


# -- slots ------------------------------------------------------------------------------------------------------------


def _slots_are_expired(work: UnitOfWork, settings: Settings) -> bool:
    expired = select(concurrency_lease.c.id).where(concurrency_lease.c.expires_at <= work.now).limit(1)
    return work.connection.execute(expired).first() is not None


def _free_expired(work: UnitOfWork, settings: Settings) -> bool:
    release_expired_leases(work)
    return False


EXPIRED_SLOTS = Service(
    name="expired-slots",
    seconds=lambda settings: settings.server.services.repossessor.loop_seconds,
    is_enabled=lambda settings: settings.server.services.repossessor.enabled,
    look=_slots_are_expired,
    act=_free_expired,
    switch="PREFECT_SERVER_SERVICES_REPOSSESSOR_ENABLED",
    does="Forgets the slots whose holders have not renewed them. They count as free from their expiry on.",
)
