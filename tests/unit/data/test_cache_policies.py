import datetime as dt
import threading
from types import SimpleNamespace
from uuid import uuid4

import pytest

from prefect.cache_policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    NONE,
    RUN_ID,
    STABLE_TRANSFORMS,
    TASK_SOURCE,
    CacheKeyFnPolicy,
    CachePolicy,
    CompoundCachePolicy,
    Inputs,
    UnhashableInputError,
)
from prefect.exceptions import HashError
from prefect.locking.memory import MemoryLockManager


def one(x):
    return 1


def two(x):
    return 2


def context(fn=one, flow_run_id="flow-run", task_run_id="task-run"):
    return SimpleNamespace(
        task=SimpleNamespace(fn=fn), task_run=SimpleNamespace(id=task_run_id, flow_run_id=flow_run_id)
    )


def key(policy, inputs=None, parameters=None, **kwargs):
    return policy.compute_key(context(**kwargs), {"x": 1} if inputs is None else inputs, parameters or {})


def test_inputs_make_a_key_whatever_their_order():
    assert key(INPUTS, {"a": 1, "b": [2]}) == key(INPUTS, {"b": [2], "a": 1})
    assert key(INPUTS, {"a": 1}) != key(INPUTS, {"a": 2})
    assert key(INPUTS, {"a": 1}) != key(INPUTS, {"b": 1})


def test_a_task_without_inputs_has_no_key_from_inputs():
    assert key(INPUTS, {}) is None
    assert key(INPUTS - "a", {"a": 1}) is not None


def test_inputs_can_be_left_out():
    policy = INPUTS - "debug"
    assert key(policy, {"x": 1, "debug": True}) == key(policy, {"x": 1, "debug": False})
    assert key(policy - "x", {"x": 1, "debug": 1}) == key(policy - "x", {"x": 2, "debug": 2})
    assert INPUTS.exclude == []
    assert key((INPUTS + TASK_SOURCE) - "debug", {"debug": 1}) == key((INPUTS + TASK_SOURCE) - "debug", {"debug": 2})


@pytest.mark.parametrize("policy", [TASK_SOURCE, RUN_ID, FLOW_PARAMETERS, NO_CACHE, TASK_SOURCE + RUN_ID])
def test_policies_that_do_not_look_at_inputs_stay_what_they_are(policy):
    assert policy - "x" == policy


@pytest.mark.parametrize("policy", [INPUTS, NO_CACHE, DEFAULT])
def test_only_names_are_subtracted(policy):
    with pytest.raises(TypeError, match="name of an input"):
        policy - 5


def test_the_source_makes_a_key():
    assert key(TASK_SOURCE, fn=one) == key(TASK_SOURCE, fn=one)
    assert key(TASK_SOURCE, fn=one) != key(TASK_SOURCE, fn=two)


def test_functions_without_source_are_told_apart_by_what_they_do():
    first, second, same = eval("lambda: 1"), eval("lambda: 2"), eval("lambda: 1")
    assert key(TASK_SOURCE, fn=first) == key(TASK_SOURCE, fn=same)
    assert key(TASK_SOURCE, fn=first) != key(TASK_SOURCE, fn=second)
    assert key(TASK_SOURCE, fn=len) != key(TASK_SOURCE, fn=print)


def test_callable_objects_have_a_source_key():
    class Callable:
        __hash__ = None

        def __call__(self):
            return 1

    assert key(TASK_SOURCE, fn=Callable()) == key(TASK_SOURCE, fn=Callable())


def test_the_run_id_is_that_of_the_flow_run_or_else_of_the_task_run():
    assert key(RUN_ID) == "flow-run"
    assert key(RUN_ID, flow_run_id=None) == "task-run"
    run_id = uuid4()
    assert key(RUN_ID, flow_run_id=run_id) == str(run_id)


def test_flow_parameters_make_a_key_if_there_are_any():
    assert key(FLOW_PARAMETERS) is None
    assert key(FLOW_PARAMETERS, parameters={"a": 1}) != key(FLOW_PARAMETERS, parameters={"a": 2})


def test_no_cache_has_no_key():
    assert key(NO_CACHE) is None
    assert key(NONE) is None


