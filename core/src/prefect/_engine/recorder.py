"""
One writer per process: task-run transitions and logs go out in order, in batches, and are not lost on the way.

A run hands over a snapshot and goes on; the writer sends what has gathered at least every `INTERVAL` seconds or every
`BATCH` transitions, in one call. Whoever needs everything before a point to be recorded calls `flush`: a flow-run
transition, any read through the client, the end of the process. A store that does not answer is asked again with growing
pauses; producers wait once `HIGH_WATER` transitions are queued, so that memory stays bounded.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect._contract.actions import LogCreate
from prefect._contract.base import evolve
from prefect._contract.endpoints import recording as endpoints
from prefect._contract.endpoints.logs import create_logs
from prefect._contract.recording import TaskRunRecord
from prefect._engine.spool import store

if TYPE_CHECKING:
    from prefect._contract.objects import TaskRun
    from prefect._contract.state import State
    from prefect.client.base import Transport

INTERVAL = 0.05
BATCH = 500
LOG_BATCH = 1_000
HIGH_WATER = 20_000
PATIENCE = 300.0
"""Seconds for which a store that does not answer is asked again, before records are put into a file instead."""

PATIENCE_AT_EXIT = 30.0
"""The same at the end of the process."""

Transition = tuple["TaskRun", "State[Any]", Any]

logger = logging.getLogger("prefect.recorder")


class Recorder:
    """Records the task runs and logs of this process over one transport."""

    def __init__(self, transport: Transport, patience: float = PATIENCE) -> None:
        from prefect.settings import get_current_settings

        to_api = get_current_settings().logging.to_api
        self._transport = weakref.ref(transport)
        self._interval = min(INTERVAL, to_api.batch_interval)
        self._bytes_at_once = to_api.batch_size
        self.patience = patience
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

    # -- producers

    def record(self, task_run: TaskRun, state: State[Any], data: Any = None) -> None:
        """Queue the snapshot of a task run that has just entered `state`; `data` is kept with it in place of the result."""
        self._own()
        self._transitions.append((task_run, state, data))
        self._notice(len(self._transitions), BATCH)
        while len(self._transitions) > HIGH_WATER and threading.current_thread() is not self._thread:
            self.flush()

    def log(self, record: dict[str, Any]) -> None:
        """Queue a log record."""
        self._own()
        self._logs.append(record)
        self._notice(len(self._logs), LOG_BATCH)

    def flush(self) -> None:
        """Return once everything that was queued before is recorded, or, when that cannot be, kept in a file."""
        if self._pid != os.getpid():
            return  # what a fork left here belongs to the parent
        with self._writing:
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
            self._wake.wait()
            self._urgent.wait(self._interval)
            self._wake.clear()
            self._urgent.clear()
            self.flush()
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
                self._deliver(create_logs(models), [], models)
        return max(len(transitions), number and 1), max(len(logs), number_of_logs and 1)

    def _deliver(self, call: Any, records: list[TaskRunRecord], logs: list[Any]) -> None:
        """Send a call. What cannot be delivered is kept in a file: no run fails, and nothing is lost, for that."""
        try:
            self._send(call)
        except Exception as error:
            try:
                path = store(spool_folder(), records, logs)
            except OSError:
                logger.exception(
                    "%s task runs and %s logs are lost: neither store nor disk took them.", len(records), len(logs)
                )
                return
            logger.error(
                "%s task runs and %s logs could not be recorded (%s). They are kept in %s, and recorded by the next run "
                "that finds the store.",
                len(records),
                len(logs),
                error,
                path,
            )

    def _send(self, call: Any) -> None:
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
    for task_run, state, data in transitions:
        entered = state if state.data is data else evolve(state, data=data)
        known = records.get(task_run.id)
        if known is None:
            records[task_run.id] = TaskRunRecord(task_run=task_run, states=[entered])
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
    """Whether the same call may succeed later: the store is away or busy, rather than refusing what was said."""
    from prefect.exceptions import PrefectException

    if getattr(error, "is_transient", False):
        return True
    return not isinstance(error, (PrefectException, TypeError, ValueError, AttributeError))


def spool_folder() -> Path:
    """Where records are kept that could not be delivered."""
    from prefect.settings import get_current_settings

    return get_current_settings().home / "spool"


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
                transport.barrier = recorder.flush
    return recorder


@atexit.register
def flush_all() -> None:
    """Record all that is queued in this process, because it ends."""
    for recorder in list(_recorders.values()):
        recorder.patience = min(recorder.patience, PATIENCE_AT_EXIT)
        recorder.close()
