import asyncio
import json
import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from prefect.context import TaskRunContext
from prefect.exceptions import ConfigurationError, SerializationError
from prefect.filesystems import LocalFileSystem, NullFileSystem, RemoteFileSystem
from prefect.locking.memory import MemoryLockManager
from prefect.plugins.errors import UnknownNameError
from prefect.results import (
    LRUCache,
    ResultRecord,
    ResultRecordMetadata,
    ResultStore,
    get_default_persist_setting,
    get_default_persist_setting_for_tasks,
    get_default_result_serializer,
    get_default_result_storage,
    get_or_create_default_task_scheduling_storage,
    get_result_store,
    resolve_result_storage,
    resolve_serializer,
    result_storage_discriminator,
    should_persist_result,
)
from prefect.serializers import JSONSerializer, PickleSerializer, Serializer
from prefect.settings import temporary_settings
from prefect.transactions import IsolationLevel
from prefect.utilities.time import now


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def store(folder):
    return ResultStore(result_storage=LocalFileSystem(basepath=folder), cache_result_in_memory=False)


def task(**wishes):
    defaults = {
        "result_storage": None,
        "result_serializer": None,
        "result_storage_key": None,
        "cache_result_in_memory": True,
        "cache_policy": None,
    }
    return SimpleNamespace(**{**defaults, **wishes})


# What is written


def test_what_json_keeps_is_written_as_json_and_the_rest_is_pickled(store, folder):
    for key, value, kind in [
        ("plain", {"a": [1, "x", None]}, "json"),
        ("tuple", (1, 2), "pickle"),
        ("keys", {1: 2}, "pickle"),
        ("object", object, "pickle"),
        ("error", ValueError("x"), "pickle"),
    ]:
        store.write(value, key=key)
        stored = json.loads((folder / key).read_text())
        assert stored["metadata"]["serializer"]["type"] == kind
        assert stored["metadata"]["storage_key"] == str(folder / key)
        back = store.read(key).result
        assert type(back) is type(value)
        assert back == value or repr(back) == repr(value)


def test_a_serializer_that_was_chosen_is_used_for_everything(folder):
    store = ResultStore(result_storage=folder, serializer="pickle", cache_result_in_memory=False)
    store.write({"a": 1}, key="k")
    assert json.loads((folder / "k").read_text())["metadata"]["serializer"]["type"] == "pickle"
    with temporary_settings({"PREFECT_RESULTS_DEFAULT_SERIALIZER": "compressed/json"}):
        ResultStore(result_storage=folder).write((1, 2), key="k")
    assert json.loads((folder / "k").read_text())["metadata"]["serializer"]["type"] == "compressed/json"


def test_a_record_in_the_form_of_version_3_is_read(store, folder):
    folder.mkdir()
    (folder / "old").write_text(
        '{"metadata":{"storage_key":"/elsewhere/old","expiration":null,"serializer":{"type":"pickle","picklelib":'
        '"cloudpickle","picklelib_version":null},"prefect_version":"3.8.8","storage_block_id":null},'
        '"result":"gAWVCgAAAAAAAAB9lIwBYZRLAXMu\\n"}'
    )
    record = store.read("old")
    assert record.result == {"a": 1}
    assert record.metadata.prefect_version == "3.8.8"


def test_metadata_can_be_kept_elsewhere(folder, tmp_path):
    elsewhere = tmp_path / "metadata"
    store = ResultStore(result_storage=folder, metadata_storage=str(elsewhere), cache_result_in_memory=False)
    store.write([1], key="a/b", expiration=now() + timedelta(hours=1))
    assert (folder / "a/b").read_text() == "[1]"
    metadata = ResultRecordMetadata.load_bytes((elsewhere / "a/b").read_bytes())
    assert metadata.storage_key == str(folder / "a/b")
    assert store.exists("a/b")
    assert store.read("a/b").result == [1]
    assert store.read("a/b").expiration == metadata.expiration
    assert not store.exists("b")


def test_without_metadata_the_stores_own_serializer_reads(folder):
    store = ResultStore(
        result_storage=folder, metadata_storage=NullFileSystem(), serializer="json", cache_result_in_memory=False
    )
    store.write([1], key="k")
    assert [file.name for file in folder.iterdir()] == ["k"]
    assert (folder / "k").read_text() == "[1]"
    assert store.read("k").result == [1]
    assert store.exists("k")
    default = ResultStore(result_storage=folder, metadata_storage=NullFileSystem(), cache_result_in_memory=False)
    default.write([1], key="k")
    assert default.read("k").result == [1]


