"""Results, transactions and policies as tasks use them."""

import threading

import pytest

from prefect import flow, task
from prefect._contract.endpoints.task_runs import read_task_runs
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect.client.base import current_transport
from prefect.locking.memory import MemoryLockManager
from prefect.transactions import transaction


def test_a_result_is_computed_once_in_several_runs(tmp_path):
    computed = []

    @task(cache_policy=INPUTS + TASK_SOURCE - "note", result_storage=tmp_path)
    def double(x, note=""):
        computed.append(x)
        return {"double": x * 2}

    @flow
    def main():
        return double(2, note="a"), double(2, note="b"), double(3)

    assert main() == main() == ({"double": 4}, {"double": 4}, {"double": 6})
    assert computed == [2, 3]


def test_an_input_that_has_no_hash_means_no_cache_and_one_warning_that_names_it(tmp_path, caplog):
    @task(cache_policy=INPUTS, result_storage=tmp_path)
    def use(lock):
        return 1

    @flow
    def main():
        return use(threading.Lock())

    assert main() == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "'lock'" in warnings[0]


def test_runs_with_the_same_key_wait_for_each_other(tmp_path):
    computed = []
    policy = INPUTS.configure(isolation_level="SERIALIZABLE", lock_manager=MemoryLockManager())

    @task(cache_policy=policy, result_storage=tmp_path)
    def slow(x):
        computed.append(x)
        threading.Event().wait(0.05)
        return x

    @flow
    def main():
        return [future.result() for future in slow.map([1, 1, 1, 2])]

    assert main() == [1, 1, 1, 2]
    assert sorted(computed) == [1, 2]


def test_tasks_in_a_transaction_take_effect_together_or_not_at_all(tmp_path):
    events = []

    @task(cache_policy=INPUTS, result_storage=tmp_path)
    def write(name):
        events.append(f"write {name}")
        return name

    @write.on_rollback
    def undo(txn):
        events.append("undo")

    @write.on_commit
    def keep(txn):
        events.append("keep")

    @flow
    def main(fail):
        with transaction():
            write("one")
            if fail:
                raise RuntimeError("after the first")

    with pytest.raises(RuntimeError, match="after the first"):
        main(True)
    [run] = current_transport().send(read_task_runs())
    assert (run.state.name, run.state.is_completed()) == ("RolledBack", True)
    assert events == ["write one", "undo"]
    assert not list(tmp_path.iterdir())
    events.clear()
    main(False)
    assert events == ["write one", "keep"]
    assert len(list(tmp_path.iterdir())) == 1
