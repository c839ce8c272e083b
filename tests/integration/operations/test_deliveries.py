"""Background task runs wait in the database for task workers, and each is given to one of them at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from prefect._contract.endpoints import recording, task_runs, task_workers
from prefect._contract.filters.task_workers import TaskWorkerFilter
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State, StateDetails
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.deliveries import (
    abandon_deliveries,
    claim_deliveries,
    confirm_delivery,
    renew_deliveries,
)
from prefect.server.operations.task_workers import forget_task_worker, see_task_worker
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7


class Broker:
    """Does what the connections to task workers do, each in a transaction of its own."""

    def __init__(self, orchestrator: Any) -> None:
        self.orchestrator = orchestrator

    def do(self, function: Callable[..., Any], *args: Any) -> Any:
        clock, database = self.orchestrator.clock, self.orchestrator.transport.database
        return database.transaction(
            lambda connection: function(UnitOfWork(connection, clock(), None), *args), write=True
        )

    def claim(self, client: str = "a", *keys: str, limit: int = 10, hold: float = 60) -> list[Any]:
        return [run.id for run in self.do(claim_deliveries, client, keys or ("task",), limit, hold)]

    def row(self, run: Any) -> dict[str, Any] | None:
        return self.do(lambda work: records.read(work.connection, tables.task_run_delivery, task_run_id=run.id))


@pytest.fixture
def broker(orchestrator: Any) -> Broker:
    return Broker(orchestrator)


def background(orchestrator: Any, key: str = "task", after: float = 0, **fields: Any) -> Any:
    due = orchestrator.clock() + timedelta(seconds=after)
    details = {"deferred": True, "scheduled_time": due}
    state = {"type": "SCHEDULED", "state_details": details}
    return orchestrator.task_run(task_key=key, dynamic_key=str(uuid4()), state=state, **fields)


def test_task_runs_are_delivered_when_they_are_due_the_oldest_first(orchestrator, broker, clock) -> None:
    late, early = background(orchestrator, after=20), background(orchestrator, after=10)
    now = background(orchestrator)
    background(orchestrator, key="other")
    assert broker.claim() == [now.id]
    clock.pass_by(9.9)
    assert broker.claim() == []
    clock.pass_by(20)
    assert broker.claim(limit=1) == [early.id]
    assert broker.claim() == [late.id]
    assert broker.row(late)["deliveries"] == 1


def test_a_delivery_is_the_task_run_as_it_is(orchestrator, broker) -> None:
    made = background(orchestrator, tags=["t"])
    (run,) = broker.do(claim_deliveries, "a", ["task"], 1, 60)
    assert (run.id, run.tags, run.state.state_details.deferred) == (made.id, ["t"], True)
    assert run == orchestrator.read(made)


def test_each_is_given_to_one_client(orchestrator, broker) -> None:
    runs = [background(orchestrator).id for _ in range(5)]
    first, second = broker.claim("a", limit=3), broker.claim("b", limit=3)
    assert (first, second) == (runs[:3], runs[3:])
    assert broker.claim("c") == []


def test_what_is_not_deferred_is_delivered_to_nobody(orchestrator, broker) -> None:
    orchestrator.task_run(dynamic_key="1")
    orchestrator.task_run(
        dynamic_key="2", state={"type": "SCHEDULED", "state_details": {"scheduled_time": orchestrator.clock()}}
    )
    assert broker.claim() == []


def test_scheduling_a_run_in_the_background_later_delivers_it(orchestrator, broker) -> None:
    run = orchestrator.task_run()
    details = {"deferred": True, "scheduled_time": orchestrator.clock()}
    orchestrator.propose(run, "SCHEDULED", state_details=details)
    assert broker.claim() == [run.id]


def test_what_was_claimed_and_not_begun_is_offered_again_in_time(orchestrator, broker, clock) -> None:
    run = background(orchestrator)
    assert broker.claim("a", hold=60) == [run.id]
    clock.pass_by(59)
    assert broker.claim("b") == []
    clock.pass_by(1)
    assert broker.claim("b") == [run.id]
    assert broker.row(run)["deliveries"] == 2


def test_a_confirmed_delivery_is_held_longer(orchestrator, broker, clock) -> None:
    run = background(orchestrator)
    broker.claim("a", hold=5)
    clock.pass_by(4)
    assert broker.do(confirm_delivery, "a", run.id) is True
    assert broker.do(confirm_delivery, "b", run.id) is False
    clock.pass_by(59)
    assert broker.claim("b") == []
    clock.pass_by(1)
    assert broker.claim("b") == [run.id]
    assert broker.do(confirm_delivery, "a", run.id) is False


def test_who_is_still_there_keeps_what_it_was_given(orchestrator, broker, clock) -> None:
    runs = {background(orchestrator).id for _ in range(2)}
    assert set(broker.claim("a", hold=60)) == runs
    for _ in range(5):
        clock.pass_by(50)
        assert broker.do(renew_deliveries, "a", 60) == 2
    assert broker.claim("b") == []
    assert broker.do(renew_deliveries, "b", 60) == 0


def test_what_a_client_that_is_gone_did_not_begin_is_available_at_once(orchestrator, broker) -> None:
    waiting, pending, running = (background(orchestrator) for _ in range(3))
    other = background(orchestrator, key="other")
    assert len(broker.claim("a")) == 3
    assert broker.claim("b", "other") == [other.id]
    orchestrator.propose(pending, "PENDING")
    orchestrator.propose(running, "PENDING")
    orchestrator.propose(running, "RUNNING")
    assert broker.do(abandon_deliveries, "a") == 1
    assert broker.claim("c", "task", "other") == [waiting.id]
    assert broker.row(pending)["client_id"] == "a"


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
def test_what_has_begun_or_ended_waits_no_longer(orchestrator, broker, clock, state: str) -> None:
    run = background(orchestrator)
    orchestrator.propose(run, state, force=True)
    assert broker.row(run) is None
    assert broker.claim() == []


def test_what_is_pending_is_given_to_nobody_else(orchestrator, broker, clock) -> None:
    run = background(orchestrator)
    broker.claim("a", hold=60)
    orchestrator.propose(run, "PENDING")
    assert broker.row(run)["client_id"] == "a"
    clock.pass_by(3_600)
    assert broker.claim("b") == []


def test_what_is_deleted_is_not_delivered(orchestrator, broker) -> None:
    orchestrator.send(task_runs.delete_task_run(background(orchestrator).id))
    assert broker.claim() == []


def test_what_ended_is_delivered_again_on_request(orchestrator, broker) -> None:
    run = background(orchestrator)
    broker.claim("a")
    orchestrator.propose(run, "PENDING")
    orchestrator.propose(run, "RUNNING")
    orchestrator.propose(run, "FAILED")
    details = {"deferred": True, "scheduled_time": orchestrator.clock()}
    assert orchestrator.propose(run, "SCHEDULED", state_details=details).status.value == "ACCEPT"
    assert broker.claim("b") == [run.id]


# -- what is recorded in batches


def record(orchestrator: Any, run: Any, type_: str, **details: Any) -> None:
    state: State[Any] = State(type=type_, timestamp=orchestrator.clock(), state_details=StateDetails(**details))
    current = run.model_copy(update={"state": state, "state_id": state.id})
    orchestrator.send(recording.record_task_runs([TaskRunRecord(current, [state])]))


def test_a_recorded_beginning_ends_the_waiting(orchestrator, broker, clock) -> None:
    run = background(orchestrator)
    broker.claim("a")
    clock.pass_by(1)
    record(orchestrator, run, "PENDING")
    assert broker.row(run)["client_id"] == "a"
    clock.pass_by(1)
    record(orchestrator, run, "RUNNING")
    assert broker.row(run) is None


def test_what_is_recorded_as_scheduled_in_the_background_is_delivered_once(orchestrator, broker, clock) -> None:
    run = orchestrator.task_run().model_copy(update={"id": uuid7(), "dynamic_key": "x"})
    due = orchestrator.clock()
    record(orchestrator, run, "SCHEDULED", deferred=True, scheduled_time=due)
    assert broker.claim("a") == [run.id]
    record(orchestrator, run, "SCHEDULED", deferred=True, scheduled_time=due)
    assert broker.claim("b") == []
    clock.pass_by(1)
    record(orchestrator, run, "RUNNING")
    clock.pass_by(-1)
    record(orchestrator, run, "SCHEDULED", deferred=True, scheduled_time=due)
    assert broker.row(run) is None


# -- many at once


def test_many_clients_at_once_get_each_task_run_once(orchestrator, broker) -> None:
    runs = {background(orchestrator).id for _ in range(40)}
    got: list[Any] = []

    def work(client: str) -> None:
        while claimed := broker.claim(client, limit=3):
            got.extend(claimed)

    threads = [threading.Thread(target=work, args=(f"client-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(got) == 40
    assert set(got) == runs


# -- task workers


def listed(orchestrator: Any, *keys: str) -> list[tuple[str, list[str]]]:
    chosen = TaskWorkerFilter(task_keys=list(keys)) if keys else None
    found = orchestrator.send(task_workers.read_task_workers(chosen))
    return [(worker.identifier, worker.task_keys) for worker in found]


def test_task_workers_are_listed_by_the_tasks_that_they_serve(orchestrator, broker, clock) -> None:
    broker.do(see_task_worker, "a", ["k2", "k1"])
    broker.do(see_task_worker, "b", ["k2", "k3"])
    assert listed(orchestrator) == [("a", ["k1", "k2"]), ("b", ["k2", "k3"])]
    assert [name for name, _ in listed(orchestrator, "k1")] == ["a"]
    assert [name for name, _ in listed(orchestrator, "k1", "k3")] == ["a", "b"]
    assert listed(orchestrator, "none") == []
    assert orchestrator.send(task_workers.read_task_workers(TaskWorkerFilter(task_keys=[])))[0].timestamp == clock()


def test_only_those_seen_lately_are_listed(orchestrator, broker, clock) -> None:
    broker.do(see_task_worker, "a", ["k"])
    broker.do(see_task_worker, "b", ["k"])
    clock.pass_by(50)
    broker.do(see_task_worker, "a", ["k", "l"])
    clock.pass_by(20)
    assert listed(orchestrator) == [("a", ["k", "l"])]
    broker.do(forget_task_worker, "a")
    assert listed(orchestrator) == []
    clock.pass_by(3_600)
    broker.do(see_task_worker, "c", ["k"])
    assert broker.do(lambda work: records.count(work.connection, tables.task_worker, [])) == 1