class Bytes(Serializer):
    type: str = "raw-bytes-for-tests"

    def dumps(self, obj):
        return b"\xff" + obj

    def loads(self, blob):
        return blob[1:]


def test_serializers_may_write_bytes_that_are_no_text(folder):
    ResultStore(result_storage=folder, serializer=Bytes()).write(b"\x00\xfe", key="k")
    assert ResultStore(result_storage=folder).read("k").result == b"\x00\xfe"


def test_what_cannot_be_written_says_which_serializer_and_what_to_do(store, folder):
    with pytest.raises(
        SerializationError, match="type 'lock' cannot be written by the serializer 'pickle'.*persist_result=False"
    ):
        store.write(threading.Lock(), key="k")
    assert not folder.exists() or list(folder.iterdir()) == []


def test_keys_are_made_when_none_is_given(store, folder):
    store.write(1)
    store.write(1)
    assert len(list(folder.iterdir())) == 2
    fixed = ResultStore(result_storage=folder, storage_key_fn=lambda: "fixed")
    fixed.write(1)
    assert (folder / "fixed").exists()


def test_a_missing_result_is_an_error_that_names_the_path(store, folder):
    with pytest.raises(ValueError, match=f"{folder}/nothing does not exist"):
        store.read("nothing")


def test_keys_cannot_lead_out_of_the_storage(store):
    for key in ("../x", "/etc/passwd", "a/../../x", "\0"):
        with pytest.raises(ValueError, match="outside|NUL"):
            store.write(1, key=key)


def test_a_storage_that_fails_is_reported_and_counts_as_missing(folder, caplog):
    class Broken(LocalFileSystem):
        _block_type_slug = "broken-for-tests"

        def _read(self, path):
            raise ConnectionError("unreachable")

    store = ResultStore(result_storage=Broken(basepath=folder))
    assert not store.exists("k")
    assert "unreachable" in caplog.text


# Records


def test_a_record_asks_for_its_place_only_when_it_is_asked(folder):
    record = ResultStore(result_storage=folder).create_result_record({"a": 1}, key="k")
    assert record.result == {"a": 1}
    assert not record.is_persisted
    assert not folder.exists()
    assert record.serializer.type == "json"


def test_records_are_equal_by_value_and_metadata(store):
    one, same = store.create_result_record(1, key="k"), store.create_result_record(1, key="k")
    assert one == same
    assert one != store.create_result_record(2, key="k")
    assert one != store.create_result_record(1, key="l")
    assert one != 1


def test_records_can_be_sent_to_another_process(store):
    record = store.create_result_record({"a": (1,)}, key="k")
    assert pickle.loads(pickle.dumps(record)) == record


def test_a_record_survives_its_json(store):
    record = store.create_result_record({"a": (1,)}, key="k", expiration=now())
    assert ResultRecord.deserialize(record.serialize()) == record
    assert (
        ResultRecord.deserialize_from_result_and_metadata(record.serialize_result(), record.serialize_metadata())
        == record
    )


def test_data_that_is_no_record_needs_a_backup_serializer():
    for data in (b"", b"[1]", b"{}", b'{"metadata": 1, "result": 2}', b"\xff"):
        with pytest.raises(ValueError, match="not a result record"):
            ResultRecord.deserialize(data)
    assert ResultRecord.deserialize(b"[1]", backup_serializer=JSONSerializer()).result == [1]


def test_metadata_of_a_missing_serializer_can_be_looked_at():
    metadata = ResultRecordMetadata.model_validate({"storage_key": "k", "serializer": {"type": "arrow", "level": 3}})
    assert json.loads(metadata.dump_bytes())["serializer"] == {"type": "arrow", "level": 3}
    with pytest.raises(RuntimeError, match="'arrow' is not available"):
        metadata.serializer.loads(b"")


def test_a_record_is_read_from_where_its_metadata_says(store, tmp_path):
    store.write({"a": 1}, key="folder/k")
    metadata = store.read("folder/k").metadata
    assert ResultRecord.from_metadata(metadata).result == {"a": 1}
    with temporary_settings({"PREFECT_LOCAL_STORAGE_PATH": str(tmp_path / "default")}):
        default = ResultStore()
        default.write(2, key="k")
        assert ResultRecord.from_metadata(default.read("k").metadata).result == 2
    remote = ResultStore(result_storage="memory://somewhere/deep")
    remote.write(3, key="a/k")
    metadata = remote.read("a/k").metadata
    assert metadata.storage_key == "memory://somewhere/deep/a/k"
    assert ResultRecord.from_metadata(metadata).result == 3
    with pytest.raises(ValueError, match="no storage key"):
        ResultRecord.from_metadata(ResultRecordMetadata())


