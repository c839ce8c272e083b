"""A server that dies together with those who use it, or whose database is locked: all that was begun goes on, or ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import websockets
from tests.faults.sites import Site, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.slow]


# -- background tasks -------------------------------------------------------------------------------------------------


async def work(site: Site, expected: int, seconds: float = 60) -> Counter[str]:
    """Be a task worker until so many task runs were run. Returns how often the body of each was."""
    ran: Counter[str] = Counter()
    url = site.api.replace("http", "ws", 1) + "/task_runs/subscriptions/scheduled"
    async with websockets.connect(url, subprotocols=["prefect"], proxy=None) as socket:
        await socket.send(json.dumps({"type": "auth", "token": None}))
        assert json.loads(await socket.recv()) == {"type": "auth_success"}
        await socket.send(json.dumps({"type": "subscribe", "keys": ["task"], "client_id": "worker"}))
        async with httpx.AsyncClient(base_url=site.api, trust_env=False) as client:
            while sum(ran.values()) < expected:
                run = json.loads(await asyncio.wait_for(socket.recv(), seconds))["id"]
                await socket.send(json.dumps({"type": "ack"}))
                for kind in ("PENDING", "RUNNING", "COMPLETED"):
                    proposed = {"state": {"type": kind}}
                    answer = await client.post(f"/task_runs/{run}/set_state", json=proposed)
                    site.answers.append(answer)
                    if answer.json()["status"] != "ACCEPT":
                        break
                    ran[run] += kind == "RUNNING"
    return ran


def test_what_a_worker_had_when_the_server_died_is_offered_again(site: Site, is_thorough: bool) -> None:
    if not is_thorough:
        pytest.skip("It takes a minute, for which the worker is waited for. `nox -s faults` does it.")
    queued = [site.delay() for _ in range(3)]

    async def take_one_and_vanish() -> None:
        url = site.api.replace("http", "ws", 1) + "/task_runs/subscriptions/scheduled"
        async with websockets.connect(url, subprotocols=["prefect"], proxy=None) as socket:
            await socket.send(json.dumps({"type": "auth", "token": None}))
            await socket.recv()
            await socket.send(json.dumps({"type": "subscribe", "keys": ["task"], "client_id": "lost"}))
            await socket.recv()
            site.kill()

    asyncio.run(take_one_and_vanish())
    site.start()
    began = time.monotonic()
    ran = asyncio.run(work(site, len(queued), seconds=90))
    assert time.monotonic() - began < 75  # it was held for a minute
    assert ran == Counter(queued)
    identifiers = [UUID(run) for run in queued]
    site.check(all_ended=True, ended_as=dict.fromkeys(identifiers, "COMPLETED"), started=dict.fromkeys(identifiers, 1))


# -- slots ------------------------------------------------------------------------------------------------------------

HOLDER = """
    import time
    from prefect import flow, task

    @task(tags=["one"])
    def hold():
        print("holding", flush=True)
        time.sleep(1000)

    @flow
    def main():
        hold()

    main()
"""


def test_the_slot_of_a_dead_holder_is_free_after_a_restart(site: Site, repetition: int) -> None:
    site.post("/concurrency_limits/", {"tag": "one", "concurrency_limit": 1})
    holder = site.run(HOLDER)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    read = lambda: site.read("/v2/concurrency_limits/tag:one")["active_slots"]
    wait_until(lambda: read() == 1)
    site.kill()
    os.killpg(holder.pid, signal.SIGKILL)
    site.start()
    wait_until(lambda: read() == 0, seconds=60)
    [flow_run] = site.post("/flow_runs/filter")
    wait_until(lambda: site.read(f"/flow_runs/{flow_run['id']}")["state_type"] == "CRASHED", seconds=60)
    site.check(all_ended=True)


class Lock(threading.Thread):
    """Keeps a database of SQLite locked, as another process would: locks of files are by open file."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self._is_locked, self._countdown = threading.Event(), threading.Event()
        self._seconds = 0.0
        self.is_released = False
        self.start()
        assert self._is_locked.wait(60)

    def run(self) -> None:
        connection = sqlite3.connect(self._file, timeout=60, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        self._is_locked.set()
        self._countdown.wait()
        time.sleep(self._seconds)
        self.is_released = True
        connection.execute("ROLLBACK")
        connection.close()

    def release_in(self, seconds: float) -> None:
        self._seconds = seconds
        self._countdown.set()


# -- locked -----------------------------------------------------------------------------------------------------------

RUNS = """
    from prefect import flow, task

    @task
    def step(number):
        return number

    @flow(log_prints=True)
    def main():
        print("said")
        return sum(step(number) for number in range(5))

    print("result", main())
"""


def test_nobody_notices_that_another_process_keeps_the_database_locked(
    site: Site, file: Path, is_thorough: bool
) -> None:
    seconds = 30 if is_thorough else 4
    flow = site.flow()
    lock = Lock(file)
    try:
        process = site.run(RUNS)
        assert site.read(f"/flows/{flow}")["name"] == "f"  # reading waits for nobody
    finally:
        lock.release_in(seconds)
    made = site.post("/flow_runs/", {"flow_id": flow, "state": {"type": "COMPLETED"}})
    assert lock.is_released
    output, errors = process.communicate(timeout=60)
    assert "result 10" in output, errors
    assert "Error" not in errors
    lock.join()
    site.check(all_ended=True, ended_as={UUID(made["id"]): "COMPLETED"}, logged=["said"])
