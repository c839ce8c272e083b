"""Both clients with a server of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.server.conftest import Server

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.client.base import ServerType, current_transport
from prefect.client.http import HttpTransport
from prefect.client.orchestration import PrefectClient, SyncPrefectClient, get_client
from prefect.exceptions import ConfigurationError, ObjectNotFound, PrefectHTTPStatusError, ServerUnreachableError
from prefect.logging import get_run_logger
from prefect.runtime import flow_run as current_run
from prefect.settings import temporary_settings
from prefect.variables import Variable


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Server]:
    with temporary_settings({"PREFECT_HOME": str(tmp_path / "server")}):
        server = Server(ephemeral=True).start()
    yield server
    server.stop()


@pytest.fixture
def api(ours: Server, tmp_path: Path) -> Iterator[str]:
    """The address of a server that the settings name."""
    url = f"{ours.url}/api"
    with temporary_settings({"PREFECT_HOME": str(tmp_path / "home"), "PREFECT_API_URL": url}):
        yield url
        current_transport().close()


def test_the_settings_name_the_server(api: str) -> None:
    client = get_client(sync_client=True)
    assert client.server_type is ServerType.SERVER
    assert client.api_url == f"{api}/"
    assert client.api_healthcheck() is None
    assert client.hello() == "👋"
    client.raise_for_api_version_mismatch_once()
    assert asyncio.run(get_client().api_version()) == client.api_version() == client.client_version()


def test_a_client_is_made_with_an_address(api: str) -> None:
    with SyncPrefectClient(f"{api}/", httpx_settings={"headers": {"X-Note": "1"}}) as client:
        assert client.create_flow_from_name("one")
    with pytest.raises(ConfigurationError, match="is no address|no address of a server"):
        SyncPrefectClient("nowhere")
    with pytest.raises(ConfigurationError, match="neither"):
        SyncPrefectClient(12)  # type: ignore[arg-type]


def test_a_client_is_made_with_an_app(ours: Server, api: str) -> None:
    async def ask() -> str:
        async with PrefectClient(ours.app) as client:
            await client.create_flow_from_name("by way of the app")
            return (await client.read_flow_by_name("by way of the app")).name

    assert asyncio.run(ask()) == "by way of the app"
    with pytest.raises(ConfigurationError, match="async code only"):
        SyncPrefectClient(ours.app)


def test_any_request_can_be_sent(api: str) -> None:
    client = get_client(sync_client=True)
    client.create_flow_from_name("a b")
    answer = client.request("GET", "/flows/name/{name}", path_params={"name": "a b"})
    assert answer.json()["name"] == "a b"
    assert client.request("POST", "/flows/count", json={}).json() == 1
    with pytest.raises(ObjectNotFound):
        client.request("GET", "/flows/name/none")
    with pytest.raises(PrefectHTTPStatusError, match="422"):
        client.request("POST", "/flows/", json={})
    assert asyncio.run(get_client().request("POST", "/flows/count", json={})).json() == 1


def test_requests_need_a_server(tmp_path: Path) -> None:
    with (
        temporary_settings({"PREFECT_HOME": str(tmp_path)}),
        pytest.raises(ConfigurationError, match=r"takes no HTTP requests.*prefect server start"),
    ):
        get_client(sync_client=True).request("GET", "/hello")


def test_a_client_with_settings_of_its_own_sees_what_was_recorded_before(api: str) -> None:
    seen: list[int] = []

    @task
    def step() -> None: ...

    @flow
    def look() -> None:
        for _ in range(3):
            step()
        seen.append(len(get_client({"timeout": 20}, sync_client=True).read_task_runs()))

    look()
    assert seen == [3]


def test_flows_leave_their_records_at_the_server(api: str) -> None:
    @task(retries=1)
    def moody(calls: list[int]) -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("not now")
        return len(calls)

    @flow
    def inner(number: int) -> int:
        return number + 1

    @flow
    def outer() -> tuple[str, int]:
        get_run_logger().info("hello from here")
        create_markdown_artifact("# Report", key="report")
        Variable.set("answer", 42)
        return str(current_run.get_id()), inner(moody([]))

    run_id, number = outer()
    assert number == 3
    assert isinstance(current_transport(), HttpTransport)
    client = get_client(sync_client=True)
    assert client.read_flow_run(run_id).state_name == "Completed"
    assert sorted(run.name for run in client.read_task_runs()) == ["inner-0", "moody-0"]
    assert len(client.read_flow_runs()) == 2
    assert "hello from here" in [log.message for log in client.read_logs()]
    assert [found.key for found in client.read_artifacts()] == ["report"]
    assert Variable.get("answer") == 42


def test_async_flows_too(api: str) -> None:
    @task
    async def twice(number: int) -> int:
        return number * 2

    @flow
    async def main() -> list[int]:
        async with get_client() as client:
            runs = await client.read_flow_runs()
        return [len(runs), *[await twice(number) for number in range(3)]]

    assert asyncio.run(main()) == [1, 0, 2, 4]
    assert len(get_client(sync_client=True).read_task_runs()) == 3


def test_what_only_a_server_of_ours_has_to_say_is_an_exception_of_ours(api: str) -> None:
    client = get_client(sync_client=True)
    with pytest.raises(ObjectNotFound, match="There is no"):
        client.read_flow_by_name("none")


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    settings = {
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
        "PREFECT_CLIENT_MAX_RETRIES": 0,
    }
    with temporary_settings(settings):
        assert isinstance(get_client(sync_client=True).api_healthcheck(), ServerUnreachableError)
        with pytest.raises(ServerUnreachableError, match="No server answers"):
            flow(lambda: None, name="nothing")()