def test_sums_are_the_same_in_any_order():
    assert key(INPUTS + TASK_SOURCE) == key(TASK_SOURCE + INPUTS)
    assert key(INPUTS + TASK_SOURCE) != key(INPUTS)
    assert key(INPUTS + TASK_SOURCE + RUN_ID) == key(DEFAULT)
    assert (INPUTS + INPUTS).policies == [INPUTS]
    assert key(FLOW_PARAMETERS + FLOW_PARAMETERS) is None


def test_no_cache_adds_nothing():
    assert INPUTS + NO_CACHE is INPUTS
    assert NO_CACHE + INPUTS is INPUTS
    assert NO_CACHE + NO_CACHE == NO_CACHE


def test_only_policies_are_added():
    with pytest.raises(TypeError):
        INPUTS + 5
    with pytest.raises(TypeError):
        INPUTS + None


def test_compound_policies_take_over_the_parts_of_sums():
    policy = CompoundCachePolicy(policies=[INPUTS + TASK_SOURCE, RUN_ID])
    assert len(policy.policies) == 3


def test_configuring_gives_a_copy():
    locks = MemoryLockManager()
    policy = INPUTS.configure(key_storage="/keys", lock_manager=locks, isolation_level="SERIALIZABLE")
    assert (policy.key_storage, policy.lock_manager, policy.isolation_level) == ("/keys", locks, "SERIALIZABLE")
    assert INPUTS.key_storage is None
    assert policy.configure(key_storage="/more").isolation_level == "SERIALIZABLE"
    assert key(policy) == key(INPUTS)


def test_a_sum_keeps_its_parts_configuration_unless_they_differ():
    policy = INPUTS.configure(key_storage="/keys", isolation_level="SERIALIZABLE") + RUN_ID
    assert (policy.key_storage, policy.isolation_level) == ("/keys", "SERIALIZABLE")
    with pytest.raises(ValueError, match="different key storages"):
        INPUTS.configure(key_storage="/a") + RUN_ID.configure(key_storage="/b")
    with pytest.raises(ValueError, match="different isolation levels"):
        INPUTS.configure(isolation_level="SERIALIZABLE") + RUN_ID.configure(isolation_level="READ_COMMITTED")


def test_a_function_can_make_the_key():
    policy = CachePolicy.from_cache_key_fn(lambda context, inputs: f"{context.task_run.id}-{inputs['x']}")
    assert key(policy) == "task-run-1"
    assert key(policy + INPUTS) not in (None, "task-run-1")
    assert key(CacheKeyFnPolicy()) is None


def test_the_base_makes_no_keys():
    with pytest.raises(NotImplementedError, match="compute_key"):
        key(CachePolicy())


@pytest.mark.parametrize("policy", [INPUTS, DEFAULT, FLOW_PARAMETERS])
def test_a_value_without_hash_is_named(policy):
    values = {"fine": 1, "lock": threading.Lock()}
    with pytest.raises(
        UnhashableInputError, match="The input 'lock' of type 'lock' has no stable hash.*INPUTS - 'lock'"
    ) as caught:
        key(policy, values, values)
    assert caught.value.name == "lock"
    assert isinstance(caught.value, HashError)
    assert isinstance(caught.value, ValueError)


def test_transforms_make_values_hashable():
    class Frame:
        def __init__(self, rows):
            self.rows = rows
            self.lock = threading.Lock()

    STABLE_TRANSFORMS[Frame] = lambda frame: frame.rows
    try:
        assert key(INPUTS, {"frame": Frame([1])}) == key(INPUTS, {"frame": Frame([1])})
        assert key(INPUTS, {"frame": Frame([1])}) != key(INPUTS, {"frame": Frame([2])})
    finally:
        del STABLE_TRANSFORMS[Frame]


def test_keys_are_the_same_in_every_process():
    value = {"when": dt.date(2020, 1, 1), "items": {"b", "a"}}
    import subprocess
    import sys

    code = (
        "import datetime\nfrom prefect.cache_policies import INPUTS\n"
        "print(INPUTS.compute_key(None, {'when': datetime.date(2020, 1, 1), 'items': {'a', 'b'}}, {}))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert other.stdout.strip() == key(Inputs(), value)
