"""Work pools, their workers, and which runs those are to take."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from prefect._contract.actions.runs import StateCreate
from prefect._contract.actions.settings import WorkPoolCreate, WorkPoolUpdate, WorkQueueCreate, WorkQueueUpdate
from prefect._contract.endpoints import flow_runs, work_pools, work_queues
from prefect._contract.filters.work_pools import (
    WorkerFilter,
    WorkerFilterStatus,
    WorkPoolFilter,
    WorkPoolFilterName,
    WorkPoolFilterType,
)
from prefect._contract.state import StateDetails
from prefect._contract.work_pools import WorkerStatus, WorkPoolStatus
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError

TEMPLATE = {
    "job_configuration": {"command": "{{ command }}", "env": {"N": "{{ n }}"}},
    "variables": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "n": {"type": "integer", "default": 1}},
    },
}


def make(orchestrator: Any, name: str = "pool", **fields: Any) -> Any:
    return orchestrator.send(work_pools.create_work_pool(WorkPoolCreate(name=name, type="process", **fields)))


def queue(orchestrator: Any, name: str, pool: str = "pool", **fields: Any) -> Any:
    return orchestrator.send(work_queues.create_work_pool_queue(pool, WorkQueueCreate(name=name, **fields)))


def change_queue(orchestrator: Any, name: str, **fields: Any) -> None:
    orchestrator.send(work_queues.update_work_pool_queue("pool", name, WorkQueueUpdate(**fields)))


def waiting(orchestrator: Any, name: str, queue_name: str = "default", seconds: float = 0, **fields: Any) -> Any:
    """A run that waits in a queue and is due in some seconds."""
    due = orchestrator.clock.now + timedelta(seconds=seconds)
    state = StateCreate(type="SCHEDULED", state_details=StateDetails(scheduled_time=due))
    place = {"work_pool_name": "pool", "work_queue_name": queue_name}
    return orchestrator.flow_run(name=name, **{"state": state, **place, **fields})


def names(orchestrator: Any, **asked: Any) -> list[str]:
    found = orchestrator.send(work_pools.get_scheduled_flow_runs_for_work_pool("pool", **asked))
    return [each.flow_run.name for each in found]


def test_a_work_pool_has_a_default_queue(orchestrator) -> None:
    pool = make(orchestrator, description="d", base_job_template=TEMPLATE)
    assert orchestrator.send(work_pools.read_work_pool("pool")) == pool
    (default,) = orchestrator.send(work_queues.read_work_pool_queues("pool"))
    assert (default.id, default.name, default.priority) == (pool.default_queue_id, "default", 1)
    assert (default.work_pool_id, default.work_pool_name) == (pool.id, "pool")
    assert (pool.status, pool.active_slots, pool.base_job_template) == (WorkPoolStatus.NOT_READY, None, TEMPLATE)


def test_names_are_taken_once_and_some_are_reserved(orchestrator) -> None:
    make(orchestrator)
    with pytest.raises(ObjectAlreadyExists, match="already a work pool with name pool"):
        make(orchestrator)
    for name in ("prefect-agent", "Prefect stuff"):
        with pytest.raises(PrefectHTTPStatusError, match="reserved") as refused:
            make(orchestrator, name)
        assert refused.value.response.status_code == 403
    assert orchestrator.send(work_pools.count_work_pools()) == 1


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ({"job_configuration": {"a": 1}}, "must contain both"),
        ({"variables": {"properties": {}}}, "must contain both"),
        ({**TEMPLATE, "job_configuration": {"x": ["{{ y }} {{ n }}"]}}, r"undeclared variable\(s\): y"),
        (
            {
                **TEMPLATE,
                "variables": {"properties": {"command": {"type": "string"}, "n": {"type": "integer", "default": "a"}}},
            },
            "field 'n'. Failure reason: 'a' is not valid",
        ),
    ],
)
def test_a_job_template_declares_what_it_uses(orchestrator, template: dict[str, Any], reason: str) -> None:
    with pytest.raises(PrefectHTTPStatusError, match=reason) as refused:
        make(orchestrator, base_job_template=template)
    assert refused.value.response.status_code == 422
    make(orchestrator, base_job_template=TEMPLATE)
    with pytest.raises(PrefectHTTPStatusError, match=reason):
        orchestrator.send(work_pools.update_work_pool("pool", WorkPoolUpdate(base_job_template=template)))


def test_a_work_pool_is_changed(orchestrator) -> None:
    pool = make(orchestrator, concurrency_limit=3, description="old")
    assert pool.active_slots == 0
    moment = orchestrator.clock.pass_by(1)
    orchestrator.send(work_pools.update_work_pool("pool", WorkPoolUpdate(is_paused=True, concurrency_limit=None)))
    changed = orchestrator.send(work_pools.read_work_pool("pool"))
    assert (changed.status, changed.concurrency_limit, changed.description) == (WorkPoolStatus.PAUSED, None, "old")
    assert (changed.updated, changed.created) == (moment, pool.created)
    with pytest.raises(PrefectHTTPStatusError, match="cannot be without 'is_paused'"):
        orchestrator.send(work_pools.update_work_pool("pool", WorkPoolUpdate(is_paused=None)))
    with pytest.raises(ObjectNotFound, match="no work pool with name nope"):
        orchestrator.send(work_pools.update_work_pool("nope", WorkPoolUpdate(description="x")))


def test_work_pools_are_listed_and_counted(orchestrator) -> None:
    for name in ("b", "a", "c"):
        make(orchestrator, name)
    listed = lambda **asked: [pool.name for pool in orchestrator.send(work_pools.read_work_pools(**asked))]
    assert listed() == ["a", "b", "c"]
    assert listed(limit=1, offset=1) == ["b"]
    chosen = WorkPoolFilter(name=WorkPoolFilterName(any_=["c", "zz"]))
    assert listed(work_pool_filter=chosen) == ["c"]
    assert orchestrator.send(work_pools.count_work_pools(chosen)) == 1
    either = WorkPoolFilter(
        operator="or_", name=WorkPoolFilterName(any_=["a"]), type=WorkPoolFilterType(any_=["docker"])
    )
    assert listed(work_pool_filter=either) == ["a"]
    for bad in ({"limit": 201}, {"offset": -1}):
        with pytest.raises(PrefectHTTPStatusError) as refused:
            listed(**bad)
        assert refused.value.response.status_code == 422


def test_deleting_a_work_pool_leaves_its_runs(orchestrator) -> None:
    make(orchestrator)
    run = waiting(orchestrator, "run")
    assert (run.work_pool_name, run.work_queue_name) == ("pool", "default")
    orchestrator.send(work_pools.send_worker_heartbeat("pool", "w"))
    orchestrator.send(work_pools.delete_work_pool("pool"))
    left = orchestrator.read(run)
    assert (left.work_pool_name, left.work_pool_id, left.work_queue_id) == (None, None, None)
    assert left.work_queue_name == "default"
    for gone in (work_pools.read_work_pool("pool"), work_pools.delete_work_pool("pool")):
        with pytest.raises(ObjectNotFound):
            orchestrator.send(gone)
    assert orchestrator.send(work_queues.read_work_queues()) == []


# -- workers


def test_a_work_pool_is_ready_while_a_worker_beats(orchestrator) -> None:
    make(orchestrator)
    status = lambda: orchestrator.send(work_pools.read_work_pool("pool")).status
    beat = lambda: orchestrator.send(work_pools.send_worker_heartbeat("pool", "w", 10))
    beat()
    assert status() == WorkPoolStatus.READY
    orchestrator.clock.pass_by(29)
    assert status() == WorkPoolStatus.READY
    orchestrator.clock.pass_by(1)
    assert status() == WorkPoolStatus.NOT_READY
    beat()
    assert status() == WorkPoolStatus.READY
    orchestrator.send(work_pools.update_work_pool("pool", WorkPoolUpdate(is_paused=True)))
    assert status() == WorkPoolStatus.PAUSED
    orchestrator.send(work_pools.update_work_pool("pool", WorkPoolUpdate(is_paused=False)))
    assert status() == WorkPoolStatus.READY


def test_workers_are_listed_with_what_became_of_them(orchestrator) -> None:
    make(orchestrator)
    orchestrator.send(work_pools.send_worker_heartbeat("pool", "slow", 60))
    orchestrator.send(work_pools.send_worker_heartbeat("pool", "silent"))
    moment = orchestrator.clock.pass_by(100)
    orchestrator.send(work_pools.send_worker_heartbeat("pool", "new", -5))

    def listed(**status: Any) -> list[str]:
        chosen = WorkerFilter(status=WorkerFilterStatus(**status)) if status else None
        return [worker.name for worker in orchestrator.send(work_pools.read_workers_for_work_pool("pool", chosen))]

    workers = orchestrator.send(work_pools.read_workers_for_work_pool("pool"))
    assert {worker.name: worker.status.value for worker in workers} == {
        "new": "ONLINE",
        "slow": "ONLINE",
        "silent": "OFFLINE",
    }
    assert (workers[0].name, workers[0].last_heartbeat_time) == ("new", moment)
    assert set(listed(any_=[WorkerStatus.ONLINE])) == {"new", "slow"}
    assert listed(not_any_=[WorkerStatus.ONLINE]) == ["silent"]
    assert listed(any_=[]) == []
    assert len(listed(any_=["ONLINE", "OFFLINE"])) == 3
    orchestrator.send(work_pools.send_worker_heartbeat("pool", "silent"))
    assert listed(not_any_=["ONLINE"]) == []
    orchestrator.send(work_pools.delete_worker("pool", "slow"))
    with pytest.raises(ObjectNotFound, match="no worker with name slow"):
        orchestrator.send(work_pools.delete_worker("pool", "slow"))
    with pytest.raises(ObjectNotFound, match="no work pool"):
        orchestrator.send(work_pools.send_worker_heartbeat("nope", "w"))


# -- runs


def test_runs_come_in_the_order_of_their_queues_and_times(orchestrator) -> None:
    make(orchestrator)
    queue(orchestrator, "fast", priority=1)
    waiting(orchestrator, "slow late", seconds=-10)
    waiting(orchestrator, "slow later", seconds=-5)
    waiting(orchestrator, "fast", "fast")
    waiting(orchestrator, "future", "fast", seconds=600)
    assert names(orchestrator) == ["fast", "future", "slow late", "slow later"]
    now = orchestrator.clock.now
    assert names(orchestrator, scheduled_before=now) == ["fast", "slow late", "slow later"]
    assert names(orchestrator, scheduled_after=now) == ["fast", "future"]
    assert names(orchestrator, limit=2, scheduled_before=now) == ["fast", "slow late"]
    assert names(orchestrator, limit=0) == []
    assert names(orchestrator, work_queue_names=["default"]) == ["slow late", "slow later"]
    assert names(orchestrator, work_queue_names=[]) == names(orchestrator)
    with pytest.raises(ObjectNotFound, match="no work queue with work pool pool and name zz"):
        names(orchestrator, work_queue_names=["zz"])
    with pytest.raises(PrefectHTTPStatusError, match="Invalid limit 300"):
        names(orchestrator, limit=300)


def test_only_waiting_runs_are_given(orchestrator) -> None:
    make(orchestrator)
    run = waiting(orchestrator, "run")
    (found,) = orchestrator.send(work_pools.get_scheduled_flow_runs_for_work_pool("pool"))
    assert (found.flow_run.id, found.work_queue_id) == (run.id, run.work_queue_id)
    assert found.flow_run.state.is_scheduled()
    orchestrator.propose(run, "PENDING")
    assert names(orchestrator) == []


def test_paused_pools_and_queues_give_nothing(orchestrator) -> None:
    make(orchestrator)
    queue(orchestrator, "other")
    waiting(orchestrator, "one")
    waiting(orchestrator, "two", "other")
    change_queue(orchestrator, "other", is_paused=True)
    assert names(orchestrator) == ["one"]
    assert names(orchestrator, work_queue_names=["other"]) == []
    orchestrator.send(work_pools.update_work_pool("pool", WorkPoolUpdate(is_paused=True)))
    assert names(orchestrator) == []


def test_no_more_runs_are_given_than_slots_are_free(orchestrator) -> None:
    make(orchestrator)
    queue(orchestrator, "other", concurrency_limit=2)
    active = waiting(orchestrator, "active", "other")
    orchestrator.propose(active, "PENDING")
    for name in ("a", "b"):
        waiting(orchestrator, f"default {name}")
        waiting(orchestrator, f"other {name}", "other")
    assert names(orchestrator) == ["default a", "default b", "other a"]
    for limit, expected in ((3, ["default a", "default b"]), (1, []), (0, [])):
        orchestrator.send(work_pools.update_work_pool("pool", WorkPoolUpdate(concurrency_limit=limit)))
        assert names(orchestrator) == expected
    assert orchestrator.send(work_pools.read_work_pool("pool")).active_slots == 1
    orchestrator.propose(active, "RUNNING")
    assert orchestrator.send(work_pools.read_work_pool("pool")).active_slots == 1
    orchestrator.propose(active, "COMPLETED")
    assert orchestrator.send(work_pools.read_work_pool("pool")).active_slots == 0


def test_slots_are_told_with_who_has_them(orchestrator) -> None:
    make(orchestrator, concurrency_limit=9)
    queue(orchestrator, "other", concurrency_limit=4)
    runs = [waiting(orchestrator, f"run {number}", "other") for number in range(3)]
    for run in runs:
        orchestrator.clock.pass_by(1)
        orchestrator.propose(run, "PENDING")
    orchestrator.clock.pass_by(5)
    status = orchestrator.send(work_pools.read_work_pool_concurrency_status("pool", flow_run_limit=2))
    assert (status.active_slots, status.concurrency_limit, status.count, status.pages) == (3, 9, 2, 1)
    first, second = status.queues
    assert (first.queue_name, first.active_slots, first.flow_runs) == ("default", 0, [])
    assert (second.queue_name, second.active_slots, second.concurrency_limit, second.flow_run_count) == (
        "other",
        3,
        4,
        3,
    )
    assert [run.name for run in second.flow_runs] == ["run 0", "run 1"]
    assert second.flow_runs[0].time_in_current_state == timedelta(seconds=7)
    page = orchestrator.send(work_pools.read_work_pool_concurrency_status("pool", page=2, limit=1))
    assert [each.queue_name for each in page.queues] == ["other"]
    assert page.active_slots == 3


def test_a_run_of_a_pool_waits_in_its_default_queue_unless_it_says_otherwise(orchestrator) -> None:
    pool = make(orchestrator)
    run = orchestrator.flow_run(work_pool_name="pool")
    assert (run.work_queue_id, run.work_pool_id, run.work_pool_name) == (pool.default_queue_id, pool.id, "pool")
    assert orchestrator.read(run).work_pool_name == "pool"
    (listed,) = orchestrator.send(flow_runs.read_flow_runs())
    assert (listed.work_pool_id, listed.work_pool_name) == (pool.id, "pool")
    with pytest.raises(ObjectNotFound, match="no work queue"):
        orchestrator.flow_run(work_pool_name="pool", work_queue_name="nope")


# -- the client


def test_the_client_creates_and_overwrites_work_pools(orchestrator) -> None:
    client = SyncPrefectClient(orchestrator.transport)
    client.create_work_pool(WorkPoolCreate(name="p", type="process"))
    with pytest.raises(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name="p", type="process"))
    changed = client.create_work_pool(WorkPoolCreate(name="p", type="process", description="new"), overwrite=True)
    assert changed.description == "new"
    with pytest.warns(UserWarning, match="The type of the work pool 'p' stays 'process'"):
        kept = client.create_work_pool(WorkPoolCreate(name="p", type="docker", concurrency_limit=2), overwrite=True)
    assert (kept.type, kept.concurrency_limit, kept.description) == ("process", 2, None)
    assert client.send_worker_heartbeat("p", "w", 2.4, get_worker_id=True) is None
    (worker,) = client.read_workers_for_work_pool("p")
    assert worker.heartbeat_interval_seconds == 2
    assert client.get_scheduled_flow_runs_for_work_pool("p") == []
