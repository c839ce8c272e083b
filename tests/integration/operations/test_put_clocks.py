"""An orchestrator whose clock is put, or a server that has just begun, lets leases last about as long as they were to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, StateCreate, TaskRunCreate
from prefect._contract.actions.settings import ConcurrencyLimitV2Create
from prefect._contract.call import Call
from prefect._contract.endpoints import (
    deliveries,
    flow_runs,
    flows,
    global_concurrency_limits as limits,
    task_runs,
)
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect._contract.state import StateType
from prefect.client.embedded import EmbeddedTransport
from prefect.exceptions import PrefectHTTPStatusError
from prefect.server.api.performance import Performer
from prefect.server.database.engine import Database
from prefect.server.operations.dispatch import find_operation
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.vault import Vault
from prefect.utilities.clocks import ClockWatch
from prefect.utilities.time import UTC


class Time:
    """Passes for both clocks; only one of them can be put."""

    def __init__(self) -> None:
        self.now = datetime(2031, 5, 6, 12, tzinfo=UTC)
        self.steady = 100.0

    def clock(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.steady += seconds

    def is_put(self, **by: float) -> None:
        self.now += timedelta(**by)


class Orchestrator:
    """One that slots of a limit can be taken from."""

    def send(self, call: Call[Any]) -> Any:
        raise NotImplementedError

    def take(self) -> Any:
        """A lease of the only slot; None if somebody has it."""
        try:
            return self.send(limits.increment_concurrency_slots_with_lease(["one"], 1, "concurrency", 60)).lease_id
        except Refusal as refusal:
            if refusal.status != 423:
                raise
            return None


class Server(Orchestrator):
    def __init__(self, url: str, folder: Path, time: Time) -> None:
        vault = Vault(folder / "encryption.key")
        self.performer = Performer(Database(url), vault, clock=time.clock, steady=lambda: time.steady)
        self.close = self.performer.close

    def send(self, call: Call[Any]) -> Any:
        operation = find_operation(call.route)
        return self.performer.do(lambda work: operation.perform(work, call), write=not operation.read_only)


class Process(Orchestrator):
    """A process that is its own orchestrator, on a database that it shares with others."""

    def __init__(self, url: str, folder: Path, time: Time, reap_every: float = 1e9) -> None:
        database, vault = Database(url), Vault(folder / "encryption.key")
        self.transport = EmbeddedTransport(
            database, vault, clock=time.clock, steady=lambda: time.steady, reap_every=reap_every
        )
        self.close = database.close

    def send(self, call: Call[Any]) -> Any:
        try:
            return self.transport.send(call)
        except PrefectHTTPStatusError as error:
            raise Refusal(error.response.status_code, str(error)) from None


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server(url: str, tmp_path: Path, time: Time) -> Iterator[Server]:
    server = Server(url, tmp_path, time)
    server.send(limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="one", limit=1)))
    yield server
    server.close()


@pytest.fixture
def process(url: str, tmp_path: Path, time: Time) -> Iterator[Process]:
    process = Process(url, tmp_path, time)
    yield process
    process.close()


@pytest.fixture(params=["server", "process"])
def orchestrator(request: pytest.FixtureRequest, server: Server) -> Orchestrator:
    """Either kind, with the limit."""
    return server if request.param == "server" else request.getfixturevalue("process")


def test_a_clock_that_goes_is_not_put(time: Time) -> None:
    watch = ClockWatch(time.clock, lambda: time.steady)
    watch()
    assert watch.times == 1  # it has begun
    for _ in range(100):
        time.passes(600)
        time.is_put(seconds=4)
        watch()
    assert watch.times == 1
    time.is_put(hours=-1)
    watch()
    assert watch.times == 2


def test_what_a_put_clock_calls_for_is_done_once_and_again_if_it_fails(time: Time) -> None:
    watch, done = ClockWatch(time.clock, lambda: time.steady), []

    def fail() -> None:
        raise OSError("no disk")

    watch.settle(lambda: done.append("begun"))
    watch.settle(lambda: done.append("not put"))
    time.is_put(hours=1)
    with pytest.raises(OSError, match="no disk"):
        watch.settle(fail)
    watch.settle(lambda: done.append("put"))
    watch.settle(lambda: done.append("settled already"))
    assert done == ["begun", "put"]


def test_a_clock_that_nothing_is_held_against_is_never_put(time: Time) -> None:
    watch = ClockWatch(time.clock)
    time.is_put(hours=1)
    assert watch() == time.now
    assert watch.times == 0


@pytest.mark.parametrize("hours", [1, -1])
def test_a_slot_stays_its_holders_when_the_clock_is_put(orchestrator: Orchestrator, time: Time, hours: int) -> None:
    lease = orchestrator.take()
    time.passes(30)
    time.is_put(hours=hours)
    assert orchestrator.take() is None
    time.passes(59)
    assert orchestrator.take() is None
    orchestrator.send(limits.renew_concurrency_lease(lease, 60))
    time.passes(61)
    assert orchestrator.take() is not None


def test_a_slot_whose_lease_was_over_is_another_ones_when_the_clock_is_put(
    orchestrator: Orchestrator, time: Time
) -> None:
    orchestrator.take()
    time.passes(61)
    assert orchestrator.take() is not None
    time.is_put(hours=1)
    assert orchestrator.take() is None
    assert orchestrator.send(limits.read_global_concurrency_limit("one")).active_slots == 1


def test_a_server_that_begins_leaves_holders_the_time_to_renew(
    server: Server, time: Time, url: str, tmp_path: Path
) -> None:
    lease = server.take()
    time.passes(300)  # without a server
    again = Server(url, tmp_path, time)
    assert again.take() is None
    again.send(limits.renew_concurrency_lease(lease, 60))
    time.passes(61)
    assert again.take() is not None
    again.close()


def claim(process: Process) -> list[Any]:
    return process.send(deliveries.claim_task_runs(["task"], 10, 30.0))


@pytest.mark.parametrize("hours", [1, -1])
@pytest.mark.parametrize("is_other", [False, True], ids=["the same", "another"])
def test_a_background_task_run_stays_its_workers_when_the_clock_is_put_where_there_is_no_server(
    process: Process, time: Time, hours: int, is_other: bool, url: str, tmp_path: Path
) -> None:
    details = {"deferred": True, "scheduled_time": time.now}
    state = {"type": "SCHEDULED", "state_details": details}
    process.send(task_runs.create_task_run(TaskRunCreate(task_key="task", dynamic_key="0", state=state)))
    worker = Process(url, tmp_path, time) if is_other else process
    [held] = claim(process)
    time.passes(20)
    time.is_put(hours=hours)
    assert claim(worker) == []
    time.passes(20)  # as often as workers renew what they have, at least
    assert claim(worker) == []
    assert process.send(deliveries.renew_task_run_claims("w", ["task"], [held.token], 30.0)) == [held.token]
    time.passes(29)
    assert claim(worker) == []
    time.passes(2)  # it was not heard of any more
    [taken] = claim(worker)
    assert (taken.task_run.id, taken.delivery) == (held.task_run.id, 2)
    worker.close()


def run_elsewhere(process: Process) -> Any:
    """A flow run under way, of a process on another host, with a lease of a minute."""
    flow = process.send(flows.create_flow(FlowCreate(name="f")))
    run = process.send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow.id)))
    lease = LeaseRequest(uuid4(), ProcessIdentity("elsewhere", 1, "1", "b", "n"), 60)
    process.send(flow_runs.set_flow_run_state(run.id, StateCreate(type="RUNNING"), lease=lease))
    return run


@pytest.mark.parametrize("hours", [1, -1])
def test_a_flow_run_on_another_host_is_not_taken_for_dead_when_the_clock_is_put_where_there_is_no_server(
    url: str, tmp_path: Path, time: Time, hours: int
) -> None:
    process = Process(url, tmp_path, time, reap_every=0.0)
    run = run_elsewhere(process)
    time.passes(30)
    time.is_put(hours=hours)
    for _ in range(2):
        assert process.send(flow_runs.read_flow_run(run.id)).state_type is StateType.RUNNING
        time.passes(29)
    time.passes(3)
    process.send(flow_runs.read_flow_run(run.id))
    assert process.send(flow_runs.read_flow_run(run.id)).state_type is StateType.CRASHED
    process.close()
