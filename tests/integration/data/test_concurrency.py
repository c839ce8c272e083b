"""Slots of concurrency limits, taken by code: embedded, and over HTTP from a server on either kind of database."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.integration.server.conftest import Server
from tests.postgres import POSTGRES

from prefect import flow, get_client, task
from prefect._contract.actions.settings import GlobalConcurrencyLimitCreate
from prefect._contract.endpoints.global_concurrency_limits import (
    increment_concurrency_slots_with_lease,
    release_concurrency_slots_with_lease,
)
from prefect.client.base import current_transport
from prefect.concurrency import asyncio as aio, sync
from prefect.concurrency.errors import (
    AcquireConcurrencySlotTimeoutError,
    ConcurrencyLeaseLostError,
    ConcurrencySlotAcquisitionError,
)
from prefect.concurrency.v1 import asyncio as aio_v1, sync as sync_v1
from prefect.settings.context import reload_settings, temporary_settings
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(autouse=True, params=["embedded", "sqlite", POSTGRES])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "embedded":
        with prefect_test_harness():
            yield
        return
    settings = {"PREFECT_HOME": str(tmp_path / "server")}
    if request.param == "postgres":
        postgres = request.getfixturevalue("postgres_server")
        settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = postgres.url(postgres.database_with_tables())
    with temporary_settings(settings):
        server = Server(ephemeral=True).start()
    monkeypatch.setenv("PREFECT_API_URL", f"{server.url}/api")  # for new threads, too
    reload_settings()
    try:
        yield
    finally:
        monkeypatch.delenv("PREFECT_API_URL")
        reload_settings()
        server.stop()


def limit(name: str, size: int, decay: float = 0.0) -> None:
    made = GlobalConcurrencyLimitCreate(name=name, limit=size, slot_decay_per_second=decay)
    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(made)


def in_use(name: str) -> int:
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(name).active_slots


def inside(colour: str, act: Callable[[], Any], **options: Any) -> None:
    """Enter a block of either colour, and act in it."""
    names = options.pop("names", "one")
    if colour == "sync":
        with sync.concurrency(names, **options):
            act()
        return

    async def enter() -> None:
        async with aio.concurrency(names, **options):
            act()

    asyncio.run(enter())


both = pytest.mark.parametrize("colour", ["sync", "async"])


@both
def test_slots_are_in_use_while_the_block_lasts(colour: str) -> None:
    limit("one", 3)
    seen = []
    inside(colour, lambda: seen.append(in_use("one")), occupy=2)
    with pytest.raises(ZeroDivisionError):
        inside(colour, lambda: 1 / 0)
    assert (seen, in_use("one")) == ([2], 0)


@both
def test_who_waits_too_long_is_told(colour: str) -> None:
    limit("one", 1)
    with sync.concurrency("one"):
        began = time.monotonic()
        with pytest.raises(AcquireConcurrencySlotTimeoutError, match=r"timed out after 0.2 second"):
            inside(colour, lambda: None, timeout_seconds=0.2)
        assert 0.2 <= time.monotonic() - began < 2
        with pytest.raises(ConcurrencySlotAcquisitionError, match="1 of 1 in use"):
            inside(colour, lambda: None, max_retries=0)


@both
def test_a_slot_is_handed_on(colour: str) -> None:
    limit("one", 1)
    got = threading.Event()
    waiter = threading.Thread(target=inside, args=(colour, got.set))
    with sync.concurrency("one"):
        waiter.start()
        assert not got.wait(0.3)
    is_prompt = got.wait(2)
    waiter.join(60)
    assert is_prompt


def test_never_more_than_the_limit_are_inside() -> None:
    limit("one", 2)
    guard, counts, meeting = threading.Lock(), [0, 0], threading.Barrier(2, timeout=60)

    def act() -> None:
        with guard:
            counts[0] += 1
            counts[1] = max(counts)
        meeting.wait()
        time.sleep(0.1)  # in which a third would come
        with guard:
            counts[0] -= 1

    threads = [threading.Thread(target=inside, args=("sync", act)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [0, 2]


@both
def test_limits_that_do_not_exist_limit_nothing_unless_that_is_an_error(colour: str, caplog) -> None:
    limit("one", 1)
    seen = []
    inside(colour, lambda: seen.append(1), names=["none"])
    assert seen == [1]
    assert "do not exist" in caplog.text
    for names in (["none"], ["one", "none"]):
        with pytest.raises(ConcurrencySlotAcquisitionError, match=r"\['none'\] must be created"):
            inside(colour, lambda: seen.append(2), names=names, strict=True)
    assert (seen, in_use("one")) == ([1], 0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"occupy": 2}, "more than"), ({"occupy": 0}, "greater than 0"), ({"lease_duration": 5}, "lease duration")],
)
def test_what_cannot_be_had_is_refused(options: dict[str, Any], reason: str) -> None:
    limit("one", 1)
    with pytest.raises(ConcurrencySlotAcquisitionError, match=reason):
        inside("sync", lambda: None, **options)
    with pytest.raises(ConcurrencySlotAcquisitionError, match="slot decay"):
        sync.rate_limit("one")


def test_a_rate_is_kept() -> None:
    limit("often", 2, decay=10.0)
    began = time.monotonic()
    for _ in range(2):
        sync.rate_limit("often")
    for _ in range(3):
        asyncio.run(aio.rate_limit("often"))
    assert time.monotonic() - began >= 0.25
    limit("seldom", 2, decay=0.001)
    sync.rate_limit("seldom")
    with pytest.raises(AcquireConcurrencySlotTimeoutError):
        sync.rate_limit(["seldom"], occupy=2, timeout_seconds=0.01)
    with pytest.raises(ConcurrencySlotAcquisitionError, match="must be created"):
        sync.rate_limit("none", strict=True)


@pytest.mark.parametrize("home", ["embedded"], indirect=True)
def test_who_has_slots_is_the_run_that_took_them() -> None:
    limit("one", 1)
    seen = []

    def holders() -> Any:
        from sqlalchemy import select

        from prefect.server.database.tables import concurrency_lease

        statement = select(concurrency_lease.c.holder_type, concurrency_lease.c.holder_id)
        found = current_transport().database.transaction(
            lambda connection: connection.execute(statement).first(), write=False
        )
        return tuple(found)

    @task
    def use() -> Any:
        from prefect.runtime import task_run

        with sync.concurrency("one"):
            seen.append((holders(), ("task_run", task_run.id)))

    @flow
    def main() -> None:
        use()

    main()
    ((kind, holder), (expected, run)) = seen[0]
    assert (kind, str(holder)) == (expected, str(run))


def lose(name: str) -> None:
    """Take the slots of a limit from whoever has them."""
    with get_client(sync_client=True) as client:
        from prefect._contract.actions.settings import GlobalConcurrencyLimitUpdate

        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))


@both
def test_in_strict_mode_a_block_ends_whose_slots_are_lost(colour: str) -> None:
    limit("one", 1)

    def spin() -> None:
        for _ in range(6000):
            time.sleep(0.01)

    async def aspin() -> None:
        async with aio.concurrency("one", strict=True):
            hurry()
            await asyncio.sleep(60)

    def hurry() -> None:
        import os

        from prefect.concurrency.renewal import Renewals

        lose("one")
        for held, _ in Renewals.of_process(os.getpid())._held.values():
            held.renewed -= held.seconds / 2  # it is time to renew it

    began = time.monotonic()
    with pytest.raises(ConcurrencyLeaseLostError):
        if colour == "async":
            asyncio.run(aspin())
        else:
            with sync.concurrency("one", strict=True):
                hurry()
                spin()
    assert time.monotonic() - began < 20


def test_slots_of_tags_for_task_runs() -> None:
    with get_client(sync_client=True) as client:
        client.create_concurrency_limit("tag", 1)
    first, second = uuid4(), uuid4()

    async def enter() -> None:
        async with aio_v1.concurrency(["tag"], second, timeout_seconds=0.1):
            pass

    with sync_v1.concurrency(["tag", "free"], first):
        with pytest.raises(AcquireConcurrencySlotTimeoutError):
            asyncio.run(enter())
    asyncio.run(enter())
    assert in_use("tag:tag") == 0


def test_slots_are_given_back_once() -> None:
    limit("one", 2)
    transport = current_transport()
    lease = transport.send(increment_concurrency_slots_with_lease(["one"], 1, "concurrency", 60)).lease_id
    assert in_use("one") == 1
    for _ in range(2):
        transport.send(release_concurrency_slots_with_lease(lease))
    assert in_use("one") == 0
