"""Slots that are asked for by hand: through queues, and given back when a context ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from prefect import get_client
from prefect._contract.actions.settings import GlobalConcurrencyLimitCreate
from prefect.concurrency.context import ConcurrencyContext
from prefect.concurrency.errors import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.concurrency.services import (
    ConcurrencySlotAcquisitionService as Slots,
    ConcurrencySlotAcquisitionWithLeaseService as LeasedSlots,
)
from prefect.concurrency.v1.context import ConcurrencyContext as TagContext
from prefect.concurrency.v1.services import (
    ConcurrencySlotAcquisitionService as TagSlots,
    ConcurrencySlotAcquisitionServiceError,
)

ONE = frozenset({"one"})


@pytest.fixture(autouse=True)
def limits(home: None) -> Iterator[None]:
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="one", limit=1))
        client.create_concurrency_limit("tagged", 1)
    yield
    for each in (Slots, LeasedSlots, TagSlots):
        each.drain_all()


def in_use() -> int:
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name("one").active_slots


def test_slots_are_taken_in_the_order_in_which_they_are_asked_for() -> None:
    queue = Slots.instance(ONE)
    assert queue is Slots.instance(ONE)
    first, second = queue.send((1, "concurrency")), queue.send((1, "concurrency", 0.1))
    assert [limit["name"] for limit in first.result(20).json()] == ["one"]
    with pytest.raises(AcquireConcurrencySlotTimeoutError):
        second.result(20)
    queue.wait_until_empty()
    assert in_use() == 1


def test_a_lease_is_given_back_when_the_context_ends_or_nobody_wants_it() -> None:
    queue = LeasedSlots.instance(ONE)
    with pytest.raises(ZeroDivisionError), ConcurrencyContext() as context:
        assert ConcurrencyContext.get() is context
        context.cleanup_lease_ids.append(UUID(queue.send((1, "concurrency")).result(20).json()["lease_id"]))
        assert in_use() == 1
        _ = 1 / 0
    assert (in_use(), ConcurrencyContext.get()) == (0, None)
    queue.release_orphaned_lease(asyncio.run(queue.acquire(1, "concurrency")))
    assert in_use() == 0


def test_a_limit_that_is_missing_is_an_error_in_strict_mode() -> None:
    queue = LeasedSlots(frozenset({"one", "two"}))
    with pytest.raises(ConcurrencySlotAcquisitionError, match="two"):
        asyncio.run(queue.acquire(1, "concurrency", strict=True))
    assert in_use() == 0


def test_slots_of_tags_are_given_back_with_their_context() -> None:
    queue, run = TagSlots.instance(frozenset({"tagged"})), uuid4()
    with TagContext() as context:
        context.cleanup_slots.append((["tagged"], 0.0, run))
        assert [limit["name"] for limit in queue.send((run,)).result(20).json()] == ["tagged"]
        with pytest.raises(ConcurrencySlotAcquisitionServiceError):
            queue.send((uuid4(), 0.1)).result(20)
    queue.send((run, 5.0)).result(20)


def test_a_drained_queue_has_no_thread_and_begins_anew() -> None:
    queue = Slots(ONE)
    queue.start()
    queue.send((1, "concurrency")).result(20)
    queue.drain()
    assert not [each for each in threading.enumerate() if each.name.startswith("prefect-acquisition")]
    with pytest.raises(AcquireConcurrencySlotTimeoutError):
        queue.send((1, "concurrency", 0.05)).result(20)
    queue.drain()
