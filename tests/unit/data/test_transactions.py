import asyncio
import logging
import threading

import pytest

from prefect.exceptions import ConfigurationError
from prefect.filesystems import LocalFileSystem
from prefect.locking.memory import MemoryLockManager
from prefect.results import ResultStore
from prefect.transactions import (
    CommitMode,
    IsolationLevel,
    Transaction,
    TransactionState,
    atransaction,
    get_transaction,
    transaction,
)

COMMITTED, ROLLED_BACK, STAGED = TransactionState.COMMITTED, TransactionState.ROLLED_BACK, TransactionState.STAGED


@pytest.fixture
def store(tmp_path):
    return ResultStore(result_storage=LocalFileSystem(basepath=str(tmp_path / "results")))


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "results"
    return lambda: sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


class Calls(list):
    def hook(self, name):
        def hook(txn):
            self.append((name, txn.state))

        hook.__name__ = name
        return hook

    @property
    def names(self):
        return [name for name, _ in self]


@pytest.fixture
def calls():
    return Calls()


def failing(txn):
    raise RuntimeError("this hook fails")


# A transaction by itself


def test_the_life_of_a_transaction():
    txn = transaction()
    assert txn.is_pending()
    with txn:
        assert txn.is_active()
        assert get_transaction() is txn
        assert (txn.commit_mode, txn.isolation_level) == (CommitMode.LAZY, IsolationLevel.READ_COMMITTED)
        txn.stage(1)
        assert txn.is_staged()
    assert txn.is_committed()
    assert get_transaction() is None


def test_commit_hooks_run_before_it_is_committed(calls):
    with transaction() as txn:
        txn.stage(1, on_commit_hooks=[calls.hook("first"), calls.hook("second")], on_rollback_hooks=[calls.hook("no")])
    assert calls == [("first", STAGED), ("second", STAGED)]


def test_an_error_rolls_back_the_last_hook_first_and_goes_on(calls):
    with pytest.raises(ZeroDivisionError):
        with transaction() as txn:
            txn.stage(
                1, on_rollback_hooks=[calls.hook("first"), calls.hook("second")], on_commit_hooks=[calls.hook("no")]
            )
            1 / 0
    assert calls == [("second", STAGED), ("first", STAGED)]
    assert txn.is_rolled_back()
    assert get_transaction() is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_an_interruption_rolls_back_too(calls, error):
    with pytest.raises(error):
        with transaction() as txn:
            txn.stage(1, on_rollback_hooks=[calls.hook("undo")])
            raise error
    assert calls.names == ["undo"]