# Memory


def test_records_are_remembered_unless_that_is_off(folder):
    store = ResultStore(result_storage=folder)
    value = {"a": 1}
    store.write(value, key="k")
    (folder / "k").unlink()
    assert store.exists("k")
    assert store.read("k").result is value
    assert store.read("x/../k").result is value
    forgetful = ResultStore(result_storage=folder, cache_result_in_memory=False)
    forgetful.write(value, key="k")
    (folder / "k").unlink()
    assert not forgetful.exists("k")


def test_an_expired_record_in_memory_does_not_exist(folder):
    store = ResultStore(result_storage=folder)
    store.write(1, key="k", expiration=datetime(2020, 1, 1, tzinfo=timezone.utc))
    assert not store.exists("k")


def test_memory_is_bounded():
    cache = LRUCache(maxsize=2)
    cache["a"] = 1
    cache["b"] = 2
    assert cache["a"] == 1
    cache["c"] = 3
    assert list(cache) == ["a", "c"]
    del cache["a"]
    assert "a" not in cache
    assert len(cache) == 1
    assert cache.get("a") is None
    assert len(pickle.loads(pickle.dumps(cache))) == 0


def test_memory_is_safe_under_threads():
    cache = LRUCache(maxsize=50)

    def work(number):
        for turn in range(500):
            cache[(number, turn % 60)] = turn
            cache.get((number, turn % 7))
            list(cache)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(cache) == 50


# Stores of runs


def test_a_task_without_wishes_shares_the_store(store):
    assert store.for_task(task(cache_result_in_memory=False)) is store
    assert store.for_flow(task(cache_result_in_memory=False)) is store


def test_a_task_has_its_wishes(store, tmp_path):
    locks = MemoryLockManager()
    policy = SimpleNamespace(key_storage=str(tmp_path / "keys"), lock_manager=locks)
    own = store.for_task(task(result_storage=str(tmp_path / "own"), result_serializer="json", cache_policy=policy))
    assert own.serializer == JSONSerializer()
    assert own.lock_manager is locks
    own.write([1], key="k")
    assert (tmp_path / "own/k").read_text() == "[1]"
    assert (tmp_path / "keys/k").exists()
    assert store.serializer == PickleSerializer()
    assert own.for_flow(task(result_serializer="pickle")).serializer == PickleSerializer()


def test_updating_resolves_storage_in_both_colours(store, tmp_path):
    own = store.update_for_task(task(result_storage=tmp_path / "own"))
    assert own.result_storage == LocalFileSystem(basepath=str(tmp_path / "own"))

    async def main():
        return await store.aupdate_for_flow(task(result_storage="memory://x")), await store.update_for_task(task())

    flow_store, task_store = asyncio.run(main())
    assert flow_store.result_storage == RemoteFileSystem(basepath="memory://x")
    assert task_store.result_storage == store.result_storage


def test_a_storage_key_is_filled_in_from_the_run(store, folder):
    run = SimpleNamespace(id=uuid4(), name="my-run", flow_run_id=None, tags=[], run_count=1)
    context = TaskRunContext(
        task=SimpleNamespace(name="add", fn=None),
        task_run=run,
        parameters={"x": 5},
        result_store=store,
        persist_result=True,
    )
    own = store.for_task(task(result_storage_key="{task_run.task_name}-{parameters[x]}.bin"))
    with context:
        record = own.create_result_record(1)
        assert get_result_store() is store
        assert should_persist_result()
    own.persist_result_record(record)
    assert (folder / "add-5.bin").exists()
    assert own.for_task(task()).create_result_record(1).metadata.storage_key != record.metadata.storage_key


def test_outside_of_runs_there_is_a_store_with_default_storage(tmp_path):
    with temporary_settings({"PREFECT_LOCAL_STORAGE_PATH": str(tmp_path)}):
        store = get_result_store()
        store.write(1, key="k")
        assert (tmp_path / "k").exists()
        assert get_default_result_storage() == LocalFileSystem(basepath=str(tmp_path))
        assert asyncio.run(get_or_create_default_task_scheduling_storage()) == LocalFileSystem(basepath=str(tmp_path))
        assert not should_persist_result()


def test_settings_decide_what_is_kept():
    assert not get_default_persist_setting()
    assert not get_default_persist_setting_for_tasks()
    with temporary_settings({"PREFECT_RESULTS_PERSIST_BY_DEFAULT": True}):
        assert get_default_persist_setting()
        assert get_default_persist_setting_for_tasks()
        assert should_persist_result()
        with temporary_settings({"PREFECT_TASKS_DEFAULT_PERSIST_RESULT": False}):
            assert not get_default_persist_setting_for_tasks()


