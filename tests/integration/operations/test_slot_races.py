"""Slots in use are live leases, and never more than there are: whatever happens, and however many take them at once."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.integration.operations.conftest import Clock, Orchestrator

from prefect._contract.actions.settings import (
    ConcurrencyLimitCreate,
    ConcurrencyLimitV2Create,
    ConcurrencyLimitV2Update,
)
from prefect._contract.concurrency import ConcurrencyLeaseHolder
from prefect._contract.endpoints import (
    concurrency_limits as tags,
    global_concurrency_limits as limits,
    liveness,
    task_runs,
)
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect.client.embedded import EmbeddedTransport
from prefect.exceptions import PrefectHTTPStatusError
from prefect.server.database import tables
from prefect.server.database.engine import Database
from prefect.server.database.queries import records
from prefect.server.operations.global_concurrency_limits import increment_concurrency_slots, release_expired_leases
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.vault import Vault
from prefect.server.operations.work import UnitOfWork

NAMES = ("tag:a", "tag:b", "c")
GONE = ProcessIdentity("elsewhere", 1, "then", "another-boot", "another-namespace")


def live_slots(orchestrator: Orchestrator) -> dict[UUID, int]:
    """How many slots live leases hold, counted by hand from the rows."""
    rows = orchestrator.transport.database.transaction(
        lambda connection: records.read_all(connection, tables.concurrency_lease, tables.concurrency_lease.select()),
        write=False,
    )
    found: dict[UUID, int] = {}
    for row in rows:
        if row["expires_at"] is None or row["expires_at"] > orchestrator.clock():
            found[row["concurrency_limit_id"]] = found.get(row["concurrency_limit_id"], 0) + row["slots"]
    return found


class Slots(RuleBasedStateMachine):
    """A model of who has which slots, next to an orchestrator. Time passes, leases expire, processes die, runs end."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(f"sqlite:///{self.folder.name}/prefect.db")
        self.clock = Clock()
        vault = Vault(Path(self.folder.name) / "encryption.key")
        self.orchestrator = Orchestrator(EmbeddedTransport(self.database, vault, clock=self.clock), self.clock)
        self.send = self.orchestrator.send
        self.leases: dict[UUID, tuple[frozenset[str], int, Any]] = {}
        self.anonymous = dict.fromkeys(NAMES, 0)
        self.running: dict[UUID, tuple[Any, Any]] = {}
        self.runs = 0

    @initialize(sizes=st.tuples(*[st.integers(0, 3)] * 3))
    def make(self, sizes: tuple[int, int, int]) -> None:
        self.sizes = dict(zip(NAMES, sizes, strict=True))
        for tag in ("a", "b"):
            self.send(
                tags.create_concurrency_limit(
                    ConcurrencyLimitCreate(tag=tag, concurrency_limit=self.sizes[f"tag:{tag}"])
                )
            )
        self.send(limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="c", limit=self.sizes["c"])))

    def used(self, name: str) -> int:
        leased = sum(slots for names, slots, until in self.leases.values() if name in names and until > self.clock())
        held = sum(1 for run, _ in self.running.values() if name.removeprefix("tag:") in run.tags and name != "c")
        return leased + self.anonymous[name] + held

    def fits(self, names: frozenset[str], slots: int) -> bool:
        return all(self.used(name) + slots <= self.sizes[name] for name in names)

    @rule(
        names=st.frozensets(st.sampled_from(NAMES), min_size=1),
        slots=st.integers(1, 2),
        seconds=st.sampled_from([60, 300]),
    )
    def lease(self, names: frozenset[str], slots: int, seconds: int) -> None:
        holder = ConcurrencyLeaseHolder(type="task_run", id=uuid4())
        call = limits.increment_concurrency_slots_with_lease(sorted(names), slots, "concurrency", seconds, holder)
        if not self.fits(names, slots):
            with pytest.raises(PrefectHTTPStatusError, match="42[23]"):
                self.send(call)
            return
        until = self.clock() + timedelta(seconds=seconds)
        self.leases[self.send(call).lease_id] = (names, slots, until)

    @rule(names=st.frozensets(st.sampled_from(NAMES), min_size=1))
    def take(self, names: frozenset[str]) -> None:
        call = limits.increment_concurrency_slots(sorted(names), 1)
        if not self.fits(names, 1):
            with pytest.raises(PrefectHTTPStatusError, match="42[23]"):
                self.send(call)
            return
        self.send(call)
        for name in names:
            self.anonymous[name] += 1

    @rule(name=st.sampled_from(NAMES), slots=st.integers(1, 3))
    def give_back(self, name: str, slots: int) -> None:
        self.send(limits.release_concurrency_slots([name], slots))
        self.anonymous[name] = max(0, self.anonymous[name] - slots)

    @rule(data=st.data())
    def renew(self, data: Any) -> None:
        if not self.leases:
            return
        lease_id = data.draw(st.sampled_from(list(self.leases)))
        names, slots, until = self.leases[lease_id]
        if until <= self.clock():
            with pytest.raises(PrefectHTTPStatusError, match="410"):
                self.send(limits.renew_concurrency_lease(lease_id, 60))
            return
        self.send(limits.renew_concurrency_lease(lease_id, 60))
        self.leases[lease_id] = (names, slots, self.clock() + timedelta(seconds=60))

    @rule(data=st.data())
    def end_lease(self, data: Any) -> None:
        if self.leases:
            lease_id = data.draw(st.sampled_from(list(self.leases)))
            self.send(limits.release_concurrency_slots_with_lease(lease_id))
            del self.leases[lease_id]

    @rule(tagged=st.frozensets(st.sampled_from(["a", "b"]), min_size=1))
    def run_task(self, tagged: frozenset[str]) -> None:
        self.runs += 1
        flow_run = self.orchestrator.flow_run()
        self.orchestrator.propose(flow_run, "RUNNING", lease=LeaseRequest(uuid4(), GONE, 90))
        run = self.orchestrator.task_run(dynamic_key=str(self.runs), flow_run_id=flow_run.id, tags=sorted(tagged))
        names = frozenset(f"tag:{tag}" for tag in tagged)
        answer = self.orchestrator.propose(run, "RUNNING").status.value
        if self.fits(names, 1):
            assert answer == "ACCEPT"
            self.running[run.id] = (run, self.clock() + timedelta(seconds=90))
        else:
            assert answer in {"WAIT", "ABORT"}

    @rule(data=st.data(), state=st.sampled_from(["COMPLETED", "FAILED", "CRASHED", "delete"]))
    def end_task(self, data: Any, state: str) -> None:
        if not self.running:
            return
        run, _ = self.running.pop(data.draw(st.sampled_from(list(self.running))))
        if state == "delete":
            self.send(task_runs.delete_task_run(run.id))
        else:
            self.orchestrator.propose(run, state, force=state == "CRASHED")

    @rule(seconds=st.sampled_from([1, 45, 61, 400]))
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_by(seconds)

    @rule()
    def reap(self) -> None:
        """Processes on other hosts are gone once they have not been heard of for as long as their lease lasts."""
        self.send(liveness.reap_leases(self.clock()))
        self.running = {key: (run, until) for key, (run, until) in self.running.items() if until >= self.clock()}

    @rule()
    def sweep(self) -> None:
        over = [key for key, (_, _, until) in self.leases.items() if until <= self.clock()]
        act = lambda connection: release_expired_leases(UnitOfWork(connection, self.clock(), None))  # type: ignore[arg-type]
        self.database.transaction(act, write=True)
        for key in over:
            del self.leases[key]

    @rule(name=st.sampled_from(NAMES))
    def reset(self, name: str) -> None:
        """An operator frees all slots. Those who go on do so without."""
        self.send(limits.update_global_concurrency_limit(name, ConcurrencyLimitV2Update(active_slots=0)))
        self.anonymous[name] = 0
        self.leases = {key: (names - {name}, slots, until) for key, (names, slots, until) in self.leases.items()}
        self.leases = {key: lease for key, lease in self.leases.items() if lease[0]}
        tag = name.removeprefix("tag:")
        for key, (run, until) in list(self.running.items()):
            kept = [each for each in run.tags if each != tag]
            self.running[key] = (run.model_copy(update={"tags": kept}), until)

    @invariant()
    def slots_in_use_are_live_leases_and_never_more_than_there_are(self) -> None:
        if not hasattr(self, "sizes"):
            return
        counted = live_slots(self.orchestrator)
        for found in self.send(limits.read_global_concurrency_limits()):
            assert found.active_slots == counted.get(found.id, 0) == self.used(found.name) <= self.sizes[found.name]

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()


