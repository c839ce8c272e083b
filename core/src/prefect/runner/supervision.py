"""What runners and workers have in common: taking runs that are due, having them executed, seeing to their ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import anyio
import anyio.abc

from prefect._contract.endpoints.flow_runs import read_flow_runs
from prefect._contract.state import StateType
from prefect._engine.heartbeats import tell_of_run
from prefect._engine.sessions import connect_logging
from prefect.exceptions import PrefectHTTPStatusError, ServerUnreachableError
from prefect.logging.loggers import get_logger
from prefect.runner.arrivals import interval_of_looks, listen_for_runs
from prefect.runner.claims import Claims
from prefect.runner.endings import settle
from prefect.utilities.slugify import slugify
from prefect.utilities.time import now

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect.client.base import Transport

__all__ = ["GRACE_SECONDS", "Executor", "Supervision", "reported"]

GRACE_SECONDS = 30.0
"""How long runs under way may take after it was told to stop, before they are ended."""

_CANCELLATION_SECONDS = 3.0
"""Seconds between two looks for runs under way that somebody has cancelled."""

_FIRST_PAUSE_SECONDS = 0.5
"""At first it looks often: runs of what has just been deployed are being scheduled, of which nobody tells."""

_PAUSE_SECONDS = 0.2
"""Many runs may arrive at a time, and each is a reason to look."""

_logger = get_logger("runner")


class Executor(Protocol):
    """Knows where runs are to be found, and how one is executed."""

    def resources(self) -> Iterable[str]:
        """The deployments or work pools whose runs these are, as ids of resources of events."""
        ...

    async def find_runs(self, before: datetime) -> Sequence[FlowRun]:
        """The runs that are due before a time."""
        ...

    async def execute(self, run: FlowRun, claim: UUID | None) -> str:
        """Execute a run until its process has ended, and return what to say of it if it does not do so itself."""
        ...

    async def end_cancelled(self, run: FlowRun) -> None:
        """End a run under way that was cancelled. Returns when its process has ended."""
        ...

    async def call_hooks(self, run: FlowRun) -> None:
        """Call the hooks of a run whose process did not."""
        ...

    def forget(self, run: FlowRun) -> None:
        """A run has ended, and all is said of it."""
        ...


class Supervision:
    """
    Takes runs, has them executed, and sees to their ends.

    A run is taken by making it Pending: of several supervisions one is allowed to. The process that executes it reports for
    itself from then on; here is only spoken for runs that ended without a last word.

    Args:
        executor: Knows the runs.
        transport: Asks the orchestrator.
        limit: How many runs are executed at once; any number if None.
        query_seconds: Seconds between two looks for runs.
        heartbeat_seconds: Seconds between two events that say of a run that it is under way; none if None.
        say: Shows what happens.
        name: Who this is, for events.
    """

    def __init__(
        self,
        executor: Executor,
        transport: Transport,
        *,
        limit: int | None,
        query_seconds: float,
        heartbeat_seconds: float | None,
        say: Callable[[str], None],
        name: str,
    ) -> None:
        self.limiter = anyio.CapacityLimiter(float("inf") if limit is None else limit)
        self.claims = Claims(transport)
        self.told_to_stop = False
        self.reschedules = False
        self.failure: Exception | None = None
        self.last_looked: datetime | None = None
        self.say = say
        self._name = name
        self.under_way: dict[UUID, tuple[FlowRun, anyio.CancelScope]] = {}
        self._executor = executor
        self._transport = transport
        self._seconds = interval_of_looks(query_seconds)
        self._heartbeat_seconds = heartbeat_seconds
        self._stirred = anyio.Event()
        self._ending: set[UUID] = set()
        self._group: anyio.abc.TaskGroup | None = None

    # -- its life

    async def open(self) -> None:
        """Begin to be able to execute runs, and to say something of them among their logs."""
        connect_logging()
        self._group = await anyio.create_task_group().__aenter__()
        self._group.start_soon(self.claims.keep)
        self._group.start_soon(self._end_cancelled_ones)
        if self._heartbeat_seconds is not None:
            self._group.start_soon(self._beat, self._heartbeat_seconds)

    async def close(self) -> None:
        """End what is under way."""
        group, self._group = self._group, None
        if group is not None:
            self.end_runs()
            while self.under_way:
                await self._stirred.wait()
            group.cancel_scope.cancel()
            await group.__aexit__(None, None, None)

    async def work(self, prefetch: timedelta, *, run_once: bool) -> Exception | None:
        """
        Take runs and have them executed, until a signal says to stop; then those under way may end within half a minute.

        Args:
            prefetch: How long before they are due runs are taken.
            run_once: Look once, wait for the runs that were taken, and return.

        Returns:
            Why it could not go on, unless it was told to stop. To be raised as it is, and not as one of a group.
        """
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._listen_to_signals)
            if not run_once:
                beside.start_soon(listen_for_runs, self._executor.resources, self.stir)
            try:
                await self._take_until_told(prefetch, run_once=run_once)
            except Exception as error:
                self.failure = error
            await self._drain(is_patient=run_once and self.failure is None)
            beside.cancel_scope.cancel()
        return self.failure

    def stop(self, failure: Exception | None = None) -> None:
        """Take no more runs."""
        self.failure = self.failure or failure
        self.told_to_stop = True
        self.stir()

    def stir(self) -> None:
        """Wake those who wait for something to happen."""
        self._stirred.set()
        self._stirred = anyio.Event()

    def end_runs(self) -> None:
        """End the runs under way."""
        for _, scope in self.under_way.values():
            scope.cancel()

    async def _listen_to_signals(self) -> None:
        """Let SIGTERM and Ctrl-C stop it. A second one ends the runs under way at once."""
        if threading.current_thread() is not threading.main_thread():
            return
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                if self.told_to_stop:
                    self.end_runs()
                elif self.under_way:
                    self.say(f"Stops when the {len(self.under_way)} flow runs under way have ended.")
                self.stop()

    async def _take_until_told(self, prefetch: timedelta, *, run_once: bool) -> None:
        pause = min(_FIRST_PAUSE_SECONDS, self._seconds)
        while not self.told_to_stop:
            if run_once:
                await self.take_due(prefetch)
                return
            stirred = self._stirred
            with reported("Runs cannot be asked for"):
                await self.take_due(prefetch)
            with anyio.move_on_after(pause):
                await stirred.wait()
            pause = min(pause * 2, self._seconds)

    async def _drain(self, *, is_patient: bool) -> None:
        """Wait for the runs under way; not for ever once a signal says to stop."""
        while is_patient and self.under_way and not self.told_to_stop:
            await self._stirred.wait()
        with anyio.move_on_after(GRACE_SECONDS):
            while self.under_way and not self.reschedules:
                await self._stirred.wait()
        if self.under_way:
            self.say(f"Ends {len(self.under_way)} flow runs that are still under way.")
            self.end_runs()
        while self.under_way:
            await self._stirred.wait()

    # -- runs

    async def take_due(self, prefetch: timedelta) -> list[FlowRun]:
        """
        Take the runs that are due so soon by the orchestrator's clock, as far as there are slots, and begin to execute them.

        Returns:
            Those that were taken.
        """
        found = await self._executor.find_runs(self._transport.now() + prefetch)
        self.last_looked = now()
        taken: list[FlowRun] = []
        for run in found:
            if self.told_to_stop or self.limiter.available_tokens < 1:
                break
            if run.id in self.under_way or not await self.claims.take(run.id):
                continue
            self.begin(run)
            taken.append(run)
        return taken

    def beside(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> None:
        """Do something while runs are executed."""
        if self._group is not None:
            self._group.start_soon(function, *args)

    def begin(self, run: FlowRun) -> None:
        """Begin to execute a run."""
        self.limiter.acquire_on_behalf_of_nowait(run.id)
        scope = anyio.CancelScope()
        self.under_way[run.id] = (run, scope)
        self.beside(self._execute, run, scope)

    async def execute(self, run: FlowRun) -> None:
        """Execute a run that may be executed here, as soon as there is a slot, and wait for its end."""
        await self.limiter.acquire_on_behalf_of(run.id)
        scope = anyio.CancelScope()
        self.under_way[run.id] = (run, scope)
        await self._execute(run, scope)

    async def _execute(self, run: FlowRun, scope: anyio.CancelScope) -> None:
        """Execute a run, and see to it that it does not stay behind as if it were under way."""
        self.say(f"Executes flow run {run.name!r} ({run.id}).")
        message = "What executed the flow run has stopped, and ended it."
        try:
            with scope:
                message = await self._executor.execute(run, self.claims.token(run.id))
        finally:
            with anyio.CancelScope(shield=True):
                await self._settle(run, message)
            self.claims.drop(run.id)
            self._executor.forget(run)
            del self.under_way[run.id]
            self.limiter.release_on_behalf_of(run.id)
            self.stir()

    async def _settle(self, run: FlowRun, message: str) -> None:
        with reported(f"What has become of flow run {run.id} cannot be reported"):
            state, misses_hooks = await settle(
                self._transport, self.claims, run.id, message, reschedules=self.reschedules
            )
            name = "deleted" if state is None else state.name
            told = f": {state.message}" if state is not None and state.message and not state.is_completed() else ""
            self.say(f"Flow run {run.name!r} ({run.id}) is {name}{told}")
            if misses_hooks:
                await self._executor.call_hooks(run)

    async def _beat(self, seconds: float) -> None:
        """Again and again, tell of each run under way."""
        while True:
            await anyio.sleep(seconds)
            for run, _ in self.under_way.values():
                tell_of_run("prefect.flow-run.heartbeat", f"prefect.flow-run.{run.id}", run.name, run)

    async def _end_cancelled_ones(self) -> None:
        while True:
            stirred = self._stirred
            with reported("Cancelled runs cannot be asked for"):
                for run_id in await self._cancelled():
                    self._end(run_id)
            with anyio.move_on_after(_CANCELLATION_SECONDS):
                await stirred.wait()
            await anyio.sleep(_PAUSE_SECONDS)

    async def _cancelled(self) -> list[UUID]:
        """The runs under way that somebody has cancelled."""
        from prefect._contract.filters.flow_runs import (
            FlowRunFilter,
            FlowRunFilterId,
            FlowRunFilterState,
            FlowRunFilterStateType,
        )

        asked = [run_id for run_id in self.under_way if run_id not in self._ending]
        found: list[UUID] = []
        for begin in range(0, len(asked), 200):
            some = FlowRunFilterId(any_=asked[begin : begin + 200])
            kinds = FlowRunFilterStateType(any_=[StateType.CANCELLING, StateType.CANCELLED])
            wanted = FlowRunFilter(id=some, state=FlowRunFilterState(type=kinds))
            found += [run.id for run in await self._transport.asend(read_flow_runs(flow_run_filter=wanted))]
        return found

    def _end(self, run_id: UUID) -> None:
        if run_id in self.under_way:
            self._ending.add(run_id)
            self.beside(self._end_cancelled, run_id)

    async def _end_cancelled(self, run_id: UUID) -> None:
        run, scope = self.under_way[run_id]
        try:
            await self._executor.end_cancelled(run)
            tell_of_run("prefect.runner.cancelled-flow-run", f"prefect.runner.{slugify(self._name)}", self._name, run)
        except Exception as error:
            _logger.warning("Cancelled flow run %s is ended by force: %s: %s", run_id, type(error).__name__, error)
            scope.cancel()
        finally:
            self._ending.discard(run_id)


class reported(suppress):  # noqa: N801 - used like `suppress`
    """Goes on after errors of the orchestrator, which are said. It may be away for a while."""

    def __init__(self, what: str) -> None:
        super().__init__(ServerUnreachableError, PrefectHTTPStatusError)
        self._what = what

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        handled = bool(super().__exit__(kind, error, traceback))
        if handled:
            _logger.warning("%s: %s", self._what, error)
        return handled
