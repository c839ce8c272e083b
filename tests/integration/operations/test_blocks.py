"""Block types, schemas and documents; secrets at rest and in answers."""

from __future__ import annotations

import multiprocessing
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from prefect._contract.actions.blocks import (
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchemaCreate,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from prefect._contract.block_checksums import block_schema_checksum
from prefect._contract.endpoints import administration, block_documents, block_schemas, block_types
from prefect._contract.filters import (
    BlockDocumentFilter,
    BlockSchemaFilter,
    BlockTypeFilter,
)
from prefect._contract.sorting import BlockDocumentSort
from prefect.client.embedded import EmbeddedTransport
from prefect.exceptions import ConfigurationError, ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.server.database.engine import Database
from prefect.server.operations.secret_fields import keep_masked, mask
from prefect.server.operations.vault import Vault
from prefect.utilities.ids import uuid7

CANARY = "canary-7f3a"


@dataclass
class Registered:
    type_id: UUID
    schema_id: UUID
    checksum: str


def register(orchestrator, slug: str, **fields: Any) -> Registered:
    block_type = orchestrator.send(block_types.create_block_type(BlockTypeCreate(name=slug.title(), slug=slug)))
    schema = orchestrator.send(
        block_schemas.create_block_schema(
            BlockSchemaCreate(fields={"title": slug, **fields}, block_type_id=block_type.id, capabilities=["run", slug])
        )
    )
    return Registered(block_type.id, schema.id, schema.checksum)


def save(orchestrator, kind: Registered, name: str | None, data: Any, **fields: Any) -> Any:
    request = BlockDocumentCreate(
        name=name, data=data, block_schema_id=kind.schema_id, block_type_id=kind.type_id, **fields
    )
    return orchestrator.send(block_documents.create_block_document(request))


def data_of(orchestrator, id: UUID, include_secrets: bool = True) -> dict[str, Any]:
    return orchestrator.send(block_documents.read_block_document(id, include_secrets)).data


@pytest.fixture
def plain(orchestrator) -> Registered:
    return register(orchestrator, "plain")


@pytest.fixture
def secret(orchestrator) -> Registered:
    return register(orchestrator, "secret", secret_fields=["password", "headers.*", "nested.token"])


def test_a_block_type_is_read_as_it_was_created(orchestrator) -> None:
    request = BlockTypeCreate(
        name="T",
        slug="t",
        logo_url="https://x.org/l.png",
        documentation_url="https://x.org",
        description="d",
        code_example="c",
    )
    created = orchestrator.send(block_types.create_block_type(request))
    assert orchestrator.send(block_types.read_block_type(created.id)) == created
    assert orchestrator.send(block_types.read_block_type_by_slug("t")) == created
    assert (str(created.logo_url), created.description, created.is_protected) == ("https://x.org/l.png", "d", False)
    with pytest.raises(ObjectAlreadyExists, match="already a block type with slug t"):
        orchestrator.send(block_types.create_block_type(request))
    orchestrator.send(
        block_types.update_block_type(created.id, BlockTypeUpdate(description="e", logo_url="https://y.org"))
    )
    changed = orchestrator.send(block_types.read_block_type(created.id))
    assert (changed.description, str(changed.logo_url), changed.code_example) == ("e", "https://y.org/", "c")


def test_block_types_are_listed(orchestrator, plain, secret) -> None:
    slugs = lambda *args: [found.slug for found in orchestrator.send(block_types.read_block_types(*args))]
    assert slugs() == ["plain", "secret"]
    assert slugs(BlockTypeFilter(name={"like_": "PLA"})) == ["plain"]
    assert slugs(BlockTypeFilter(slug={"any_": ["secret"]})) == ["secret"]
    assert slugs(None, BlockSchemaFilter(block_capabilities={"all_": ["run", "secret"]})) == ["secret"]
    assert slugs(None, None, 1, 1) == ["secret"]


def test_deleting_a_block_type_deletes_its_schemas_and_documents(orchestrator, plain) -> None:
    document = save(orchestrator, plain, "d", {})
    orchestrator.send(block_types.delete_block_type(plain.type_id))
    for call in (
        block_types.read_block_type(plain.type_id),
        block_types.delete_block_type(plain.type_id),
        block_types.update_block_type(plain.type_id, BlockTypeUpdate(description="x")),
        block_types.read_block_type_by_slug("plain"),
        block_types.read_block_documents_by_type("plain"),
        block_schemas.read_block_schema(plain.schema_id),
        block_schemas.delete_block_schema(plain.schema_id),
        block_documents.read_block_document(document.id),
        block_documents.delete_block_document(document.id),
        block_documents.update_block_document(document.id, BlockDocumentUpdate(data={})),
    ):
        with pytest.raises(ObjectNotFound):
            orchestrator.send(call)


def test_a_protected_block_type_stays(orchestrator) -> None:
    protected = orchestrator.send(block_types.create_block_type(BlockTypeCreate(name="Secret", slug="secret")))
    assert protected.is_protected
    with pytest.raises(PrefectHTTPStatusError, match="cannot be deleted") as refused:
        orchestrator.send(block_types.delete_block_type(protected.id))
    assert refused.value.response.status_code == 403


def test_a_schema_is_known_by_its_checksum(orchestrator, plain) -> None:
    read = orchestrator.send(block_schemas.read_block_schema_by_checksum(plain.checksum))
    assert (read.id, read.checksum, read.block_type.slug) == (
        plain.schema_id,
        block_schema_checksum({"title": "plain"}),
        "plain",
    )
    again = BlockSchemaCreate(fields={"title": "plain"}, block_type_id=plain.type_id)
    assert orchestrator.send(block_schemas.create_block_schema(again)).id == plain.schema_id
    orchestrator.clock.pass_by(1)
    newer = BlockSchemaCreate(fields={"title": "plain"}, block_type_id=plain.type_id, version="2")
    newer_id = orchestrator.send(block_schemas.create_block_schema(newer)).id
    assert newer_id != plain.schema_id
    by = lambda *args: orchestrator.send(block_schemas.read_block_schema_by_checksum(plain.checksum, *args)).id
    assert (by(), by("2"), by("non-versioned")) == (newer_id, newer_id, plain.schema_id)
    with pytest.raises(ObjectNotFound, match="no block schema with checksum sha256:0"):
        orchestrator.send(block_schemas.read_block_schema_by_checksum("sha256:0"))
    assert block_schema_checksum({"a": 1, "b": {"c": 2, "d": 3}}) == block_schema_checksum(
        {"b": {"d": 3, "c": 2}, "a": 1}
    )


def test_checksums_stay_what_databases_have_stored() -> None:
    fields = {"title": "X", "type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}}
    assert block_schema_checksum(fields) == "sha256:ce8f3cf45a76b3df953c1c5e0897f9e3f90dff72c5ca20962f57af453df41d62"


def test_schemas_are_listed_and_deleted(orchestrator, plain, secret) -> None:
    ids = lambda *args: [found.id for found in orchestrator.send(block_schemas.read_block_schemas(*args))]
    assert ids() == [secret.schema_id, plain.schema_id]
    assert ids(BlockSchemaFilter(block_type_id={"any_": [plain.type_id]})) == [plain.schema_id]
    assert ids(BlockSchemaFilter(version={"any_": ["other"]})) == []
    assert ids(BlockSchemaFilter(id={"any_": [secret.schema_id]})) == [secret.schema_id]
    assert ids(None, 1, 1) == [plain.schema_id]
    assert orchestrator.send(block_schemas.read_available_block_capabilities()) == ["plain", "run", "secret"]
    orchestrator.send(block_schemas.delete_block_schema(secret.schema_id))
    assert ids() == [plain.schema_id]


def test_a_schema_needs_its_type_and_what_it_refers_to(orchestrator, plain) -> None:
    with pytest.raises(ObjectNotFound, match="no block type"):
        orchestrator.send(block_schemas.create_block_schema(BlockSchemaCreate(fields={}, block_type_id=uuid7())))
    with pytest.raises(PrefectHTTPStatusError, match="give its block_type_id"):
        orchestrator.send(block_schemas.create_block_schema(BlockSchemaCreate(fields={})))
    unknown = {"inner": {"block_type_slug": "lost", "block_schema_checksum": "sha256:1"}}
    request = BlockSchemaCreate(fields={"block_schema_references": unknown}, block_type_id=plain.type_id)
    with pytest.raises(
        PrefectHTTPStatusError, match="'inner' refers to a schema of the block type 'lost' that is not known"
    ):
        orchestrator.send(block_schemas.create_block_schema(request))
    known = {"inner": [{"block_type_slug": "plain", "block_schema_checksum": plain.checksum}]}
    request = BlockSchemaCreate(fields={"block_schema_references": known}, block_type_id=plain.type_id)
    assert orchestrator.send(block_schemas.create_block_schema(request)).fields["block_schema_references"] == known


def test_a_document_is_read_as_it_was_created(orchestrator, plain) -> None:
    created = save(orchestrator, plain, "doc", {"a": [1, None], "b": {"c": "ü"}})
    read = orchestrator.send(block_documents.read_block_document(created.id))
    assert read == created
    assert (read.name, read.data, read.block_type_name) == ("doc", {"a": [1, None], "b": {"c": "ü"}}, "Plain")
    assert (read.block_type.slug, read.block_schema.id, read.block_document_references) == (
        "plain",
        plain.schema_id,
        {},
    )
    assert orchestrator.send(block_types.read_block_document_by_name("doc", "plain")) == created
    with pytest.raises(ObjectAlreadyExists, match="already a block document with block type plain and name doc"):
        save(orchestrator, plain, "doc", {})
    with pytest.raises(ObjectNotFound, match="no block document with block type plain and name other"):
        orchestrator.send(block_types.read_block_document_by_name("other", "plain"))


def test_a_document_needs_schema_type_and_name(orchestrator, plain) -> None:
    nowhere = Registered(plain.type_id, uuid7(), "")
    with pytest.raises(ObjectNotFound, match="no block schema"):
        save(orchestrator, nowhere, "d", {})
    with pytest.raises(ObjectNotFound, match="no block type"):
        save(orchestrator, Registered(uuid7(), plain.schema_id, ""), "d", {})
    with pytest.raises((PrefectHTTPStatusError, ValueError), match=r"[Nn]ame"):
        save(orchestrator, plain, None, {})


def test_documents_are_listed(orchestrator, plain, secret) -> None:
    (
        save(orchestrator, plain, "b", {}),
        save(orchestrator, secret, "a", {"password": "x"}),
        save(orchestrator, plain, "c", {}),
    )
    hidden = save(orchestrator, plain, None, {}, is_anonymous=True)
    assert hidden.name.startswith("anonymous-")
    read = lambda *args, **options: orchestrator.send(block_documents.read_block_documents(*args, **options))
    names = lambda *args, **options: [found.name for found in read(*args, **options)]
    assert names() == names(BlockDocumentFilter()) == ["a", "b", "c"]
    assert names(sort=BlockDocumentSort.NAME_DESC, limit=2) == ["c", "b"]
    assert names(sort=BlockDocumentSort.BLOCK_TYPE_AND_NAME_ASC) == ["b", "c", "a"]
    assert names(BlockDocumentFilter(is_anonymous={"eq_": True})) == [hidden.name]
    assert len(names(BlockDocumentFilter(is_anonymous=None))) == 4
    assert names(BlockDocumentFilter(name={"any_": ["a", "b"]}), offset=1) == ["b"]
    assert names(BlockDocumentFilter(block_type_id={"any_": [secret.type_id]})) == ["a"]
    assert names(None, BlockTypeFilter(slug={"any_": ["plain"]})) == ["b", "c"]
    assert names(None, None, BlockSchemaFilter(block_capabilities={"all_": ["secret"]})) == ["a"]
    assert [found.data for found in read(None, None, None, False)] == [{"password": "********"}, {}, {}]
    assert [found.name for found in orchestrator.send(block_types.read_block_documents_by_type("plain"))] == ["b", "c"]
    assert orchestrator.send(block_documents.count_block_documents()) == 3
    assert orchestrator.send(block_documents.count_block_documents(BlockDocumentFilter(name={"like_": "A"}))) == 1


def test_secrets_are_masked_unless_they_are_asked_for(orchestrator, secret) -> None:
    data = {
        "password": CANARY,
        "user": "me",
        "headers": {"a": CANARY, "b": CANARY},
        "nested": {"token": CANARY, "n": 1},
    }
    created = save(orchestrator, secret, "doc", data)
    masked = {
        "password": "********",
        "user": "me",
        "headers": {"a": "********", "b": "********"},
        "nested": {"token": "********", "n": 1},
    }
    assert created.data == data_of(orchestrator, created.id, False) == masked
    assert data_of(orchestrator, created.id) == data


def test_secrets_are_nowhere_in_the_files(orchestrator, secret, file: Path) -> None:
    created = save(orchestrator, secret, "doc", {"password": CANARY, "headers": {}})
    orchestrator.send(
        block_documents.update_block_document(created.id, BlockDocumentUpdate(data={"headers": {"x": CANARY}}))
    )
    assert data_of(orchestrator, created.id) == {"password": CANARY, "headers": {"x": CANARY}}
    for found in file.parent.rglob("*"):
        assert CANARY.encode() not in found.read_bytes(), found
    key = file.parent / "encryption.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert list(file.parent.glob("*.new")) == []


def test_what_is_not_secret_is_not_encrypted(orchestrator, plain, file: Path) -> None:
    save(orchestrator, plain, "doc", {"visible": "value"})
    assert not (file.parent / "encryption.key").exists()


def test_another_key_is_told(orchestrator, secret, file: Path) -> None:
    from cryptography.fernet import Fernet

    created = save(orchestrator, secret, "doc", {"password": CANARY})
    read = block_documents.read_block_document(created.id)
    key_file = file.parent / "encryption.key"
    key = key_file.read_text()
    key_file.write_bytes(Fernet.generate_key())
    with pytest.raises(ConfigurationError, match=r"key in the file '.*encryption\.key' is not the one"):
        orchestrator.send(read)
    key_file.write_text("no key")
    with pytest.raises(ConfigurationError, match="is no encryption key"):
        orchestrator.send(read)
    key_file.unlink()
    with pytest.raises(ConfigurationError, match=r"key cannot be read from '.*encryption\.key': No such file"):
        orchestrator.send(read)
    database = Database(f"sqlite:///{file}")
    given = EmbeddedTransport(database, Vault(key_file, key))
    assert given.send(read).data == {"password": CANARY}
    assert not key_file.exists()
    database.close()


def _seal(folder: str, barrier: Any, results: Any) -> None:
    barrier.wait(90)
    results.put(Vault(Path(folder) / "home" / "key").seal({"from": os.getpid()}))


def test_processes_that_make_the_key_at_once_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_seal, args=(str(tmp_path), barrier, results)) for _ in range(4)]
    for process in processes:
        process.start()
    sealed = [results.get(timeout=100) for _ in processes]
    for process in processes:
        process.join(30)
    opened = [Vault(tmp_path / "home" / "key").open(data) for data in sealed]
    assert {data["from"] for data in opened} == {process.pid for process in processes}


