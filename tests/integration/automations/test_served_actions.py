"""Each action of automations, made by user code and done by a server that is a process of its own."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.compat.products.running import Product
from tests.integration.data.test_notifications import Receiver

from prefect import automations as actions, flow, get_client
from prefect._contract.actions import WorkPoolCreate
from prefect.automations import Automation, DoNothing, EventTrigger
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.webhook import Webhook
from prefect.events import emit_event
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.settings import temporary_settings
from prefect.states import Running, State, Suspended


@flow
def ordinary() -> None:
    """What the runs would run."""


class Orchestrator:
    """A server, as user code sees it, and what its automations act on."""

    def __init__(self) -> None:
        self.client = get_client(sync_client=True)
        self.flow_id = self.client.create_flow(ordinary)

    def deployment(self, name: str, **fields: Any) -> UUID:
        return self.client.create_deployment(self.flow_id, name, **fields)

    def run(self, state: State[Any]) -> UUID:
        return self.client.create_flow_run(ordinary, state=state).id

    def pool(self, name: str, **fields: Any) -> UUID:
        return self.client.create_work_pool(WorkPoolCreate(name=name, type="process", **fields)).id

    def queue(self, name: str, *, paused: bool) -> UUID:
        queue = self.client.create_work_queue(name, work_pool_name="pool-to-pause")
        self.client.update_work_queue(queue.id, is_paused=paused)
        return queue.id

    def automate(self, name: str, action: Any) -> None:
        """Have the event `go.NAME` lead to an action."""
        Automation(name=name, trigger=EventTrigger(expect={f"go.{name}"}), actions=[action]).create()

    def told(self, name: str) -> Counter[str]:
        """How often it was told of each automation that an action has this fate."""
        named = EventFilter(event=EventNameFilter(name=[f"prefect.automation.action.{name}"]))
        events = self.client.read_events(named, limit=100).events
        return Counter(event.resource["prefect.resource.name"] for event in events)

    def states(self, run_id: UUID) -> list[str]:
        states = self.client.read_flow_run_states(run_id)
        return [state.name or "" for state in sorted(states, key=lambda state: state.timestamp)]


@pytest.fixture
def orchestrator(tmp_path: Path) -> Iterator[Orchestrator]:
    server = Product(sys.executable, tmp_path / "server").start_server()
    with temporary_settings({"PREFECT_API_URL": server.api, "PREFECT_HOME": str(tmp_path / "home")}):
        yield Orchestrator()
    server.stop()


def test_each_action_is_done_once(orchestrator: Orchestrator, receiver: Receiver) -> None:
    client = orchestrator.client
    started, paused, resumed = (
        orchestrator.deployment("run"),
        orchestrator.deployment("pause"),
        orchestrator.deployment("resume", paused=True),
    )
    pools = orchestrator.pool("pool-to-pause"), orchestrator.pool("pool-to-resume", is_paused=True)
    queues = orchestrator.queue("to-pause", paused=False), orchestrator.queue("to-resume", paused=True)
    never = EventTrigger(expect={"never"})
    others = [
        Automation(name=name, trigger=never, actions=[DoNothing()], enabled=enabled).create()
        for name, enabled in (("to-pause", True), ("to-resume", False))
    ]
    cancelled, suspended, deleted, changed = (orchestrator.run(Running()) for _ in range(4))
    awoken = orchestrator.run(Suspended(timeout_seconds=600))
    hook = Webhook(url=f"{receiver.url}/hook", allow_private_urls=True).save("hook")
    notifier = CustomWebhookNotificationBlock(
        name="n", url=f"{receiver.url}/notify", json_data={"text": "{{body}}"}, allow_private_urls=True
    ).save("notifier")

    on_records = {
        "nothing": DoNothing(),
        "run-deployment": actions.RunDeployment(deployment_id=started, parameters={"n": "{{ event.payload.n }}"}),
        "pause-deployment": actions.PauseDeployment(deployment_id=paused),
        "resume-deployment": actions.ResumeDeployment(deployment_id=resumed),
        "pause-pool": actions.PauseWorkPool(work_pool_id=pools[0]),
        "resume-pool": actions.ResumeWorkPool(work_pool_id=pools[1]),
        "pause-queue": actions.PauseWorkQueue(work_queue_id=queues[0]),
        "resume-queue": actions.ResumeWorkQueue(work_queue_id=queues[1]),
        "pause-automation": actions.PauseAutomation(automation_id=others[0].id),
        "resume-automation": actions.ResumeAutomation(automation_id=others[1].id),
        "webhook": actions.CallWebhook(block_document_id=hook, payload="{{ event.payload.n }}"),
        "notification": actions.SendNotification(block_document_id=notifier, body="n is {{ event.payload.n }}"),
    }
    on_runs = {
        "cancel": (actions.CancelFlowRun(), cancelled),
        "suspend": (actions.SuspendFlowRun(), suspended),
        "resume": (actions.ResumeFlowRun(), awoken),
        "delete": (actions.DeleteFlowRun(), deleted),
        "change": (actions.ChangeFlowRunState(state="CRASHED", name="Zombie"), changed),
    }
    names = [*on_records, *on_runs]
    for name in names:
        orchestrator.automate(name, on_records[name] if name in on_records else on_runs[name][0])
    for name in names:
        run = on_runs.get(name, (None, None))[1]
        related = [{"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"}]
        emit_event(f"go.{name}", {"prefect.resource.id": "r"}, payload={"n": 7}, related=related if run else None)
    wait_for(orchestrator, names)
    orchestrator.automate("last", DoNothing())
    emit_event("go.last", {"prefect.resource.id": "r"})
    wait_for(orchestrator, [*names, "last"])

    assert orchestrator.told("failed") == Counter()
    assert orchestrator.told("executed") == orchestrator.told("triggered") == Counter([*names, "last"])
    assert [run.parameters for run in client.read_flow_runs() if run.deployment_id == started] == [{"n": "7"}]
    assert [client.read_deployment(id).paused for id in (started, paused, resumed)] == [False, True, False]
    assert [client.read_work_pool(f"pool-to-{verb}").is_paused for verb in ("pause", "resume")] == [True, False]
    assert [client.read_work_queue(id).is_paused for id in queues] == [True, False]
    assert [Automation.read(id=each.id).enabled for each in others] == [False, True]
    sent = sorted((request["path"], request["body"]) for request in receiver.requests)
    assert sent == [("/hook", "7"), ("/notify", '{"text":"n is 7"}')]
    assert orchestrator.states(cancelled) == ["Running", "Cancelling"]
    assert orchestrator.states(suspended) == ["Running", "Suspended"]
    assert orchestrator.states(awoken) == ["Suspended", "Resuming"]
    assert orchestrator.states(changed) == ["Running", "Zombie"]
    left = {run.id for run in client.read_flow_runs() if run.deployment_id is None}
    assert left == {cancelled, suspended, awoken, changed}


def wait_for(orchestrator: Orchestrator, names: list[str]) -> None:
    """Wait until something came of the automations of these names."""
    deadline = time.monotonic() + 60
    while set(names) - set(orchestrator.told("executed") + orchestrator.told("failed")):
        assert time.monotonic() < deadline, (orchestrator.told("executed"), orchestrator.told("failed"))
        time.sleep(0.05)
