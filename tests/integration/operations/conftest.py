"""An orchestrator on a database of its own, of each kind, whose clock only goes when it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from prefect._contract.actions.runs import FlowCreate, FlowRunCreate, StateCreate, TaskRunCreate
from prefect._contract.endpoints import flow_runs, flows, task_runs
from prefect._contract.objects import FlowRun, TaskRun
from prefect._contract.responses.orchestration import OrchestrationResult
from prefect.client.embedded import EmbeddedTransport
from prefect.server.database.engine import Database
from prefect.server.operations.vault import Vault
from prefect.utilities.time import UTC


class Clock:
    """Says what time it is, and lets time pass."""

    def __init__(self) -> None:
        self.now = datetime(2031, 5, 6, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


class Orchestrator:
    """Shorthands for what many tests do first."""

    def __init__(self, transport: EmbeddedTransport, clock: Clock) -> None:
        self.transport = transport
        self.send = transport.send
        self.clock = clock

    def flow(self, name: str = "flow", **fields: Any) -> UUID:
        return self.send(flows.create_flow(FlowCreate(name=name, **fields))).id

    def flow_run(self, **fields: Any) -> FlowRun:
        fields.setdefault("flow_id", None)
        if fields["flow_id"] is None:
            fields["flow_id"] = self.flow()
        return self.send(flow_runs.create_flow_run(FlowRunCreate(**fields)))

    def task_run(self, **fields: Any) -> TaskRun:
        return self.send(task_runs.create_task_run(TaskRunCreate(**{"task_key": "task", "dynamic_key": "0", **fields})))

    def propose(self, run: FlowRun | TaskRun, state: str, **fields: Any) -> OrchestrationResult[Any]:
        options = {name: fields.pop(name) for name in ("force", "lease") if name in fields}
        proposal = StateCreate(type=state, **fields)
        if isinstance(run, FlowRun):
            return self.send(flow_runs.set_flow_run_state(run.id, proposal, **options))
        return self.send(task_runs.set_task_run_state(run.id, proposal, **options))

    def read(self, run: FlowRun | TaskRun) -> Any:
        if isinstance(run, FlowRun):
            return self.send(flow_runs.read_flow_run(run.id))
        return self.send(task_runs.read_task_run(run.id))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prefect.db"


@pytest.fixture
def url(kind_of_database: str, request: pytest.FixtureRequest) -> str:
    """An empty database of the kind that the test is run on."""
    if kind_of_database == "sqlite":
        return f"sqlite:///{request.getfixturevalue('file')}"
    server = request.getfixturevalue("postgres_server")
    return server.url(server.shared_database())


@pytest.fixture
def orchestrator(url: str, tmp_path: Path, clock: Clock) -> Iterator[Orchestrator]:
    database = Database(url)
    yield Orchestrator(EmbeddedTransport(database, Vault(tmp_path / "encryption.key"), clock=clock), clock)
    database.close()
