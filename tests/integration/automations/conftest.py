"""A server's loops over each kind of database, with a clock that only goes when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.integration.data.test_notifications import Receiver
from tests.integration.operations.conftest import Clock

from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, StateCreate
from prefect._contract.automation_actions import DoNothing
from prefect._contract.automations import Automation, AutomationCreate
from prefect._contract.call import Call
from prefect._contract.endpoints import automations, deployments, events, flow_runs, flows
from prefect._contract.events import Event
from prefect._contract.filters.events import EventFilter, EventNameFilter, EventOrder
from prefect._contract.triggers import EventTrigger
from prefect.server.api.performance import Performer
from prefect.server.database.engine import Database
from prefect.server.operations.dispatch import find_operation
from prefect.server.operations.vault import Vault
from prefect.server.services import make_services
from prefect.server.services.loops import Loops
from prefect.settings import get_current_settings


class Server:
    """What a server performs, and its loops, one step at a time."""

    def __init__(self, database: Database, clock: Clock, home: Path) -> None:
        self.clock = clock
        self.performer = Performer(database, Vault(home / "encryption.key"), clock=clock)
        self.loops = self.make_loops()

    def make_loops(self) -> Loops:
        return Loops(self.performer, make_services(self.clock.now), get_current_settings(), self.clock)

    def send(self, call: Call[Any]) -> Any:
        operation = find_operation(call.route)
        return self.performer.do(lambda work: operation.perform(work, call), write=not operation.read_only)

    def step(self, name: str, loops: Loops | None = None) -> bool:
        loops = loops or self.loops
        return asyncio.run(loops.step(next(each for each in loops.services if each.name == name)))

    def settle(self) -> None:
        """Let the loops for automations do all that there is to do."""
        for _ in range(3):  # what is done is an event again
            for name in ("triggers", "actions", "errands"):
                while self.step(name):
                    pass

    def automate(self, *actions: Any, trigger: Any = None, name: str = "mine", **fields: Any) -> Automation:
        asked = AutomationCreate(
            name=name,
            trigger=trigger or EventTrigger(expect={"go"}),
            actions=list(actions) or [DoNothing()],
            **fields,
        )
        return self.send(automations.create_automation(asked))

    def emit(
        self, name: str = "go", resource: str = "r.1", related: Any = (), seconds: float = 0, **fields: Any
    ) -> Event:
        self.clock.pass_by(seconds or 0.001)
        event = Event(
            event=name,
            occurred=self.clock.now,
            resource={"prefect.resource.id": resource},
            related=[{"prefect.resource.id": id, "prefect.resource.role": role} for role, id in related],
            **fields,
        )
        self.send(events.create_events([event]))
        return event

    def told(self, *names: str) -> list[Event]:
        """The events of the automations, in order; without the prefix that all have."""
        wanted = [f"prefect.automation.{name}" for name in names]
        occurred = {"since": self.clock.now - timedelta(days=9), "until": self.clock.now + timedelta(days=1)}
        selected = EventFilter(occurred=occurred, event=EventNameFilter(name=wanted), order=EventOrder.ASC)
        return self.send(events.read_events(selected)).events

    def reasons(self) -> list[str]:
        return [event.payload["reason"] for event in self.told("action.failed")]

    def deployment(self, **fields: Any) -> Any:
        flow = self.send(flows.create_flow(FlowCreate(name="flow"))).id
        return self.send(deployments.create_deployment(DeploymentCreate(name="d", flow_id=flow, **fields)))

    def flow_run(self, state: str = "RUNNING") -> UUID:
        flow = self.send(flows.create_flow(FlowCreate(name="flow"))).id
        run = self.send(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow, name="running")))
        for kind in dict.fromkeys(("PENDING", state)):
            self.send(flow_runs.set_flow_run_state(run.id, StateCreate(type=kind)))
        return run.id

    def state(self, run_id: UUID) -> tuple[str, str, str | None]:
        state = self.send(flow_runs.read_flow_run(run_id)).state
        return state.type.value, state.name, state.message


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(kind_of_database: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if kind_of_database == "sqlite":
        return f"sqlite:///{tmp_path / 'prefect.db'}"
    server = request.getfixturevalue("postgres_server")
    return server.url(server.shared_database())


@pytest.fixture
def server(url: str, clock: Clock, tmp_path: Path) -> Iterator[Server]:
    made = Server(Database(url), clock, tmp_path)
    yield made
    made.performer.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()
