"""Every event that orchestrators of this kind are known for is emitted, by what it tells of."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest
from tests.integration.automations.conftest import Server
from tests.integration.operations.conftest import Clock

from prefect import flow
from prefect._contract.actions import (
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
    DeploymentUpdate,
    FlowUpdate,
    WorkPoolUpdate,
    WorkQueueCreate,
    WorkQueueUpdate,
)
from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import (
    DeploymentFlowRunCreate,
    FlowCreate,
    FlowRunCreate,
    StateCreate,
    TaskRunCreate,
)
from prefect._contract.actions.settings import WorkPoolCreate
from prefect._contract.automation_actions import DoNothing, PauseWorkPool
from prefect._contract.automations import AutomationPartialUpdate
from prefect._contract.endpoints import (
    artifacts,
    automations,
    block_types,
    concurrency_limits,
    deployments,
    events,
    flow_runs,
    flows,
    global_concurrency_limits,
    task_runs,
    work_pools,
    work_queues,
)
from prefect._contract.events import Countable
from prefect._contract.filters.events import EventFilter
from prefect._contract.triggers import EventTrigger
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.assets import materialize
from prefect.blocks.core import Block
from prefect.client.base import current_transport
from prefect.concurrency.sync import concurrency
from prefect.concurrency.v1.sync import concurrency as tag_concurrency
from prefect.deployments.steps.core import StepExecutionError, run_steps
from prefect.server.database.engine import Database
from prefect.settings import get_current_settings, temporary_settings
from prefect.states import Completed
from prefect.testing.utilities import prefect_test_harness
from prefect.utilities.time import now
from prefect.variables import Variable
from prefect.workers.base import BaseJobConfiguration, BaseWorker, BaseWorkerResult

FACTS = Path(__file__).parents[2] / "compat" / "facts"
NAMES = json.loads((FACTS / "event_names.json").read_text())
LABELS = json.loads((FACTS / "event_labels.json").read_text())
"""For names of events what Prefect 3.8.8 says in each of them: the labels of the resource, and the keys of the payload."""

ELSEWHERE = {
    "prefect.deployment.disabled",  # no orchestrator of one's own has such deployments
    "prefect.workspace.transfer.completed",  # tests/integration/cli/test_transfer.py
    "prefect.workspace.transfer.started",
}

KINDS = {
    "Scheduled": ("Scheduled", "AwaitingConcurrencySlot", "AwaitingRetry", "Late", "Resuming"),
    "Pending": ("Pending", "InfrastructurePending", "NotReady", "Submitting"),
    "Running": ("Running", "Retrying"),
    "Paused": ("Paused", "Suspended"),
    "Completed": ("Completed", "Cached", "RolledBack"),
    "Failed": ("Failed", "TimedOut"),
    "Cancelling": ("Cancelling",),
    "Cancelled": ("Cancelled",),
    "Crashed": ("Crashed",),
}


@pytest.fixture
def home() -> Iterator[Path]:
    with prefect_test_harness():
        yield get_current_settings().home


class Result(BaseWorkerResult):
    pass


class NearbyWorker(BaseWorker[BaseJobConfiguration, None, Result]):
    """Its infrastructure is this process; runs that are named so wait until they are cancelled."""

    type = "nearby-for-tests"

    async def run(self, flow_run: Any, configuration: Any, task_status: Any = None) -> Result:
        task_status.started("here")
        if flow_run.name == "waits":
            self.ended = anyio.Event()
            await self.client.set_flow_run_state(flow_run.id, StateCreate(type="RUNNING"), force=True)
            await anyio.sleep(1.5)  # its heart beats each second
            await self.client.set_flow_run_state(flow_run.id, StateCreate(type="CANCELLING"))
            await self.ended.wait()
        await self.client.set_flow_run_state(flow_run.id, Completed(), force=True)
        return Result(identifier="here", status_code=0)

    async def kill_infrastructure(self, infrastructure_pid: str, configuration: Any, grace_seconds: int = 30) -> None:
        self.ended.set()


def send(call: Any) -> Any:
    return current_transport().send(call)


def change_states() -> None:
    flow_id = send(flows.create_flow(FlowCreate(name="states"))).id
    flow_run = send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow_id)))
    for kind, names in KINDS.items():
        for name in names:
            state = StateCreate(type=kind.upper(), name=name)
            send(flow_runs.set_flow_run_state(flow_run.id, state, force=True))
    send(flows.update_flow(flow_id, FlowUpdate(tags=["new"])))
    send(flows.delete_flow(flow_id))


def change_records() -> None:
    Variable.set("v", 1)
    Variable.set("v", 2, overwrite=True)
    Variable.unset("v")
    limit = send(
        global_concurrency_limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="slots", limit=2))
    )
    send(global_concurrency_limits.update_global_concurrency_limit("slots", ConcurrencyLimitV2Update(limit=3)))
    send(concurrency_limits.create_concurrency_limit(ConcurrencyLimitCreate(tag="tag", concurrency_limit=2)))
    with concurrency("slots"), tag_concurrency("tag", uuid4()):
        pass
    send(global_concurrency_limits.delete_global_concurrency_limit("slots"))
    return limit


def change_blocks() -> None:
    class Kept(Block):
        """A block."""

        number: int = 1

    Kept().save("mine")
    Kept(number=2).save("mine", overwrite=True)
    Kept.load("mine")
    Kept._description = "Another."
    Kept.register_type_and_schema()
    Kept.delete("mine")
    send(block_types.delete_block_type(send(block_types.read_block_type_by_slug("kept")).id))


def make_artifacts() -> None:
    create_markdown_artifact("# One", key="text")
    create_markdown_artifact("# Two", key="text")
    update_progress_artifact(create_progress_artifact(1, key="progress"), 2)
    send(artifacts.delete_artifact(send(artifacts.read_latest_artifact("text")).id))
    send(artifacts.delete_artifact(send(artifacts.read_latest_artifact("text")).id))


@materialize("lake://made", asset_deps=["lake://read"])
def make(fails: bool) -> None:
    if fails:
        raise ValueError("It fails.")


@flow
def making() -> None:
    make(False)
    make(True, return_state=True)


def emitted() -> set[str]:
    """The names of all events so far."""
    until = now() + timedelta(days=2)
    counted = send(
        events.count_events(Countable.event, EventFilter(occurred={"since": now() - timedelta(days=1), "until": until}))
    )
    return {each.value for each in counted}


def general(name: str) -> str:
    return re.sub(r"(?<=prefect\.block\.)[^.]+", "*", name)


def lacking(file: Path) -> list[str]:
    """What events do not say that those of Prefect 3.8.8 do."""
    with closing(sqlite3.connect(file)) as database:
        told = database.execute("select event, resource, payload from events").fetchall()
    return [
        f"{name}: {part} lacks {known}"
        for name, *parts in told
        for part, text in zip(("resource", "payload"), parts, strict=True)
        for known in LABELS.get(general(name), {}).get(part, [])
        if known not in json.loads(text)
    ]


def execute_runs() -> None:
    send(work_pools.create_work_pool(WorkPoolCreate(name="pool", type=NearbyWorker.type)))
    flow_id = send(flows.create_flow(FlowCreate(name="work"))).id
    asked = DeploymentCreate(name="d", flow_id=flow_id, work_pool_name="pool")
    deployment = send(deployments.create_deployment(asked))
    runs = [
        send(deployments.create_flow_run_from_deployment(deployment.id, DeploymentFlowRunCreate(name=name)))
        for name in ("ends", "waits")
    ]
    with temporary_settings({"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": 1}):
        anyio.run(NearbyWorker("pool").start, True, False, lambda *_: None)
    folder = {"directory": os.getcwd()}
    steps = [{"prefect.deployments.steps.set_working_directory": folder}]
    anyio.run(lambda: run_steps(steps, flow_run=runs[0], deployment=deployment, print_function=str))
    with pytest.raises(StepExecutionError):
        anyio.run(lambda: run_steps([{"builtins.int": {"nothing": 1}}], flow_run=runs[0], print_function=str))
    queue = send(work_queues.create_work_pool_queue("pool", WorkQueueCreate(name="q")))
    for paused in (True, False):
        send(work_queues.update_work_queue(queue.id, WorkQueueUpdate(is_paused=paused)))
        send(work_pools.update_work_pool("pool", WorkPoolUpdate(is_paused=paused)))
    send(work_queues.update_work_queue(queue.id, WorkQueueUpdate(concurrency_limit=3)))
    send(work_pools.update_work_pool("pool", WorkPoolUpdate(description="Other")))


def let_time_pass(home: Path) -> None:
    """What a server tells of beside its requests."""
    clock = Clock()
    clock.now = now() + timedelta(hours=1)
    server = Server(Database(f"sqlite:///{home / 'prefect.db'}"), clock, home)
    try:
        silence = EventTrigger(posture="Proactive", expect={"go"}, within=timedelta(seconds=60))
        automation = server.automate(DoNothing(), PauseWorkPool(source="inferred"), trigger=silence)
        task_run = server.send(task_runs.create_task_run(TaskRunCreate(task_key="t", dynamic_key="0")))
        for kind, names in KINDS.items():
            for name in names:
                state = StateCreate(type=kind.upper(), name=name)
                server.send(task_runs.set_task_run_state(task_run.id, state, force=True))
        server.step("statuses")
        server.clock.pass_by(90)
        server.settle()
        server.emit("go")
        server.settle()
        server.send(automations.patch_automation(automation.id, AutomationPartialUpdate(enabled=False)))
        server.send(automations.delete_automation(automation.id))
    finally:
        server.performer.close()


def delete_places() -> None:
    (deployment,) = send(deployments.read_deployments())
    send(deployments.update_deployment(deployment.id, DeploymentUpdate(description="Other")))
    send(deployments.delete_deployment(deployment.id))
    send(work_queues.delete_work_pool_queue("pool", "q"))
    send(work_pools.delete_work_pool("pool"))


def test_all_are_emitted(home: Path, request: pytest.FixtureRequest) -> None:
    change_states()
    change_records()
    change_blocks()
    make_artifacts()
    making()
    execute_runs()
    let_time_pass(home)
    delete_places()
    missing = set(NAMES) - ELSEWHERE - {general(name) for name in emitted()}
    if file := request.config.getoption("--keep-events"):
        with closing(sqlite3.connect(home / "prefect.db")) as database, closing(sqlite3.connect(file)) as copy:
            database.backup(copy)
    assert not missing
    assert lacking(home / "prefect.db") == []
