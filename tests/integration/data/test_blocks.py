import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Optional, Union

import pytest
from pydantic import Field, SecretStr

from prefect import flow, task
from prefect.blocks.core import Block
from prefect.blocks.fields import SecretDict
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore, get_default_result_storage, resolve_result_storage
from prefect.settings import get_current_settings, temporary_settings

pytestmark = pytest.mark.usefixtures("orchestrator")


class Credentials(Block):
    """Credentials for tests."""

    user: str
    password: SecretStr


class Warehouse(Block):
    """A warehouse for tests."""

    credentials: Credentials
    either: Union[Credentials, Secret, None] = None
    several: list[Credentials] = []
    named: dict[str, Credentials] = {}
    settings: Optional[SecretDict] = None
    schema_: str = Field("public", alias="schema")


@pytest.fixture
def credentials():
    block = Credentials(user="me", password="canary-password")
    block.save("creds")
    return block


def test_blocks_are_loaded_as_they_were_saved(credentials):
    warehouse = Warehouse(
        credentials=credentials,
        either=Secret(value="canary-either"),
        several=[Credentials(user="two", password="canary-two")],
        settings={"token": "canary-token"},
        schema="mine",
    )
    block_id = warehouse.save("main")
    loaded = Warehouse.load("main")
    assert loaded._block_document_id == warehouse._block_document_id == block_id
    assert loaded.credentials._block_document_name == "creds"
    assert loaded.credentials.password.get_secret_value() == "canary-password"
    assert loaded.either.get() == "canary-either"
    assert loaded.several[0].password.get_secret_value() == "canary-two"
    assert loaded.settings.get_secret_value() == {"token": "canary-token"}
    assert loaded.schema_ == "mine"


def test_a_change_of_a_nested_block_is_seen_by_those_that_hold_it(credentials):
    Warehouse(credentials=credentials).save("main")
    changed = Credentials.load("creds")
    changed.user = "you"
    changed.save(overwrite=True)
    assert Warehouse.load("main").credentials.user == "you"


def test_a_block_is_found_in_several_ways(credentials, client):
    block_id = credentials._block_document_id
    for found in (
        Block.load("credentials/creds"),
        Block.load_from_ref(block_id),
        Block.load_from_ref(str(block_id)),
        Credentials.load_from_ref({"block_document_id": str(block_id)}),
        Block.load_from_ref({"block_document_slug": "credentials/creds"}),
        Credentials.load("creds", client=client),
        Credentials.model_validate({"$ref": {"block_document_id": str(block_id)}}),
        Warehouse.model_validate({"credentials": {"$ref": str(block_id)}}).credentials,
    ):
        assert type(found) is Credentials
        assert found.user == "me"


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: Credentials.load("nothing"), "no block of type 'credentials' named 'nothing'"),
        (lambda: Block.load("snowflake-connector/x"), "part of prefect-snowflake, .* pip install prefect-snowflake"),
        (lambda: Block.load("credentials"), "does not say the block type"),
        (lambda: Block.load_from_ref("credentials/creds"), "a UUID is due"),
        (lambda: Block.load_from_ref({"id": 1}), "is no reference"),
        (lambda: Block.load_from_ref("00000000-0000-0000-0000-000000000000"), "no block document with the id"),
        (lambda: Credentials.delete("nothing"), "'nothing'"),
        (lambda: Credentials(user="x", password="y").save("Bad Name"), "lowercase"),
    ],
)
def test_what_is_not_there_is_an_error_that_says_so(use, message):
    with pytest.raises(ValueError, match=message):
        use()


def test_registering_twice_changes_nothing_but_what_is_described(client):
    Credentials.register_type_and_schema()
    first = client.read_block_type_by_slug("credentials")
    Credentials.register_type_and_schema()
    assert client.read_block_type_by_slug("credentials").id == first.id
    assert len([each for each in client.read_block_schemas() if each.block_type_id == first.id]) == 1

    description, Credentials._description = Credentials._description, "Another description."
    try:
        Credentials.register_type_and_schema()
    finally:
        Credentials._description = description
    assert client.read_block_type_by_slug("credentials").description == "Another description."


