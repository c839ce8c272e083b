"""Leases: who works at a flow run, and what happens when they are gone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from prefect._contract.actions.runs import StateCreate
from prefect._contract.endpoints import flow_runs, liveness, states
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect._contract.objects import FlowRunPolicy
from prefect.utilities.ids import uuid7

HERE = ProcessIdentity.current()
ELSEWHERE = replace(HERE, host="elsewhere", boot_id="another", pid=1)


@pytest.fixture
def dead() -> ProcessIdentity:
    """A process that was there, and is not any more."""
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    stat = Path(f"/proc/{process.pid}/stat").read_text()
    identity = replace(HERE, pid=process.pid, started=stat.rpartition(")")[2].split()[19])
    assert identity.is_alive()
    process.communicate(b"")
    assert identity.is_alive() is False
    return identity


def lease(owner: ProcessIdentity = HERE, token: UUID | None = None, ttl: float = 30) -> LeaseRequest:
    return LeaseRequest(token or uuid7(), owner, ttl)


def tokens(orchestrator) -> list[UUID]:
    return [found.token for found in orchestrator.send(liveness.read_leases())]


def reap(orchestrator) -> list[UUID]:
    return orchestrator.send(liveness.reap_leases(orchestrator.clock.now))


@pytest.mark.parametrize("state", ["PENDING", "RUNNING"])
def test_who_works_at_a_run_gets_its_lease(orchestrator, state) -> None:
    run = orchestrator.flow_run(state=StateCreate(type="SCHEDULED"))
    request = lease()
    orchestrator.propose(run, state, lease=request)
    [stored] = orchestrator.send(liveness.read_leases())
    assert (stored.flow_run_id, stored.token, stored.owner) == (run.id, request.token, HERE)
    assert (stored.expires_at - orchestrator.clock.now).total_seconds() == 30


def test_a_proposal_that_is_not_accepted_gets_no_lease(orchestrator) -> None:
    run = orchestrator.flow_run(state=StateCreate(type="COMPLETED"))
    assert orchestrator.propose(run, "RUNNING", lease=lease()).status != "ACCEPT"
    assert tokens(orchestrator) == []


@pytest.mark.parametrize("end", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED", "PAUSED", "SCHEDULED"])
def test_a_run_that_is_not_worked_at_has_no_lease(orchestrator, end) -> None:
    run, request = orchestrator.flow_run(), lease()
    orchestrator.propose(run, "RUNNING", lease=request)
    assert orchestrator.propose(run, end, lease=request).status == "ACCEPT"
    assert tokens(orchestrator) == []


def test_a_run_that_is_being_cancelled_keeps_its_lease(orchestrator) -> None:
    run, request = orchestrator.flow_run(), lease()
    orchestrator.propose(run, "RUNNING", lease=request)
    assert orchestrator.propose(run, "CANCELLING").status == "ACCEPT"
    assert tokens(orchestrator) == [request.token]
    [status] = orchestrator.send(liveness.renew_leases([request.token], 60))
    assert (status.flow_run_id, status.state_type) == (run.id, "CANCELLING")


def test_another_attempt_is_fenced_off(orchestrator) -> None:
    run, mine, other = orchestrator.flow_run(), lease(), lease()
    orchestrator.propose(run, "RUNNING", lease=mine)
    for force in (False, True):
        answer = orchestrator.propose(run, "COMPLETED", lease=other, force=force)
        assert (answer.status, answer.state.type) == ("ABORT", "RUNNING")
    assert tokens(orchestrator) == [mine.token]
    assert orchestrator.propose(run, "COMPLETED", lease=mine).status == "ACCEPT"


def test_the_attempt_of_a_dead_process_fences_nobody_off(orchestrator, dead) -> None:
    run, mine = orchestrator.flow_run(), lease()
    orchestrator.propose(run, "RUNNING", lease=lease(dead))
    assert orchestrator.propose(run, "RUNNING", lease=mine, force=True).status == "ACCEPT"
    assert tokens(orchestrator) == [mine.token]


def test_leases_are_renewed(orchestrator) -> None:
    run, request = orchestrator.flow_run(), lease(ELSEWHERE, ttl=30)
    orchestrator.propose(run, "RUNNING", lease=request)
    orchestrator.clock.pass_by(20)
    unknown = uuid7()
    statuses = orchestrator.send(liveness.renew_leases([request.token, unknown], 30))
    assert [(status.flow_run_id, status.token, status.state_type) for status in statuses] == [
        (run.id, request.token, "RUNNING"),
        (None, unknown, None),
    ]
    orchestrator.clock.pass_by(20)
    assert reap(orchestrator) == []
    orchestrator.clock.pass_by(20)
    assert reap(orchestrator) == [run.id]
    [status] = orchestrator.send(liveness.renew_leases([request.token], 30))
    assert status.flow_run_id is None


def test_a_dead_process_crashes_its_run_and_its_task_runs(orchestrator, dead) -> None:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING", lease=lease(dead))
    make = lambda key, state: orchestrator.task_run(flow_run_id=run.id, dynamic_key=key, state=StateCreate(type=state))
    task_runs = {state: make(state, state) for state in ("RUNNING", "PENDING", "SCHEDULED", "COMPLETED", "FAILED")}
    moment = orchestrator.clock.pass_by(2)
    assert reap(orchestrator) == [run.id]
    crashed = orchestrator.read(run)
    assert (crashed.state_type, crashed.state_name, crashed.end_time) == ("CRASHED", "Crashed", moment)
    assert crashed.state.message == f"The process that ran this flow is gone: process {dead.pid} on host '{dead.host}'."
    ends = {state: orchestrator.read(task_run).state_type for state, task_run in task_runs.items()}
    assert ends == {
        "RUNNING": "CRASHED",
        "PENDING": "CRASHED",
        "SCHEDULED": "CRASHED",
        "COMPLETED": "COMPLETED",
        "FAILED": "FAILED",
    }
    assert orchestrator.read(task_runs["RUNNING"]).total_run_time.total_seconds() == 2
    assert reap(orchestrator) == []
    assert len(orchestrator.send(states.read_flow_run_states(run.id))) == 3


def test_a_live_process_on_this_host_is_never_crashed(orchestrator) -> None:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING", lease=lease(HERE, ttl=1))
    orchestrator.clock.pass_by(1_000_000)
    assert reap(orchestrator) == []
    assert orchestrator.read(run).state_type == "RUNNING"


def test_a_process_elsewhere_is_crashed_when_its_lease_expires(orchestrator) -> None:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING", lease=lease(ELSEWHERE, ttl=30))
    orchestrator.clock.pass_by(29)
    assert reap(orchestrator) == []
    orchestrator.clock.pass_by(2)
    assert reap(orchestrator) == [run.id]
    assert "has not been heard of: the lease of process 1 on host 'elsewhere'" in orchestrator.read(run).state.message


def test_a_process_with_the_number_of_a_dead_one_is_another(orchestrator) -> None:
    run = orchestrator.flow_run()
    impostor = replace(HERE, pid=os.getpid(), started="1")
    orchestrator.propose(run, "RUNNING", lease=lease(impostor))
    assert reap(orchestrator) == [run.id]


def test_a_run_that_is_being_cancelled_by_a_dead_process_ends_as_cancelled(orchestrator, dead) -> None:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING", lease=lease(dead))
    orchestrator.propose(run, "CANCELLING")
    assert reap(orchestrator) == [run.id]
    assert orchestrator.read(run).state_type == "CANCELLED"


@pytest.mark.parametrize("wait", ["pause", "retry"])
def test_a_run_that_waits_in_a_process_is_crashed_when_that_dies(orchestrator, dead, wait) -> None:
    run, request = orchestrator.flow_run(empirical_policy=FlowRunPolicy(retries=1)), lease(dead)
    orchestrator.propose(run, "RUNNING", lease=request)
    orchestrator.propose(run, "PAUSED" if wait == "pause" else "FAILED", lease=request)
    assert orchestrator.read(run).state_type == ("PAUSED" if wait == "pause" else "SCHEDULED")
    assert tokens(orchestrator) == []
    assert reap(orchestrator) == [run.id]
    assert orchestrator.read(run).state_type == "CRASHED"


def test_a_run_that_waits_in_a_live_process_waits(orchestrator) -> None:
    run, request = orchestrator.flow_run(), lease(HERE, ttl=1)
    orchestrator.propose(run, "RUNNING", lease=request)
    orchestrator.propose(run, "PAUSED", lease=request)
    orchestrator.clock.pass_by(1000)
    assert reap(orchestrator) == []
    assert orchestrator.send(flow_runs.resume_flow_run(run.id)).status == "ACCEPT"
    assert orchestrator.propose(run, "RUNNING", lease=request).status == "ACCEPT"
    assert tokens(orchestrator) == [request.token]


def test_a_lease_goes_with_its_run(orchestrator) -> None:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING", lease=lease())
    orchestrator.send(flow_runs.delete_flow_run(run.id))
    assert tokens(orchestrator) == []