def test_all_rollback_hooks_run_although_one_fails(calls, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(ZeroDivisionError):
        with transaction(logger=logging.getLogger("test")) as txn:
            txn.stage(1, on_rollback_hooks=[calls.hook("first"), failing, calls.hook("last")])
            1 / 0
    assert calls.names == ["last", "first"]
    assert txn.is_rolled_back()
    assert "'failing' failed" in caplog.text


def test_a_failing_commit_hook_rolls_back_without_an_error(calls, store, files, caplog):
    with caplog.at_level(logging.ERROR):
        with transaction(key="k", store=store, logger=logging.getLogger("test")) as txn:
            txn.stage(1, on_commit_hooks=[failing, calls.hook("never")], on_rollback_hooks=[calls.hook("undo")])
    assert txn.is_rolled_back()
    assert calls.names == ["undo"]
    assert files() == []
    assert "is not committed" in caplog.text


def test_it_can_be_ended_by_hand(calls):
    with transaction() as txn:
        txn.stage(1, on_rollback_hooks=[calls.hook("undo")])
        assert txn.rollback()
        assert not txn.rollback()
        assert not txn.commit()
    assert calls.names == ["undo"]
    with transaction() as txn:
        txn.stage(1, on_commit_hooks=[calls.hook("do")])
        assert txn.commit()
        assert not txn.commit()
        assert not txn.rollback()
    assert calls.names == ["undo", "do"]


def test_it_is_entered_once():
    with transaction() as txn:
        with pytest.raises(RuntimeError, match="entered already"):
            txn.__enter__()


def test_a_mode_of_off_leaves_committing_to_the_code(calls):
    with transaction(commit_mode=CommitMode.OFF) as txn:
        txn.stage(1, on_rollback_hooks=[calls.hook("undo")])
    assert txn.is_rolled_back()
    with transaction(commit_mode=CommitMode.OFF) as txn:
        txn.stage(1, on_commit_hooks=[calls.hook("do")])
        txn.commit()
    assert txn.is_committed()
    assert calls.names == ["undo", "do"]


# Values with keys


def test_a_staged_value_is_written_when_it_is_committed(store, files):
    with transaction(key="k", store=store) as txn:
        assert not txn.is_committed()
        txn.stage({"a": 1})
        assert files() == []
    assert files() == ["k"]
    assert store.read("k").result == {"a": 1}
    assert txn.read().result == {"a": 1}


def test_a_key_with_a_value_is_committed_from_the_start(store, calls):
    store.write(1, key="k")
    with transaction(key="k", store=store) as txn:
        assert txn.is_committed()
        assert txn.read().result == 1
        txn.stage(2, on_commit_hooks=[calls.hook("no")])
    assert store.read("k").result == 1
    assert calls == []


def test_overwriting_ignores_the_value(store):
    store.write(1, key="k")
    with transaction(key="k", store=store, overwrite=True) as txn:
        assert not txn.is_committed()
        txn.stage(2)
    assert store.read("k").result == 2


def test_an_unreadable_value_counts_as_missing(store, tmp_path, caplog):
    store.write(1, key="k")
    store.cache.clear()
    (tmp_path / "results" / "k").write_text('{"metadata": {"serializer": {"type": "json"}}, "result": "{"}')
    with transaction(key="k", store=store) as txn:
        assert not txn.is_committed()
        txn.stage(2)
    assert "cannot be read" in caplog.text
    assert store.read("k").result == 2


def test_a_value_that_cannot_be_written_is_not_committed_and_no_hook_runs(store, files, calls, caplog):
    with caplog.at_level(logging.WARNING):
        with transaction(key="k", store=store, logger=logging.getLogger("test")) as txn:
            txn.stage(threading.Lock(), on_commit_hooks=[calls.hook("no")], on_rollback_hooks=[calls.hook("undo")])
    assert txn.is_rolled_back()
    assert calls.names == ["undo"]
    assert files() == []
    assert "cannot be written by the serializer 'pickle'" in caplog.text


def test_writing_can_be_left_out(store, files, calls):
    with transaction(key="k", store=store, write_on_commit=False) as txn:
        txn.stage(1, on_commit_hooks=[calls.hook("do")])
    assert txn.is_committed()
    assert calls.names == ["do"]
    assert files() == []


def test_a_staged_record_is_written_as_it_is(store):
    record = store.create_result_record({"a": 1}, key="k")
    with transaction(key="k", store=store) as txn:
        txn.stage(record)
    assert record.is_persisted
    assert store.read("k") == record


# Nesting


def test_children_are_committed_with_their_parent(store, files, calls):
    with transaction(key="parent", store=store) as parent:
        with transaction(key="child", store=store) as child:
            assert child.get_parent() is parent
            child.stage(1, on_commit_hooks=[calls.hook("child")])
        assert child.is_staged()
        assert files() == []
        assert parent.children == [child]
        parent.stage(2, on_commit_hooks=[calls.hook("parent")])
    assert child.is_committed()
    assert calls.names == ["child", "parent"]
    assert files() == ["child", "parent"]


def test_an_error_rolls_back_children_last_first(calls):
    with pytest.raises(ZeroDivisionError):
        with transaction() as parent:
            for name in ("one", "two"):
                with transaction() as child:
                    child.stage(1, on_rollback_hooks=[calls.hook(name)])
            parent.stage(1, on_rollback_hooks=[calls.hook("parent")])
            1 / 0
    assert calls.names == ["parent", "two", "one"]


def test_a_child_that_fails_takes_its_parent_along_although_the_error_is_caught(calls):
    with transaction() as outer:
        with transaction() as parent:
            parent.stage(1, on_rollback_hooks=[calls.hook("parent")], on_commit_hooks=[calls.hook("no")])
            with transaction() as sibling:
                sibling.stage(1, on_rollback_hooks=[calls.hook("sibling")])
            try:
                with transaction() as child:
                    child.stage(1, on_rollback_hooks=[calls.hook("child")])
                    1 / 0
            except ZeroDivisionError:
                assert parent.is_rolled_back()
                assert outer.is_active()
        assert outer.is_rolled_back()
    assert calls.names == ["child", "parent", "sibling"]


def test_an_eager_child_is_committed_at_its_end_for_good(store, calls):
    with pytest.raises(ZeroDivisionError):
        with transaction():
            with transaction(key="k", store=store, commit_mode=CommitMode.EAGER) as child:
                child.stage(1, on_rollback_hooks=[calls.hook("no")])
            assert child.is_committed()
            1 / 0
    assert store.exists("k")
    assert calls == []


def test_mode_and_level_are_inherited():
    with transaction(commit_mode=CommitMode.EAGER):
        with transaction() as child:
            assert child.commit_mode is CommitMode.EAGER
            assert child.isolation_level is IsolationLevel.READ_COMMITTED


def test_children_of_a_parent_that_was_found_are_committed(store, files, calls):
    store.write(1, key="parent")
    with transaction(key="parent", store=store):
        with transaction(key="child", store=store) as child:
            child.stage(2, on_commit_hooks=[calls.hook("child")])
    assert child.is_committed()
    assert calls.names == ["child"]
    assert files() == ["child", "parent"]


class Failing(LocalFileSystem):
    """A storage that fails when it is to write a certain key."""

    _block_type_slug = "failing-for-tests"
    fails_at: str

    def _write(self, path, content):
        if path.endswith(self.fails_at):
            raise OSError("no space left on device")
        return super()._write(path, content)


@pytest.mark.parametrize("broken", ["one", "two", "parent"])
def test_a_commit_that_fails_while_writing_takes_back_what_was_written(tmp_path, files, calls, broken, caplog):
    storage = Failing(basepath=str(tmp_path / "results"), fails_at=broken)
    store = ResultStore(result_storage=storage, cache_result_in_memory=False)
    ResultStore(result_storage=LocalFileSystem(basepath=storage.basepath)).write("old", key="two")
    with transaction(key="parent", store=store, logger=logging.getLogger("test")) as parent:
        for name in ("one", "two", "three"):
            with transaction(key=name, store=store, overwrite=True) as child:
                child.stage(name, on_rollback_hooks=[calls.hook(name)])
        parent.stage("parent", on_rollback_hooks=[calls.hook("parent")])
    assert parent.is_rolled_back()
    assert sorted(calls.names) == ["one", "parent", "three", "two"]
    assert files() == ["two"]
    assert store.read("two").result == "old"
    assert "no space left" in caplog.text


def test_what_was_written_stays_where_the_storage_cannot_delete_and_is_named(tmp_path, caplog):
    from prefect.filesystems import WritableFileSystem

    written = {}

    class WriteOnce(WritableFileSystem):
        _block_type_slug = "write-once-for-tests"

        async def read_path(self, path):
            return written[path]

        async def write_path(self, path, content):
            if path == "two":
                raise OSError("full")
            written[path] = content

    store = ResultStore(result_storage=WriteOnce())
    with transaction(logger=logging.getLogger("test")) as parent:
        for name in ("one", "two"):
            with transaction(key=name, store=store) as child:
                child.stage(1)
    assert parent.is_rolled_back()
    assert "'one' was written by a transaction that then failed" in caplog.text


# Values that are handed on


def test_values_are_seen_within_and_copied():
    with transaction() as parent:
        value = [1]
        parent.set("list", value)
        with transaction() as child:
            child.get("list").append(2)
            assert child.get("list") == [1]
            child.set("list", "mine")
            assert child.get("list") == "mine"
            assert parent.get("list") == [1]
        assert child.get("list") == "mine"


def test_a_missing_value_is_an_error_unless_there_is_a_default():
    with transaction() as txn:
        with pytest.raises(ValueError, match="'nothing' was set"):
            txn.get("nothing")
        assert txn.get("nothing", None) is None


# Locks


@pytest.fixture
def locking(tmp_path):
    return ResultStore(
        result_storage=LocalFileSystem(basepath=str(tmp_path / "results")), lock_manager=MemoryLockManager()
    )


def test_serializable_takes_a_lock_manager(store):
    with pytest.raises(ConfigurationError, match="lock manager"):
        with transaction(key="k", store=store, isolation_level=IsolationLevel.SERIALIZABLE):
            pass
    assert get_transaction() is None


def test_serializable_transactions_of_one_key_wait_for_each_other(locking):
    entered = threading.Event()
    seen = []

    def second():
        entered.wait()
        with transaction(key="k", store=locking, isolation_level=IsolationLevel.SERIALIZABLE) as txn:
            seen.append((txn.is_committed(), txn.read().result))

    thread = threading.Thread(target=second)
    thread.start()
    with transaction(key="k", store=locking, isolation_level=IsolationLevel.SERIALIZABLE) as txn:
        assert locking.is_locked("k")
        entered.set()
        thread.join(0.1)
        assert seen == []
        txn.stage("computed once")
    thread.join()
    assert seen == [(True, "computed once")]
    assert not locking.is_locked("k")


def test_the_lock_is_released_when_something_fails(locking):
    with pytest.raises(ZeroDivisionError):
        with transaction(key="k", store=locking, isolation_level=IsolationLevel.SERIALIZABLE):
            1 / 0
    assert not locking.is_locked("k")


def test_a_transaction_does_not_wait_for_one_around_it(locking):
    with transaction(key="k", store=locking, isolation_level=IsolationLevel.SERIALIZABLE):
        with transaction(key="k", store=locking, isolation_level=IsolationLevel.SERIALIZABLE) as child:
            child.stage(1)
        assert locking.is_locked("k")
    assert not locking.is_locked("k")


def test_a_nested_value_is_written_although_somebody_else_has_the_lock_by_then(locking):
    with transaction() as parent:
        with transaction(key="k", store=locking, isolation_level=IsolationLevel.SERIALIZABLE) as child:
            child.stage(1)
        assert locking.acquire_lock("k", "somebody else", timeout=0)
    assert parent.is_committed()
    assert locking.read("k", holder="somebody else").result == 1
    locking.release_lock("k", "somebody else")


def test_a_locked_key_is_not_written_without_the_lock(locking, caplog):
    locking.acquire_lock("k", "somebody else")
    with transaction(key="k", store=locking, logger=logging.getLogger("test")) as txn:
        txn.stage(1)
    assert txn.is_rolled_back()
    assert "another holder" in caplog.text
    locking.release_lock("k", "somebody else")


def test_two_coroutines_of_one_thread_exclude_each_other(locking):
    computed = []

    async def run(number):
        async with atransaction(key="k", store=locking, isolation_level=IsolationLevel.SERIALIZABLE) as txn:
            if not txn.is_committed():
                await asyncio.sleep(0.01)
                computed.append(number)
                txn.stage(number)

    async def main():
        await asyncio.gather(*(run(number) for number in range(5)))

    asyncio.run(main())
    assert len(computed) == 1


# Async


def test_async_hooks_are_awaited(store, calls):
    async def hook(txn):
        await asyncio.sleep(0)
        calls.append(("async", txn.state))

    async def main():
        async with atransaction(key="k", store=store) as txn:
            assert txn.is_active()
            txn.stage({"a": 1}, on_commit_hooks=[hook, calls.hook("sync")])
        assert txn.is_committed()
        assert (await store.aread("k")).result == {"a": 1}
        async with atransaction(key="k", store=store) as again:
            assert again.is_committed()
            assert (await again.read()).result == {"a": 1}

    asyncio.run(main())
    assert calls.names == ["async", "sync"]


def test_async_hooks_of_sync_transactions_run_with_and_without_a_loop(calls):
    async def hook(txn):
        await asyncio.sleep(0)
        calls.append(("async", txn.state))

    def run():
        with transaction() as txn:
            txn.stage(1, on_commit_hooks=[hook])
        assert txn.is_committed()

    async def main():
        run()

    run()
    asyncio.run(main())
    assert calls.names == ["async", "async"]


def test_colours_can_be_nested(calls):
    async def main():
        async with atransaction() as parent:
            with transaction() as child:
                child.stage(1, on_commit_hooks=[calls.hook("child")])
                assert child.get_parent() is parent
        assert child.is_committed()
        with pytest.raises(ZeroDivisionError):
            with transaction() as parent:
                async with atransaction() as child:
                    child.stage(1, on_rollback_hooks=[calls.hook("undo")])
                1 / 0

    asyncio.run(main())
    assert calls.names == ["child", "undo"]


def test_ending_an_async_one_by_hand(calls):
    async def main():
        async with atransaction() as txn:
            txn.stage(1, on_rollback_hooks=[calls.hook("undo")])
            assert await txn.rollback()
            assert not await txn.commit()
        txn = atransaction()
        txn.stage(1, on_commit_hooks=[calls.hook("do")])
        assert await txn.commit()
        await txn.run_hook(calls.hook("by hand"), "commit")

    asyncio.run(main())
    assert calls.names == ["undo", "do", "by hand"]


def test_a_transaction_can_be_used_without_with(store):
    txn = Transaction(key="k", store=store)
    assert txn.is_pending()
    txn.begin()
    txn.stage(4)
    assert txn.commit()
    txn.reset()
    assert store.read("k").result == 4


def test_making_one_current_does_not_begin_it():
    txn = Transaction()
    with txn.activated():
        assert get_transaction() is txn
        with transaction() as child:
            assert child.get_parent() is txn
    assert get_transaction() is None
    assert txn.is_pending()
