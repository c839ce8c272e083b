"""Events tell what becomes of deployments, work pools and work queues, and whether anybody picks up what waits there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect._contract.actions.deployments import DeploymentCreate, DeploymentScheduleCreate, DeploymentUpdate
from prefect._contract.actions.settings import WorkPoolCreate, WorkPoolUpdate, WorkQueueUpdate
from prefect._contract.endpoints import deployments, flows, work_pools, work_queues
from prefect._contract.schedules import CronSchedule
from prefect.client.embedded import EmbeddedTransport
from prefect.server.database.queries.events import Occurrence
from prefect.server.operations.dispatch import find_operation
from prefect.server.operations.readiness import settle_statuses
from prefect.server.operations.vault import Vault
from prefect.server.operations.work import UnitOfWork


class Listener:
    """Performs calls, and keeps what they emit."""

    def __init__(self, orchestrator: Any) -> None:
        self._transport: EmbeddedTransport = orchestrator.transport
        self._clock = orchestrator.clock
        self.heard: list[Occurrence] = []

    def send(self, call: Any) -> Any:
        return self._perform(lambda work: find_operation(call.route).perform(work, call))

    def time_passes(self, seconds: float) -> int:
        self._clock.pass_by(seconds)
        return self._perform(settle_statuses)

    def _perform(self, operation: Any) -> Any:
        def act(connection: Any) -> Any:
            work = UnitOfWork(connection, self._clock.now, Vault(Path("encryption.key")))
            return operation(work), work.events

        answer, events = self._transport.database.transaction(act, write=True)
        self.heard += events
        return answer

    def take(self) -> list[str]:
        """What was heard since it was asked for: `work-pool.ready p`."""
        names = [
            f"{each.event.removeprefix('prefect.')} {each.resource['prefect.resource.name']}" for each in self.heard
        ]
        self.heard.clear()
        return names


@pytest.fixture
def listener(orchestrator: Any) -> Listener:
    return Listener(orchestrator)


@pytest.fixture
def deployment(listener: Listener, orchestrator: Any) -> Any:
    listener.send(work_pools.create_work_pool(WorkPoolCreate(name="p", type="process")))
    request = DeploymentCreate(name="d", flow_id=orchestrator.flow(), work_pool_name="p", tags=["t"])
    made = listener.send(deployments.create_deployment(request))
    assert listener.take() == ["work-queue.created default", "work-pool.created p", "deployment.created d"]
    return made


def poll(listener: Listener) -> None:
    listener.send(work_pools.get_scheduled_flow_runs_for_work_pool("p"))


def test_workers_that_come_and_go_are_told_of(listener, deployment) -> None:
    beat = lambda: listener.send(work_pools.send_worker_heartbeat("p", "w", 10))
    beat()
    assert listener.take() == ["work-pool.ready p"]
    beat()
    assert listener.time_passes(20) == 0
    beat()
    assert listener.time_passes(30) == 1
    assert listener.take() == ["work-pool.not-ready p"]
    assert listener.time_passes(30) == 0
    beat()
    listener.send(work_pools.update_work_pool("p", WorkPoolUpdate(is_paused=True)))
    beat()
    assert listener.time_passes(1) == 0
    listener.send(work_pools.update_work_pool("p", WorkPoolUpdate(is_paused=False)))
    assert listener.take() == ["work-pool.ready p", "work-pool.paused p", "work-pool.ready p"]


def test_polls_are_told_of_once(listener, deployment) -> None:
    poll(listener)
    assert listener.take() == ["work-queue.ready default", "deployment.ready d"]
    for _ in range(3):
        assert listener.time_passes(30) == 0
        poll(listener)
    assert listener.take() == []
    assert listener.time_passes(61) == 2
    assert listener.take() == ["work-queue.not-ready default", "deployment.not-ready d"]
    change = lambda **fields: listener.send(
        work_queues.update_work_pool_queue("p", "default", WorkQueueUpdate(**fields))
    )
    change(is_paused=True)
    change(is_paused=True)
    assert listener.time_passes(1) == 0
    change(is_paused=False)
    assert listener.take() == ["work-queue.paused default", "work-queue.not-ready default"]


def test_who_serves_a_deployment_is_told_of(listener, deployment) -> None:
    ask = lambda: listener.send(deployments.get_scheduled_flow_runs_for_deployments([deployment.id]))
    ask()
    ask()
    assert listener.take() == ["deployment.ready d"]
    poll(listener)
    assert listener.take() == ["work-queue.ready default"]
    listener.time_passes(61)
    assert listener.take() == ["work-queue.not-ready default", "deployment.not-ready d"]


def test_many_changes_are_told_of_step_by_step(listener, orchestrator) -> None:
    ids = []
    for name in "abc":
        request = DeploymentCreate(name=name, flow_id=orchestrator.flow())
        ids.append(listener.send(deployments.create_deployment(request)).id)
    listener.send(deployments.get_scheduled_flow_runs_for_deployments(ids))
    listener.take()
    orchestrator.clock.pass_by(61)
    told = [listener._perform(lambda work: settle_statuses(work, 2)) for _ in range(3)]
    assert told == [2, 1, 0]
    assert listener.take() == [f"deployment.not-ready {name}" for name in "abc"]


def test_changes_are_told_with_what_they_were(listener, deployment) -> None:
    listener.send(deployments.update_deployment(deployment.id, DeploymentUpdate(description="x", tags=["t"])))
    (event,) = listener.heard
    assert event.event == "prefect.deployment.updated"
    assert event.payload == {
        "updated_fields": ["description"],
        "updates": {"description": {"from": None, "to": "x"}},
    }
    assert event.resource == {
        "prefect.resource.id": f"prefect.deployment.{deployment.id}",
        "prefect.resource.name": "d",
    }
    roles = [(each["prefect.resource.role"], each["prefect.resource.name"]) for each in event.related]
    assert roles == [("flow", "flow"), ("work-queue", "default"), ("work-pool", "p")]
    assert event.related[2]["prefect.work-pool.type"] == "process"
    listener.take()
    listener.send(deployments.update_deployment(deployment.id, DeploymentUpdate(description="x")))
    listener.send(work_queues.update_work_pool_queue("p", "default", WorkQueueUpdate(priority=3)))
    listener.send(work_pools.update_work_pool("p", WorkPoolUpdate(concurrency_limit=2)))
    listener.send(deployments.pause_deployment(deployment.id))
    queue, pool, paused = listener.heard
    assert queue.payload["updates"] == {"priority": {"from": 1, "to": 3}}
    assert pool.payload["updates"] == {"concurrency_limit": {"from": None, "to": 2}}
    assert [each["prefect.resource.role"] for each in pool.related] == ["default-queue"]
    assert paused.payload["updates"] == {"paused": {"from": False, "to": True}}
    assert listener.take() == ["work-queue.updated default", "work-pool.updated p", "deployment.updated d"]


def test_what_is_deleted_is_told_of(listener, deployment) -> None:
    listener.send(deployments.update_deployment(deployment.id, DeploymentUpdate(concurrency_limit=1)))
    listener.take()
    listener.send(deployments.delete_deployment(deployment.id))
    assert listener.heard[0].related[-1]["prefect.resource.role"] == "concurrency-limit"
    listener.send(work_pools.delete_work_pool("p"))
    assert listener.take() == ["deployment.deleted d", "work-queue.deleted default", "work-pool.deleted p"]


def test_deployments_that_go_with_their_flow_are_told_of(listener, deployment) -> None:
    listener.send(flows.delete_flow(deployment.flow_id))
    assert "deployment.deleted d" in listener.take()


def test_runs_of_schedules_are_not_told_of_when_they_are_inserted(listener, deployment) -> None:
    schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 * * * *"))
    listener.send(deployments.create_deployment_schedules(deployment.id, [schedule]))
    listener.send(deployments.schedule_deployment(deployment.id, max_runs=2, min_time=timedelta(hours=1)))
    assert listener.take() == []
