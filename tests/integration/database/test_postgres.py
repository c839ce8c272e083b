"""Postgres: transactions that meet others, connections that are lost, and commits whose answer does not come."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.engine import Connection
from tests.postgres import POSTGRES, PostgresServer

from prefect.server.database.dialects import ConnectionOptions
from prefect.server.database.engine import Database
from prefect.server.database.errors import (
    ConstraintViolation,
    DatabaseBusyError,
    DatabaseUnreachableError,
    DatabaseUnreadableError,
    OutcomeUnknownError,
)
from prefect.server.database.queries import records
from prefect.server.database.tables import configuration, flow
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now

pytestmark = pytest.mark.parametrize("kind", [POSTGRES])

OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = 'shared' AND pid <> pg_backend_pid()"


def end_others(server: Any) -> None:
    """End all connections to the database, and return once they have ended."""
    for (pid,) in server.execute(OTHERS):
        server.execute(f"SELECT pg_terminate_backend({pid})")
        while is_there(pid):
            time.sleep(0.005)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def url(kind: str, postgres_server: Any) -> str:
    return postgres_server.url(postgres_server.shared_database())


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


def add(name: str) -> Callable[[Connection], str]:
    def perform(connection: Connection) -> str:
        moment = now()
        row: dict[str, Any] = {"id": uuid7(), "created": moment, "updated": moment, "name": name, "tags": []}
        connection.execute(insert(flow).values(row))
        return name

    return perform


def names(connection: Connection) -> list[str]:
    return list(connection.execute(select(flow.c.name).order_by(flow.c.name)).scalars())


def in_threads(number: int, work: Callable[[int], None]) -> None:
    errors: list[BaseException] = []

    def guarded(index: int) -> None:
        try:
            work(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert errors == []


# Transactions that meet others.


def test_a_counter_that_all_change_at_once_loses_nothing(database: Database) -> None:
    database.transaction(add("counter"), write=True)

    def increment(connection: Connection) -> None:
        tags = connection.execute(select(flow.c.tags)).scalar_one()
        connection.execute(update(flow).values(tags=[*tags, "x"]))

    in_threads(8, lambda _: [database.transaction(increment, write=True) for _ in range(5)] and None)
    assert len(database.transaction(lambda c: c.execute(select(flow.c.tags)).scalar_one(), write=False)) == 40


def test_slots_that_are_counted_under_a_lock_are_never_given_twice(database: Database) -> None:
    """What is locked does not change itself: so whoever waited must not count what was there before."""
    database.transaction(add("limit"), write=True)

    def take(connection: Connection) -> bool:
        records.lock(connection, flow, name="limit")
        taken = connection.execute(select(func.count()).select_from(configuration)).scalar_one()
        time.sleep(0.005)
        if taken >= 3:
            return False
        moment = now()
        row = {"id": uuid7(), "created": moment, "updated": moment, "key": str(uuid7()), "value": {}}
        records.create(connection, configuration, row)
        return True

    got: list[bool] = []
    in_threads(8, lambda _: got.append(database.transaction(take, write=True)))
    assert sorted(got) == [False] * 5 + [True] * 3


def test_whoever_makes_the_same_row_second_finds_it(database: Database) -> None:
    ready = threading.Barrier(6)
    found: list[Any] = []

    def find_or_make(connection: Connection) -> Any:
        identifier = connection.execute(select(flow.c.id).where(flow.c.name == "one")).scalar()
        if identifier is None:
            with contextlib.suppress(threading.BrokenBarrierError):
                ready.wait(0.5)  # all look before the first one makes it
            add("one")(connection)
            identifier = connection.execute(select(flow.c.id).where(flow.c.name == "one")).scalar_one()
        return identifier

    in_threads(6, lambda _: found.append(database.transaction(find_or_make, write=True)))
    assert len(found) == 6
    assert len(set(found)) == 1


def test_a_row_that_was_there_before_is_told_after_few_attempts(database: Database) -> None:
    database.transaction(add("a"), write=True)
    attempts = []

    def again(connection: Connection) -> None:
        attempts.append(1)
        add("a")(connection)

    with pytest.raises(ConstraintViolation, match=r"unique constraint.*\(name\)=\(a\) already exists"):
        database.transaction(again, write=True)
    assert len(attempts) == 3


def test_a_deadlock_is_resolved(url: str) -> None:
    database = Database(f"{url}&options=-cdeadlock_timeout%3D50ms")
    for name in ("a", "b"):
        database.transaction(add(name), write=True)
    both = threading.Barrier(2)
    attempts = []

    def cross(first: str, second: str) -> Callable[[Connection], None]:
        def perform(connection: Connection) -> None:
            attempts.append(1)
            connection.execute(update(flow).where(flow.c.name == first).values(tags=["x"]))
            if len(attempts) <= 2:  # who is the victim tries again alone
                both.wait(60)
            connection.execute(update(flow).where(flow.c.name == second).values(tags=["x"]))

        return perform

    orders = [("a", "b"), ("b", "a")]
    in_threads(2, lambda index: database.transaction(cross(*orders[index]), write=True))
    assert len(attempts) >= 3
    database.close()


def test_what_only_reads_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match="read-only transaction"):
        database.transaction(add("a"), write=False)
    assert database.transaction(names, write=False) == []


# Limits.


@contextlib.contextmanager
def in_use(url: str, seconds: float) -> Iterator[tuple[Database, threading.Event]]:
    """A database whose two connections are in use until an event is set, with how long others wait for one."""
    database = Database(url, options=ConnectionOptions(pool_size=1, max_overflow=1, pool_timeout=seconds))
    inside, release = threading.Barrier(3), threading.Event()

    def hold(connection: Connection) -> None:
        inside.wait(60)
        release.wait(60)

    threads = [threading.Thread(target=database.transaction, args=(hold,), kwargs={"write": False}) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(60)
    try:
        yield database, release
    finally:
        release.set()
        for thread in threads:
            thread.join(60)
    assert len(database._idle) == 1
    database.close()


def test_when_all_connections_are_in_use_others_give_up_after_a_while(url: str) -> None:
    with in_use(url, 0.3) as (database, _):
        with pytest.raises(DatabaseBusyError, match=r"All 2 connections to .*'shared'.* were in use for 0.3 s") as busy:
            database.transaction(names, write=False)
        assert busy.value.is_transient


def test_when_all_connections_are_in_use_others_wait(url: str) -> None:
    with in_use(url, 60) as (database, release):
        releasing = threading.Timer(0.1, release.set)
        releasing.start()
        assert database.transaction(names, write=False) == []
        assert release.is_set()
        releasing.join()


def test_a_statement_that_takes_too_long_is_ended(url: str) -> None:
    database = Database(url, options=ConnectionOptions(timeout=0.5))
    database.transaction(names, write=False)
    started = time.monotonic()
    with pytest.raises(DatabaseBusyError, match=r"took longer than 0\.5 s") as slow:
        database.transaction(lambda connection: connection.execute(text("SELECT pg_sleep(10)")), write=False)
    assert time.monotonic() - started < 5
    assert slow.value.is_transient
    database.close()


def test_a_row_that_somebody_keeps_locked_is_waited_for_and_then_told(url: str, postgres_server: Any) -> None:
    database, patient = Database(url, patience=0.5, options=ConnectionOptions(timeout=0.4)), Database(url)
    patient.transaction(add("a"), write=True)
    holder = postgres_server.connect("shared")
    holder.execute("BEGIN; UPDATE flow SET tags = '[]'")
    change = lambda connection: connection.execute(update(flow).values(tags=["x"]))
    with pytest.raises(
        DatabaseBusyError, match="were in the way for too long: canceling statement due to lock timeout"
    ):
        database.transaction(change, write=True)
    releasing = threading.Timer(0.1, holder.execute, ("COMMIT",))
    releasing.start()
    patient.transaction(change, write=True)
    releasing.join()
    holder.close()
    for each in (database, patient):
        each.close()


def test_sessions_say_who_they_are(database: Database) -> None:
    query = text("SELECT current_setting('application_name'), current_setting('statement_timeout')")
    assert database.transaction(lambda c: tuple(c.execute(query).one()), write=False) == ("prefect", "10s")


# Connections that are lost.


def test_a_connection_that_was_ended_meanwhile_is_replaced_unnoticed(database: Database, postgres_server: Any) -> None:
    calls = []

    def perform(connection: Connection) -> None:
        calls.append(1)
        add(f"flow {len(calls)}")(connection)

    for _ in range(3):
        database.transaction(perform, write=True)
        end_others(postgres_server)
    assert len(calls) == 3
    assert len(database.transaction(names, write=False)) == 3


@pytest.mark.parametrize("write", [True, False])
def test_a_transaction_whose_connection_is_ended_is_done_again(
    database: Database, postgres_server: Any, write: bool
) -> None:
    calls = []

    def perform(connection: Connection) -> list[str]:
        calls.append(1)
        if write:
            add("once")(connection)
        if len(calls) == 1:
            end_others(postgres_server)
        return names(connection)

    assert database.transaction(perform, write=write) == (["once"] if write else [])
    assert len(calls) == 2


def test_a_connection_is_not_used_for_ever(url: str) -> None:
    pid = text("SELECT pg_backend_pid()")
    look = lambda connection: connection.execute(pid).scalar_one()
    for seconds, is_same in ((600, True), (0.1, False)):
        database = Database(url, options=ConnectionOptions(pool_recycle=seconds))
        first = database.transaction(look, write=False)
        time.sleep(0.15)
        assert (database.transaction(look, write=False) == first) is is_same
        database.close()


def test_a_server_that_is_not_there_is_told_without_the_password(kind: str, tmp_path: Path) -> None:
    database = Database(f"postgresql://me:secret@/db?host={tmp_path}", outage=0.3)
    started = time.monotonic()
    with pytest.raises(
        DatabaseUnreachableError, match=rf"Cannot reach the Postgres database 'db' at {tmp_path}"
    ) as lost:
        database.transaction(names, write=False)
    assert 0.3 < time.monotonic() - started < 20  # otherwise it would be 30
    assert lost.value.is_transient
    assert "secret" not in str(lost.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [("prefect@/nothing", "'nothing'.*does not exist"), ("nobody@/shared", "role.*does not exist")],
)
def test_what_does_not_exist_is_told_at_once(url: str, postgres_server: Any, address: str, words: str) -> None:
    started = time.monotonic()
    with pytest.raises(DatabaseUnreadableError, match=rf"{words}.*PREFECT_SERVER_DATABASE_CONNECTION_URL"):
        Database(f"postgresql://{address}?host={postgres_server.folder}").transaction(names, write=False)
    assert time.monotonic() - started < 20  # a server that is away would be waited for 30


def test_a_server_that_comes_back_is_waited_for(kind: str) -> None:
    server = PostgresServer()
    try:
        database = Database(server.url(server.shared_database()))
        database.transaction(add("before"), write=True)
        server.stop("immediate")
        starting = threading.Timer(0.5, server.start)
        starting.start()
        database.transaction(add("after"), write=True)
        assert database.transaction(names, write=False) == ["after", "before"]
        database.close()
        starting.join()  # the server answers before its start has seen that it does
    finally:
        server.close()


@pytest.mark.parametrize("statement", [b"BEGIN", b"COMMIT"])
def test_a_server_that_goes_away_at_an_end_of_a_transaction_is_a_lost_connection(kind: str, statement: bytes) -> None:
    import psycopg

    from prefect_postgres.dialect import _command
    from prefect_postgres.failures import is_lost

    server = PostgresServer()
    try:
        connections = [server.connect() for _ in range(5)]
        server.stop("immediate")
        for connection in connections:
            for _ in range(2):  # as it is noticed, and afterwards
                with pytest.raises(psycopg.OperationalError) as raised:
                    _command(connection, statement)
                assert is_lost(raised.value)
    finally:
        server.close()


# Commits whose answer does not come.


class Cutter:
    """Stands between client and server, and cuts the connection at the first COMMIT: before or after it has arrived."""

    def __init__(self, folder: Path, server: Any, moment: str, then: Callable[[], None] = lambda: None) -> None:
        self.moment = moment
        self.then = then
        self.cuts = 0
        self.armed = False
        self.muted: set[socket.socket] = set()
        self.answered = threading.Event()
        self._target = str(server.folder / ".s.PGSQL.5432")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._sockets += [client, server]
            threading.Thread(target=self._send, args=(client, server), daemon=True).start()

    def _send(self, client: socket.socket, server: socket.socket) -> None:
        answers = threading.Thread(target=self._forward, args=(server, client), daemon=True)
        answers.start()
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.armed and b"COMMIT" in data:
                    self.armed = False
                    self.cuts += 1
                    if self.moment == "after":
                        self.muted.add(server)
                        server.sendall(data)
                        self.answered.wait(60)
                    self.then()
                    break
                server.sendall(data)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _forward(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if server not in self.muted:
                    client.sendall(data)
                elif b"COMMIT" in data:
                    self.answered.set()

    def close(self) -> None:
        for each in self._sockets:
            each.close()


@pytest.mark.parametrize(("moment", "attempts"), [("before", 2), ("after", 1)])
def test_an_interrupted_commit_has_one_effect(
    url: str, postgres_server: Any, tmp_path: Path, moment: str, attempts: int
) -> None:
    cutter = Cutter(tmp_path, postgres_server, moment)
    database = Database(f"postgresql://prefect@/shared?host={tmp_path}")
    calls: list[int] = []

    def perform(connection: Connection) -> str:
        calls.append(1)
        return add(f"number {len(calls)}")(connection)

    database.transaction(names, write=False)
    cutter.armed = True
    assert database.transaction(perform, write=True) == f"number {attempts}"
    assert (len(calls), cutter.cuts) == (attempts, 1)
    assert database.transaction(names, write=False) == [f"number {attempts}"]
    database.close()
    cutter.close()


def test_an_interrupted_read_needs_no_commit(url: str, postgres_server: Any, tmp_path: Path) -> None:
    cutter = Cutter(tmp_path, postgres_server, "before")
    database = Database(f"postgresql://prefect@/shared?host={tmp_path}")
    database.transaction(names, write=False)
    cutter.armed = True
    assert database.transaction(names, write=False) == []
    assert cutter.cuts == 1
    database.close()
    cutter.close()


def test_a_commit_before_a_crash_of_the_server_is_not_repeated_blindly(kind: str, tmp_path: Path) -> None:
    server = PostgresServer()
    cutter = Cutter(tmp_path, server, "after", server.restart)
    try:
        server.shared_database()
        database = Database(f"postgresql://prefect@/shared?host={tmp_path}")
        calls: list[int] = []

        def perform(connection: Connection) -> None:
            calls.append(1)
            add("flow")(connection)

        database.transaction(names, write=False)
        cutter.armed = True
        with pytest.raises(OutcomeUnknownError, match="lost during a commit, the server was started anew") as unknown:
            database.transaction(perform, write=True)
        assert unknown.value.is_transient
        assert len(calls) == 1
        assert database.transaction(names, write=False) == ["flow"]
        database.transaction(lambda connection: connection.execute(delete(flow)), write=True)
        database.close()
    finally:
        cutter.close()
        server.close()
