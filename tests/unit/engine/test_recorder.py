"""The recorder, with stores that are slow, away, or refuse. The store is a transport made for these tests."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prefect._contract.actions import LogCreate
from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect._engine.recorder import BATCH, HIGH_WATER, Recorder
from prefect.client.spool import deliver, is_refusal, spool_folder, store as keep
from prefect.exceptions import PrefectException
from prefect.settings import temporary_settings
from prefect.states import Completed, Pending, Running
from prefect.utilities.time import now


class Store:
    """Takes records; raises what it is told to, so many times."""

    spool_name = "store"

    def __init__(self) -> None:
        self.barrier: Any = None
        self.patience = 0.0
        self.recording_patience = 300.0
        self.batches: list[list[Any]] = []
        self.logs: list[Any] = []
        self.failures: list[Exception] = []

    def send(self, call: Any) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if call.path == "/logs/":
            self.logs += call.body
        else:
            self.batches.append(call.body)

    @property
    def states(self) -> list[str]:
        return [state.name for batch in self.batches for record in batch for state in record.states]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[None]:
    with temporary_settings({"PREFECT_HOME": str(tmp_path)}):
        yield


def a_run() -> TaskRun:
    return TaskRun(task_key="t", dynamic_key="0")


def a_log(message: str) -> dict[str, Any]:
    return {"name": "n", "level": 20, "message": message, "timestamp": now(), "flow_run_id": None, "task_run_id": None}


def test_states_of_one_run_travel_together_in_order(store: Store) -> None:
    recorder = Recorder(store)
    run = a_run()
    for state in (Pending(), Running(), Completed()):
        recorder.record(run, state)
    recorder.flush()
    [[record]] = store.batches
    assert [state.name for state in record.states] == ["Pending", "Running", "Completed"]


def test_what_is_queued_is_written_soon_without_anybody_asking(store: Store) -> None:
    recorder = Recorder(store)
    recorder.record(a_run(), Pending())
    recorder.log(a_log("hello"))
    wait_until(lambda: bool(store.batches and store.logs))


def test_results_do_not_leave_the_process(store: Store) -> None:
    recorder = Recorder(store)
    recorder.record(a_run(), Completed(data=object()), None)
    recorder.flush()
    assert store.batches[0][0].states[0].data is None


def test_batches_are_bounded(store: Store) -> None:
    recorder = Recorder(store)
    for _ in range(2 * BATCH + 1):
        recorder.record(a_run(), Pending())
    recorder.flush()
    assert sum(len(batch) for batch in store.batches) == 2 * BATCH + 1
    assert max(len(batch) for batch in store.batches) <= BATCH


def test_a_store_that_is_away_for_a_while_gets_everything_in_order(store: Store) -> None:
    store.failures = [ConnectionError("away"), ConnectionError("away")]
    recorder = Recorder(store)
    run = a_run()
    recorder.record(run, Pending())
    recorder.record(run, Running())
    recorder.flush()
    assert store.states == ["Pending", "Running"]


@pytest.mark.parametrize("error", [ConnectionError("away"), PrefectException("refused")])
def test_what_cannot_be_delivered_is_kept_in_a_file_and_delivered_later(store: Store, error: Exception) -> None:
    store.failures = [error] * 100
    store.recording_patience = 0
    recorder = Recorder(store)
    run = a_run()
    recorder.record(run, Running())
    recorder.record(run, Completed(message="done"))
    recorder.log(a_log("kept"))
    recorder.flush()  # raises nothing: no run fails for this
    assert store.batches == []
    assert len(list(spool_folder(store).glob("*.jsonl"))) == 2
    with pytest.raises(type(error)):
        deliver(spool_folder(store), store.send, is_refusal)
    store.failures = []
    assert deliver(spool_folder(store), store.send, is_refusal) == 2
    [[record]] = store.batches
    assert record.task_run.id == run.id
    assert [(state.name, state.message) for state in record.states] == [("Running", None), ("Completed", "done")]
    assert [log.message for log in store.logs] == ["kept"]
    assert isinstance(store.logs[0], LogCreate)
    assert list(spool_folder(store).iterdir()) == []


def test_flushing_ends_while_others_go_on_producing(store: Store) -> None:
    recorder = Recorder(store)
    stop = threading.Event()

    def produce() -> None:
        while not stop.is_set():
            recorder.record(a_run(), Pending())

    threads = [threading.Thread(target=produce) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        began = time.monotonic()
        for _ in range(5):
            recorder.flush()
        assert time.monotonic() - began < 60
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    recorder.close()


def test_closing_records_what_is_left(store: Store) -> None:
    recorder = Recorder(store)
    recorder.record(a_run(), Pending())
    recorder.close()
    assert store.states == ["Pending"]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_was_kept_goes_out_before_what_came_later(store: Store) -> None:
    store.recording_patience = 0
    recorder = Recorder(store)
    run = a_run()
    store.failures = [ConnectionError("away")] * 3
    for state in (Pending(), Running()):
        recorder.record(run, state)
        recorder.flush()
    assert store.states == []
    store.failures = []
    recorder.record(run, Completed())
    recorder.flush()
    assert store.states == ["Pending", "Running", "Completed"]
    assert list(spool_folder(store).iterdir()) == []


def test_a_flush_waits_for_a_store_that_is_away(store: Store) -> None:
    store.recording_patience, store.patience = 0, 30.0
    recorder = Recorder(store)
    store.failures = [ConnectionError("away")] * 5
    recorder.record(a_run(), Pending())
    recorder.flush()
    assert store.states == ["Pending"]


def test_producers_are_not_kept_waiting_while_the_store_is_away(store: Store) -> None:
    store.recording_patience, store.patience = 0, 600.0
    store.failures = [ConnectionError("away")] * 1_000_000
    recorder = Recorder(store)
    began = time.monotonic()
    for _ in range(HIGH_WATER + 10):
        recorder.record(a_run(), Pending())
    assert time.monotonic() - began < 100  # the store is waited for longer
    store.failures = []
    recorder.flush()
    assert len(store.states) == HIGH_WATER + 10


def test_what_is_kept_is_recorded_without_anybody_asking_once_the_store_is_back(store: Store) -> None:
    store.recording_patience = 0
    store.failures = [ConnectionError("away")] * 2
    recorder = Recorder(store)
    recorder.record(a_run(), Pending())
    wait_until(lambda: store.states == ["Pending"])
    recorder.close()


def test_records_that_are_refused_do_not_stand_in_the_way_of_others(store: Store) -> None:
    store.recording_patience = 0
    recorder = Recorder(store)
    store.failures = [ValueError("too long"), ValueError("too long")]
    recorder.record(a_run(), Pending())
    recorder.flush()
    recorder.record(a_run(), Running())
    recorder.flush()
    assert store.states == ["Running"]
    [refused] = spool_folder(store).iterdir()
    assert refused.suffix == ".refused"


def test_logs_keep_their_key_when_they_are_sent_again(store: Store) -> None:
    store.recording_patience = 0
    keys = []

    def fail(call: Any) -> None:
        keys.append(call.key)
        if len(keys) == 1:
            raise ConnectionError("away")

    store.send = fail  # type: ignore[method-assign]
    recorder = Recorder(store)
    recorder.log(a_log("once"))
    recorder.flush()
    assert len(keys) == 2
    assert keys[0] is not None
    assert keys[0] == keys[1]


def test_files_that_a_dead_process_had_taken_are_delivered(store: Store) -> None:
    folder = spool_folder(store)
    kept = keep(folder, [TaskRunRecord(a_run(), [Running()])], [])
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    kept.replace(kept.with_suffix(f".{process.pid}"))
    assert deliver(folder, store.send, is_refusal) == 1
    assert store.states == ["Running"]


def test_each_orchestrator_has_a_folder_of_its_own(store: Store) -> None:
    other = Store()
    other.spool_name = "other"
    keep(spool_folder(other), [TaskRunRecord(a_run(), [Running()])], [])
    recorder = Recorder(store)
    recorder.deliver_files()
    recorder.flush()
    assert store.states == []
