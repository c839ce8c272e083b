"""Runs the loops of a server beside its requests."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from prefect._contract.liveness import ProcessIdentity
from prefect.server.services.service import Errands, Service, hold_lease, name_holder, release_leases

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.server.operations.work import UnitOfWork
    from prefect.settings import Settings

__all__ = ["Hears", "Loops", "Performs", "Tells", "Trouble"]

R = TypeVar("R")

_logger = logging.getLogger("prefect.server.services")

_LONGEST_PAUSE_SECONDS = 60.0
_BETWEEN_WAKES_SECONDS = 0.05
"""Loops that react to something look at what has happened in so long at once, after the first time."""
_SHORTEST_LEASE_SECONDS = 30.0


class Hears(Protocol):
    """Tells those who wait for it that something has happened."""

    def heard(self) -> AbstractContextManager[asyncio.Event]:
        """An event that is set each time; who waits for it clears it."""
        ...


class Tells(Protocol):
    """Says that something has happened."""

    def send(self) -> None:
        """Say so."""
        ...


class Performs(Protocol):
    """Does something in one transaction, beside the event loop, and tells what has happened."""

    @property
    def events_stored(self) -> Hears:
        """Tells that events were stored."""
        ...

    @property
    def schedules_changed(self) -> Hears:
        """Tells that runs of schedules are to be inserted."""
        ...

    @property
    def task_runs_changed(self) -> Tells:
        """Tells those who wait for background task runs to look again."""
        ...

    async def perform(self, act: Callable[[UnitOfWork], R], *, write: bool) -> R:
        """Do it."""
        ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """
    What a loop fails with.

    Args:
        service: The name of the loop.
        error: What went wrong last.
        since: When it began to.
        times: How many times in a row it has.
    """

    service: str
    error: str
    since: datetime
    times: int


class Loops:
    """
    The loops of one server.

    Args:
        performer: Does what they do.
        services: The loops; those that settings switch off are left out.
        settings: How they are set up.
        clock: What time it is.
    """

    def __init__(
        self,
        performer: Performs,
        services: Iterable[Service],
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self.services = tuple(service for service in services if service.is_enabled(settings))
        self.troubles: dict[str, Trouble] = {}
        self.holder = name_holder(ProcessIdentity.current())
        self._performer = performer
        self._settings = settings
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._hurry: dict[str, asyncio.Event] = {}

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._hurry = {service.name: asyncio.Event() for service in self.services}
        self._tasks = [asyncio.create_task(self._run(service), name=service.name) for service in self.services]
        signals = {"events": self._performer.events_stored, "schedules": self._performer.schedules_changed}
        for what, signal in signals.items():
            names = [service.name for service in self.services if service.hears == what]
            self._tasks.append(asyncio.create_task(self._listen(signal, names), name=f"listening for {what}"))

    async def stop(self) -> None:
        """End all loops, after what they do right now, and let other servers run them."""
        self._stopping = True  # a cancellation that arrives together with a wake-up is lost in Python 3.11
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            try:
                await self._performer.perform(lambda work: release_leases(work, self.holder), write=True)
            except Exception:
                _logger.warning("The loops of this server are taken over when its leases expire.", exc_info=True)

    def wake(self, name: str) -> None:
        """Let a loop look now, as there is probably something to do."""
        event = self._hurry.get(name)
        if event is not None:
            event.set()

    async def _listen(self, signal: Hears, names: Iterable[str]) -> None:
        """Let some loops look whenever something has happened that they react to."""
        with signal.heard() as heard:
            while not self._stopping:
                await heard.wait()
                heard.clear()
                for name in names:
                    self.wake(name)
                await asyncio.sleep(_BETWEEN_WAKES_SECONDS)

    async def _run(self, service: Service) -> None:
        await asyncio.sleep(random.uniform(0, 0.5))  # noqa: S311 - so that not all begin at once
        while not self._stopping:
            pause = service.seconds(self._settings)
            try:
                if await self.step(service):
                    pause = 0.0
                self._recovered(service)
            except Exception as error:
                pause = min(max(pause, 1.0) * self._failed(service, error), _LONGEST_PAUSE_SECONDS)
            await self._rest(service, pause)

    async def step(self, service: Service) -> bool:
        """
        Do once what a loop does.

        Returns:
            Whether something is left to be done at once.
        """
        settings = self._settings
        if not await self._performer.perform(lambda work: service.look(work, settings), write=False):
            return False
        if service.errands is not None:
            return await self._run_errands(service.errands)
        lease = max(3 * service.seconds(settings), _SHORTEST_LEASE_SECONDS)

        def act(work: UnitOfWork) -> bool:
            return hold_lease(work, service.name, self.holder, lease) and service.act(work, settings)

        is_left = await self._performer.perform(act, write=True)
        self._performer.task_runs_changed.send()  # some may be offered again
        for name in service.wakes:
            self.wake(name)
        return is_left

    async def _run_errands(self, errands: Errands) -> bool:
        """Run the errands that are due, side by side. Says whether there were some, as there may be more."""
        taken = await self._performer.perform(errands.take, write=True)

        async def run(errand: Any) -> None:
            try:
                report = await asyncio.wait_for(asyncio.to_thread(errands.run, errand), errands.seconds)
            except (TimeoutError, asyncio.TimeoutError):
                report = errands.late(errand)
            await self._performer.perform(lambda work: errands.settle(work, errand, report), write=True)

        await asyncio.gather(*map(run, taken))
        return bool(taken)

    async def _rest(self, service: Service, seconds: float) -> None:
        """Wait, but not once somebody says that there is something to do."""
        hurry = self._hurry[service.name]
        try:
            await asyncio.wait_for(hurry.wait(), seconds)
        except (TimeoutError, asyncio.TimeoutError):
            return
        hurry.clear()

    def _failed(self, service: Service, error: Exception) -> int:
        before = self.troubles.get(service.name)
        since, times = (self._clock(), 1) if before is None else (before.since, before.times + 1)
        self.troubles[service.name] = Trouble(service.name, f"{type(error).__name__}: {error}", since, times)
        _logger.error("The loop %r failed for the %d. time in a row.", service.name, times, exc_info=error)
        return times

    def _recovered(self, service: Service) -> None:
        trouble = self.troubles.pop(service.name, None)
        if trouble is not None:
            _logger.warning("The loop %r works again, after it had failed %d times.", service.name, trouble.times)
