"""Concurrency limits: slots by name, with and without leases, with decay, and by tag."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from prefect._contract.actions.settings import (
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
)
from prefect._contract.concurrency import ConcurrencyLeaseHolder
from prefect._contract.endpoints import concurrency_limits as tags, global_concurrency_limits as limits
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError
from prefect.server.operations.global_concurrency_limits import NOTHING_HELD, release_expired_leases
from prefect.server.operations.work import UnitOfWork
from prefect.settings import PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS, temporary_settings


def new(orchestrator: Any, name: str = "db", limit: int = 2, **fields: Any) -> Any:
    return orchestrator.send(
        limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name=name, limit=limit, **fields))
    )


def take(orchestrator: Any, *names: str, slots: int = 1, **fields: Any) -> Any:
    return orchestrator.send(limits.increment_concurrency_slots(list(names), slots, **fields))


def lease(orchestrator: Any, *names: str, slots: int = 1, seconds: float = 60, **fields: Any) -> Any:
    mode = fields.pop("mode", "concurrency")
    return orchestrator.send(limits.increment_concurrency_slots_with_lease(list(names), slots, mode, seconds, **fields))


def in_use(orchestrator: Any, name: str = "db") -> int:
    return orchestrator.send(limits.read_global_concurrency_limit(name)).active_slots


def refused(status: int, call: Callable[[], Any]) -> PrefectHTTPStatusError:
    with pytest.raises(PrefectHTTPStatusError) as refusal:
        call()
    assert refusal.value.response.status_code == status, str(refusal.value)
    return refusal.value


def perform(orchestrator: Any, function: Callable[..., Any], *args: Any) -> Any:
    """What an operation without an endpoint answers, in a transaction of its own."""
    transport = orchestrator.transport

    def act(connection: Any) -> Any:
        return function(UnitOfWork(connection, orchestrator.clock(), None), *args)

    return transport.database.transaction(act, write=True)


# -- the limits themselves


def test_a_limit_is_found_by_id_and_by_name(orchestrator) -> None:
    made = new(orchestrator, "db", 3, slot_decay_per_second=0.5, denied_slots=4)
    assert (made.limit, made.active, made.active_slots, made.denied_slots) == (3, True, 0, 4)
    assert made.avg_slot_occupancy_seconds == 2.0
    for key in (made.id, str(made.id), "db"):
        found = orchestrator.send(limits.read_global_concurrency_limit(key))
        assert (found.id, found.name, found.limit, found.slot_decay_per_second) == (made.id, "db", 3, 0.5)


def test_limits_that_do_not_exist_are_not_found(orchestrator) -> None:
    for key in ("none", uuid4()):
        for call in (
            limits.read_global_concurrency_limit(key),
            limits.delete_global_concurrency_limit(key),
            limits.update_global_concurrency_limit(key, ConcurrencyLimitV2Update(limit=1)),
        ):
            with pytest.raises(ObjectNotFound):
                orchestrator.send(call)


def test_names_are_unique(orchestrator) -> None:
    new(orchestrator, "a")
    new(orchestrator, "b")
    with pytest.raises(ObjectAlreadyExists):
        new(orchestrator, "a")
    with pytest.raises(ObjectAlreadyExists):
        orchestrator.send(limits.update_global_concurrency_limit("b", ConcurrencyLimitV2Update(name="a")))
    orchestrator.send(limits.update_global_concurrency_limit("b", ConcurrencyLimitV2Update(name="b", limit=9)))
    assert orchestrator.send(limits.read_global_concurrency_limit("b")).limit == 9


def test_limits_are_listed_by_name(orchestrator) -> None:
    for name in ("c", "a", "b"):
        new(orchestrator, name)
    names = lambda **page: [found.name for found in orchestrator.send(limits.read_global_concurrency_limits(**page))]
    assert names() == ["a", "b", "c"]
    assert names(limit=1, offset=1) == ["b"]
    refused(422, lambda: names(limit=201))


def test_what_a_limit_cannot_be_without_is_kept(orchestrator) -> None:
    new(orchestrator)
    refused(
        422,
        lambda: orchestrator.send(limits.update_global_concurrency_limit("db", ConcurrencyLimitV2Update(limit=None))),
    )
    orchestrator.send(limits.update_global_concurrency_limit("db", ConcurrencyLimitV2Update()))
    assert orchestrator.send(limits.read_global_concurrency_limit("db")).limit == 2


def test_a_deleted_limit_takes_its_leases_with_it(orchestrator) -> None:
    new(orchestrator)
    held = lease(orchestrator, "db")
    orchestrator.send(limits.delete_global_concurrency_limit("db"))
    refused(410, lambda: orchestrator.send(limits.renew_concurrency_lease(held.lease_id, 60)))
    new(orchestrator)
    assert in_use(orchestrator) == 0


# -- slots without leases


def test_slots_are_taken_until_none_is_free(orchestrator) -> None:
    made = new(orchestrator, limit=2)
    assert [found.id for found in take(orchestrator, "db", slots=2)] == [made.id]
    locked = refused(423, lambda: take(orchestrator, "db"))
    assert 1.5 <= float(locked.response.headers["Retry-After"]) <= 2.5
    assert "'db' (2 of 2 in use)" in str(locked)
    orchestrator.send(limits.release_concurrency_slots(["db"], 1))
    assert in_use(orchestrator) == 1
    take(orchestrator, "db")


def test_all_or_nothing(orchestrator) -> None:
    new(orchestrator, "a", 1)
    new(orchestrator, "b", 1)
    take(orchestrator, "b")
    refused(423, lambda: take(orchestrator, "a", "b"))
    assert in_use(orchestrator, "a") == 0


def test_a_name_that_is_said_twice_counts_once_and_unknown_ones_are_passed_over(orchestrator) -> None:
    new(orchestrator, limit=1)
    assert [found.name for found in take(orchestrator, "db", "db", "unknown")] == ["db"]
    assert take(orchestrator, "unknown", create_if_missing=True) == []
    assert take(orchestrator) == []
    with pytest.raises(ObjectNotFound):
        in_use(orchestrator, "unknown")


def test_what_can_never_be_given_is_refused(orchestrator) -> None:
    new(orchestrator, limit=2)
    for slots in (0, -1, 3):
        refused(422, lambda slots=slots: take(orchestrator, "db", slots=slots))
    refused(422, lambda: take(orchestrator, "db", mode="rate_limit"))
    refused(422, lambda: orchestrator.send(limits.release_concurrency_slots(["db"], 0)))
    assert in_use(orchestrator) == 0


def test_more_than_is_in_use_is_given_back_as_what_is(orchestrator) -> None:
    new(orchestrator, limit=5)
    take(orchestrator, "db", slots=3)
    take(orchestrator, "db", slots=2)
    orchestrator.send(limits.release_concurrency_slots(["db"], 4))
    assert in_use(orchestrator) == 1
    orchestrator.send(limits.release_concurrency_slots(["db", "unknown"], 40))
    assert in_use(orchestrator) == 0


def test_what_a_lease_holds_is_not_given_back_without_it(orchestrator) -> None:
    new(orchestrator, limit=2)
    lease(orchestrator, "db")
    orchestrator.send(limits.release_concurrency_slots(["db"], 2))
    assert in_use(orchestrator) == 1


def test_inactive_limits_do_not_limit(orchestrator) -> None:
    made = new(orchestrator, limit=1, active=False)
    for slots in (1, 5):
        assert [found.id for found in take(orchestrator, "db", slots=slots)] == [made.id]
    assert lease(orchestrator, "db", slots=7).lease_id == NOTHING_HELD
    assert in_use(orchestrator) == 0
    orchestrator.send(limits.update_global_concurrency_limit("db", ConcurrencyLimitV2Update(active=True)))
    take(orchestrator, "db")
    refused(423, lambda: take(orchestrator, "db"))


def test_slots_in_use_can_be_set(orchestrator) -> None:
    new(orchestrator, limit=3, active_slots=2)
    assert in_use(orchestrator) == 2
    held = lease(orchestrator, "db")
    orchestrator.send(limits.update_global_concurrency_limit("db", ConcurrencyLimitV2Update(active_slots=1)))
    assert in_use(orchestrator) == 1
    refused(410, lambda: orchestrator.send(limits.renew_concurrency_lease(held.lease_id, 60)))
    orchestrator.send(limits.update_global_concurrency_limit("db", ConcurrencyLimitV2Update(active_slots=0)))
    assert in_use(orchestrator) == 0


def test_when_to_ask_again_follows_from_how_long_slots_are_kept(orchestrator) -> None:
    new(orchestrator, limit=1)
    for _ in range(60):
        take(orchestrator, "db")
        orchestrator.send(limits.release_concurrency_slots(["db"], 1, 20.0))
    take(orchestrator, "db")
    seconds = float(refused(423, lambda: take(orchestrator, "db")).response.headers["Retry-After"])
    assert 14 <= seconds <= 26
    with temporary_settings({PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS: 3}):
        locked = refused(423, lambda: take(orchestrator, "db"))
    assert float(locked.response.headers["Retry-After"]) == 3


# -- leases


def test_a_lease_holds_slots_until_it_is_given_back(orchestrator, clock) -> None:
    new(orchestrator, "a", 2)
    new(orchestrator, "b", 2)
    held = lease(orchestrator, "a", "b", "unknown", slots=2)
    assert [found.name for found in held.limits] == ["a", "b"]
    assert (in_use(orchestrator, "a"), in_use(orchestrator, "b")) == (2, 2)
    clock.pass_by(10)
    for _ in range(2):
        orchestrator.send(limits.release_concurrency_slots_with_lease(held.lease_id))
        assert (in_use(orchestrator, "a"), in_use(orchestrator, "b")) == (0, 0)


def test_a_lease_that_is_not_renewed_holds_nothing(orchestrator, clock) -> None:
    new(orchestrator, limit=1)
    held = lease(orchestrator, "db", seconds=60)
    clock.pass_by(59)
    orchestrator.send(limits.renew_concurrency_lease(held.lease_id, 60))
    clock.pass_by(59)
    assert in_use(orchestrator) == 1
    clock.pass_by(1)
    assert in_use(orchestrator) == 0
    take(orchestrator, "db")
    refused(410, lambda: orchestrator.send(limits.renew_concurrency_lease(held.lease_id, 60)))
    orchestrator.send(limits.release_concurrency_slots_with_lease(held.lease_id))
    assert in_use(orchestrator) == 1


def test_expired_leases_are_removed_and_others_are_not(orchestrator, clock) -> None:
    new(orchestrator, limit=3)
    lease(orchestrator, "db", seconds=60)
    lease(orchestrator, "db", seconds=600)
    take(orchestrator, "db")
    assert perform(orchestrator, release_expired_leases) == 0
    clock.pass_by(61)
    assert in_use(orchestrator) == 2
    assert perform(orchestrator, release_expired_leases) == 1
    assert perform(orchestrator, release_expired_leases) == 0
    assert in_use(orchestrator) == 2


def test_leases_last_between_a_minute_and_a_day(orchestrator) -> None:
    new(orchestrator)
    for seconds in (59, 86_401):
        refused(422, lambda seconds=seconds: lease(orchestrator, "db", seconds=seconds))
    held = lease(orchestrator, "db", seconds=86_400)
    refused(422, lambda: orchestrator.send(limits.renew_concurrency_lease(held.lease_id, 1)))


def test_the_lease_of_nothing_cannot_be_lost(orchestrator, clock) -> None:
    held = lease(orchestrator, "unknown")
    assert held.limits == []
    clock.pass_by(1_000)
    orchestrator.send(limits.renew_concurrency_lease(held.lease_id, 60))
    orchestrator.send(limits.release_concurrency_slots_with_lease(held.lease_id))


def test_what_no_lease_has_is_gone(orchestrator) -> None:
    refused(410, lambda: orchestrator.send(limits.renew_concurrency_lease(uuid4(), 60)))
    orchestrator.send(limits.release_concurrency_slots_with_lease(uuid4()))


def test_holders_may_have_several_leases(orchestrator) -> None:
    new(orchestrator, limit=2)
    holder = ConcurrencyLeaseHolder(type="flow_run", id=uuid4())
    first, second = lease(orchestrator, "db", holder=holder), lease(orchestrator, "db", holder=holder)
    assert first.lease_id != second.lease_id
    orchestrator.send(limits.release_concurrency_slots_with_lease(first.lease_id))
    assert in_use(orchestrator) == 1


# -- decay


def test_decaying_slots_come_back_by_themselves(orchestrator, clock) -> None:
    new(orchestrator, limit=2, slot_decay_per_second=0.1)
    take(orchestrator, "db", slots=2, mode="rate_limit")
    locked = refused(423, lambda: take(orchestrator, "db", mode="rate_limit"))
    assert 7.5 <= float(locked.response.headers["Retry-After"]) <= 12.5
    clock.pass_by(9.9)
    assert in_use(orchestrator) == 2
    refused(423, lambda: take(orchestrator, "db", mode="rate_limit"))
    clock.pass_by(0.1)
    assert in_use(orchestrator) == 1
    take(orchestrator, "db", mode="rate_limit")
    assert in_use(orchestrator) == 2
    clock.pass_by(100)
    assert in_use(orchestrator) == 0


def test_decaying_slots_can_be_given_back_before(orchestrator, clock) -> None:
    new(orchestrator, limit=2, slot_decay_per_second=0.01)
    held = lease(orchestrator, "db", slots=2)
    assert in_use(orchestrator) == 2
    orchestrator.send(limits.release_concurrency_slots_with_lease(held.lease_id))
    assert in_use(orchestrator) == 0
    take(orchestrator, "db", slots=2)
    orchestrator.send(limits.release_concurrency_slots(["db"], 1))
    assert in_use(orchestrator) == 1


def test_a_lease_of_decaying_slots_does_not_keep_them(orchestrator, clock) -> None:
    new(orchestrator, limit=1, slot_decay_per_second=1)
    held = lease(orchestrator, "db", seconds=60)
    clock.pass_by(2)
    assert in_use(orchestrator) == 0
    orchestrator.send(limits.renew_concurrency_lease(held.lease_id, 60))
    assert in_use(orchestrator) == 0


def test_another_decay_holds_from_now_on(orchestrator, clock) -> None:
    new(orchestrator, limit=10, slot_decay_per_second=0.1)
    take(orchestrator, "db", slots=10)
    clock.pass_by(50)
    orchestrator.send(limits.update_global_concurrency_limit("db", ConcurrencyLimitV2Update(slot_decay_per_second=1)))
    assert in_use(orchestrator) == 5
    clock.pass_by(2)
    assert in_use(orchestrator) == 3
    orchestrator.send(limits.update_global_concurrency_limit("db", ConcurrencyLimitV2Update(slot_decay_per_second=0)))
    assert in_use(orchestrator) == 0


# -- by tag


def limit_tag(orchestrator: Any, tag: str = "db", limit: int = 1) -> Any:
    return orchestrator.send(tags.create_concurrency_limit(ConcurrencyLimitCreate(tag=tag, concurrency_limit=limit)))


def holders(orchestrator: Any, tag: str = "db") -> list[UUID]:
    return orchestrator.send(tags.read_concurrency_limit_by_tag(tag)).active_slots


def take_tags(orchestrator: Any, task_run_id: UUID, *names: str) -> Any:
    return orchestrator.send(tags.increment_v1_concurrency_slots(list(names), task_run_id))


def test_a_limit_of_a_tag_is_a_limit_by_name(orchestrator) -> None:
    made = limit_tag(orchestrator, "a/b & c", 3)
    assert (made.tag, made.concurrency_limit, made.active_slots) == ("a/b & c", 3, [])
    assert orchestrator.send(tags.read_concurrency_limit(made.id)) == made
    assert orchestrator.send(limits.read_global_concurrency_limit(made.id)).name == "tag:a/b & c"
    again = limit_tag(orchestrator, "a/b & c", 5)
    assert (again.id, again.concurrency_limit) == (made.id, 5)
    new(orchestrator, "tag:other", 4)
    assert orchestrator.send(tags.read_concurrency_limit_by_tag("other")).concurrency_limit == 4


def test_only_limits_of_tags_are_listed_as_such(orchestrator) -> None:
    other = new(orchestrator, "aaa")
    new(orchestrator, "TAG:not")
    for tag in ("z", "y"):
        limit_tag(orchestrator, tag)
    listed = lambda **page: [found.tag for found in orchestrator.send(tags.read_concurrency_limits(**page))]
    assert listed() == ["y", "z"]
    assert listed(limit=1, offset=1) == ["z"]
    with pytest.raises(ObjectNotFound):
        orchestrator.send(tags.read_concurrency_limit(other.id))


def test_limits_of_tags_that_do_not_exist_are_not_found(orchestrator) -> None:
    for call in (
        tags.read_concurrency_limit(uuid4()),
        tags.read_concurrency_limit_by_tag("none"),
        tags.delete_concurrency_limit(uuid4()),
        tags.delete_concurrency_limit_by_tag("none"),
        tags.reset_concurrency_limit_by_tag("none"),
    ):
        with pytest.raises(ObjectNotFound):
            orchestrator.send(call)
    refused(422, lambda: limit_tag(orchestrator, "db", -1))


def test_task_runs_take_slots_of_tags_once(orchestrator) -> None:
    limit_tag(orchestrator, "a", 1)
    limit_tag(orchestrator, "b", 2)
    first, second = uuid4(), uuid4()
    for _ in range(2):
        assert [found.name for found in take_tags(orchestrator, first, "a", "b", "none")] == ["a", "b"]
    locked = refused(423, lambda: take_tags(orchestrator, second, "b", "a"))
    assert locked.response.headers["Retry-After"] == "10"
    assert "Concurrency limit for the a tag has been reached" in str(locked)
    assert (holders(orchestrator, "a"), holders(orchestrator, "b")) == ([first], [first])
    take_tags(orchestrator, second, "b")
    assert holders(orchestrator, "b") == [first, second]
    for _ in range(2):
        orchestrator.send(tags.decrement_v1_concurrency_slots(["a", "b"], first))
        assert (holders(orchestrator, "a"), holders(orchestrator, "b")) == ([], [second])


def test_a_limit_of_zero_says_that_there_will_never_be_a_slot(orchestrator) -> None:
    limit_tag(orchestrator, "db", 0)
    locked = refused(423, lambda: take_tags(orchestrator, uuid4(), "db"))
    assert "will deadlock" in str(locked)
    assert "Retry-After" not in locked.response.headers


def test_slots_of_a_tag_are_seen_and_taken_by_name(orchestrator) -> None:
    limit_tag(orchestrator, "db", 2)
    run = uuid4()
    lease(orchestrator, "tag:db", holder=ConcurrencyLeaseHolder(type="task_run", id=run))
    take(orchestrator, "tag:db")
    assert holders(orchestrator) == [run]
    assert in_use(orchestrator, "tag:db") == 2
    refused(423, lambda: take_tags(orchestrator, uuid4(), "db"))


def test_slots_of_a_tag_are_reset(orchestrator) -> None:
    limit_tag(orchestrator, "db", 2)
    take_tags(orchestrator, uuid4(), "db")
    take(orchestrator, "tag:db")
    chosen = [uuid4(), uuid4(), uuid4()]
    orchestrator.send(tags.reset_concurrency_limit_by_tag("db", chosen))
    assert sorted(holders(orchestrator)) == sorted(chosen)
    orchestrator.send(tags.reset_concurrency_limit_by_tag("db"))
    assert holders(orchestrator) == []
    assert in_use(orchestrator, "tag:db") == 0


def test_limits_of_tags_are_deleted(orchestrator) -> None:
    orchestrator.send(tags.delete_concurrency_limit(limit_tag(orchestrator, "a").id))
    limit_tag(orchestrator, "b")
    orchestrator.send(tags.delete_concurrency_limit_by_tag("b"))
    assert orchestrator.send(limits.read_global_concurrency_limits()) == []


# -- the clients


def test_the_clients_methods(orchestrator) -> None:
    client = SyncPrefectClient(orchestrator.transport)
    assert isinstance(client.create_concurrency_limit("t", 1), UUID)
    client.increment_v1_concurrency_slots(["t"], run := uuid4())
    assert client.read_concurrency_limit_by_tag("t").active_slots == [run]
    client.decrement_v1_concurrency_slots(["t"], run, 1.5)
    client.reset_concurrency_limit_by_tag("t", [str(run)])
    assert [found.active_slots for found in client.read_concurrency_limits(10, 0)] == [[run]]
    client.delete_concurrency_limit_by_tag("t")
    made = client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="g", limit=1))
    assert client.read_global_concurrency_limit_by_name("g").id == made
    client.increment_concurrency_slots(["g"], 1, "concurrency")
    client.release_concurrency_slots(["g"], 1, 0.5)
    held = client.increment_concurrency_slots_with_lease(["g"], 1, "concurrency", 60)
    client.renew_concurrency_lease(held.lease_id, 120)
    client.release_concurrency_slots_with_lease(held.lease_id)
    client.update_global_concurrency_limit("g", GlobalConcurrencyLimitUpdate(limit=7))
    client.upsert_global_concurrency_limit_by_name("g", 8)
    client.upsert_global_concurrency_limit_by_name("h", 9, 0.5)
    listed = client.read_global_concurrency_limits()
    assert [(found.name, found.limit, found.slot_decay_per_second) for found in listed] == [
        ("g", 8, 0.0),
        ("h", 9, 0.5),
    ]
    client.delete_global_concurrency_limit_by_name("g")
    with pytest.raises(ObjectNotFound):
        client.read_global_concurrency_limit_by_name("g")
    with pytest.raises(ObjectAlreadyExists):
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="h", limit=1))


def test_the_async_clients_methods(orchestrator) -> None:
    client = PrefectClient(orchestrator.transport)

    async def use() -> list[int]:
        await client.upsert_global_concurrency_limit_by_name("g", 1)
        held = await client.increment_concurrency_slots_with_lease(["g"], 1, "concurrency", 60)
        await client.renew_concurrency_lease(held.lease_id, 60)
        return [found.active_slots for found in await client.read_global_concurrency_limits(10, 0)]

    assert asyncio.run(use()) == [1]


def test_a_year_later_nothing_has_moved(orchestrator, clock) -> None:
    new(orchestrator, limit=1)
    take(orchestrator, "db")
    clock.pass_by(timedelta(days=365).total_seconds())
    assert in_use(orchestrator) == 1
