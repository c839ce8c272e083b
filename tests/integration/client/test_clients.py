"""The clients: one set of methods in two colours, on the orchestrator in this process."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from prefect._contract.actions.blocks import BlockDocumentCreate, BlockSchemaCreate, BlockTypeCreate
from prefect._contract.actions.runs import ArtifactCreate, ArtifactUpdate, LogCreate
from prefect._contract.actions.settings import VariableCreate, VariableUpdate
from prefect._contract.endpoints import flows
from prefect._contract.state import State, StateType
from prefect.client.base import ServerType, current_transport, determine_server_type
from prefect.client.embedded import EmbeddedTransport
from prefect.client.orchestration import PrefectClient, SyncPrefectClient, get_client
from prefect.exceptions import ConfigurationError, ObjectNotFound, PrefectException
from prefect.server.database.engine import Database, close_databases
from prefect.server.operations.vault import Vault
from prefect.settings import temporary_settings
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now


def methods(client: type) -> dict[str, Any]:
    members = {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}
    return {name: member for name, member in members.items() if callable(member)}


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    blocking, awaitable = methods(SyncPrefectClient), methods(PrefectClient)
    assert set(blocking) == set(awaitable)
    for name, method in blocking.items():
        assert inspect.signature(method) == inspect.signature(awaitable[name]), name
        assert not inspect.iscoroutinefunction(method), name
        if name != "client_version":
            assert inspect.iscoroutinefunction(awaitable[name]), name
        assert method.__doc__, name
        assert method.__doc__ == awaitable[name].__doc__, name


def test_a_method_looks_like_its_endpoint() -> None:
    signature = inspect.signature(SyncPrefectClient.read_flow)
    assert list(signature.parameters) == ["self", "flow_id"]
    assert SyncPrefectClient.read_flow.__name__ == "read_flow"
    assert SyncPrefectClient.read_flow.__doc__ == flows.read_flow.__doc__


def test_the_sync_client_asks(client: SyncPrefectClient) -> None:
    with client as entered:
        flow_id = entered.create_flow_from_name("f")
        assert entered.create_flow_from_name("f") == flow_id
        assert entered.read_flow(flow_id).name == "f"
        assert entered.read_flow_by_name("f").id == flow_id
        assert [flow.id for flow in entered.read_flows(limit=5)] == [flow_id]
        assert entered.api_healthcheck() is None
        assert entered.hello() == "👋"
        assert entered.api_version() == entered.client_version()
        entered.raise_for_api_version_mismatch_once()
        entered.delete_flow(flow_id)
        with pytest.raises(ObjectNotFound):
            entered.read_flow(flow_id)


def test_the_async_client_asks(async_client: PrefectClient) -> None:
    async def ask() -> None:
        async with async_client as entered:
            assert entered.loop is not None
            flow_id = await entered.create_flow_from_name("f")
            assert (await entered.read_flow(flow_id)).name == "f"
            assert (await entered.read_flow_by_name("f")).id == flow_id
            assert [flow.id for flow in await entered.read_flows(limit=5)] == [flow_id]
            assert await entered.api_healthcheck() is None
            await entered.raise_for_api_version_mismatch_once()
            await entered.raise_for_api_version_mismatch()
            await entered.delete_flow(flow_id)
            with pytest.raises(ObjectNotFound):
                await entered.read_flow(flow_id)

    anyio.run(ask)


def test_many_coroutines_write_at_once(async_client: PrefectClient) -> None:
    async def ask() -> None:
        async with anyio.create_task_group() as group:
            for number in range(60):
                group.start_soon(async_client.create_flow_from_name, f"flow {number}")
        assert len(await async_client.read_flows()) == 60

    anyio.run(ask)


def test_logs_artifacts_and_variables(client: SyncPrefectClient) -> None:
    line = {"name": "l", "level": 20, "message": "m", "timestamp": now().isoformat()}
    client.create_logs([line, LogCreate(**line)])
    assert [log.message for log in client.read_logs()] == ["m", "m"]
    artifact = client.create_artifact(ArtifactCreate(key="k", data=1))
    client.update_artifact(artifact.id, ArtifactUpdate(data=2))
    assert [found.data for found in client.read_artifacts(limit=3)] == [2]
    assert [found.data for found in client.read_latest_artifacts()] == [2]
    client.delete_artifact(artifact.id)
    assert client.read_artifacts() == []
    assert client.read_variable_by_name("v") is None
    client.create_variable(VariableCreate(name="v", value=1))
    client.update_variable(VariableUpdate(name="v", value=2))
    variable = client.read_variable_by_name("v")
    assert variable is not None
    assert variable.value == 2
    assert [found.name for found in client.read_variables(limit=1)] == ["v"]
    with pytest.raises(ValueError, match="needs the variable's name"):
        client.update_variable(VariableUpdate(value=2))
    client.delete_variable_by_name("v")
    with pytest.raises(ObjectNotFound):
        client.delete_variable_by_name("v")


def test_blocks(client: SyncPrefectClient) -> None:
    from pydantic import SecretStr

    block_type = client.create_block_type(BlockTypeCreate(name="T", slug="t"))
    request = BlockSchemaCreate(fields={"secret_fields": ["p"]}, block_type_id=block_type.id)
    assert client.get_most_recent_block_schema_for_block_type(block_type.id) is None
    schema = client.create_block_schema(request)
    newest = client.get_most_recent_block_schema_for_block_type(block_type.id)
    assert newest is not None
    assert newest.id == schema.id == client.read_block_schema_by_checksum(schema.checksum).id
    assert [found.id for found in client.read_block_schemas()] == [schema.id]
    save = lambda name, **options: client.create_block_document(
        BlockDocumentCreate(
            name=name,
            data={"p": SecretStr("hidden"), "l": [SecretStr("x")], "q": 1},
            block_schema_id=schema.id,
            block_type_id=block_type.id,
        ),
        **options,
    )
    document = save("d")
    assert client.read_block_document(document.id).data == {"p": "hidden", "l": ["x"], "q": 1}
    assert client.read_block_document(document.id, include_secrets=False).data["p"] == "********"
    assert client.read_block_document_by_name("d", "t").id == document.id
    masked = save("e", include_secrets=False)
    assert client.read_block_document(masked.id).data == {"p": "********", "l": ["********"], "q": 1}
    names = lambda found: [document.name for document in found]
    assert names(client.read_block_documents()) == names(client.read_block_documents("t")) == ["d", "e"]
    assert names(client.read_block_documents("other")) == []
    assert names(client.read_block_documents_by_type("t", offset=1, limit=1)) == ["e"]
    with pytest.raises(ObjectNotFound):
        client.read_block_documents_by_type("other")
    assert [found.slug for found in client.read_block_types()] == ["t"]
    assert client.read_block_type_by_slug("t").id == block_type.id
    client.delete_block_document(document.id)
    client.delete_block_type(block_type.id)
    assert client.read_block_types() == []


def test_runs_of_flow_and_task_objects(client: SyncPrefectClient) -> None:
    from prefect import flow, task

    @task(retries=2, retry_delay_seconds=[1, 2], tags=["a"], version="t1")
    def work(x: int) -> int:
        return x

    @flow(name="the flow", retries=3, retry_delay_seconds=7, version="f1")
    def whole(x: int, y: str = "z") -> int:
        return x

    run = client.create_flow_run(whole, name="r", parameters={"x": 1}, tags={"t"}, state=State(type=StateType.RUNNING))
    assert (run.name, run.parameters, run.tags, run.flow_version, run.state_type) == (
        "r",
        {"x": 1},
        ["t"],
        "f1",
        "RUNNING",
    )
    assert (run.empirical_policy.retries, run.empirical_policy.retry_delay) == (3, 7)
    assert client.read_flow(run.flow_id).name == "the flow"
    task_run = client.create_task_run(
        work, run.id, "0", name="tr", extra_tags=["b"], state=State(type=StateType.PENDING)
    )
    assert (task_run.tags, task_run.task_version, task_run.task_key) == (["a", "b"], "t1", work.task_key)
    assert (task_run.empirical_policy.retries, task_run.empirical_policy.retry_delay) == (2, [1, 2])
    assert client.set_task_run_state(task_run.id, State(type=StateType.RUNNING)).status == "ACCEPT"
    assert [state.type for state in client.read_task_run_states(task_run.id)] == ["PENDING", "RUNNING"]
    client.set_task_run_name(task_run.id, "renamed")
    assert client.read_task_run(task_run.id).name == "renamed"
    assert client.set_flow_run_state(str(run.id), State(type=StateType.COMPLETED)).status == "ACCEPT"
    assert [state.type for state in client.read_flow_run_states(run.id)] == ["RUNNING", "COMPLETED"]
    assert client.count_flow_runs() == 1
    assert [found.id for found in client.read_flow_runs()] == [run.id]
    assert [found.id for found in client.read_task_runs()] == [task_run.id]
    client.create_flow_run_input(run.id, "k", '"v"', sender="me")
    assert client.read_flow_run_input(run.id, "k") == '"v"'
    assert [found.key for found in client.filter_flow_run_input(run.id, "k", 5, set())] == ["k"]
    client.delete_flow_run_input(run.id, "k")
    client.delete_task_run(task_run.id)
    client.delete_flow_run(run.id)
    assert client.count_flow_runs() == 0


def test_the_transport_is_that_of_the_settings(home: Path) -> None:
    with temporary_settings({"home": home / "a"}):
        first = current_transport()
        assert current_transport() is first
        with temporary_settings({"home": home / "b"}):
            second = current_transport()
            assert second is not first
            assert isinstance(second, EmbeddedTransport)
            assert second.database.dialect.path == home / "b" / "prefect.db"
        assert current_transport() is first
        with temporary_settings({"server.database.connection_url": f"sqlite:///{home}/c/other.db"}):
            client = get_client(sync_client=True)
            client.create_flow_from_name("f")
            assert (home / "c" / "other.db").exists()
            client.transport.close()
    with temporary_settings({"home": home / "a"}):
        assert current_transport() is first


def test_settings_of_the_database_are_heeded(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    with temporary_settings({"home": home, "server.database.migrate_on_start": False}):
        with pytest.raises(PrefectException, match="not up to date"):
            get_client(sync_client=True).read_flows()
    with temporary_settings({"home": home, "server.database.echo": True}):
        get_client(sync_client=True).create_flow_from_name("heard")
        assert "INSERT INTO flow " in caplog.text
    close_databases()


def test_it_is_known_where_the_orchestrator_is(home: Path) -> None:
    with temporary_settings({"home": home, "api.url": "http://127.0.0.1:4200/api"}):
        assert determine_server_type() == ServerType.SERVER
        assert get_client().server_type == get_client(sync_client=True).server_type == ServerType.SERVER
        assert get_client().api_url == "http://127.0.0.1:4200/api/"
    with (
        temporary_settings({"home": home, "api.url": "127.0.0.1:4200"}),
        pytest.raises(ConfigurationError, match=r"PREFECT_API_URL is '127\.0\.0\.1:4200'.*such as http://127"),
    ):
        current_transport()
    with temporary_settings({"home": home}):
        assert determine_server_type() == ServerType.EPHEMERAL
        assert get_client().server_type == ServerType.EPHEMERAL
        assert get_client().api_url == get_client(sync_client=True).api_url == "http://ephemeral-prefect/api/"


def test_the_async_client_is_not_for_sync_code(async_client: PrefectClient) -> None:
    with pytest.raises(RuntimeError, match="async with get_client"):
        with async_client:
            pass


def test_what_is_queued_is_recorded_before_anything_is_asked(client: SyncPrefectClient) -> None:
    from prefect._contract.endpoints import administration, logs, recording

    called: list[int] = []
    transport = client.transport
    transport.barrier = lambda call: called.append(len(called))
    transport.send(recording.record_task_runs([]))
    transport.send(logs.create_logs([]))
    assert called == []
    transport.send(administration.hello())
    assert called == [0]
    anyio.run(transport.asend, flows.count_flows())
    anyio.run(transport.asend, administration.hello())
    assert called == [0, 1, 2]
    transport.barrier = None


class Watched(Database):
    """Notes on which threads it is used."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.threads: list[int] = []

    def transaction(self, perform: Any, *, write: bool) -> Any:
        self.threads.append(threading.get_ident())
        return super().transaction(perform, write=write)


