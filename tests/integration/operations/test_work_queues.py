"""Work queues: their order, their health, and how they are found."""

from __future__ import annotations

from typing import Any

import pytest

from prefect._contract.actions.settings import WorkPoolCreate, WorkQueueUpdate
from prefect._contract.endpoints import flow_runs, work_pools, work_queues
from prefect._contract.filters.flow_runs import FlowRunFilter
from prefect._contract.filters.work_pools import WorkQueueFilter, WorkQueueFilterId, WorkQueueFilterName
from prefect._contract.work_pools import WorkQueueStatus
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.utilities.ids import uuid7


@pytest.fixture
def client(orchestrator: Any) -> SyncPrefectClient:
    orchestrator.send(work_pools.create_work_pool(WorkPoolCreate(name="pool", type="process")))
    return SyncPrefectClient(orchestrator.transport)


def places(client: SyncPrefectClient) -> dict[str, int]:
    return {queue.name: queue.priority for queue in client.read_work_queues("pool")}


def make(client: SyncPrefectClient, name: str, **fields: Any) -> Any:
    return client.create_work_queue(name, work_pool_name="pool", **fields)


def test_queues_have_places_of_their_own(client) -> None:
    make(client, "a")
    make(client, "first", priority=1)
    make(client, "far", priority=20)
    make(client, "b")
    assert places(client) == {"first": 1, "default": 2, "a": 3, "b": 4, "far": 20}
    b = client.read_work_queue_by_name("b", "pool")
    client.update_work_queue(b.id, priority=2)
    assert places(client) == {"first": 1, "b": 2, "default": 3, "a": 4, "far": 20}
    client.update_work_queue(b.id, priority=20)
    assert places(client) == {"first": 1, "default": 3, "a": 4, "b": 20, "far": 21}
    client.update_work_queue(b.id, is_paused=True)
    assert places(client)["b"] == 20
    make(client, "c")
    assert places(client)["c"] == 2


def test_a_queue_is_found_by_id_and_by_name(client, orchestrator) -> None:
    queue = make(client, "q", description="d", concurrency_limit=3)
    assert client.read_work_queue(queue.id) == queue == client.read_work_queue_by_name("q", "pool")
    assert (queue.description, queue.concurrency_limit, queue.active_slots) == ("d", 3, 0)
    with pytest.raises(ObjectAlreadyExists, match="already a work queue with name q and work pool pool"):
        make(client, "q")
    for missing in (
        lambda: client.read_work_queue(uuid7()),
        lambda: client.read_work_queue_by_name("zz", "pool"),
        lambda: client.read_work_queue_by_name("q", "nope"),
        lambda: client.read_work_queue_by_name("q"),
        lambda: client.update_work_queue(uuid7(), name="x"),
        lambda: client.delete_work_queue_by_id(uuid7()),
        lambda: client.create_work_queue("q", work_pool_name="nope"),
    ):
        with pytest.raises(ObjectNotFound):
            missing()
    with pytest.raises(ValueError, match="No fields provided to update"):
        client.update_work_queue(queue.id)


def test_queues_that_name_no_pool_share_one(client) -> None:
    queue = client.create_work_queue("loner")
    assert (queue.work_pool_name, queue.priority) == ("default-agent-pool", 2)
    assert client.read_work_queue_by_name("loner") == queue
    assert client.create_work_queue("other").work_pool_id == queue.work_pool_id
    assert client.read_work_pool("default-agent-pool").status is None


def test_a_queue_is_changed_and_keeps_what_is_not_said(client, orchestrator) -> None:
    queue = make(client, "q", description="d", concurrency_limit=3)
    orchestrator.clock.pass_by(1)
    client.update_work_queue(queue.id, name="new", concurrency_limit=None)
    changed = client.read_work_queue(queue.id)
    assert (changed.name, changed.description, changed.concurrency_limit) == ("new", "d", None)
    assert changed.updated == orchestrator.clock.now
    with pytest.raises(ObjectAlreadyExists):
        client.update_work_queue(queue.id, name="default")
    orchestrator.send(work_queues.update_work_pool_queue("pool", "new", WorkQueueUpdate(name="q")))
    assert client.read_work_queue(queue.id).name == "q"


def test_a_queue_is_deleted_unless_it_is_the_default(client, orchestrator) -> None:
    queue = make(client, "q")
    run = orchestrator.flow_run(work_pool_name="pool", work_queue_name="q")
    client.delete_work_queue_by_id(queue.id)
    assert list(places(client)) == ["default"]
    assert orchestrator.read(run).work_queue_id is None
    with pytest.raises(PrefectHTTPStatusError, match="is the default of the work pool 'pool'") as refused:
        orchestrator.send(work_queues.delete_work_pool_queue("pool", "default"))
    assert refused.value.response.status_code == 409
    with pytest.raises(ObjectNotFound):
        orchestrator.send(work_queues.delete_work_pool_queue("pool", "q"))


def test_queues_are_listed(client) -> None:
    for name in ("etl", "etl-fast", "ETL", "e_t"):
        make(client, name)
    client.create_work_queue("etl")
    assert [queue.name for queue in client.match_work_queues(["etl"], "pool")] == ["etl", "etl-fast"]
    assert [queue.name for queue in client.match_work_queues(["e_", "ET"], "pool")] == ["ETL", "e_t"]
    assert client.match_work_queues([], "pool") == []
    assert len(client.match_work_queues(["etl"])) == 3
    chosen = WorkQueueFilter(name=WorkQueueFilterName(any_=["etl"]))
    assert len(client.read_work_queues(work_queue_filter=chosen)) == 2
    by_id = WorkQueueFilter(id=WorkQueueFilterId(any_=[client.read_work_queue_by_name("etl").id]))
    assert [queue.work_pool_name for queue in client.read_work_queues(work_queue_filter=by_id)] == [
        "default-agent-pool"
    ]
    assert len(client.read_work_queues("pool", limit=2, offset=1)) == 2
    with pytest.raises(PrefectHTTPStatusError, match="Invalid limit"):
        client.read_work_queues(limit=999)


