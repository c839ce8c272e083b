"""A server whose clock is put, or that has just begun, lets the leases of slots last as long as they were to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prefect._contract.actions.settings import ConcurrencyLimitV2Create
from prefect._contract.call import Call
from prefect._contract.endpoints import global_concurrency_limits as limits
from prefect.server.api.clocks import ClockWatch
from prefect.server.api.performance import Performer
from prefect.server.database.engine import Database
from prefect.server.operations.dispatch import find_operation
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.vault import Vault
from prefect.utilities.time import UTC


class Time:
    """Passes for both clocks; only one of them can be put."""

    def __init__(self) -> None:
        self.now = datetime(2031, 5, 6, 12, tzinfo=UTC)
        self.steady = 100.0

    def clock(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.steady += seconds

    def is_put(self, **by: float) -> None:
        self.now += timedelta(**by)


class Server:
    def __init__(self, url: str, folder: Path, time: Time) -> None:
        self.time = time
        self.database = Database(url)
        vault = Vault(folder / "encryption.key")
        self.performer = Performer(self.database, vault, clock=time.clock, steady=lambda: time.steady)

    def send(self, call: Call[Any]) -> Any:
        operation = find_operation(call.route)
        return self.performer.do(lambda work: operation.perform(work, call), write=not operation.read_only)

    def take(self) -> Any:
        """A lease of the only slot; None if somebody has it."""
        try:
            return self.send(limits.increment_concurrency_slots_with_lease(["one"], 1, "concurrency", 60)).lease_id
        except Refusal as refusal:
            if refusal.status != 423:
                raise
            return None


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def server(url: str, tmp_path: Path, time: Time) -> Iterator[Server]:
    server = Server(url, tmp_path, time)
    server.send(limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="one", limit=1)))
    yield server
    server.performer.close()


def test_a_clock_that_goes_is_not_put(time: Time) -> None:
    watch = ClockWatch(time.clock, lambda: time.steady)
    watch()
    assert watch.times == 1  # it has begun
    for _ in range(100):
        time.passes(600)
        time.is_put(seconds=4)
        watch()
    assert watch.times == 1
    time.is_put(hours=-1)
    watch()
    assert watch.times == 2


def test_a_clock_that_nothing_is_held_against_is_never_put(time: Time) -> None:
    watch = ClockWatch(time.clock)
    time.is_put(hours=1)
    assert watch() == time.now
    assert watch.times == 0


@pytest.mark.parametrize("hours", [1, -1])
def test_a_slot_stays_its_holders_when_the_clock_is_put(server: Server, time: Time, hours: int) -> None:
    lease = server.take()
    time.passes(30)
    time.is_put(hours=hours)
    assert server.take() is None
    time.passes(59)
    assert server.take() is None
    server.send(limits.renew_concurrency_lease(lease, 60))
    time.passes(61)
    assert server.take() is not None


def test_a_slot_whose_lease_was_over_is_another_ones_when_the_clock_is_put(server: Server, time: Time) -> None:
    server.take()
    time.passes(61)
    assert server.take() is not None
    time.is_put(hours=1)
    assert server.take() is None
    assert server.send(limits.read_global_concurrency_limit("one")).active_slots == 1


def test_a_server_that_begins_leaves_holders_the_time_to_renew(
    server: Server, time: Time, url: str, tmp_path: Path
) -> None:
    lease = server.take()
    time.passes(300)  # without a server
    again = Server(url, tmp_path, time)
    assert again.take() is None
    again.send(limits.renew_concurrency_lease(lease, 60))
    time.passes(61)
    assert again.take() is not None
    again.performer.close()
