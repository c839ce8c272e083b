"""
Sends the events of this process in the background: in order, in batches, without holding up who emits them.

Emitting never fails a run. A batch that does not arrive is sent again for as long as records of task runs are, and is then
kept in a file, from which it is sent when the orchestrator is there again: see `prefect.client.spool`. What was emitted is
sent before the process asks its orchestrator for anything, and before it ends.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from prefect.client.base import Transport, add_barrier, current_transport, is_about_slots, through
from prefect.client.spool import deliver, is_refusal, spool_folder, store_events
from prefect.events.clients import EventsClient, PrefectEventsClient
from prefect.events.related import Runs, place_of, related_to_runs, runs_of_context
from prefect.exceptions import PrefectException
from prefect.utilities.dual import adrive, drive

if TYPE_CHECKING:
    from prefect._contract.call import Call
    from prefect._contract.events import Event

__all__ = ["EventsWorker", "should_emit_events"]

_INTERVAL_SECONDS = 0.05
_BATCH = 500
_PAUSE_SECONDS = 1.0
_PATIENCE_AT_EXIT_SECONDS = 10.0

_logger = logging.getLogger("prefect.events")

_Item = tuple["Event", Runs]


def should_emit_events() -> bool:
    """Whether events are sent anywhere: there is always an orchestrator, embedded or a server."""
    return True


class EventsWorker:
    """
    Sends events to one orchestrator. `instance()` finds the worker of the orchestrator that the settings name.

    Args:
        client_type: What sends them.
        client_options: Names and values of the parameters that it is made with.
    """

    _override: ClassVar[tuple[type[EventsClient], tuple[tuple[str, Any], ...]] | None] = None
    _workers: ClassVar[weakref.WeakKeyDictionary[Any, dict[Any, EventsWorker]]] = weakref.WeakKeyDictionary()
    _making: ClassVar[threading.RLock] = threading.RLock()

    def __init__(
        self, client_type: type[EventsClient] = PrefectEventsClient, client_options: tuple[tuple[str, Any], ...] = ()
    ) -> None:
        from prefect.settings import get_current_settings

        transport = current_transport()
        self._client = client_type(**dict(client_options))
        self._transport = weakref.ref(transport)
        self._most = get_current_settings().events.worker_max_queue_size
        self._patience = max(transport.recording_patience, 300.0)
        self.reset_for_fork()

    def reset_for_fork(self) -> None:
        """Begin with nothing: what was queued before a fork belongs to the parent."""
        self._pid = os.getpid()
        self._queue: deque[_Item] = deque()
        self._sending = threading.RLock()
        self._sender: int | None = None
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._failing_since: float | None = None
        self._next_attempt = 0.0
        self._known: dict[Any, Any] = {}
        self._left_out = 0
        transport = self._transport()
        self._has_kept = transport is not None and any(spool_folder(transport).glob("*.jsonl"))

    @classmethod
    def set_client_override(cls, client_type: type[EventsClient] | None, **client_kwargs: Any) -> None:
        """Have another client send all events from now on, for tests; None for the usual one."""
        cls._override = None if client_type is None else (client_type, tuple(client_kwargs.items()))

    @classmethod
    def instance(cls, client_type: type[EventsClient] | None = None) -> EventsWorker:
        """
        The worker of the orchestrator that the settings name; made when it is first asked for.

        Args:
            client_type: What sends the events; by default what `set_client_override` says, or the usual client.
        """
        how = (client_type, ()) if client_type is not None else cls._override or (PrefectEventsClient, ())
        transport = current_transport()
        with cls._making:
            workers = cls._workers.setdefault(transport, {})
            worker = workers.get(how)
            if worker is None:
                worker = workers[how] = cls(*how)
                add_barrier(transport, worker.flush, _may_show_events)
        return worker

    @classmethod
    def _all(cls) -> list[EventsWorker]:
        return [worker for workers in list(cls._workers.values()) for worker in workers.values()]

    @classmethod
    def reset_instances_for_fork(cls) -> None:
        """Let every worker begin with nothing."""
        for worker in cls._all():
            worker.reset_for_fork()

    def send(self, item: Event, runs: Runs | None = None) -> None:
        """
        Queue an event, with what runs say of what else is involved.

        Args:
            item: The event.
            runs: The runs that emit it: see `runs_of_context`, which says so by default.
        """
        if self._pid != os.getpid():
            self.reset_for_fork()
        if self._most and len(self._queue) >= self._most:
            self._left_out += 1
            if self._left_out == 1:
                _logger.warning(
                    "Events are left out: %s wait to be sent already (PREFECT_EVENTS_WORKER_MAX_QUEUE_SIZE).",
                    self._most,
                )
            return
        self._queue.append((item, runs_of_context() if runs is None else runs))
        self.start()
        self._wake.set()

    def start(self) -> None:
        """Begin to send in the background, unless it has begun."""
        if self._thread is None:
            with self._making:
                if self._thread is None and not self._closed:
                    self._thread = threading.Thread(target=self._work, name="prefect-events", daemon=True)
                    self._thread.start()

    def _work(self) -> None:
        while not self._closed and self._transport() is not None:
            self._wake.wait(_PAUSE_SECONDS if self._queue else 60.0)
            time.sleep(_INTERVAL_SECONDS)  # so that a burst goes out together
            self._wake.clear()
            self.flush()

    def flush(self) -> None:
        """Send what was queued before. If the orchestrator is away, that is left to later."""
        is_another_process = self._pid != os.getpid()
        if is_another_process or time.monotonic() < self._next_attempt or self._sender == threading.get_ident():
            return
        with self._sending:
            self._sender = threading.get_ident()  # what it asks meanwhile waits for no event
            try:
                left = len(self._queue)
                while left > 0 and self._send_batch(min(left, _BATCH)):
                    left -= _BATCH
            finally:
                self._sender = None

    def _send_batch(self, number: int) -> bool:
        transport = self._transport()
        batch = [self._queue[place] for place in range(min(number, len(self._queue)))]
        if not batch or transport is None:
            return False
        try:
            events = [self._with_related(transport, event, runs) for event, runs in batch]
            self._client.send_all(events, transport)
        except Exception as error:
            transient = getattr(error, "is_transient", not isinstance(error, (PrefectException, TypeError, ValueError)))
            if transient and not self._gives_up():
                return False
            self._failing_since = None
            if transient and self._keep(list(self._queue)):
                self._next_attempt = time.monotonic() + _PAUSE_SECONDS
                return False
            _logger.warning("%s events are lost: %s", len(batch), error)
        else:
            self._failing_since, self._next_attempt = None, 0.0
            self._deliver_kept(transport)
        for _ in batch:
            self._queue.popleft()
        return True

    def _keep(self, waiting: list[_Item]) -> bool:
        """Keep all that waits in a file. Only the usual client's events are sent from there."""
        transport = self._transport()
        if transport is None or type(self._client) is not PrefectEventsClient:
            return False
        try:
            path = store_events(spool_folder(transport), [_with_known(event, runs) for event, runs in waiting])
        except OSError as error:
            _logger.warning("Events cannot be kept: %s", error)
            return False
        _logger.info("%s events are kept in %s until the orchestrator is there again.", len(waiting), path)
        for _ in waiting:
            self._queue.popleft()
        self._has_kept = True
        return True

    def _deliver_kept(self, transport: Transport) -> None:
        if self._has_kept:
            self._has_kept = False
            try:
                deliver(spool_folder(transport), transport.send, is_refusal)
            except Exception as error:
                self._has_kept = True
                _logger.debug("Events that were kept cannot be sent yet: %s", error)

    def _gives_up(self) -> bool:
        """Whether the orchestrator is away for too long."""
        moment = time.monotonic()
        self._failing_since = self._failing_since or moment
        if moment - self._failing_since > self._patience:
            return True
        self._next_attempt = moment + _PAUSE_SECONDS
        return False

    def _with_related(self, transport: Transport, event: Event, runs: Runs) -> Event:
        if not runs:
            return event
        own = {resource.id for resource in event.involved_resources}
        found = drive(through(transport, related_to_runs(runs, own, self._known)))
        return event.model_copy(update={"related": [*event.related, *found]})

    async def attach_related_resources_from_context(self, event: Event) -> None:
        """Add to an event what the current run says of what else is involved."""
        own = {resource.id for resource in event.involved_resources}
        found = await adrive(through(current_transport(), related_to_runs(runs_of_context(), own, self._known)))
        event.related = [*event.related, *found]

    def wait_until_empty(self) -> None:
        """Return once all that was queued is sent, or given up."""
        while self._queue:
            self.flush()
            if self._queue:
                time.sleep(_INTERVAL_SECONDS)

    def drain(self, at_exit: bool = False) -> None:
        """
        Send what is left, and stop.

        Args:
            at_exit: Whether the process ends: then an orchestrator that is away is not waited for that long.
        """
        if at_exit:
            self._patience = min(self._patience, _PATIENCE_AT_EXIT_SECONDS)
        if self._pid == os.getpid():
            self.wait_until_empty()
        self._closed = True
        self._wake.set()

    @classmethod
    def drain_all(cls, timeout: float | None = None, at_exit: bool = True) -> None:
        """
        Send what all workers have left, and stop them.

        Args:
            timeout: Seconds to wait at most for each; as long as usual without.
            at_exit: Whether the process ends.
        """
        for worker in cls._all():
            if timeout is not None:
                worker._patience = min(worker._patience, timeout)
            worker.drain(at_exit)
        cls._workers.clear()


def _may_show_events(call: Call[Any]) -> bool:
    """Whether events that wait to be sent go before a call. Slots are told of in plenty, and depend on none of it."""
    return not is_about_slots(call)


def _with_known(event: Event, runs: Runs) -> Event:
    """An event with what is known to be involved without asking: the runs, the flow and the tags."""
    own = {resource.id for resource in event.involved_resources}
    found = drive(related_to_runs(runs, own, {place_of(runs): []}))
    return event.model_copy(update={"related": [*event.related, *found]})


atexit.register(EventsWorker.drain_all)
