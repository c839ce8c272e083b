"""Why a flow run does not run: each cause is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.settings import ConcurrencyLimitCreate, WorkPoolCreate
from prefect._contract.endpoints import deployments, flows, work_pools
from prefect._contract.endpoints.concurrency_limits import create_concurrency_limit, increment_v1_concurrency_slots
from prefect._contract.endpoints.task_runs import set_task_run_state
from prefect._contract.endpoints.why import explain_flow_run
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect._contract.state import State
from prefect.exceptions import ObjectNotFound
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7


class Place:
    """A deployment in a work pool."""

    def __init__(self, orchestrator: Any) -> None:
        self.orchestrator = orchestrator
        self.pool = orchestrator.send(work_pools.create_work_pool(WorkPoolCreate(name="pool", type="process")))
        self.deployment = self.deploy(work_pool_name="pool")

    def deploy(self, **fields: Any) -> Any:
        flow = self.orchestrator.flow()
        body = DeploymentCreate(**{"name": "nightly", "flow_id": flow, **fields})
        return self.orchestrator.send(deployments.create_deployment(body))

    def run(self, **fields: Any) -> Any:
        made = {"flow_id": self.deployment.flow_id, "deployment_id": self.deployment.id}
        fields.setdefault(
            "state", {"type": "SCHEDULED", "state_details": {"scheduled_time": self.orchestrator.clock()}}
        )
        run = self.orchestrator.flow_run(**{**made, **fields})
        self.write("flow_run", run.id, work_queue_id=self.deployment.work_queue_id)
        return run

    def flow_name(self) -> str:
        return str(self.orchestrator.send(flows.read_flow(self.deployment.flow_id)).name)

    def write(self, table: str, row: Any, **values: Any) -> None:
        clock = self.orchestrator.clock
        self.orchestrator.transport.database.transaction(
            lambda connection: records.revise(
                UnitOfWork(connection, clock(), None).connection, getattr(tables, table), row, **values
            ),
            write=True,
        )


@pytest.fixture
def place(orchestrator: Any) -> Place:
    return Place(orchestrator)


def why(orchestrator: Any, run: Any) -> dict[str, Any]:
    return {cause.code: cause for cause in orchestrator.send(explain_flow_run(run.id)).causes}


def owned(orchestrator: Any) -> Any:
    return LeaseRequest(token=uuid7(), owner=ProcessIdentity.current(), ttl_seconds=90)


def test_a_run_that_does_not_exist_is_not_explained(orchestrator) -> None:
    with pytest.raises(ObjectNotFound):
        orchestrator.send(explain_flow_run(uuid4()))


def test_nobody_polls(orchestrator, place) -> None:
    run = place.run()
    assert "prefect worker start --pool pool" in why(orchestrator, run)["no-worker"].message
    orchestrator.send(work_pools.send_worker_heartbeat("pool", "w"))
    assert "queue-not-polled" in why(orchestrator, run)
    orchestrator.send(work_pools.get_scheduled_flow_runs_for_work_pool("pool"))
    assert why(orchestrator, run) == {}


def test_pools_queues_and_deployments_that_are_paused(orchestrator, place) -> None:
    run = place.run()
    place.write("work_pool", place.pool.id, is_paused=True)
    place.write("work_queue", place.deployment.work_queue_id, is_paused=True)
    place.write("deployment", place.deployment.id, paused=True)
    told = why(orchestrator, run)
    assert {"pool-paused", "queue-paused", "deployment-paused"} <= set(told)
    assert "prefect work-pool resume pool" in told["pool-paused"].message
    assert f"prefect deployment resume '{place.flow_name()}/nightly'" in told["deployment-paused"].message
    orchestrator.send(deployments.resume_deployment(place.deployment.id))
    assert "deployment-paused" not in why(orchestrator, run)


def test_task_runs_wait_for_slots_of_their_tags(orchestrator, place) -> None:
    orchestrator.send(create_concurrency_limit(ConcurrencyLimitCreate(tag="gpu", concurrency_limit=1)))
    run = place.run()
    orchestrator.propose(run, "RUNNING")
    state = {"type": "PENDING"}
    has, waits = (
        orchestrator.task_run(flow_run_id=run.id, name=name, dynamic_key=name, tags=["gpu", "free"], state=state)
        for name in ("has", "waits")
    )
    assert "no-slot" not in why(orchestrator, run)
    orchestrator.send(increment_v1_concurrency_slots(["gpu"], has.id))
    orchestrator.send(set_task_run_state(has.id, State(type="RUNNING"), force=True))
    cause = why(orchestrator, run)["no-slot"]
    assert [(each.kind, each.name) for each in cause.holders] == [("task_run", "has")]
    assert cause.message.endswith("Task runs that wait for them: 'waits'.")
    orchestrator.send(set_task_run_state(waits.id, State(type="CANCELLED"), force=True))
    assert "no-slot" not in why(orchestrator, run)


@pytest.mark.parametrize("table", ["work_pool", "work_queue"])
def test_the_slots_of_a_pool_or_queue_are_in_use(orchestrator, place, table: str) -> None:
    holder = place.run(name="busy")
    orchestrator.propose(holder, "PENDING")
    row = place.pool.id if table == "work_pool" else place.deployment.work_queue_id
    place.write(table, row, concurrency_limit=1)
    cause = why(orchestrator, place.run())["no-slot"]
    assert [(each.kind, each.name) for each in cause.holders] == [("flow_run", "busy")]
    assert cause.holders[0].since == orchestrator.clock()
    assert "1 of 1: flow run 'busy' since" in cause.message


def test_the_slots_of_a_deployment_are_in_use(orchestrator, place) -> None:
    place.deployment = place.deploy(work_pool_name="pool", concurrency_limit=1)
    holder, run = place.run(name="busy"), place.run()
    orchestrator.propose(holder, "PENDING")
    cause = why(orchestrator, run)["no-slot"]
    assert ([each.name for each in cause.holders], "deployment 'nightly'" in cause.message) == (["busy"], True)
    assert "no-slot" not in why(orchestrator, holder)


def test_a_deployment_that_nobody_serves(orchestrator, place) -> None:
    place.deployment = place.deploy(name="served")
    assert "nobody-serves" in why(orchestrator, place.run())


@pytest.mark.parametrize("is_served", [False, True], ids=["workers", "served"])
def test_who_could_take_it_is_busy(orchestrator, place, clock, is_served: bool) -> None:
    if is_served:
        place.deployment = place.deploy(name="served")
    busy, run = place.run(name="busy"), place.run()
    orchestrator.propose(busy, "PENDING")

    def told_after(seconds: float) -> dict[str, Any]:
        clock.pass_by(seconds)
        if is_served:
            place.write("deployment", place.deployment.id, last_polled=clock())
        else:
            orchestrator.send(work_pools.send_worker_heartbeat("pool", "w"))
            orchestrator.send(work_pools.get_scheduled_flow_runs_for_work_pool("pool"))
        return why(orchestrator, run)

    assert told_after(4) == {}, "it may be taken at any moment"
    cause = told_after(2)["workers-busy"]
    assert [(each.kind, each.name) for each in cause.holders] == [("flow_run", "busy")]
    assert "1 now: flow run 'busy' since" in cause.message
    assert set(told_after(20)) == {"late", "workers-busy"}
    orchestrator.propose(busy, "RUNNING")
    orchestrator.propose(busy, "COMPLETED")
    assert "workers-busy" not in told_after(0)


def test_schedules_that_are_inactive(orchestrator, place) -> None:
    schedule = {"schedule": {"interval": 3600}, "active": False}
    place.deployment = place.deploy(work_pool_name="pool", schedules=[schedule])
    run = place.run()
    assert "schedule-inactive" not in why(orchestrator, run)
    place.write("flow_run", run.id, auto_scheduled=True)
    assert "schedule-inactive" in why(orchestrator, run)


def test_it_is_not_time_yet_or_long_since(orchestrator, place, clock) -> None:
    due = clock() + timedelta(minutes=1)
    run = place.run(state={"type": "SCHEDULED", "state_details": {"scheduled_time": due}})
    assert why(orchestrator, run)["scheduled-later"].until == due
    clock.pass_by(90)
    assert "30 seconds ago" in why(orchestrator, run)["late"].message


def test_it_waits_to_be_tried_again(orchestrator, place, clock) -> None:
    run = place.run(empirical_policy={"retries": 1, "retry_delay": 60})
    orchestrator.propose(run, "RUNNING")
    orchestrator.propose(run, "FAILED")
    assert why(orchestrator, run)["awaits-retry"].until == clock() + timedelta(seconds=60)


def test_it_is_paused_for_somebody(orchestrator, place, clock) -> None:
    run = place.run()
    orchestrator.propose(run, "RUNNING")
    details = {"pause_timeout": clock() + timedelta(minutes=5), "pause_key": "a"}
    orchestrator.propose(run, "PAUSED", state_details=details)
    assert why(orchestrator, run)["paused"].until == details["pause_timeout"]
    asking = place.run()
    orchestrator.propose(asking, "RUNNING")
    keys = {"run_input_keyset": {"schema": "s", "response": "r"}, "pause_key": "b", **details}
    orchestrator.propose(asking, "PAUSED", state_details={**keys, "pause_key": "b"})
    assert "prefect flow-run resume" in why(orchestrator, asking)["waits-for-input"].message


def test_it_was_claimed_and_by_whom(orchestrator, place) -> None:
    run = place.run()
    orchestrator.propose(run, "PENDING", lease=owned(orchestrator))
    assert f"process {ProcessIdentity.current().pid}" in why(orchestrator, run)["claimed"].message
    unknown = place.run()
    orchestrator.propose(unknown, "PENDING")
    assert "offered to others" in why(orchestrator, unknown)["claimed"].message
    orchestrator.propose(unknown, "PENDING", name="NotReady", message="the table")
    assert "the table" in why(orchestrator, unknown)["not-ready"].message


def test_it_runs_or_has_ended(orchestrator, place) -> None:
    run = place.run()
    orchestrator.propose(run, "RUNNING", lease=owned(orchestrator))
    assert "It is running, in process" in why(orchestrator, run)["running"].message
    orchestrator.propose(run, "COMPLETED", force=True)
    assert "prefect flow-run retry" in why(orchestrator, run)["ended"].message


def test_the_run_that_started_it_waits(orchestrator, place) -> None:
    parent = place.run(name="above")
    task = orchestrator.task_run(flow_run_id=parent.id)
    child = orchestrator.flow_run(parent_task_run_id=task.id, state={"type": "SCHEDULED"})
    told = why(orchestrator, child)["parent-waits"]
    assert f"prefect flow-run why {parent.id}" in told.message
    orchestrator.propose(parent, "RUNNING")
    assert set(why(orchestrator, parent)) == {"running", "subflow-waits"}


def test_only_its_maker_can_run_it(orchestrator) -> None:
    details = {"scheduled_time": orchestrator.clock()}
    run = orchestrator.flow_run(state={"type": "SCHEDULED", "state_details": details})
    assert set(why(orchestrator, run)) == {"nobody-takes-it"}
