"""The loops of a server: what they do, who runs them, and what is seen when they fail."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from prefect._contract.actions.runs import (
    ArtifactCreate,
    FlowCreate,
    FlowRunCreate,
    LogCreate,
    StateCreate,
    TaskRunCreate,
)
from prefect._contract.call import Call
from prefect._contract.endpoints import artifacts, events, flow_runs, flows, logs, task_runs
from prefect._contract.endpoints.deliveries import claim_task_runs, renew_task_run_claims
from prefect._contract.endpoints.liveness import renew_leases
from prefect._contract.events import Event
from prefect._contract.filters.events import EventFilter
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect._contract.state import StateDetails
from prefect.client.embedded import EmbeddedTransport
from prefect.server.api.performance import Performer
from prefect.server.database import tables
from prefect.server.database.engine import Database
from prefect.server.operations.dispatch import find_operation
from prefect.server.operations.vault import Vault
from prefect.server.services import make_services
from prefect.server.services.loops import Loops
from prefect.server.services.service import Service, hold_lease, name_holder
from prefect.settings import get_current_settings, temporary_settings
from prefect.utilities.ids import uuid7
from prefect.utilities.time import UTC


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2031, 5, 6, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


class Orchestrator:
    """A database, what asks it, and the loops over it, whose clock only goes when it is told to."""

    def __init__(self, file: Path) -> None:
        self.clock = Clock()
        self.database = Database(f"sqlite:///{file}")
        vault = Vault(file.parent / "encryption.key")
        self.transport = EmbeddedTransport(self.database, vault, clock=self.clock, reap_every=1e9)
        self.send = self.transport.send
        self.performer = Performer(self.database, vault, clock=self.clock)
        self.settings = get_current_settings()
        self.loops = self.make_loops()

    def serve(self, call: Call[Any]) -> Any:
        """What a server answers, which leaves to its loops what they do."""
        operation = find_operation((call.method, call.path))
        return self.performer.do(lambda work: operation.perform(work, call), write=True)

    def make_loops(self) -> Loops:
        return Loops(self.performer, make_services(self.clock.now), self.settings, self.clock)

    def step(self, name: str, loops: Loops | None = None) -> bool:
        loops = loops or self.loops
        service = next(each for each in loops.services if each.name == name)
        return asyncio.run(loops.step(service))

    def reap_for(self, seconds: float, loops: Loops | None = None) -> None:
        """Let time pass, in which the reaper looks as often as it does."""
        while seconds > 0:
            self.clock.pass_by(seconds=min(seconds, 10))
            self.step("reaper", loops)
            seconds -= 10

    def flow_run(self, **fields: Any) -> Any:
        flow = self.send(flows.create_flow(FlowCreate(name="flow"))).id
        return self.send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow, **fields)))

    def propose(self, run: Any, kind: str, lease: LeaseRequest | None = None, **fields: Any) -> Any:
        return self.send(flow_runs.set_flow_run_state(run.id, StateCreate(type=kind, **fields), lease=lease))

    def state(self, run: Any) -> tuple[str, str]:
        found = self.send(flow_runs.read_flow_run(run.id))
        return (found.state.type.value, found.state.name)

    def count(self, table: Any) -> int:
        statement = select(func.count()).select_from(table)
        return self.database.transaction(lambda c: int(c.execute(statement).scalar_one()), write=False)


@pytest.fixture
def orchestrator(tmp_path: Path) -> Iterator[Orchestrator]:
    made = Orchestrator(tmp_path / "prefect.db")
    yield made
    made.performer.close()


ELSEWHERE = ProcessIdentity("another-host", 1, "1", "boot", "1")
GONE = ProcessIdentity(socket.gethostname(), 2**22 - 3, "1", "boot", "1")


def scheduled(at: datetime) -> StateCreate:
    return StateCreate(type="SCHEDULED", state_details=StateDetails(scheduled_time=at))


def test_scheduled_runs_that_nobody_begins_are_late(orchestrator: Orchestrator) -> None:
    due = orchestrator.flow_run(state=scheduled(orchestrator.clock.now))
    later = orchestrator.flow_run(state=scheduled(orchestrator.clock.now + timedelta(hours=1)))
    orchestrator.step("late-runs")
    assert orchestrator.state(due) == ("SCHEDULED", "Scheduled")
    orchestrator.clock.pass_by(seconds=16)
    orchestrator.step("late-runs")
    assert orchestrator.state(due) == ("SCHEDULED", "Late")
    assert orchestrator.state(later) == ("SCHEDULED", "Scheduled")
    assert orchestrator.send(flow_runs.read_flow_run(due.id)).next_scheduled_start_time is not None


def test_runs_whose_process_does_not_report_are_crashed(orchestrator: Orchestrator) -> None:
    orchestrator.reap_for(100)
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING", LeaseRequest(token=uuid7(), owner=ELSEWHERE, ttl_seconds=60))
    orchestrator.reap_for(59)
    assert orchestrator.state(run) == ("RUNNING", "Running")
    orchestrator.reap_for(2)
    assert orchestrator.state(run) == ("CRASHED", "Crashed")


def test_while_there_was_no_server_nobody_could_report(orchestrator: Orchestrator) -> None:
    run = orchestrator.flow_run()
    token = uuid7()
    orchestrator.propose(run, "RUNNING", LeaseRequest(token=token, owner=ELSEWHERE, ttl_seconds=60))
    orchestrator.clock.pass_by(minutes=30)
    restarted = orchestrator.make_loops()
    orchestrator.step("reaper", restarted)
    assert orchestrator.state(run) == ("RUNNING", "Running")
    orchestrator.reap_for(91, restarted)
    assert orchestrator.state(run) == ("CRASHED", "Crashed")


@pytest.mark.parametrize("hours", [1, -1, 24])
def test_a_clock_that_is_put_kills_nobody(orchestrator: Orchestrator, hours: int) -> None:
    """Nor does a server that was stopped or asleep: nobody could reach it either."""
    orchestrator.reap_for(100)
    run, dead = orchestrator.flow_run(), orchestrator.flow_run()
    token, lost = uuid7(), uuid7()
    orchestrator.propose(run, "RUNNING", LeaseRequest(token=token, owner=ELSEWHERE, ttl_seconds=90))
    orchestrator.propose(dead, "RUNNING", LeaseRequest(token=lost, owner=ELSEWHERE, ttl_seconds=90))
    orchestrator.clock.pass_by(hours=hours)
    orchestrator.step("reaper")
    for _ in range(4):
        orchestrator.reap_for(30)
        orchestrator.send(renew_leases([token], 90))
    assert orchestrator.state(run) == ("RUNNING", "Running")
    assert orchestrator.state(dead) == ("CRASHED", "Crashed")


@pytest.mark.parametrize("hours", [1, -1, 24])
def test_a_clock_that_is_put_gives_no_background_run_to_a_second_worker(orchestrator: Orchestrator, hours: int) -> None:
    def look_for(seconds: float) -> None:
        while seconds > 0:
            orchestrator.clock.pass_by(seconds=10)
            orchestrator.step("lost-deliveries")
            seconds -= 10

    look_for(20)
    state = StateCreate(type="SCHEDULED", state_details=StateDetails(deferred=True))
    for number in range(2):
        made = TaskRunCreate(task_key="t", dynamic_key=str(number), state=state)
        orchestrator.serve(task_runs.create_task_run(made))
    kept, lost = orchestrator.serve(claim_task_runs(["t"], 2, 30))
    orchestrator.clock.pass_by(hours=hours)
    orchestrator.step("lost-deliveries")
    assert orchestrator.serve(claim_task_runs(["t"], 2, 30)) == []
    for _ in range(9):
        look_for(10)
        assert orchestrator.serve(renew_task_run_claims("worker", ["t"], [kept.token], 30)) == [kept.token]
    (again,) = orchestrator.serve(claim_task_runs(["t"], 2, 30))
    assert again.task_run.id == lost.task_run.id
    assert again.token != lost.token


def test_a_process_of_this_machine_that_is_gone_is_noticed_at_once(orchestrator: Orchestrator) -> None:
    run = orchestrator.flow_run()
    gone = replace(ProcessIdentity.current(), pid=GONE.pid)
    orchestrator.propose(run, "RUNNING", LeaseRequest(token=uuid7(), owner=gone, ttl_seconds=60))
    orchestrator.step("reaper")
    assert orchestrator.state(run) == ("CRASHED", "Crashed")


def test_who_has_started_a_process_that_is_gone_has_a_moment_to_say_how_it_ended(orchestrator: Orchestrator) -> None:
    gone = replace(ProcessIdentity.current(), pid=GONE.pid)
    runs = [orchestrator.flow_run(deployment_id=uuid7()) for _ in range(2)]
    for run in runs:
        orchestrator.propose(run, "RUNNING", LeaseRequest(token=uuid7(), owner=gone, ttl_seconds=60))
    orchestrator.step("reaper")
    assert [orchestrator.state(run)[0] for run in runs] == ["RUNNING", "RUNNING"]
    orchestrator.clock.pass_by(hours=-1)  # the clock is put meanwhile
    orchestrator.step("reaper")
    orchestrator.reap_for(10)
    assert [orchestrator.state(run)[0] for run in runs] == ["CRASHED", "CRASHED"]


def test_a_run_that_was_taken_and_never_begun_is_offered_again(orchestrator: Orchestrator) -> None:
    orchestrator.clock.pass_by(minutes=10)
    run = orchestrator.flow_run(deployment_id=uuid7(), state=scheduled(orchestrator.clock.now))
    busy = orchestrator.flow_run(deployment_id=uuid7(), state=scheduled(orchestrator.clock.now))
    for each in (run, busy):
        orchestrator.propose(each, "PENDING")
    orchestrator.send(flow_runs.update_flow_run(busy.id, infrastructure_pid="host:1"))
    orchestrator.clock.pass_by(seconds=59)
    orchestrator.step("stale-claims")
    assert orchestrator.state(run) == ("PENDING", "Pending")
    orchestrator.clock.pass_by(seconds=2)
    orchestrator.step("stale-claims")
    assert orchestrator.state(run) == ("SCHEDULED", "Scheduled")
    assert orchestrator.state(busy) == ("PENDING", "Pending")


def test_pauses_end_when_their_time_is_over(orchestrator: Orchestrator) -> None:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING")
    timeout = orchestrator.clock.now + timedelta(seconds=30)
    orchestrator.propose(run, "PAUSED", state_details=StateDetails(pause_timeout=timeout))
    orchestrator.step("pause-expirations")
    assert orchestrator.state(run) == ("PAUSED", "Paused")
    orchestrator.clock.pass_by(seconds=31)
    orchestrator.step("pause-expirations")
    assert orchestrator.state(run) == ("FAILED", "Failed")


def test_a_cancellation_that_nobody_ends_is_ended(orchestrator: Orchestrator) -> None:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "RUNNING")
    orchestrator.propose(run, "CANCELLING")
    orchestrator.clock.pass_by(seconds=299)
    orchestrator.step("cancellations")
    assert orchestrator.state(run) == ("CANCELLING", "Cancelling")
    orchestrator.clock.pass_by(seconds=2)
    orchestrator.step("cancellations")
    assert orchestrator.state(run) == ("CANCELLED", "Cancelled")


TELLS_WHO_IT_IS = """
import dataclasses, json, time
from prefect._contract.liveness import ProcessIdentity
print(json.dumps(dataclasses.asdict(ProcessIdentity.current())), flush=True)
time.sleep(600)
"""


@pytest.fixture
def neighbour() -> Iterator[tuple[subprocess.Popen[str], ProcessIdentity]]:
    """Another process of this machine."""
    process = subprocess.Popen([sys.executable, "-c", TELLS_WHO_IT_IS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, ProcessIdentity(**json.loads(process.stdout.readline()))
    process.kill()
    process.communicate()


def test_a_process_that_does_not_hear_of_a_cancellation_is_ended(
    orchestrator: Orchestrator, neighbour: tuple[subprocess.Popen[str], ProcessIdentity]
) -> None:
    process, identity = neighbour
    run, lease = orchestrator.flow_run(), LeaseRequest(uuid7(), identity, 90)
    orchestrator.propose(run, "RUNNING", lease)

    def listen_for(seconds: int) -> None:
        for _ in range(seconds // 3):
            orchestrator.clock.pass_by(seconds=3)
            orchestrator.step("deaf-processes")

    listen_for(30)
    assert process.poll() is None, "nobody has cancelled its run"
    orchestrator.propose(run, "CANCELLING")
    for _ in range(3):
        listen_for(12)
        orchestrator.send(renew_leases([lease.token], 90))
    assert process.poll() is None, "it has renewed its lease"
    listen_for(18)
    assert process.wait(30) == -signal.SIGKILL
    orchestrator.step("reaper")
    assert orchestrator.state(run) == ("CANCELLED", "Cancelled")


def test_a_work_pool_that_nobody_polls_is_not_ready(orchestrator: Orchestrator) -> None:
    from prefect._contract.actions.settings import WorkPoolCreate
    from prefect._contract.endpoints import events, work_pools
    from prefect._contract.filters.events import EventFilter

    orchestrator.send(work_pools.create_work_pool(WorkPoolCreate(name="p", type="process")))
    orchestrator.send(work_pools.send_worker_heartbeat("p", "w", 30))
    orchestrator.step("statuses")
    assert orchestrator.send(work_pools.read_work_pool("p")).status == "READY"
    orchestrator.clock.pass_by(seconds=91)
    orchestrator.step("statuses")
    assert orchestrator.send(work_pools.read_work_pool("p")).status == "NOT_READY"
    since = {"since": orchestrator.clock.now - timedelta(hours=1), "until": orchestrator.clock.now}
    told = orchestrator.send(events.read_events(EventFilter(occurred=since))).events
    assert "prefect.work-pool.not-ready" in [each.event for each in told]


# -- retention --------------------------------------------------------------------------------------------------------


def test_what_was_kept_long_enough_goes_in_small_steps(orchestrator: Orchestrator) -> None:
    old, going = orchestrator.flow_run(), orchestrator.flow_run()
    for run in (old, going):
        orchestrator.propose(run, "RUNNING")
        orchestrator.send(
            logs.create_logs(
                [
                    LogCreate(name="n", level=20, message=str(i), timestamp=orchestrator.clock.now, flow_run_id=run.id)
                    for i in range(450)
                ]
            )
        )
    orchestrator.propose(old, "COMPLETED")
    first = orchestrator.send(artifacts.create_artifact(ArtifactCreate(key="k", data=1)))
    orchestrator.send(artifacts.create_artifact(ArtifactCreate(key="k", data=2)))
    assert not orchestrator.step("retention")
    orchestrator.clock.pass_by(days=91)
    orchestrator.step("event-backlog")  # runs are kept until events tell of what they have been through
    steps = 0
    while orchestrator.step("retention"):
        steps += 1
    assert steps >= 6
    assert [run.id for run in orchestrator.send(flow_runs.read_flow_runs())] == [going.id]
    assert orchestrator.count(tables.log) == 0
    assert orchestrator.count(tables.flow_run_state) == 2
    orchestrator.clock.pass_by(days=300)
    while orchestrator.step("retention"):
        pass
    kept = orchestrator.send(artifacts.read_artifacts())
    assert [each.data for each in kept] == [2]
    assert first.id not in {each.id for each in kept}


def test_events_go_when_they_were_kept_long_enough_and_some_of_them_earlier(orchestrator: Orchestrator) -> None:
    kept = {
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "7d",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES": {"beat": 3600},
    }
    with temporary_settings(kept):
        settings = get_current_settings()
    loops = Loops(orchestrator.performer, make_services(orchestrator.clock.now), settings, orchestrator.clock)

    def emit(name: str) -> None:
        related = [{"prefect.resource.id": "b", "prefect.resource.role": "friend"}]
        told = Event(
            event=name, occurred=orchestrator.clock.now, resource={"prefect.resource.id": "a"}, related=related
        )
        orchestrator.serve(events.create_events([told]))

    def left(hours: float) -> list[str]:
        orchestrator.clock.pass_by(hours=hours)
        while orchestrator.step("retention", loops):
            pass
        wanted = EventFilter(occurred={"since": datetime(2031, 1, 1, tzinfo=UTC), "until": orchestrator.clock.now})
        names = [event.event for event in orchestrator.serve(events.read_events(wanted)).events]
        assert orchestrator.count(tables.event_resource) == len(names)
        return sorted(names)

    for name in ("beat", "word"):
        emit(name)
    assert left(0.9) == ["beat", "word"]
    assert left(0.2) == ["word"]
    emit("later")
    assert left(7 * 24 - 1.2) == ["later", "word"]
    assert left(0.2) == ["later"]
    assert left(2) == []


# -- who runs them ----------------------------------------------------------------------------------------------------


def counting(name: str = "counting") -> tuple[Service, list[datetime]]:
    ticks: list[datetime] = []

    def act(work: Any, settings: Any) -> bool:
        ticks.append(work.now)
        return False

    return Service(name, lambda settings: 1.0, lambda settings: True, act, "Counts."), ticks


def test_of_several_servers_one_runs_a_loop_and_another_takes_over(orchestrator: Orchestrator) -> None:
    service, ticks = counting()
    first, second = (
        Loops(orchestrator.performer, [service], orchestrator.settings, orchestrator.clock) for _ in range(2)
    )
    for loops in (first, second, first, second):
        asyncio.run(loops.step(service))
    assert len(ticks) == 2
    orchestrator.clock.pass_by(seconds=31)
    asyncio.run(second.step(service))
    asyncio.run(first.step(service))
    assert len(ticks) == 3


@pytest.mark.parametrize(("machine", "count"), [({}, 1), ({"boot_id": "of another machine"}, 0)])
def test_loops_of_a_server_that_is_gone_are_taken_over_at_once(
    orchestrator: Orchestrator, machine: dict[str, str], count: int
) -> None:
    service, ticks = counting()
    gone = name_holder(replace(ProcessIdentity.current(), pid=GONE.pid, **machine))
    perform = orchestrator.performer.perform
    assert asyncio.run(perform(lambda work: hold_lease(work, service.name, gone, 30), write=True))
    asyncio.run(Loops(orchestrator.performer, [service], orchestrator.settings, orchestrator.clock).step(service))
    assert len(ticks) == count


def test_a_server_that_stops_hands_its_loops_over(orchestrator: Orchestrator) -> None:
    service, ticks = counting()

    async def run() -> None:
        first = Loops(orchestrator.performer, [service], orchestrator.settings, orchestrator.clock)
        first.start()
        while not ticks:
            await asyncio.sleep(0.01)
        await first.stop()
        second = Loops(orchestrator.performer, [service], orchestrator.settings, orchestrator.clock)
        await second.step(service)

    asyncio.run(run())
    assert len(ticks) == 2


def test_a_loop_that_is_woken_looks_at_once(orchestrator: Orchestrator) -> None:
    ticks: list[float] = []
    service = replace(counting()[0], seconds=lambda settings: 600.0, act=lambda work, settings: bool(ticks.append(1)))

    async def run() -> None:
        loops = Loops(orchestrator.performer, [service], orchestrator.settings, orchestrator.clock)
        loops.start()
        for expected in (1, 2):
            while len(ticks) < expected:
                await asyncio.sleep(0.01)
            loops.wake(service.name)
        await loops.stop()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_when_a_loop_fails_the_server_says_that_it_is_not_well(start: Callable[..., Any]) -> None:
    server = start(ephemeral=False)
    with server.client() as client:
        assert client.get("/health").status_code == 200
        loops = server.app.loops
        service = loops.services[0]
        loops._failed(service, RuntimeError("the disk is on fire"))
        answer = client.get("/health")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert f"'{service.name}'" in answer.text
        assert "the disk is on fire" in answer.text
        loops._recovered(service)
        assert client.get("/health").status_code == 200


def test_a_loop_that_failed_goes_on(orchestrator: Orchestrator, caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([RuntimeError("once"), None])
    done = asyncio.Event()

    def act(work: Any, settings: Any) -> bool:
        error = next(outcomes, None)
        if error is not None:
            raise error
        done.set()
        return False

    service = Service("shaky", lambda settings: 0.01, lambda settings: True, act, "Fails once.")

    async def run() -> None:
        loops = Loops(orchestrator.performer, [service], orchestrator.settings, orchestrator.clock)
        loops.start()
        while "shaky" not in loops.troubles:
            await asyncio.sleep(0.01)
        while loops.troubles:
            await asyncio.sleep(0.01)
        await loops.stop()

    asyncio.run(asyncio.wait_for(run(), 60))
    assert "RuntimeError: once" in caplog.text
    assert "works again" in caplog.text


def test_the_loops_of_a_server_run(start: Callable[..., Any]) -> None:
    server = start(ephemeral=False)
    with server.client() as client:
        flow = client.post("/flows/", json={"name": "a"}).json()["id"]
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2020-01-01T00:00:00Z"}}
        run = client.post("/flow_runs/", json={"flow_id": flow, "state": state}).json()["id"]

        def name() -> str:
            return str(httpx.get(f"{server.url}/api/flow_runs/{run}", timeout=60).json()["state"]["name"])

        deadline = time.monotonic() + 60
        while name() != "Late":
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_schedules_are_looked_at_as_soon_as_they_are_changed(start: Callable[..., Any]) -> None:
    server = start({"PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": 600}, ephemeral=False)
    with server.client() as client:

        def runs_become(number: int) -> bool:
            end = time.monotonic() + 60
            while client.post("/flow_runs/count", json={}).json() != number:
                if time.monotonic() > end:
                    return False
                time.sleep(0.02)
            return True

        flow = client.post("/flows/", json={"name": "a"}).json()["id"]
        daily = {"schedule": {"interval": 86400}, "max_scheduled_runs": 2}
        made = client.post("/deployments/", json={"flow_id": flow, "name": "d", "schedules": [daily]}).json()
        assert runs_become(2)
        schedule = f"/deployments/{made['id']}/schedules/{made['schedules'][0]['id']}"
        client.patch(schedule, json={"active": False}).raise_for_status()
        assert runs_become(0)
        client.patch(schedule, json={"active": True, "max_scheduled_runs": 3}).raise_for_status()
        assert runs_become(3)
        client.post(f"/deployments/{made['id']}/pause_deployment").raise_for_status()
        assert runs_become(0)
        client.post(f"/deployments/{made['id']}/resume_deployment").raise_for_status()
        assert runs_become(3)