# What names mean


def test_storage_is_named_in_several_ways(tmp_path):
    block = LocalFileSystem(basepath=str(tmp_path))
    assert resolve_result_storage(block) is block
    assert resolve_result_storage(tmp_path) == block
    assert resolve_result_storage(str(tmp_path)) == block
    assert resolve_result_storage(f"file://{tmp_path}") == block
    assert resolve_result_storage("memory://a/b") == RemoteFileSystem(basepath="memory://a/b")
    assert resolve_result_storage("ftp://host/a") == RemoteFileSystem(basepath="ftp://host/a")
    assert asyncio.run(resolve_result_storage.aio(Path("/x"))) == LocalFileSystem(basepath="/x")


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        (5, TypeError, "of type 'int'"),
        (None, TypeError, "NoneType"),
        ("nothing", ValueError, "No result storage is known for 'nothing'"),
        ("a/b/c", ValueError, "'a/b/c'"),
        ("nosuch://x", UnknownNameError, "No result storage 'nosuch' is registered"),
    ],
)
def test_what_means_no_storage_is_an_error(reference, error, message):
    with pytest.raises(error, match=message):
        resolve_result_storage(reference)


def test_serializers_are_named_by_type():
    assert resolve_serializer("json") == JSONSerializer()
    assert resolve_serializer(JSONSerializer()) == JSONSerializer()
    assert get_default_result_serializer() == PickleSerializer()
    with pytest.raises(UnknownNameError, match="'nope'"):
        resolve_serializer("nope")
    with pytest.raises(TypeError, match="5"):
        resolve_serializer(5)


def test_what_describes_a_storage_is_told_apart():
    assert result_storage_discriminator(LocalFileSystem()) == "WritableFileSystem"
    assert result_storage_discriminator({"block_type_slug": "x"}) == "WritableFileSystem"
    assert result_storage_discriminator(NullFileSystem()) == "NullFileSystem"
    assert result_storage_discriminator({}) == "NullFileSystem"
    assert result_storage_discriminator("x") is None


# Locks


def test_locking_takes_a_lock_manager(store):
    with pytest.raises(ConfigurationError, match="no lock manager"):
        store.acquire_lock("k")
    assert store.supports_isolation_level(IsolationLevel.READ_COMMITTED)
    assert not store.supports_isolation_level(IsolationLevel.SERIALIZABLE)


def test_a_locked_key_is_written_by_its_holder_only(folder):
    store = ResultStore(result_storage=folder, lock_manager=MemoryLockManager(), cache_result_in_memory=False)
    assert store.supports_isolation_level(IsolationLevel.SERIALIZABLE)
    assert store.acquire_lock("k", "me")
    with pytest.raises(RuntimeError, match="'k' cannot be written: another holder"):
        store.write(1, key="k")
    store.write(1, key="k", holder="me")
    assert not store.acquire_lock("k", "you", timeout=0.01)
    assert store.is_locked("k")
    assert store.is_lock_holder("k", "me")
    assert not store.wait_for_lock("k", timeout=0.01)
    assert store.read("k", holder="me").result == 1
    store.release_lock("k", "me")
    assert store.wait_for_lock("k")
    assert store.acquire_lock("k")
    store.write(2, key="k")
    store.release_lock("k")


def test_reading_waits_for_the_holder(folder):
    store = ResultStore(result_storage=folder, lock_manager=MemoryLockManager(), cache_result_in_memory=False)
    store.write("before", key="k")
    store.acquire_lock("k", "me")
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(store.read, "k")
        store.write("after", key="k", holder="me")
        assert not reading.done()
        store.release_lock("k", "me")
        assert reading.result(timeout=30).result == "after"


def test_locking_in_async_code(folder):
    store = ResultStore(result_storage=folder, lock_manager=MemoryLockManager())

    async def main():
        assert await store.aacquire_lock("k", "me")
        assert not await store.aacquire_lock("k", "you", timeout=0.01)
        assert not await store.await_for_lock("k", timeout=0.01)
        store.release_lock("k", "me")
        assert await store.await_for_lock("k")

    asyncio.run(main())


def test_nobody_else_logs_at_warning_level_here(store, caplog):
    with caplog.at_level(logging.WARNING):
        assert not store.exists("missing")
    assert caplog.records == []


def test_metadata_are_whole_where_only_what_was_set_is_written():
    written = ResultRecordMetadata(storage_key="x", serializer=JSONSerializer()).model_dump(exclude_unset=True)
    assert written["serializer"] == {"type": "json"}
    assert {"expiration", "prefect_version", "storage_block_id"} < set(written)
