"""The orchestrator in this process: calls are answered by operations on the database, here and now."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from prefect._contract.call import Call
from prefect.client.base import EPHEMERAL_URL, Barrier, is_recording
from prefect.utilities.clocks import ClockWatch
from prefect.utilities.time import now as current_moment

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.server.database.engine import Database
    from prefect.server.operations.dispatch import Operation
    from prefect.server.operations.refusals import Refusal
    from prefect.server.operations.vault import Vault
    from prefect.server.operations.work import Bounds, UnitOfWork
    from prefect.settings import Settings

__all__ = ["EmbeddedTransport", "embedded_transport"]

_logger = logging.getLogger("prefect.client")

R = TypeVar("R")

_EVENT_READERS = frozenset(
    {
        ("POST", "/events/filter"),
        ("POST", "/events/count-by/{countable}"),
        ("GET", "/assets/graph"),
        ("POST", "/automations/"),
        ("PUT", "/automations/{id}"),
        ("PATCH", "/automations/{id}"),
    }
)
"""Who asks this is to find what has occurred; an automation is not to hear of what occurred before it was there."""

_TAKERS = frozenset(
    {("POST", "/deployments/get_scheduled_flow_runs"), ("POST", "/work_pools/{name}/get_scheduled_flow_runs")}
)
"""Who asks this executes runs, and is there to do what a server does beside its requests."""

_TEND_SECONDS = 1.0
_TRANSACTIONS_AT_ONCE = 500
"""So that others who write wait for a few milliseconds only."""


class EmbeddedTransport:
    """
    Answers calls in this process.

    Args:
        database: Where records are kept.
        vault: Encrypts what is secret.
        bounds: How much may be asked for at once.
        clock: What time it is.
        steady: Seconds that pass, however the clock is put; see `ClockWatch`.
        reap_every: Seconds after which this process looks again for flow runs whose process is gone.
        tell_every: Seconds after which somebody who waits for events to be made is told again how much is left.
    """

    url = EPHEMERAL_URL
    patience = 0.0
    recording_patience = 300.0
    renewal_seconds = 2.0

    def __init__(
        self,
        database: Database,
        vault: Vault,
        bounds: Bounds | None = None,
        clock: Callable[[], datetime] = current_moment,
        reap_every: float = 30.0,
        tell_every: float = 2.0,
        steady: Callable[[], float] | None = None,
    ) -> None:
        from prefect.server.operations.dispatch import find_operation
        from prefect.server.operations.refusals import Refusal
        from prefect.server.operations.transaction import transact
        from prefect.server.operations.work import Bounds, UnitOfWork

        self.database = database
        self.barrier: Barrier | None = None
        self._find = find_operation
        self._transact = transact
        self._refusal = Refusal
        self._open = partial(UnitOfWork, vault=vault, bounds=bounds or Bounds())
        self._clock = ClockWatch(clock, steady)
        self._clock.settle(lambda: None)  # others may have begun long ago, and know better
        self._reap_every = reap_every
        self._tell_every = tell_every
        self._reaping = threading.Lock()
        self._reaper: tuple[int, float] = (0, 0.0)
        self._tended = 0.0

    @property
    def spool_name(self) -> str:
        """The name of the folder that keeps what this database did not take."""
        from hashlib import sha256

        return f"local-{sha256(self.database.dialect.place.encode()).hexdigest()[:12]}"

    def send(self, call: Call[R]) -> R:
        """Answer a call on this thread."""
        if self.barrier is not None and not is_recording(call):
            self.barrier(call)
        if self._reaping_is_due():
            self._reap()
        if call.route in _EVENT_READERS:
            self._take_in_events()
        if call.route in _TAKERS and time.monotonic() >= self._tended + _TEND_SECONDS:
            self._tended = time.monotonic()
            self._tend()
        answer: R = self._answer(call)
        return answer

    async def asend(self, call: Call[R]) -> R:
        """
        Answer a call without blocking the event loop.

        A read of one record takes less than handing it to another thread, and waits for nobody; all else is done there.
        """
        waits_for_nobody = call.method == "GET" and self.barrier is None and self.database.is_open
        if waits_for_nobody and not self._reaping_is_due():
            answer: R = self._answer(call)
            return answer
        from anyio.to_thread import run_sync

        return await run_sync(self.send, call)

    def now(self) -> datetime:
        """What time it is."""
        return self._clock()

    def close(self) -> None:
        """Close the idle connections. Sending afterwards opens new ones."""
        self.database.close()

    def _answer(self, call: Call[Any]) -> Any:
        try:
            operation = self._find(call.route)
            return self._perform(operation, call)
        except self._refusal as refusal:
            raise _describe(call, refusal) from None

    def _perform(self, operation: Operation, call: Call[Any]) -> Any:
        if not operation.read_only:
            self._settle_clock()
        return self._transact(
            self.database, self._begin, lambda work: operation.perform(work, call), write=not operation.read_only
        )

    def _begin(self, connection: Connection) -> UnitOfWork:
        return self._open(connection, self._clock())

    def _settle_clock(self) -> None:
        """Hold what was to last for a while, if the clock was put, before anybody acts on what is over."""

        def hold() -> None:
            from prefect.server.operations.put_clocks import hold_what_is_held

            self._transact(self.database, self._begin, hold_what_is_held, write=True)

        self._clock.settle(hold)

    def _take_in_events(self) -> None:
        """Make the events findable that were set aside until somebody asks for some."""
        from prefect.server.database.queries.events import backlog_length, has_backlog
        from prefect.server.operations.events import take_in

        def serve(connection: Connection) -> UnitOfWork:
            work = self._begin(connection)
            work.serves = True
            return work

        due = time.monotonic() + self._tell_every
        while self.database.transaction(has_backlog, write=False):
            self._transact(self.database, serve, lambda work: take_in(work, _TRANSACTIONS_AT_ONCE), write=True)
            if time.monotonic() >= due and (left := self.database.transaction(backlog_length, write=False)):
                due = time.monotonic() + self._tell_every
                _logger.info("Making the events of what has run without a server, once: %d batches are left.", left)

    def _tend(self) -> None:
        """Insert the runs that schedules ask for, and finish cancellations, where there is no server that would."""
        from prefect.server.services.runs import CANCELLATIONS
        from prefect.server.services.schedules import SCHEDULER
        from prefect.settings import get_current_settings

        settings = get_current_settings()
        for service in (SCHEDULER, CANCELLATIONS):
            if service.is_enabled(settings) and self._do(service.look, settings, write=False):
                self._do(service.act, settings, write=True)

    def _do(self, what: Callable[[UnitOfWork, Settings], bool], settings: Settings, *, write: bool) -> bool:
        return self._transact(self.database, self._begin, lambda work: what(work, settings), write=write)

    def _reaping_is_due(self) -> bool:
        pid, due = self._reaper
        return time.monotonic() >= due or pid != os.getpid()

    def _reap(self) -> None:
        """
        Mark as Crashed the flow runs whose process is gone, and let the background task runs of lost workers be run again.

        Looking for them writes nothing, and is cheap.
        """
        from prefect.server.operations.deliveries import are_claims_expired, deliver_again
        from prefect.server.operations.liveness import find_dead, reap_leases

        if not self._reaping.acquire(blocking=False):
            return
        try:
            self._reaper = (os.getpid(), time.monotonic() + self._reap_every)
            self._settle_clock()
            moment = self._clock()
            if self.database.transaction(lambda connection: find_dead(connection, moment), write=False):
                self._transact(self.database, self._begin, lambda work: reap_leases(work, moment), write=True)
            if self._transact(self.database, self._begin, are_claims_expired, write=False):
                self._transact(self.database, self._begin, deliver_again, write=True)
        finally:
            self._reaping.release()


def _describe(call: Call[Any], refusal: Refusal) -> PrefectHTTPStatusError:
    from prefect.exceptions import PrefectHTTPStatusError

    path = call.path.format_map({name: str(value) for name, value in call.path_params.items()})
    return PrefectHTTPStatusError.from_refusal(call.method, path, refusal.status, refusal.detail, refusal.headers)


_transports: dict[tuple[Database, str], EmbeddedTransport] = {}


def embedded_transport(settings: Settings) -> EmbeddedTransport:
    """The transport of this process for the database that settings name."""
    from prefect.server.composition import open_database, open_vault

    database = open_database(settings)
    key = (database, str(settings.home))
    transport = _transports.get(key)
    if transport is None:
        transport = _transports.setdefault(key, EmbeddedTransport(database, open_vault(settings)))
    return transport
