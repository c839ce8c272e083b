"""Postgres crashes and comes back, again and again, while processes write: what was acknowledged is there, once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.postgres import POSTGRES, PostgresServer

from prefect.server.database.engine import Database

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("kind", [POSTGRES])]

WRITER = """
    import os, sys, threading
    from pathlib import Path
    from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, LogCreate, StateCreate
    from prefect._contract.endpoints import flow_runs, flows, logs
    from prefect.client.embedded import EmbeddedTransport
    from prefect.server.database.engine import Database
    from prefect.server.database.errors import DatabaseError
    from prefect.server.operations.vault import Vault
    from prefect.utilities.time import now

    url, folder, writer = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    database = Database(url, outage=10)
    transport = EmbeddedTransport(database, Vault(folder / "key"), reap_every=1e9)
    flow_id = transport.send(flows.create_flow(FlowCreate(name="f"))).id

    def attempt(line, call):
        try:
            answer = transport.send(call)
        except DatabaseError as error:
            note(f"{'transient' if error.is_transient else 'ERROR'} {type(error).__name__} {line} {error}")
            return None
        note(line)
        return answer

    def write(thread):
        number = 0
        while not (folder / "stop").exists():
            number += 1
            name = f"{writer}-{thread}-{number}"
            run = attempt(f"created {name}", flow_runs.create_flow_run(FlowRunCreate(flow_id=flow_id, name=name)))
            if run is None:
                continue
            line = LogCreate(name="n", level=20, message=name, timestamp=now(), flow_run_id=run.id)
            attempt(f"logged {name}", logs.create_logs([line]))
            attempt(f"ran {name}", flow_runs.set_flow_run_state(run.id, StateCreate(type="RUNNING")))
            attempt(f"completed {name}", flow_runs.set_flow_run_state(run.id, StateCreate(type="COMPLETED")))

    journal = open(folder / f"journal-{writer}", "a", buffering=1)
    lock = threading.Lock()
    def note(line):
        with lock:
            journal.write(line.replace("\\n", " ") + "\\n")

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    note("done")
    journal.close()
    database.close()
"""


def journal(folder: Path) -> list[list[str]]:
    return [line.split(" ") for path in folder.glob("journal-*") for line in path.read_text().splitlines()]


def test_what_was_acknowledged_is_there_once(kind: str, tmp_path: Path, repetition: int) -> None:
    server = PostgresServer()
    try:
        name = server.shared_database()
        writers = [start(server.url(name), tmp_path, writer) for writer in ("a", "b")]
        chance = random.Random(repetition)
        for _ in range(4):
            time.sleep(chance.uniform(0.3, 1.2))
            server.restart("immediate" if chance.random() < 0.8 else "fast")
        before = len(journal(tmp_path))
        deadline = time.monotonic() + 30
        while len(journal(tmp_path)) < before + 50:
            assert time.monotonic() < deadline, "nobody writes any more"
            assert all(writer.poll() is None for writer in writers), [writer.communicate() for writer in writers]
            time.sleep(0.1)
        (tmp_path / "stop").touch()
        errors = "".join(writer.communicate(timeout=60)[1] for writer in writers)
        assert "Traceback" not in errors, errors
        check(server, name, journal(tmp_path))
    finally:
        server.close()


def start(url: str, folder: Path, writer: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(WRITER), url, str(folder), writer],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PREFECT_HOME": str(folder)},
    )


def check(server: PostgresServer, name: str, lines: list[list[str]]) -> None:
    kinds = Counter(line[0] for line in lines)
    assert kinds["done"] == 2
    assert [line for line in lines if line[0] == "ERROR"] == []
    acknowledged: dict[str, set[str]] = {}
    for kind, *rest in lines:
        if kind in {"created", "logged", "ran", "completed"}:
            acknowledged.setdefault(kind, set()).add(rest[0])
    query = "SELECT name, state_type FROM flow_run"
    runs: list[tuple[str, Any]] = server.execute(query, name)
    assert [run for run, count in Counter(run for run, _ in runs).items() if count > 1] == []
    states = dict(runs)
    assert acknowledged["created"] - set(states) == set()
    logged = Counter(message for (message,) in server.execute("SELECT message FROM log", name))
    assert acknowledged["logged"] - set(logged) == set()
    assert [message for message, count in logged.items() if count > 1] == []
    wrong = {run: states[run] for run in acknowledged["completed"] if states[run] != "COMPLETED"}
    assert wrong == {}
    torn = """
        SELECT r.id FROM flow_run r LEFT JOIN flow_run_state s ON s.id = r.state_id
        WHERE r.state_id IS NOT NULL AND s.id IS NULL
    """
    assert server.execute(torn, name) == []
    with_history = "SELECT r.name, count(*) FROM flow_run r JOIN flow_run_state s ON s.flow_run_id = r.id GROUP BY 1"
    histories = dict(server.execute(with_history, name))
    # Created, perhaps Running, Completed: what was answered by an error may have been committed, or not.
    possible = {run: {3} if run in acknowledged["ran"] else {2, 3} for run in acknowledged["completed"]}
    assert {run: histories.get(run) for run, counts in possible.items() if histories.get(run) not in counts} == {}
    database = Database(server.url(name))
    database.transaction(lambda connection: None, write=True)
    database.close()
