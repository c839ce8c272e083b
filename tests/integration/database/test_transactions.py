"""Transactions: all or nothing, one after another, from many threads and processes, across forks."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.engine import Connection

from prefect.server.database.engine import Database, get_database
from prefect.server.database.errors import (
    ConstraintViolation,
    DatabaseBusyError,
    DatabaseFullError,
    UnstorableValueError,
)
from prefect.server.database.tables import flow, flow_run_input
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now


def add(name: str) -> Callable[[Connection], None]:
    def perform(connection: Connection) -> None:
        moment = now()
        values: dict[str, Any] = {"id": uuid7(), "created": moment, "updated": moment, "name": name, "tags": []}
        connection.execute(insert(flow).values(values))

    return perform


def names(connection: Connection) -> list[str]:
    return list(connection.execute(select(flow.c.name).order_by(flow.c.name)).scalars())


class Lock:
    """Another process that holds the write lock of a file."""

    SCRIPT = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE" if sys.argv[2] == "exclusive" else "BEGIN IMMEDIATE")
        print("locked", flush=True)
        sys.stdin.readline()
    """

    def __init__(self, file: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(self.SCRIPT), str(file), "immediate"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "locked\n"

    def release(self) -> None:
        self.process.communicate("\n", timeout=60)


def test_what_fails_leaves_nothing(database: Database) -> None:
    def perform(connection: Connection) -> None:
        add("a")(connection)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.transaction(perform, write=True)
    assert database.transaction(names, write=False) == []
    database.transaction(add("b"), write=True)
    assert database.transaction(names, write=False) == ["b"]


def test_a_process_that_is_killed_leaves_nothing(database: Database, url: str) -> None:
    database.transaction(add("before"), write=True)
    script = """
        import os, signal, sys
        sys.path.insert(0, sys.argv[2])
        from test_transactions import add
        from prefect.server.database.engine import Database
        def perform(connection):
            for number in range(500):
                add(f"lost {number}")(connection)
            os.kill(os.getpid(), signal.SIGKILL)
        Database(sys.argv[1]).transaction(perform, write=True)
    """
    here = str(Path(__file__).parent)
    process = subprocess.run([sys.executable, "-c", textwrap.dedent(script), url, here], check=False, timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert database.transaction(names, write=False) == ["before"]
    database.transaction(add("after"), write=True)
    assert database.transaction(names, write=False) == ["after", "before"]


def test_writers_wait_for_a_lock_and_readers_do_not(database: Database, file: Path) -> None:
    database.transaction(add("a"), write=True)
    lock = Lock(file)
    writer = threading.Thread(target=lambda: database.transaction(add("b"), write=True))
    writer.start()
    started = time.monotonic()
    assert database.transaction(names, write=False) == ["a"]
    assert time.monotonic() - started < 30  # the writers' patience is longer
    writer.join(1.5)
    assert writer.is_alive()
    lock.release()
    writer.join(60)
    assert database.transaction(names, write=False) == ["a", "b"]


def test_after_its_patience_a_writer_says_who_is_to_blame(url: str, file: Path) -> None:
    database = Database(url, patience=0.5)
    database.transaction(add("a"), write=True)
    lock = Lock(file)
    with pytest.raises(DatabaseBusyError, match=r"Another process has kept the database file '.*' locked for too long"):
        database.transaction(add("b"), write=True)
    lock.release()
    database.transaction(add("c"), write=True)
    database.close()


def test_in_a_hurry_nobody_is_waited_for(database: Database, file: Path) -> None:
    database.transaction(add("a"), write=True)
    hurried = database.hurried()
    assert hurried is not None
    hurried.transaction(add("b"), write=True)
    lock = Lock(file)
    started = time.monotonic()
    for _ in range(30):
        with pytest.raises(DatabaseBusyError):
            hurried.transaction(add("c"), write=True)
    assert time.monotonic() - started < 3  # thirty times the usual patience of a statement would be six
    lock.release()
    assert database.transaction(names, write=False) == ["a", "b"]
    hurried.close()


def test_what_is_in_memory_has_to_be_waited_for() -> None:
    assert Database("sqlite://").hurried() is None


def test_a_reader_sees_one_moment(database: Database) -> None:
    def perform(connection: Connection) -> None:
        assert names(connection) == []
        other = threading.Thread(target=lambda: database.transaction(add("a"), write=True))
        other.start()
        other.join(60)
        assert names(connection) == []

    database.transaction(perform, write=False)
    assert database.transaction(names, write=False) == ["a"]


def test_threads_write_one_after_another(database: Database) -> None:
    def write(prefix: str) -> None:
        for number in range(25):
            database.transaction(add(f"{prefix}{number}"), write=True)

    threads = [threading.Thread(target=write, args=(f"{thread}-",)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(database.transaction(names, write=False)) == 200


def test_a_child_of_a_fork_has_connections_of_its_own(url: str) -> None:
    script = """
        import os, sys, threading
        sys.path.insert(0, sys.argv[2])
        from test_transactions import add, names
        from prefect.server.database.engine import get_database
        database = get_database(sys.argv[1])
        database.transaction(add("parent"), write=True)
        stop = threading.Event()
        def write():
            number = 0
            while not stop.is_set():
                database.transaction(add(f"thread {number}"), write=True)
                number += 1
        writer = threading.Thread(target=write)
        writer.start()
        children = []
        for child in range(5):
            pid = os.fork()
            if pid == 0:
                try:
                    assert database._idle == []
                    for number in range(5):
                        database.transaction(add(f"child {child} {number}"), write=True)
                    assert "parent" in database.transaction(names, write=False)
                except BaseException:
                    import traceback
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            children.append(pid)
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        stop.set()
        writer.join()
        found = database.transaction(names, write=False)
        assert codes == [0] * 5, codes
        assert len([name for name in found if name.startswith("child")]) == 25, found
        if sys.argv[1].startswith("sqlite"):
            look = lambda connection: connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            check = database.transaction(look, write=False)
            assert check == "ok", check
        print("done")
    """
    here = str(Path(__file__).parent)
    arguments = [sys.executable, "-c", textwrap.dedent(script), url, here]
    process = subprocess.run(arguments, check=False, timeout=60, capture_output=True, text=True)
    assert (process.stdout, process.returncode) == ("done\n", 0), process.stderr


def test_a_database_in_memory_is_shared_by_threads() -> None:
    database = Database("sqlite:///:memory:")
    database.transaction(add("a"), write=True)
    thread = threading.Thread(target=lambda: database.transaction(add("b"), write=True))
    thread.start()
    thread.join(60)
    with pytest.raises(ZeroDivisionError):
        database.transaction(lambda connection: 1 // 0, write=True)
    assert database.transaction(names, write=False) == ["a", "b"]
    database.close()


def test_a_full_disk_is_told_and_overcome(database: Database, file: Path) -> None:
    database.transaction(add("a"), write=True)

    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(10_000):
            add(f"filler {number}")(connection)

    with pytest.raises(DatabaseFullError, match=r"Cannot write to the database file .*full.*Free space"):
        database.transaction(fill, write=True)
    assert database.transaction(names, write=False) == ["a"]
    database.transaction(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 100000"), write=False)
    database.transaction(add("b"), write=True)
    assert database.transaction(names, write=False) == ["a", "b"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write to everything")
def test_a_file_that_may_not_be_written_to_is_told(url: str, file: Path) -> None:
    Database(url).transaction(add("a"), write=True)
    file.chmod(0o400)
    with pytest.raises(DatabaseFullError, match="readonly"):
        Database(url).transaction(add("b"), write=True)


def test_what_contradicts_other_rows_is_told(database: Database) -> None:
    database.transaction(add("a"), write=True)
    with pytest.raises(ConstraintViolation, match="UNIQUE|unique"):
        database.transaction(add("a"), write=True)
    values = {"id": uuid7(), "created": now(), "updated": now(), "flow_run_id": uuid7(), "key": "k", "value": "v"}
    with pytest.raises(ConstraintViolation, match="FOREIGN KEY|foreign key"):
        database.transaction(lambda connection: connection.execute(insert(flow_run_input).values(values)), write=True)


def test_what_cannot_be_stored_is_told(database: Database) -> None:
    with pytest.raises(UnstorableValueError, match="surrogates not allowed"):
        database.transaction(add("half a \ud800 pair"), write=True)
    with pytest.raises(UnstorableValueError, match="too large|out of range"):
        database.transaction(lambda connection: connection.execute(select(flow).limit(10**30)).all(), write=False)
    assert database.transaction(names, write=False) == []


def test_text_of_all_kinds_is_stored(database: Database) -> None:
    texts = ["", "Grüße, 世界 🌍", "'; DROP TABLE flow; --", "100 %s", "a" * 2_000]
    for text in texts:
        database.transaction(add(text), write=True)
    assert set(database.transaction(names, write=False)) == set(texts)


def test_text_that_a_kind_cannot_store_is_refused(database: Database, kind_of_database: str) -> None:
    for text in ("\0 in \0 it", "".join(map(chr, range(0x4E00, 0x9000)))):
        if kind_of_database == "sqlite":
            database.transaction(add(text), write=True)
            assert text in database.transaction(names, write=False)
        else:
            with pytest.raises(UnstorableValueError, match="A value cannot be stored: .*(NUL|index row)"):
                database.transaction(add(text), write=True)


def test_there_is_one_database_object_for_a_url(url: str) -> None:
    assert get_database(url) is get_database(url)
    get_database(url).close()


def test_connections_are_reused_and_not_hoarded(database: Database) -> None:
    barrier = threading.Barrier(12)

    def perform(connection: Connection) -> int:
        barrier.wait(60)
        return connection.execute(select(func.count()).select_from(flow)).scalar_one()

    threads = [threading.Thread(target=lambda: database.transaction(perform, write=False)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(database._idle) == database.dialect.idle
    for _ in range(50):
        database.transaction(names, write=False)
    assert len(database._idle) == database.dialect.idle


def test_files_are_in_write_ahead_mode_and_can_shrink(database: Database, file: Path) -> None:
    database.transaction(add("a"), write=True)
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    connection.close()