def test_documents_are_changed(orchestrator, secret) -> None:
    created = save(orchestrator, secret, "doc", {"password": CANARY, "a": 1, "headers": {"x": "y"}})
    change = lambda **fields: orchestrator.send(
        block_documents.update_block_document(created.id, BlockDocumentUpdate(**fields))
    )
    moment = orchestrator.clock.pass_by(1)
    change(data={"a": 2})
    assert data_of(orchestrator, created.id) == {"password": CANARY, "a": 2, "headers": {"x": "y"}}
    assert orchestrator.send(block_documents.read_block_document(created.id)).updated == moment
    change(data=data_of(orchestrator, created.id, False))
    assert data_of(orchestrator, created.id) == {"password": CANARY, "a": 2, "headers": {"x": "y"}}
    change(data={"password": "********", "b": 3}, merge_existing_data=False)
    assert data_of(orchestrator, created.id) == {"password": CANARY, "b": 3}


def test_a_document_gets_a_schema_of_its_own_type(orchestrator, plain, secret) -> None:
    document = save(orchestrator, plain, "doc", {"a": 1})
    request = BlockSchemaCreate(fields={"title": "new", "secret_fields": ["a"]}, block_type_id=plain.type_id)
    newer = orchestrator.send(block_schemas.create_block_schema(request))
    change = BlockDocumentUpdate(block_schema_id=newer.id, data={"a": CANARY})
    orchestrator.send(block_documents.update_block_document(document.id, change))
    read = orchestrator.send(block_documents.read_block_document(document.id, False))
    assert (read.block_schema_id, read.data) == (newer.id, {"a": "********"})
    with pytest.raises(PrefectHTTPStatusError, match="is not one of the type 'Plain'"):
        change = BlockDocumentUpdate(block_schema_id=secret.schema_id, data={})
        orchestrator.send(block_documents.update_block_document(document.id, change))


