"""
A Postgres server of one's own, for tests: on a socket in a temporary directory, gone when the process is.

A process of its own watches over the server and holds a pipe from us: whatever ends us closes the pipe, and then it
stops the server and removes the directory.
"""

from __future__ import annotations

import glob
import itertools
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

__all__ = ["POSTGRES", "PostgresServer", "find_programs", "kinds_of_database"]

_USER = "prefect"
_FAST = (
    "fsync=off",
    "autovacuum=off",
    "max_connections=60",
)
"""What is committed is lost when the machine crashes, but not when the server does."""

_SHARED = "shared"
_TEMPLATE = "with_tables"

_WATCH = """
import json, subprocess, shutil, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.buffer.read()
folder, servant, *stop = sys.argv[1:]
subprocess.run(stop, cwd="/tmp", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **json.loads(servant))
shutil.rmtree(folder, ignore_errors=True)
"""


def find_programs() -> Path | None:
    """The directory of Postgres's programs; None if it is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(map(Path, glob.glob("/usr/lib/postgresql/*/bin")), key=lambda path: int(path.parent.name))[::-1]
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


POSTGRES = pytest.param(
    "postgres",
    marks=pytest.mark.skipif(find_programs() is None, reason="no Postgres server (initdb, pg_ctl) is installed"),
)
"""The parameter of tests that run on Postgres too."""


def kinds_of_database(metafunc: pytest.Metafunc) -> None:
    """Run what uses the fixture `kind_of_database` on each kind; but what looks into SQLite's file, `file`, on SQLite."""
    if "kind_of_database" in metafunc.fixturenames:
        kinds = ["sqlite"] if "file" in metafunc.fixturenames else ["sqlite", POSTGRES]
        metafunc.parametrize("kind_of_database", kinds)


def _servant() -> dict[str, Any]:
    """Whom the server runs as: it refuses the superuser."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    pytest.skip("Postgres does not run as the superuser, and there is no user 'postgres' or 'nobody'")


class PostgresServer:
    """A running server."""

    def __init__(self) -> None:
        programs = find_programs()
        assert programs is not None
        self._programs = programs
        self._servant = _servant()
        self._names = map("test_{}".format, itertools.count(1))
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.data = self.folder / "data"
        if self._servant:
            os.chown(self.folder, self._servant["user"], self._servant["group"])
        self.folder.chmod(0o700)
        self._call("initdb", "-A", "trust", "-U", _USER, "--no-sync", "-E", "UTF8", "--locale=C")
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(["listen_addresses=''", f"unix_socket_directories='{self.folder}'", *_FAST, ""]))
        self._watcher = self._watch()
        self.start()

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), "-D", str(self.data), *arguments],
            cwd="/tmp",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
            start_new_session=True,  # Ctrl-C is for the tests, and ends the server in order
            **self._servant,
        )
        assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stdout}\n{self._last_words()}"

    def _last_words(self) -> str:
        log = self.folder / "log"
        lines = log.read_text(errors="replace").splitlines()[-30:] if log.exists() else []
        free = shutil.disk_usage(self.folder).free >> 20
        memory = Path("/proc/meminfo").read_text().splitlines()[:3] if Path("/proc/meminfo").exists() else []
        return "\n".join([*lines, f"Free on its disk: {free} MB", *memory])

    def _watch(self) -> subprocess.Popen[bytes]:
        stop = [str(self._programs / "pg_ctl"), "-D", str(self.data), "-m", "immediate", "-w", "stop"]
        return subprocess.Popen(
            [sys.executable, "-c", _WATCH, str(self.folder), json.dumps(self._servant), *stop],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def start(self) -> None:
        """Start the server; again if it did not come up, as it may not right after a crash on a busy machine."""
        start = ("pg_ctl", "-l", str(self.folder / "log"), "-w", "start")
        for _ in range(3):
            try:
                self._call(*start)
            except AssertionError as error:
                print(f"Once more: {error}", file=sys.stderr)
                time.sleep(2)
            else:
                return
        self._call(*start)

    def stop(self, mode: str = "fast") -> None:
        self._call("pg_ctl", "-m", mode, "-w", "stop")

    def restart(self, mode: str = "immediate") -> None:
        """Stop and start the server: `immediate` is like a crash, with recovery from the log."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stop the server, and remove all that is left of it."""
        assert self._watcher.stdin is not None
        self._watcher.stdin.close()
        self._watcher.wait(60)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+asyncpg://{_USER}@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> Any:
        """A connection of the driver's own, in autocommit mode."""
        import psycopg

        return psycopg.connect(host=str(self.folder), user=_USER, dbname=database, autocommit=True)

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        connection = self.connect(database)
        try:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def new_database(self) -> str:
        """The name of a new, empty database."""
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name}")
        return name

    def database_with_tables(self) -> str:
        """The name of a new database whose tables are made."""
        self._make_once(_TEMPLATE)
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return name

    def shared_database(self) -> str:
        """The name of a database with tables, which is emptied each time it is asked for: the quickest to get."""
        if self._make_once(_SHARED):
            return _SHARED
        connection = self.connect(_SHARED)
        try:
            ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            connection.execute(f"{ends} AND pid <> pg_backend_pid()")
            connection.execute(_WIPE)
        finally:
            connection.close()
        return _SHARED

    def _make_once(self, name: str) -> bool:
        """Make a database with tables, unless it is there. Returns whether it was made."""
        if self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            return False
        from prefect.server.database.engine import Database

        self.execute(f"CREATE DATABASE {name}")
        database = Database(self.url(name))
        database.transaction(lambda connection: None, write=False)
        database.close()
        return True


_WIPE = """
DO $$
DECLARE
    name text;
    found boolean;
BEGIN
    SET LOCAL session_replication_role = replica;  -- foreign keys are not looked at, as everything goes
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_version' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO found;
        IF found THEN
            EXECUTE format('DELETE FROM %I', name);
        END IF;
    END LOOP;
END $$
"""
