"""What becomes of the flow runs of processes that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, StateCreate
from prefect._contract.endpoints import flow_runs, flows, liveness, states, task_runs
from prefect._contract.filters import FlowRunFilter
from prefect.client.embedded import EmbeddedTransport
from prefect.server.database.engine import Database
from prefect.server.operations.vault import Vault

RUNNER = """
    import os, sys, time
    from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, StateCreate, TaskRunCreate
    from prefect._contract.endpoints import flow_runs, flows, task_runs
    from prefect._contract.liveness import LeaseRequest, ProcessIdentity
    from prefect.client.base import current_transport
    from prefect.utilities.ids import uuid7

    send = current_transport().send
    flow = send(flows.create_flow(FlowCreate(name="f")))
    run = send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow.id, name="doomed")))
    lease = LeaseRequest(uuid7(), ProcessIdentity.current(), 1)
    send(flow_runs.set_flow_run_state(run.id, StateCreate(type="RUNNING"), lease=lease))
    send(task_runs.create_task_run(TaskRunCreate(task_key="t", dynamic_key="0", flow_run_id=run.id)))
    print(run.id, flush=True)
    sys.stdin.read()
"""

READER = """
    import sys
    from prefect._contract.endpoints import flow_runs
    from prefect.client.base import current_transport
    run = current_transport().send(flow_runs.read_flow_run(sys.argv[1]))
    print(run.state_type.value, run.state.message, sep="|")
"""


def start(script: str, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def read(environment: dict[str, str], run_id: str) -> list[str]:
    output, _ = start(READER, environment, run_id).communicate(timeout=60)
    return output.strip().split("|")


@pytest.mark.faults
def test_the_next_process_marks_the_runs_of_a_killed_one_as_crashed(environment: dict[str, str]) -> None:
    runner = start(RUNNER, environment)
    assert runner.stdout is not None
    run_id = runner.stdout.readline().strip()
    time.sleep(1.1)  # longer than the lease is valid: a live process on this host is still not crashed
    assert read(environment, run_id)[0] == "RUNNING"
    runner.send_signal(signal.SIGKILL)
    runner.wait(60)
    state, message = read(environment, run_id)
    assert state == "CRASHED"
    assert message.startswith(f"The process that ran this flow is gone: process {runner.pid} on host ")
    assert read(environment, run_id)[0] == "CRASHED"
    runner.communicate()


@pytest.fixture
def transport(tmp_path: Path):
    database = Database(f"sqlite:///{tmp_path}/prefect.db")
    yield EmbeddedTransport(database, Vault(tmp_path / "key"))
    database.close()


def test_a_killed_process_is_noticed_by_one_that_has_long_been_there(environment: dict[str, str], home: Path) -> None:
    database = Database(f"sqlite:///{home}/prefect.db")
    transport = EmbeddedTransport(database, Vault(home / "key"), reap_every=0.2)
    runner = start(RUNNER, environment)
    assert runner.stdout is not None
    run_id = runner.stdout.readline().strip()
    assert transport.send(flow_runs.read_flow_run(run_id)).state_type == "RUNNING"
    runner.kill()
    runner.communicate()
    deadline = time.monotonic() + 60
    while transport.send(flow_runs.read_flow_run(run_id)).state_type == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert transport.send(flow_runs.read_flow_run(run_id)).state_type == "CRASHED"
    chosen = FlowRunFilter(id={"any_": [run_id]})
    [task_run] = transport.send(task_runs.read_task_runs(flow_run_filter=chosen))
    assert task_run.state_type == "CRASHED"
    assert transport.send(liveness.read_leases()) == []
    database.close()


def test_a_fork_is_another_process(environment: dict[str, str]) -> None:
    script = """
        import os, sys
        from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, StateCreate
        from prefect._contract.endpoints import flow_runs, flows
        from prefect._contract.liveness import LeaseRequest, ProcessIdentity
        from prefect.client.base import current_transport
        from prefect.utilities.ids import uuid7

        send = current_transport().send
        flow = send(flows.create_flow(FlowCreate(name="f")))
        def begin(name):
            run = send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow.id, name=name)))
            lease = LeaseRequest(uuid7(), ProcessIdentity.current(), 30)
            send(flow_runs.set_flow_run_state(run.id, StateCreate(type="RUNNING"), lease=lease))
            return run
        begin("of the parent")
        pid = os.fork()
        if pid == 0:
            begin("of the child")
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        pid = os.fork()  # a new process looks for the dead when it is first used
        if pid == 0:
            runs = send(flow_runs.read_flow_runs())
            print({run.name: run.state_type.value for run in sorted(runs, key=lambda run: run.name)}, flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
    """
    output, _ = start(script, environment).communicate(timeout=60)
    assert output == "{'of the child': 'CRASHED', 'of the parent': 'RUNNING'}\n"


def test_a_process_that_is_killed_between_two_writes_has_written_neither(
    environment: dict[str, str], home: Path
) -> None:
    script = """
        import os, signal
        from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, StateCreate
        from prefect._contract.endpoints import flow_runs, flows
        from prefect.client.base import current_transport
        from sqlalchemy import event
        transport = current_transport()
        flow = transport.send(flows.create_flow(FlowCreate(name="f")))
        run = transport.send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow.id)))
        print(run.id, flush=True)
        def kill(connection, cursor, statement, parameters, context, executemany):
            if statement.startswith("UPDATE flow_run"):  # after the state was inserted
                os.kill(os.getpid(), signal.SIGKILL)
        event.listen(transport.database._engine, "before_cursor_execute", kill)
        transport.send(flow_runs.set_flow_run_state(run.id, StateCreate(type="RUNNING")))
    """
    process = start(script, environment)
    run_id = process.communicate(timeout=60)[0].strip()
    assert process.returncode == -signal.SIGKILL
    assert read(environment, run_id)[0] == "PENDING"
    database = Database(f"sqlite:///{home}/prefect.db")
    transport = EmbeddedTransport(database, Vault(home / "key"))
    assert [state.type for state in transport.send(states.read_flow_run_states(run_id))] == ["PENDING"]
    assert transport.send(flow_runs.set_flow_run_state(run_id, StateCreate(type="RUNNING"))).status == "ACCEPT"
    database.close()


def test_looking_for_the_dead_is_rare_and_cheap(transport: EmbeddedTransport) -> None:
    flow = transport.send(flows.create_flow(FlowCreate(name="f")))
    run = transport.send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow.id)))
    assert transport.send(flow_runs.set_flow_run_state(run.id, StateCreate(type="RUNNING"))).status == "ACCEPT"
    assert os.getpid() == transport._reaper[0]
    due = transport._reaper[1]
    for _ in range(5):
        transport.send(flow_runs.read_flow_run(run.id))
    assert transport._reaper[1] == due
