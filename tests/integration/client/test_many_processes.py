"""Many processes on one file: nobody is refused, nothing is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

PROCESSES, TASK_RUNS, BATCH = 16, 200, 20

WORKER = """
    import sys
    from datetime import timedelta
    from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, LogCreate, StateCreate
    from prefect._contract.endpoints import flow_runs, flows, logs, recording, task_runs
    from prefect._contract.liveness import LeaseRequest, ProcessIdentity
    from prefect._contract.objects import TaskRun
    from prefect._contract.recording import TaskRunRecord
    from prefect._contract.state import State, StateDetails, StateType
    from prefect.client.base import current_transport
    from prefect.utilities.ids import uuid7
    from prefect.utilities.time import now

    name, count, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    send = current_transport().send
    flow = send(flows.create_flow(FlowCreate(name="stress")))
    run = send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow.id, name=name)))
    lease = LeaseRequest(uuid7(), ProcessIdentity.current(), 30)
    assert send(flow_runs.set_flow_run_state(run.id, StateCreate(type="RUNNING"), lease=lease)).status == "ACCEPT"

    def record(number):
        run_id = uuid7()
        details = StateDetails(flow_run_id=run.id, task_run_id=run_id)
        states = [State(type=kind, state_details=details) for kind in (StateType.PENDING, StateType.RUNNING, StateType.COMPLETED)]
        fields = dict(task_key="t", dynamic_key=str(number), state=states[-1], state_id=states[-1].id, run_count=1)
        return TaskRunRecord(TaskRun(id=run_id, flow_run_id=run.id, **fields), states)

    for first in range(0, count, batch):
        send(recording.record_task_runs([record(number) for number in range(first, first + batch)]))
        send(logs.create_logs([LogCreate(name="l", level=20, message=str(first), timestamp=now(), flow_run_id=run.id)]))
        assert send(flow_runs.read_flow_run(run.id)).state_type == "RUNNING"
    assert send(flow_runs.set_flow_run_state(run.id, StateCreate(type="COMPLETED"), lease=lease)).status == "ACCEPT"
    print("done")
"""


@pytest.mark.slow
def test_sixteen_processes_record_at_once(home: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(WORKER)]
    workers = [
        subprocess.Popen(
            [*command, f"worker-{number}", str(TASK_RUNS), str(BATCH)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    outputs = [worker.communicate(timeout=110) for worker in workers]
    assert outputs == [("done\n", "")] * PROCESSES

    connection = sqlite3.connect(home / "prefect.db")
    rows = lambda sql: connection.execute(sql).fetchall()
    assert rows("PRAGMA integrity_check") == [("ok",)]
    assert rows("PRAGMA foreign_key_check") == []
    assert rows("SELECT count(*), min(name) FROM flow") == [(1, "stress")]
    assert rows("SELECT state_type, count(*) FROM flow_run GROUP BY 1") == [("COMPLETED", PROCESSES)]
    assert rows("SELECT state_type, count(*) FROM task_run GROUP BY 1") == [("COMPLETED", PROCESSES * TASK_RUNS)]
    assert rows("SELECT count(*) FROM log") == [(PROCESSES * TASK_RUNS // BATCH,)]
    assert rows("SELECT count(*) FROM flow_run_lease") == [(0,)]
    per_run = Counter(dict(rows("SELECT flow_run_id, count(*) FROM task_run GROUP BY 1")).values())
    assert per_run == {TASK_RUNS: PROCESSES}
    histories = rows(
        "SELECT group_concat(type) FROM (SELECT * FROM task_run_state ORDER BY task_run_id, timestamp, id) GROUP BY task_run_id"
    )
    assert Counter(histories) == {("PENDING,RUNNING,COMPLETED",): PROCESSES * TASK_RUNS}
    histories = rows(
        "SELECT group_concat(type) FROM (SELECT * FROM flow_run_state ORDER BY timestamp, id) GROUP BY flow_run_id"
    )
    assert Counter(histories) == {("PENDING,RUNNING,COMPLETED",): PROCESSES}
    assert rows(
        "SELECT count(*) FROM task_run r JOIN task_run_state s ON s.id = r.state_id AND s.type = r.state_type"
    ) == [(PROCESSES * TASK_RUNS,)]
    connection.close()