def reference(document: Any) -> dict[str, Any]:
    return {"$ref": {"block_document_id": str(document.id)}}


def test_documents_refer_to_each_other(orchestrator, plain, secret) -> None:
    inner = save(orchestrator, secret, "inner", {"password": CANARY, "n": 1})
    outer = save(orchestrator, plain, "outer", {"own": 1, "inner": reference(inner)})
    whole = save(orchestrator, plain, "whole", {"outer": reference(outer)})
    assert data_of(orchestrator, whole.id) == {"outer": {"own": 1, "inner": {"password": CANARY, "n": 1}}}
    assert data_of(orchestrator, whole.id, False)["outer"]["inner"]["password"] == "********"
    references = orchestrator.send(block_documents.read_block_document(outer.id)).block_document_references
    described = references["inner"]["block_document"]
    assert (described["id"], described["name"], described["block_type"]["slug"]) == (inner.id, "inner", "secret")
    orchestrator.send(block_documents.update_block_document(inner.id, BlockDocumentUpdate(data={"n": 2})))
    assert data_of(orchestrator, outer.id)["inner"]["n"] == 2
    change = BlockDocumentUpdate(data={"inner": "plain text"})
    orchestrator.send(block_documents.update_block_document(outer.id, change))
    assert data_of(orchestrator, outer.id) == {"own": 1, "inner": "plain text"}
    change = BlockDocumentUpdate(data={"inner": reference(inner)})
    orchestrator.send(block_documents.update_block_document(outer.id, change))
    assert data_of(orchestrator, outer.id)["inner"]["n"] == 2
    orchestrator.send(block_documents.delete_block_document(inner.id))
    assert data_of(orchestrator, outer.id) == {"own": 1}


