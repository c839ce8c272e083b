"""What is queued in a process goes before the calls that may depend on it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from prefect._contract.call import Call
from prefect._contract.endpoints import flows, global_concurrency_limits as slots
from prefect.client.base import add_barrier, is_about_slots

SLOTS = [
    slots.increment_concurrency_slots(["a"], 1),
    slots.increment_concurrency_slots_with_lease(["a"], 1, "concurrency", 60),
    slots.renew_concurrency_lease(uuid4(), 60),
    slots.release_concurrency_slots(["a"], 1),
    slots.release_concurrency_slots_with_lease(uuid4()),
]
OTHERS = [slots.read_global_concurrency_limits(), slots.delete_global_concurrency_limit("a"), flows.count_flows()]


@pytest.mark.parametrize("call", SLOTS, ids=lambda call: call.path)
def test_calls_about_slots_are_known(call: Call[Any]) -> None:
    assert is_about_slots(call)


@pytest.mark.parametrize("call", OTHERS, ids=lambda call: call.path)
def test_calls_about_limits_are_others(call: Call[Any]) -> None:
    assert not is_about_slots(call)


def test_a_barrier_is_called_for_what_it_concerns_after_those_before_it() -> None:
    transport: Any = SimpleNamespace(barrier=None)
    done: list[str] = []
    add_barrier(transport, lambda: done.append("runs"))
    add_barrier(transport, lambda: done.append("events"), lambda call: not is_about_slots(call))
    transport.barrier(SLOTS[0])
    assert done == ["runs"]
    transport.barrier(OTHERS[0])
    transport.barrier(None)
    assert done == ["runs", "runs", "events", "runs", "events"]
