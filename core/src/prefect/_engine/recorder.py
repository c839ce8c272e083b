"""
One writer per process: task-run transitions and logs go out in order, in batches, and are not lost on the way.

A run hands over a snapshot and goes on; the writer sends what has gathered at least every `INTERVAL` seconds or every
`BATCH` transitions, in one call. Whoever needs everything before a point to be recorded calls `flush`: a flow-run
transition, any read through the client, the end of the process. What a store does not take is kept in files, and goes out
before anything newer once the store answers. Producers wait once `HIGH_WATER` transitions are queued, so that memory stays
bounded.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect._contract.actions import LogCreate
from prefect._contract.base import evolve
from prefect._contract.endpoints import recording as endpoints
from prefect._contract.endpoints.logs import create_logs
from prefect._contract.recording import TaskRunRecord
from prefect.client.base import add_barrier
from prefect.client.spool import deliver, is_refusal, spool_folder, store
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from uuid import UUID

    from prefect._contract.call import Call
    from prefect._contract.objects import TaskRun
    from prefect._contract.state import State
    from prefect.client.base import Transport

INTERVAL = 0.05
BATCH = 500
LOG_BATCH = 1_000
HIGH_WATER = 20_000
PATIENCE_AT_EXIT = 30.0
"""Seconds for which a store that does not answer is asked again at the end of the process."""

INTERVAL_WHILE_AWAY = 1.0
"""Seconds of work that go into one file while the store is away, and between two attempts to find it back."""

Transition = tuple["TaskRun", "State[Any]", Any, "UUID | None"]

logger = logging.getLogger("prefect.recorder")


class Recorder:
    """
    Records the task runs and logs of this process over one transport.

    Args:
        transport: Where they go. How patient the recorder is says the transport.
    """

    def __init__(self, transport: Transport) -> None:
        from prefect.settings import get_current_settings

        to_api = get_current_settings().logging.to_api
        self._transport = weakref.ref(transport)
        self._interval = min(INTERVAL, to_api.batch_interval)
        self._bytes_at_once = to_api.batch_size
        self._folder = spool_folder(transport)
        self.patience = transport.recording_patience
        self._start_over()

    def _start_over(self) -> None:
        self._pid = os.getpid()
        self._transitions: deque[Transition] = deque()
        self._logs: deque[dict[str, Any]] = deque()
        self._writing = threading.RLock()
        self._wake = threading.Event()
        self._urgent = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._has_files = False
        self._next_attempt = 0.0

    # -- producers

    def record(self, task_run: TaskRun, state: State[Any], data: Any = None, lease_token: UUID | None = None) -> None:
        """
        Queue the snapshot of a task run.

        Args:
            task_run: The run, as it is now.
            state: The state that it has just entered.
            data: What is kept with the state in place of the result.
            lease_token: Names the attempt to run its flow that it belongs to.
        """
        self._own()
        self._transitions.append((task_run, state, data, lease_token))
        self._notice(len(self._transitions), BATCH)
        while len(self._transitions) > HIGH_WATER and threading.current_thread() is not self._thread:
            self._write_queued()

    def log(self, record: dict[str, Any]) -> None:
        """Queue a log record."""
        self._own()
        self._logs.append(record)
        self._notice(len(self._logs), LOG_BATCH)

    def flush(self) -> None:
        """
        Return once everything that was queued before is recorded.

        When the store is away, that is waited for as long as the transport waits for an answer. What cannot be recorded
        then is kept in a file.
        """
        if self._pid != os.getpid():
            return  # what a fork left here belongs to the parent
        self._write_queued()
        if self._has_files and not self._closed:
            self._wait_for_the_store()
        elif self._has_files:
            self._deliver_files(at_once=True)

    @property
    def is_behind(self) -> bool:
        """Whether something had to be kept in files, and is not recorded yet."""
        return self._has_files

    def _wait_for_the_store(self) -> None:
        transport = self._transport()
        deadline, pause = time.monotonic() + (0.0 if transport is None else transport.patience), 0.05
        while self._has_files and not self._deliver_files(at_once=True) and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(pause * 2, INTERVAL_WHILE_AWAY)

    def deliver_files(self) -> None:
        """Record what this process, or an earlier one, had to keep in files. What still cannot be stays there."""
        self._has_files = self._folder.is_dir() and any(self._folder.iterdir())
        if self._has_files:
            self._deliver_files(at_once=True)

    def _write_queued(self) -> None:
        with self._writing:
            if self._has_files:
                self._deliver_files()
            transitions, logs = len(self._transitions), len(self._logs)
            while transitions > 0 or logs > 0:
                done = self._write_batch(min(BATCH, transitions), min(LOG_BATCH, logs))
                transitions, logs = transitions - done[0], logs - done[1]

    def _own(self) -> None:
        if self._pid != os.getpid():
            self._start_over()

    def _notice(self, queued: int, batch: int) -> None:
        if self._thread is None:
            self._start_thread()
        if not self._wake.is_set():
            self._wake.set()
        if queued >= batch and not self._urgent.is_set():
            self._urgent.set()

    def _start_thread(self) -> None:
        with self._writing:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="prefect-recorder", daemon=True)
                self._thread.start()

    # -- the writer

    def _work(self) -> None:
        while not self._closed:
            self._wake.wait(INTERVAL_WHILE_AWAY if self._has_files else None)
            self._urgent.wait(INTERVAL_WHILE_AWAY if self._has_files else self._interval)
            self._wake.clear()
            self._urgent.clear()
            self._write_queued()
            if self._transport() is None:
                return

    def _write_batch(self, number: int, number_of_logs: int) -> tuple[int, int]:
        transitions = [self._transitions.popleft() for _ in range(min(number, len(self._transitions)))]
        logs = [self._logs.popleft() for _ in range(min(number_of_logs, len(self._logs)))]
        if transitions:
            records = merge(transitions)
            self._deliver(endpoints.record_task_runs(records), records, [])
        if logs:
            for part in parts_of(logs, self._bytes_at_once):
                models = [LogCreate.model_construct(**record) for record in part]
                self._deliver(replace(create_logs(models), key=uuid7()), [], models)
        return max(len(transitions), number and 1), max(len(logs), number_of_logs and 1)

    def _deliver(self, call: Call[None], records: list[TaskRunRecord], logs: list[Any]) -> None:
        """Send a call. What cannot be delivered is kept in a file: no run fails, and nothing is lost, for that."""
        if self._has_files:
            self._keep(call, records, logs)  # what is older goes first
            return
        try:
            self._send(call)
        except Exception as error:
            path = self._keep(call, records, logs)
            logger.warning(
                "%s task runs and %s logs could not be recorded (%s). They are kept in %s, and recorded as soon as that "
                "is possible.",
                len(records),
                len(logs),
                error,
                path,
            )

    def _keep(self, call: Call[None], records: list[TaskRunRecord], logs: list[Any]) -> Path | None:
        try:
            path = store(self._folder, records, logs, log_key=call.key)
        except OSError:
            logger.exception(
                "%s task runs and %s logs are lost: neither store nor disk took them.", len(records), len(logs)
            )
            return None
        self._has_files = True
        return path

    def _deliver_files(self, *, at_once: bool = False) -> bool:
        """Try to record what is kept in files, now and then unless `at_once`. Says whether none is left."""
        transport = self._transport()
        with self._writing:
            if transport is None or (not at_once and time.monotonic() < self._next_attempt):
                return False
            try:
                deliver(self._folder, transport.send, is_refusal)
            except Exception as error:
                self._next_attempt = time.monotonic() + INTERVAL_WHILE_AWAY
                logger.debug("Records in %s cannot be delivered yet: %s", self._folder, error)
                return False
            self._has_files = False
            return True

    def _send(self, call: Call[None]) -> None:
        transport = self._transport()
        if transport is None:
            return
        deadline, pause = time.monotonic() + self.patience, 0.05
        while True:
            try:
                transport.send(call)
            except Exception as error:
                if time.monotonic() + pause > deadline or not is_worth_retrying(error):
                    raise
                time.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                return

    def close(self) -> None:
        """Record what is left, and stop."""
        self._closed = True
        self._wake.set()
        self._urgent.set()
        self.flush()


def merge(transitions: list[Transition]) -> list[TaskRunRecord]:
    """One record per task run: its latest snapshot, and the states that it entered, in order. Results stay here."""
    records: dict[Any, TaskRunRecord] = {}
    for task_run, state, data, lease_token in transitions:
        entered = state if state.data is data else evolve(state, data=data)
        known = records.get(task_run.id)
        if known is None:
            records[task_run.id] = TaskRunRecord(task_run, [entered], lease_token)
        else:
            known.task_run = task_run
            known.states.append(entered)
    return list(records.values())


def parts_of(logs: list[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """Log records in parts whose messages have at most `size` characters together; a longer one goes alone."""
    part: list[dict[str, Any]] = []
    left = size
    for log in logs:
        length = len(log["message"])
        if part and length > left:
            yield part
            part, left = [], size
        part.append(log)
        left -= length
    yield part


def is_worth_retrying(error: Exception) -> bool:
    """Whether the same call may succeed in a moment: the store is away or busy, rather than refusing what was said."""
    from prefect.exceptions import PrefectException

    transient = getattr(error, "is_transient", None)
    if transient is not None:
        return bool(transient)
    return not isinstance(error, (PrefectException, TypeError, ValueError, AttributeError))


_recorders: weakref.WeakKeyDictionary[Any, Recorder] = weakref.WeakKeyDictionary()
_guard = threading.Lock()


def recorder_of(transport: Transport) -> Recorder:
    """The one recorder of a transport; made at the first call, flushed before whatever else the transport sends."""
    recorder = _recorders.get(transport)
    if recorder is None:
        with _guard:
            recorder = _recorders.get(transport)
            if recorder is None:
                recorder = _recorders[transport] = Recorder(transport)
                add_barrier(transport, recorder.flush)
    return recorder


@atexit.register
def flush_all() -> None:
    """Record all that is queued in this process, because it ends."""
    for recorder in list(_recorders.values()):
        recorder.patience = min(recorder.patience, PATIENCE_AT_EXIT)
        recorder.close()