def test_references_must_lead_somewhere_and_not_back(orchestrator, plain) -> None:
    document = save(orchestrator, plain, "a", {})
    with pytest.raises(ObjectNotFound, match="no block document"):
        save(orchestrator, plain, "b", {"x": {"$ref": {"block_document_id": str(uuid7())}}})
    with pytest.raises(PrefectHTTPStatusError, match="'x' refers to a block document by 'nonsense', which is no id"):
        save(orchestrator, plain, "b", {"x": {"$ref": {"block_document_id": "nonsense"}}})
    change = BlockDocumentUpdate(data={"self": reference(document)})
    with pytest.raises(PrefectHTTPStatusError, match="refers to itself through its field 'self'"):
        orchestrator.send(block_documents.update_block_document(document.id, change))
    assert data_of(orchestrator, document.id) == {}
    assert orchestrator.send(block_documents.count_block_documents()) == 1


def test_masks_reach_all_paths() -> None:
    fields = {"secret_fields": ["a", "b.c", "d.*", "e.*.f", "missing.g"]}
    data = {"a": 1, "b": {"c": 2, "x": 3}, "d": {"p": 4}, "e": {"q": {"f": 5, "y": 6}, "r": 7}, "n": None}
    masked = mask(fields, data)
    hidden = "********"
    assert masked == {
        "a": hidden,
        "b": {"c": hidden, "x": 3},
        "d": {"p": hidden},
        "e": {"q": {"f": hidden, "y": 6}, "r": 7},
        "n": None,
    }
    assert keep_masked(fields, masked, data) == data
    assert mask(fields, {"a": None}) == {"a": None}
    assert keep_masked(fields, {"a": hidden}, {}) == {"a": hidden}


def test_the_default_result_storage(orchestrator, plain) -> None:
    read = lambda: (
        orchestrator.send(administration.read_server_default_result_storage()).default_result_storage_block_id
    )
    assert read() is None
    document = save(orchestrator, plain, "storage", {})
    for _ in range(2):
        answer = orchestrator.send(administration.update_server_default_result_storage(document.id))
        assert answer.default_result_storage_block_id == read() == document.id
    with pytest.raises(ObjectNotFound):
        orchestrator.send(administration.update_server_default_result_storage(uuid7()))
    orchestrator.send(administration.clear_server_default_result_storage())
    assert read() is None


def test_the_orchestrator_says_what_it_is(orchestrator) -> None:
    import prefect

    assert orchestrator.send(administration.check_health()) is True
    assert orchestrator.send(administration.check_readiness()) == {"message": "OK"}
    assert orchestrator.send(administration.hello()) == "👋"
    assert orchestrator.send(administration.read_version()) == "0.8.4"
    assert orchestrator.send(administration.read_admin_version()) == prefect.__version__
    orchestrator.send(block_types.install_system_block_types())
    assert orchestrator.send(block_types.read_block_type_by_slug("secret")).name == "Secret"