def test_registering_covers_nested_types(client):
    Warehouse.register_type_and_schema()
    for slug in ("warehouse", "credentials", "secret"):
        assert client.read_block_type_by_slug(slug)
    schema = client.read_block_schema_by_checksum(Warehouse._calculate_schema_checksum())
    assert schema.id == Warehouse._block_schema_id


def test_no_secret_is_shown_or_stored_in_clear(credentials, client):
    Warehouse(
        credentials=credentials,
        named={"two": Credentials(user="two", password="canary-two")},
        settings={"token": "canary-token"},
        either=Secret(value={"deep": "canary-deep"}),
    ).save("main")
    document = client.read_block_document_by_name("main", "warehouse", include_secrets=False)
    assert "canary" not in document.model_dump_json()
    database = Path(get_current_settings().home) / "prefect.db"
    with closing(sqlite3.connect(database)) as connection:
        assert "canary" not in "\n".join(connection.iterdump())


def test_async_code_awaits(credentials):
    async def main():
        loaded = await Credentials.load("creds")
        twin = await Credentials.aload("creds")
        await loaded.save("other")
        await twin.asave("third")
        assert await Block.load("credentials/third") == twin
        async with get_client() as client:
            assert (await Credentials.aload("other", client=client)).user == "me"
        await Credentials.delete("other")
        await Credentials.adelete("third")
        await Credentials.aregister_type_and_schema()
        assert Credentials.load.sync("creds").user == "me"
        with pytest.raises(ValueError, match="'other'"):
            await Credentials.aload("other")

    asyncio.run(main())


def test_blocks_are_storage_for_results(tmp_path, client):
    storage = LocalFileSystem(basepath=str(tmp_path / "block"))
    block_id = storage.save("results")
    for reference in ("local-file-system/results", block_id, storage):
        assert resolve_result_storage(reference).basepath == storage.basepath
    store = ResultStore(result_storage="local-file-system/results", cache_result_in_memory=False)
    store.write((1, 2), key="k")
    record = store.read("k")
    assert record.metadata.storage_block_id == block_id == store.result_storage_block_id
    assert (tmp_path / "block/k").exists()

    from prefect.results import ResultRecord

    assert ResultRecord.from_metadata(record.metadata).result == (1, 2)
    with pytest.raises(ValueError, match="no block of type 'local-file-system' named 'nothing'"):
        resolve_result_storage("local-file-system/nothing")


def test_runs_keep_results_in_the_storage_that_they_name(tmp_path):
    LocalFileSystem(basepath=str(tmp_path / "block")).save("results")

    @task(
        persist_result=True,
        result_storage="local-file-system/results",
        result_storage_key="{parameters[x]}.json",
        result_serializer="json",
    )
    def double(x):
        return x * 2

    @flow
    def main():
        return double(21)

    assert main() == 42
    assert (tmp_path / "block/21.json").exists()


def test_the_default_storage_is_a_settings_block_or_the_orchestrators_or_local(tmp_path, client):
    assert get_default_result_storage().basepath == str(get_current_settings().results.local_storage_path)
    one, two = LocalFileSystem(basepath=str(tmp_path / "one")), LocalFileSystem(basepath=str(tmp_path / "two"))
    one.save("one")
    two.save("two")
    client.update_server_default_result_storage(one._block_document_id)
    with temporary_settings({"PREFECT_RESULTS_PERSIST_BY_DEFAULT": True}):
        assert get_default_result_storage().basepath == one.basepath

        @flow
        def main():
            return (1, 2)

        main()
        assert len(list((tmp_path / "one").iterdir())) == 1
    with temporary_settings({"PREFECT_DEFAULT_RESULT_STORAGE_BLOCK": "local-file-system/two"}):
        assert get_default_result_storage().basepath == two.basepath
