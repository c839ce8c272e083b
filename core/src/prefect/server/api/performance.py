"""
Performs calls for many requesters at once.

Operations are plain functions that wait for the database, so they run on threads beside the event loop. Where only one
transaction can write at a time, as on SQLite, one thread does all the writing: requests wait in its queue, in order,
instead of fighting for the lock. There, what is brief is done on the event loop, if it need not wait: handing it to a thread
and back would take as long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from prefect._contract.call import Call
from prefect.server.api.actors import Actor, confine
from prefect.server.api.answers import JSON, Answer, refusal
from prefect.server.api.auditing import is_audited, perform_audited
from prefect.server.api.patience import Patience
from prefect.server.api.signals import Signal
from prefect.server.api.wire import Wire, wires
from prefect.server.database.errors import DatabaseBusyError
from prefect.server.operations import idempotency
from prefect.server.operations.global_concurrency_limits import renew_all_leases
from prefect.server.operations.transaction import transact
from prefect.server.operations.work import Bounds, UnitOfWork
from prefect.settings import get_current_settings
from prefect.settings.context import use_in_this_thread
from prefect.utilities.clocks import ClockWatch
from prefect.utilities.time import now as current_moment

if TYPE_CHECKING:
    from prefect.server.database.engine import Database
    from prefect.server.operations.vault import Vault
    from prefect.settings import Settings

__all__ = ["Performer"]

R = TypeVar("R")

_READERS = 4
_MOST_WAITING = 2000
"""Requests that may wait for a thread. More than that would wait for longer than anybody waits for an answer."""


_CHANGES_TASK_RUNS = frozenset({"task_runs", "recording", "events", "deliveries"})
"""The modules whose operations may make a background task run due, or end one."""

_ASKS_TO_WAIT = "waiting"
"""The module of the questions that are asked to wait for the answer."""


_BRIEF = frozenset(
    {
        "increment_concurrency_slots_with_lease",
        "record_task_runs",
        "release_concurrency_slots_with_lease",
        "renew_concurrency_lease",
    }
)
"""Endpoints whose operations take about as long as giving them to a thread and hearing of their end."""

_MOST_IN_BRIEF = 10
"""As many records are brief."""

_BRIEF_IN_A_ROW = 50
"""After so many the next is done on a thread: there the write-ahead log is written back, which the disk is waited for."""


@dataclass(slots=True)
class _Lane:
    """Threads that requests wait for, and how many do."""

    threads: ThreadPoolExecutor
    waiting: int = 0


def _lane(name: str, threads: int, settings: Settings) -> _Lane:
    return _Lane(ThreadPoolExecutor(threads, name, initializer=use_in_this_thread, initargs=(settings,)))


class Performer:
    """
    Performs calls on a database.

    Args:
        database: Where records are kept.
        vault: Encrypts what is secret.
        bounds: How much may be asked for at once.
        clock: What time it is.
        steady: Seconds that pass, however the clock is put; see `ClockWatch`.
        settings: Those in force for what is performed; the process's by default.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        bounds: Bounds | None = None,
        clock: Callable[[], datetime] = current_moment,
        settings: Settings | None = None,
        steady: Callable[[], float] | None = None,
    ) -> None:
        self.database = database
        self.vault = vault
        self.bounds = bounds or Bounds()
        self.clock = ClockWatch(clock, steady)
        self.events_stored, self.logs_stored, self.task_runs_changed = Signal(), Signal(), Signal()
        self.slots_changed, self.schedules_changed = Signal(), Signal()
        self.tokens_changed: Callable[[], None] = lambda: None
        self.writes_one_by_one = not database.dialect.is_remote
        self.patience = Patience(beside_others=database.dialect.is_remote)
        writers = 1 if self.writes_one_by_one else _READERS
        chosen = settings or get_current_settings()
        self._hurried = database.hurried()
        self._brief = 0
        self._beside = Context()
        self._beside.run(use_in_this_thread, chosen)
        self._reading = _lane("reading", _READERS, chosen)
        self._writing = _lane("writing", writers, chosen)

    async def answer(
        self,
        wire: Wire,
        call: Call[Any],
        actor: Actor | None = None,
        address: str | None = None,
        api_url: str | None = None,
    ) -> Answer:
        """
        Answer a call. Whatever the operation raises is raised.

        Args:
            wire: The endpoint.
            call: The call.
            actor: Who asks; None where nobody needs to say so.
            address: From where.
            api_url: The URL of the API as they know it, for links.
        """
        lane = self._reading if wire.operation.read_only else self._writing
        if lane.waiting >= _MOST_WAITING:
            return refusal(503, "Too many requests are waiting. Try again a little later.", Retry_After="5")

        if self._hurried is not None and self._is_brief(wire, call):
            try:
                return self._beside.run(self._answer, wire, call, actor, address, api_url, self._hurried)
            except DatabaseBusyError:
                pass  # somebody else writes: that is waited for on a thread

        def ask() -> Awaitable[Answer]:
            return self._on(lane, lambda: self._answer(wire, call, actor, address, api_url))

        if wire.endpoint.module == _ASKS_TO_WAIT and (seconds := call.body.get("wait_seconds")):
            asked_about = self.slots_changed if wire.endpoint.name == "are_slots_free" else self.task_runs_changed
            return await self.patience.answer(ask, asked_about, seconds)
        return await ask()

    def _is_brief(self, wire: Wire, call: Call[Any]) -> bool:
        """Whether to do on the event loop what is asked: nobody waits to write, and it is over in a moment."""
        if wire.endpoint.name not in _BRIEF or self._writing.waiting or not self.database.is_open:
            return False
        if isinstance(call.body, list) and len(call.body) > _MOST_IN_BRIEF:
            return False
        self._brief = (self._brief + 1) % _BRIEF_IN_A_ROW
        return self._brief > 0

    async def perform(self, act: Callable[[UnitOfWork], R], *, write: bool) -> R:
        """Do something in one transaction, beside the event loop."""
        done = await self._on(self._writing if write else self._reading, lambda: self.do(act, write=write))
        if write:
            self.slots_changed.send()
        return done

    async def _on(self, lane: _Lane, act: Callable[[], R]) -> R:
        lane.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(lane.threads, act)
        finally:
            lane.waiting -= 1

    def do(
        self, act: Callable[[UnitOfWork], R], *, write: bool, actor: str = "", database: Database | None = None
    ) -> R:
        """Do something in one transaction, on this thread; then tell those who wait for what it has done."""
        work: UnitOfWork | None = None

        def begin(connection: Any) -> UnitOfWork:
            nonlocal work
            work = self._work(connection, actor)
            return work

        if write:
            self._settle_clock(database or self.database)
        result = transact(database or self.database, begin, act, write=write)
        if work is not None and work.events:
            self.events_stored.send()
        if work is not None and work.schedules_changed:
            self.schedules_changed.send()
        return result

    def _settle_clock(self, database: Database) -> None:
        """Let no lease be over, nor last for hours, because the clock was put: before anybody acts on it."""

        def renew() -> None:
            transact(database, lambda connection: self._work(connection, ""), renew_all_leases, write=True)

        self.clock.settle(renew)

    def _work(self, connection: Any, actor: str) -> UnitOfWork:
        return UnitOfWork(connection, self.clock(), self.vault, self.bounds, actor, serves=True)

    def _answer(
        self,
        wire: Wire,
        call: Call[Any],
        actor: Actor | None,
        address: str | None,
        api_url: str | None,
        database: Database | None = None,
    ) -> Answer:
        operation, created = wire.operation, False
        is_remembered = not operation.read_only and idempotency.is_remembered(call)

        def act(work: UnitOfWork) -> Any:
            nonlocal created
            work.api_url = api_url or work.api_url
            known = idempotency.recall(work, call) if is_remembered else None
            if known is not None:
                return Answer(known.status, known.content)
            if actor is not None and actor.work_pool is not None:
                confine(work, wire, call, actor.work_pool)
            if is_audited(wire):
                reader = wires().get(("GET", call.path))
                value = perform_audited(work, wire, call, reader, address)
            else:
                value = operation.perform(work, call)
            created = work.created
            if not is_remembered:
                return value
            answer = _in_words(wire, value, created=created)
            idempotency.remember(work, call, answer.status, answer.content)
            return answer

        name = "" if actor is None else actor.name
        value = self.do(act, write=not operation.read_only, actor=name, database=database)
        self._tell(wire)
        return value if is_remembered else _in_words(wire, value, created=created)

    def _tell(self, wire: Wire) -> None:
        """Tell those who wait for it what may have been stored just now."""
        if wire.operation.read_only:
            return
        self.slots_changed.send()
        if wire.endpoint.module == "logs":
            self.logs_stored.send()
        elif wire.endpoint.module == "tokens":
            self.tokens_changed()
        elif wire.endpoint.module in _CHANGES_TASK_RUNS:
            self.task_runs_changed.send()

    def close(self) -> None:
        """Let what is under way finish, and take nothing on."""
        self._reading.threads.shutdown()
        self._writing.threads.shutdown()
        self.database.close()
        if self._hurried is not None:
            self._hurried.close()


def _in_words(wire: Wire, value: Any, *, created: bool) -> Answer:
    """What an operation returned, as it is sent back."""
    endpoint = wire.endpoint
    status = 201 if created else endpoint.status
    if status == 204:
        return Answer(204)
    if endpoint.media_type != JSON:
        return Answer(status, value.encode(), endpoint.media_type)
    return Answer(status, wire.answer.dump_json(value, by_alias=True))