def test_a_hundred_queues_and_more_are_matched(client) -> None:
    for number in range(101):
        make(client, f"q{number}")
    assert len(client.match_work_queues(["q"])) == 101


def test_a_queue_is_ready_while_it_is_polled(client, orchestrator) -> None:
    queue = make(client, "q")
    status = lambda: client.read_work_queue(queue.id).status
    assert status() == WorkQueueStatus.NOT_READY
    client.get_scheduled_flow_runs_for_work_pool("pool", ["q"])
    assert client.read_work_queue(queue.id).last_polled == orchestrator.clock.now
    assert client.read_work_queue_by_name("default", "pool").last_polled is None
    assert status() == WorkQueueStatus.READY
    orchestrator.clock.pass_by(60)
    assert status() == WorkQueueStatus.READY
    orchestrator.clock.pass_by(1)
    assert status() == WorkQueueStatus.NOT_READY
    client.get_runs_in_work_queue(queue.id)
    assert status() == WorkQueueStatus.READY
    client.update_work_queue(queue.id, is_paused=True)
    assert status() == WorkQueueStatus.PAUSED


def test_a_poll_is_not_written_down_each_time(client, orchestrator) -> None:
    queue = make(client, "q")
    client.get_runs_in_work_queue(queue.id)
    first = orchestrator.clock.now
    orchestrator.clock.pass_by(4)
    client.get_runs_in_work_queue(queue.id)
    assert client.read_work_queue(queue.id).last_polled == first
    moment = orchestrator.clock.pass_by(2)
    client.get_runs_in_work_queue(queue.id)
    assert client.read_work_queue(queue.id).last_polled == moment


def test_a_queue_is_healthy_when_it_is_polled_and_nothing_is_late(client, orchestrator) -> None:
    queue = make(client, "q")
    assert not client.read_work_queue_status(queue.id).healthy
    client.get_runs_in_work_queue(queue.id)
    status = client.read_work_queue_status(queue.id)
    assert (status.healthy, status.late_runs_count, status.last_polled) == (True, 0, orchestrator.clock.now)
    assert (
        status.health_check_policy.maximum_late_runs,
        status.health_check_policy.maximum_seconds_since_last_polled,
    ) == (0, 60)
    run = orchestrator.flow_run(work_pool_name="pool", work_queue_name="q", state={"type": "SCHEDULED"})
    assert client.read_work_queue_status(queue.id).healthy
    orchestrator.propose(run, "SCHEDULED", name="Late", force=True)
    status = client.read_work_queue_status(queue.id)
    assert (status.healthy, status.late_runs_count) == (False, 1)
    with pytest.raises(ObjectNotFound):
        client.read_work_queue_status(uuid7())


def test_the_runs_of_a_queue_are_given_while_slots_are_free(client, orchestrator) -> None:
    queue = make(client, "q", concurrency_limit=2)
    place = {"work_pool_name": "pool", "work_queue_name": "q"}
    active = orchestrator.flow_run(name="active", **place)
    for name in ("a", "b"):
        orchestrator.flow_run(name=name, state={"type": "SCHEDULED"}, **place)
    found = orchestrator.send(work_queues.get_runs_in_work_queue(queue.id))
    assert [run.name for run in found] == ["a"]
    status = client.read_work_queue_concurrency_status(queue.id)
    assert (status.active_slots, status.concurrency_limit, status.count) == (1, 2, 1)
    assert [run.id for run in status.flow_runs] == [active.id]
    assert client.read_work_queue_concurrency_status(queue.id, page=2, limit=1).flow_runs == []
    assert client.read_work_queue(queue.id).active_slots == 1
    with pytest.raises(PrefectHTTPStatusError, match="pages are counted from 1"):
        client.read_work_queue_concurrency_status(queue.id, page=0)


def test_flow_runs_are_selected_by_queue_and_pool(client, orchestrator) -> None:
    make(client, "q")
    flow = orchestrator.flow()
    for name, place in (
        ("none", {}),
        ("default", {"work_pool_name": "pool"}),
        ("q", {"work_pool_name": "pool", "work_queue_name": "q"}),
    ):
        orchestrator.flow_run(flow_id=flow, name=name, **place)
    from prefect._contract.filters.work_pools import WorkPoolFilter, WorkPoolFilterName

    def listed(**filters: Any) -> set[str]:
        return {run.name for run in orchestrator.send(flow_runs.read_flow_runs(**filters))}

    named_q = WorkQueueFilter(name=WorkQueueFilterName(any_=["q"]))
    pool = WorkPoolFilter(name=WorkPoolFilterName(any_=["pool"]))
    assert listed(work_pool_filter=pool) == listed(work_pool_filter=WorkPoolFilter()) == {"default", "q"}
    assert listed(work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=["x"]))) == set()
    assert listed(work_queue_filter=named_q) == listed(work_queue_filter=named_q, work_pool_filter=pool) == {"q"}
    assert listed(flow_run_filter=FlowRunFilter(work_queue_name={"any_": ["default"]})) == {"default"}
    assert listed(flow_run_filter=FlowRunFilter(work_queue_name={"is_null_": True})) == {"none"}
