"""A server of ours behind a network that loses the first answer to each request: everything has one effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.integration.http.wire_server import Received, Reply, WireServer
from tests.integration.server.conftest import Server

from prefect.client.http import HttpTransport, ServerAddress
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactCreate, GlobalConcurrencyLimitCreate, LogCreate, VariableCreate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import temporary_settings
from prefect.states import Running
from prefect.utilities.time import now

NAMES = ("content-type", "idempotency-key", "user-agent", "prefect-csrf-token")


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Server]:
    with temporary_settings({"PREFECT_HOME": str(tmp_path / "server")}):
        server = Server(ephemeral=True).start()
    yield server
    server.stop()


@pytest.fixture
def passed_on(server: WireServer, ours: Server) -> list[Received]:
    """What went through the network, whose first answer to each request is lost."""
    passed: list[Received] = []

    def pass_on(request: Received) -> Reply:
        headers = {name: request.headers[name] for name in NAMES if name in request.headers}
        answer = httpx.request(
            request.method,
            f"{ours.url}/api{request.path}",
            headers=headers,
            content=request.body,
            trust_env=False,
            timeout=60,
        )
        is_first = not any(
            (known.method, known.path, known.body) == (request.method, request.path, request.body) for known in passed
        )
        passed.append(request)
        kept = {name: answer.headers[name] for name in ("content-type", "prefect-error") if name in answer.headers}
        return Reply(answer.status_code, answer.content, kept, silent=is_first)

    server.answer = pass_on
    return passed


@pytest.fixture
def client(server: WireServer, passed_on: list[Received]) -> Iterator[SyncPrefectClient]:
    transport = HttpTransport(ServerAddress(server.url, jitter=0.0))
    yield SyncPrefectClient(transport)
    transport.close()


def test_everything_that_is_made_is_made_once(client: SyncPrefectClient, passed_on: list[Received]) -> None:
    flow_id = client.create_flow_from_name("one")
    artifact = client.create_artifact(ArtifactCreate(key="a", data="x"))
    variable = client.create_variable(VariableCreate(name="v", value=1))
    line = LogCreate(name="n", level=20, message="said", timestamp=now())
    client.create_logs([line, line])
    assert [found.id for found in client.read_artifacts()] == [artifact.id]
    assert [found.id for found in client.read_variables()] == [variable.id]
    assert [log.message for log in client.read_logs()] == ["said", "said"]
    assert client.read_flow(flow_id).name == "one"
    with pytest.raises(ObjectAlreadyExists):
        client.create_variable(VariableCreate(name="v", value=1))
    assert len(passed_on) == 2 * len({(request.method, request.path, request.body) for request in passed_on}) + 1


def test_a_state_is_entered_once(client: SyncPrefectClient, a_run: Callable[[], str]) -> None:
    run_id = a_run()
    answer = client.set_flow_run_state(run_id, Running())
    assert answer.status == "ACCEPT"
    run = client.read_flow_run(run_id)
    assert run.run_count == 1
    assert [state.name for state in client.read_flow_run_states(run_id)] == ["Pending", "Running"]
    assert len(client.read_flow_runs()) == 1


@pytest.fixture
def a_run(client: SyncPrefectClient) -> Callable[[], str]:
    from prefect import flow

    @flow
    def nothing() -> None: ...

    return lambda: client.create_flow_run(nothing).id


def test_what_is_deleted_is_deleted(client: SyncPrefectClient) -> None:
    client.create_variable(VariableCreate(name="v", value=1))
    client.delete_variable_by_name("v")
    with pytest.raises(ObjectNotFound):
        client.delete_variable_by_name("v")


def test_slots_are_taken_once(client: SyncPrefectClient) -> None:
    client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="few", limit=5))
    client.increment_concurrency_slots(names=["few"], slots=2, mode="concurrency")
    assert client.read_global_concurrency_limit_by_name("few").active_slots == 2


def test_a_key_belongs_to_one_request(ours: Server) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    with ours.client() as plain:
        first = plain.post("/variables/", json={"name": "a", "value": 1}, headers=key)
        again = plain.post("/variables/", json={"name": "a", "value": 1}, headers=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content
        assert plain.post("/artifacts/", json={"key": "a"}, headers=key).status_code == 422
        assert plain.post("/artifacts/", json={"key": "a"}, headers={"Idempotency-Key": "x"}).status_code == 422
