"""What is done on the event loop because it is brief: as durable as the rest, and nobody waits for a lock there."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.integration.server.conftest import Server

from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State, StateDetails
from prefect.client.http.recording import encode_records
from prefect.states import Scheduled

JSON = {"Content-Type": "application/json"}
WAL_BYTES = 16 * 1024 * 1024
"""What the write-ahead log may grow to; without anybody who writes it back the test leaves twice as much."""


@pytest.fixture
def server(start: Callable[..., Server]) -> Server:
    return start()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "prefect.db"


def delayed() -> bytes:
    state: State[Any] = Scheduled(state_details=StateDetails(deferred=True))
    run = TaskRun(task_key="t", dynamic_key="0", name="t" * 1000, state=state, state_id=state.id)
    return encode_records([TaskRunRecord(run, [state])])


def test_what_another_process_locks_is_waited_for_beside_the_event_loop(server: Server, file: Path) -> None:
    with server.client() as client, server.client() as other, closing(sqlite3.connect(file)) as locking:
        assert client.post("/_core/task_runs/record", content=delayed(), headers=JSON).status_code == 204
        locking.execute("BEGIN IMMEDIATE")
        answers: list[int] = []

        def record() -> None:
            answers.append(client.post("/_core/task_runs/record", content=delayed(), headers=JSON).status_code)

        recording = threading.Thread(target=record)
        recording.start()
        began = time.monotonic()
        while time.monotonic() < began + 1:
            assert other.get("/ready").status_code == 200
        assert answers == []
        locking.execute("ROLLBACK")
        recording.join()
        assert answers == [204]
        assert other.post("/task_runs/count", json={}).json() == 2


def test_the_write_ahead_log_does_not_grow_for_ever(server: Server, file: Path) -> None:
    log = file.with_name("prefect.db-wal")
    largest = 0
    with server.client() as client:
        for _ in range(250):
            assert client.post("/_core/task_runs/record", content=delayed(), headers=JSON).status_code == 204
            largest = max(largest, log.stat().st_size)
        assert client.post("/task_runs/count", json={}).json() == 250
    assert largest < WAL_BYTES