def test_reads_of_one_record_stay_on_the_event_loop(home: Path) -> None:
    database = Watched(f"sqlite:///{home}/prefect.db")
    client = PrefectClient(EmbeddedTransport(database, Vault(home / "key")))

    async def ask() -> None:
        flow_id = await client.create_flow_from_name("f")
        assert threading.get_ident() not in database.threads
        database.threads.clear()
        await client.read_flow(flow_id)
        assert database.threads == [threading.get_ident()]
        database.threads.clear()
        await client.read_flows()
        assert threading.get_ident() not in database.threads

    anyio.run(ask)
    database.close()


def test_asking_here_loads_no_http(environment: dict[str, str]) -> None:
    script = """
import sys
from prefect.client.orchestration import get_client
client = get_client(sync_client=True)
client.create_flow_from_name("f")
client.read_flows()
foreign = {"httpx", "cryptography", "fastapi", "typer", "rich", "yaml", "jinja2", "sqlalchemy.orm", "importlib_metadata"}
assert not foreign & set(sys.modules), foreign & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)


def test_a_process_leaves_one_tidy_file(environment: dict[str, str], home: Path) -> None:
    script = """
from prefect.client.orchestration import get_client
get_client(sync_client=True).create_flow_from_name("f")
"""
    command = [sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", script]
    process = subprocess.run(command, env=environment, check=True, timeout=60, capture_output=True, text=True)
    assert process.stderr == ""
    assert [path.name for path in home.iterdir()] == ["prefect.db"]


def test_an_unknown_id_is_told_in_both_colours(client: SyncPrefectClient, async_client: PrefectClient) -> None:
    missing = uuid7()
    with pytest.raises(ObjectNotFound, match=str(missing)):
        client.read_flow_run(missing)
    with pytest.raises(ObjectNotFound, match=str(missing)):
        anyio.run(async_client.read_flow_run, missing)
    with pytest.raises(ObjectNotFound, match=str(missing)):
        anyio.run(async_client.delete_flow_run, missing)