TestSlots = Slots.TestCase
TestSlots.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


# -- many at once


class Watched:
    """Counts how many are inside at the same time."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.times = 0
        self._guard = threading.Lock()

    def enter(self) -> None:
        with self._guard:
            self.inside += 1
            self.times += 1
            self.most = max(self.most, self.inside)

    def leave(self) -> None:
        with self._guard:
            self.inside -= 1


def together(number: int, work: Callable[[int], None]) -> None:
    errors: list[BaseException] = []

    def act(index: int) -> None:
        try:
            work(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=act, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


def test_many_that_take_the_same_slots_are_never_more_than_there_are(orchestrator) -> None:
    orchestrator.send(limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="c", limit=2)))
    watched = Watched()

    def work(_: int) -> None:
        done = 0
        while done < 4:
            try:
                held = orchestrator.send(limits.increment_concurrency_slots_with_lease(["c"], 1, "concurrency", 60))
            except PrefectHTTPStatusError as refusal:
                if refusal.response.status_code != 423:
                    raise
                continue
            watched.enter()
            threading.Event().wait(random.uniform(0.01, 0.03))
            patience = time.monotonic() + 30
            while watched.most < 2 and time.monotonic() < patience:
                time.sleep(0.005)  # the first one waits for company
            watched.leave()
            orchestrator.send(limits.release_concurrency_slots_with_lease(held.lease_id))
            done += 1

    together(6, work)
    assert (watched.times, watched.most, watched.inside) == (24, 2, 0)
    assert live_slots(orchestrator) == {}


def test_who_takes_several_limits_in_any_order_waits_for_nobody_for_ever(orchestrator) -> None:
    for name in ("a", "b", "c"):
        orchestrator.send(limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name=name, limit=3)))

    def work(index: int) -> None:
        names = ["a", "b", "c"]
        dice = random.Random(index)
        for _ in range(5):
            dice.shuffle(names)
            try:
                orchestrator.send(limits.increment_concurrency_slots(names[:2], 1))
            except PrefectHTTPStatusError as refusal:
                if refusal.response.status_code != 423:
                    raise
                continue
            orchestrator.send(limits.release_concurrency_slots(names[:2], 1, 0.1))

    together(6, work)
    assert live_slots(orchestrator) == {}


def test_of_many_task_runs_that_begin_at_once_as_many_run_as_there_are_slots(orchestrator) -> None:
    orchestrator.send(tags.create_concurrency_limit(ConcurrencyLimitCreate(tag="db", concurrency_limit=3)))
    runs = [orchestrator.task_run(dynamic_key=str(number), tags=["db"]) for number in range(12)]
    answers: list[str] = []
    together(12, lambda index: answers.append(orchestrator.propose(runs[index], "RUNNING").status.value))
    assert sorted(answers) == ["ACCEPT"] * 3 + ["WAIT"] * 9
    assert len(orchestrator.send(tags.read_concurrency_limit_by_tag("db")).active_slots) == 3


def test_who_looked_before_another_took_the_last_slot_looks_again(orchestrator, kind_of_database: str) -> None:
    """Where transactions overlap, and each sees the database as of its beginning."""
    if kind_of_database == "sqlite":
        pytest.skip("Transactions that write do not overlap.")
    orchestrator.send(limits.create_global_concurrency_limit(ConcurrencyLimitV2Create(name="c", limit=1)))
    looks = 0

    def look_and_take(connection: Any) -> Any:
        nonlocal looks
        looks += 1
        work = UnitOfWork(connection, orchestrator.clock(), None)  # type: ignore[arg-type]
        if looks == 1:
            another = threading.Thread(target=lambda: orchestrator.send(limits.increment_concurrency_slots(["c"], 1)))
            another.start()
            another.join(30)
        return increment_concurrency_slots(work, ["c"], 1)

    with pytest.raises(Refusal, match="1 of 1 in use"):
        orchestrator.transport.database.transaction(look_and_take, write=True)
    assert looks == 2
    assert sum(live_slots(orchestrator).values()) == 1


def test_of_many_workers_that_want_the_same_run_one_gets_it(orchestrator) -> None:
    run = orchestrator.flow_run()
    orchestrator.propose(run, "SCHEDULED", state_details={"scheduled_time": orchestrator.clock()}, force=True)
    answers: list[str] = []
    together(8, lambda _: answers.append(orchestrator.propose(run, "PENDING").status.value))
    assert sorted(answers) == ["ABORT"] * 7 + ["ACCEPT"]
