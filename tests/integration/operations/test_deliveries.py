"""Background task runs wait in the database for task workers, and each is given to one of them at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from prefect._contract.actions.settings import ConcurrencyLimitCreate
from prefect._contract.endpoints import deliveries, recording, task_runs, task_workers
from prefect._contract.endpoints.concurrency_limits import create_concurrency_limit, read_concurrency_limit_by_tag
from prefect._contract.endpoints.waiting import are_task_runs_due, read_ended_task_runs
from prefect._contract.filters.task_workers import TaskWorkerFilter
from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State, StateDetails
from prefect.exceptions import PrefectHTTPStatusError
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.deliveries import (
    MOST_DELIVERIES,
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


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_task_run_is_due_at_once_where_it_was_scheduled_by_a_clock_that_is_wrong(
    orchestrator, broker, clock, minutes: int
) -> None:
    theirs = clock() + timedelta(minutes=minutes)
    made: list[Any] = []
    for after in (0, 20):
        due = theirs + timedelta(seconds=after)
        details = StateDetails(deferred=True, scheduled_time=due)
        state: State[Any] = State(type="SCHEDULED", timestamp=theirs, state_details=details)
        run = TaskRun(name="a", task_key="task", dynamic_key=str(uuid4()), state=state, id=uuid7())
        orchestrator.send(recording.record_task_runs([TaskRunRecord(run, [state])]))
        made.append(run.id)
    clock.pass_by(0.1)
    if minutes > 0:
        assert broker.claim() == [made[0]]
        clock.pass_by(20)
        assert broker.claim() == [made[1]]
    else:
        assert broker.claim() == made


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


# -- claims of our own workers


def claim(orchestrator: Any, *keys: str, limit: int = 10, seconds: float = 30) -> list[Any]:
    return orchestrator.send(deliveries.claim_task_runs(keys or ("task",), limit, seconds))


def say(orchestrator: Any, held: Any, name: str, token: Any = None) -> str:
    """Record a state of a claimed run, as its worker does. Answers with the state that it is in then."""
    state = State(type=name, timestamp=orchestrator.clock())
    run = held.task_run.model_copy(update={"state": state, "state_id": state.id})
    orchestrator.send(recording.record_task_runs([TaskRunRecord(run, [state], token or held.token)]))
    return orchestrator.read(held.task_run).state.type.value


def renew(orchestrator: Any, *claims: Any, seconds: float = 30) -> list[Any]:
    tokens = [held.token for held in claims]
    return orchestrator.send(deliveries.renew_task_run_claims("w", ["task"], tokens, seconds))


def test_a_claimed_run_is_pending_until_its_worker_begins(orchestrator, broker) -> None:
    first, second = background(orchestrator).id, background(orchestrator).id
    (held,) = claim(orchestrator, limit=1)
    assert (held.task_run.id, held.delivery, held.task_run.state.type) == (first, 1, "PENDING")
    assert [other.task_run.id for other in claim(orchestrator)] == [second]
    assert say(orchestrator, held, "RUNNING") == "RUNNING"
    assert broker.row(held.task_run) is not None
    assert say(orchestrator, held, "COMPLETED") == "COMPLETED"
    assert broker.row(held.task_run) is None


def test_a_claim_that_is_renewed_lasts(orchestrator, broker, clock) -> None:
    background(orchestrator)
    (held,) = claim(orchestrator)
    for _ in range(3):
        clock.pass_by(20)
        assert renew(orchestrator, held) == [held.token]
        assert claim(orchestrator) == []
    workers = orchestrator.send(task_workers.read_task_workers())
    assert [(worker.identifier, worker.task_keys) for worker in workers] == [("w", ["task"])]


def test_the_run_of_a_worker_that_is_lost_is_given_to_another_which_alone_is_believed(orchestrator, clock) -> None:
    details = {"deferred": True, "scheduled_time": clock(), "task_parameters_id": uuid4()}
    run = orchestrator.task_run(state={"type": "SCHEDULED", "state_details": details})
    (lost,) = claim(orchestrator)
    assert lost.task_run.state.state_details.task_parameters_id == details["task_parameters_id"]
    say(orchestrator, lost, "RUNNING")
    clock.pass_by(31)
    (found,) = claim(orchestrator)
    assert (found.task_run.id, found.delivery) == (run.id, 2)
    assert found.task_run.state.state_details.task_parameters_id == details["task_parameters_id"]
    assert renew(orchestrator, lost, found) == [found.token]
    assert say(orchestrator, lost, "COMPLETED") == "PENDING"
    refused = orchestrator.send(task_runs.set_task_run_state(run.id, State(type="RUNNING"), lease_token=lost.token))
    assert refused.status == "ABORT"
    say(orchestrator, found, "RUNNING")
    assert say(orchestrator, found, "FAILED") == "FAILED"
    assert say(orchestrator, lost, "COMPLETED") == "FAILED"
    assert say(orchestrator, lost, "RUNNING", token=uuid4()) == "FAILED"


@pytest.mark.parametrize("minutes", [0, 10, -10])
def test_a_run_that_waits_to_be_tried_again_waits_for_the_rest_of_the_time(orchestrator, clock, minutes: int) -> None:
    background(orchestrator, empirical_policy={"retries": 1, "retry_delay": 100})
    (lost,) = claim(orchestrator)
    say(orchestrator, lost, "RUNNING")
    again = clock() + timedelta(seconds=100)
    theirs = clock() + timedelta(
        minutes=minutes
    )  # by the clock of the worker, for which states have an order nevertheless
    details = {"scheduled_time": theirs + timedelta(seconds=100)}
    entered = max(theirs, clock())
    retry = State(type="SCHEDULED", name="AwaitingRetry", state_details=details, timestamp=entered)
    lost.task_run.state, lost.task_run.next_scheduled_start_time = retry, details["scheduled_time"]
    orchestrator.send(recording.record_task_runs([TaskRunRecord(lost.task_run, [retry], lost.token)]))
    if minutes >= 0:  # the worker itself is let begin then, should it have to ask
        waiting = orchestrator.send(task_runs.read_task_run(lost.task_run.id))
        assert waiting.state.state_details.scheduled_time == waiting.next_scheduled_start_time == again
    clock.pass_by(31)
    assert claim(orchestrator) == []
    state = orchestrator.send(task_runs.read_task_run(lost.task_run.id)).state
    assert (state.name, state.state_details.scheduled_time) == ("AwaitingRetry", again)
    clock.pass_by(70)
    (found,) = claim(orchestrator)
    assert (found.task_run.id, found.delivery) == (lost.task_run.id, 2)


def test_a_run_whose_workers_die_again_and_again_is_given_up(orchestrator, broker, clock) -> None:
    run = background(orchestrator)
    for number in range(1, MOST_DELIVERIES + 1):
        (held,) = claim(orchestrator)
        assert held.delivery == number
        say(orchestrator, held, "RUNNING")
        clock.pass_by(31)
    assert claim(orchestrator) == []
    ended = orchestrator.read(run)
    assert ended.state.type == "CRASHED"
    assert "has not been heard of" in ended.state.message
    assert broker.row(run) is None


def test_a_worker_that_ends_leaves_its_runs_to_others_at_once(orchestrator, broker) -> None:
    run = background(orchestrator)
    (held,) = claim(orchestrator)
    renew(orchestrator, held)
    orchestrator.send(deliveries.end_task_worker("w", [held.token]))
    assert orchestrator.send(task_workers.read_task_workers()) == []
    assert "was stopped" in orchestrator.read(run).state.message
    assert [again.task_run.id for again in claim(orchestrator)] == [run.id]


def test_a_claimed_run_that_has_not_begun_is_given_back_and_was_not_delivered(orchestrator, broker) -> None:
    run = background(orchestrator)
    for _ in range(MOST_DELIVERIES + 1):
        (held,) = claim(orchestrator)
        assert held.delivery == 1
        orchestrator.send(deliveries.return_task_runs([held.token]))
        assert orchestrator.read(run).state.type == "SCHEDULED"
    assert say(orchestrator, held, "RUNNING") == "SCHEDULED"  # the claim is over
    (again,) = claim(orchestrator)
    assert again.task_run.state.state_details.task_parameters_id == held.task_run.state.state_details.task_parameters_id
    orchestrator.send(deliveries.return_task_runs([held.token]))
    assert say(orchestrator, again, "RUNNING") == "RUNNING"


def test_a_background_run_does_not_need_the_flow_run_that_it_was_called_in(orchestrator) -> None:
    flow_run = orchestrator.flow_run()
    run = background(orchestrator, flow_run_id=flow_run.id)
    orchestrator.propose(flow_run, "RUNNING")
    orchestrator.propose(flow_run, "COMPLETED")
    (held,) = claim(orchestrator)
    entered = orchestrator.send(task_runs.set_task_run_state(run.id, State(type="RUNNING"), lease_token=held.token))
    assert entered.status == "ACCEPT"


def test_slots_of_a_lost_run_are_free(orchestrator, clock) -> None:
    orchestrator.send(create_concurrency_limit(ConcurrencyLimitCreate(tag="t", concurrency_limit=1)))
    run = background(orchestrator, tags=["t"])
    (held,) = claim(orchestrator)
    orchestrator.send(task_runs.set_task_run_state(run.id, State(type="RUNNING"), lease_token=held.token))
    assert orchestrator.send(read_concurrency_limit_by_tag("t")).active_slots == [run.id]
    clock.pass_by(31)
    claim(orchestrator)
    assert orchestrator.send(read_concurrency_limit_by_tag("t")).active_slots == []


def test_there_is_something_due_when_there_is(orchestrator, clock) -> None:
    due = lambda *keys: orchestrator.send(are_task_runs_due(keys or ("task",)))
    assert not due()
    run = background(orchestrator, after=5)
    assert not due()
    clock.pass_by(5)
    assert due()
    assert not due("other")
    (held,) = claim(orchestrator)
    assert not due()
    clock.pass_by(31)
    assert due()
    (held,) = claim(orchestrator)
    assert orchestrator.send(read_ended_task_runs([run.id])) == []
    say(orchestrator, held, "RUNNING")
    say(orchestrator, held, "COMPLETED")
    assert orchestrator.send(read_ended_task_runs([uuid4(), run.id])) == [run.id]


@pytest.mark.parametrize(("limit", "seconds"), [(0, 30), (1, 0), (1, 1e9)])
def test_claims_that_make_no_sense_are_refused(orchestrator, limit: int, seconds: float) -> None:
    with pytest.raises(PrefectHTTPStatusError, match="Invalid"):
        claim(orchestrator, limit=limit, seconds=seconds)
