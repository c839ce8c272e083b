"""Scripts that are run as processes of their own, killed, and looked at afterwards."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults.clocks import LIBRARY, PutClock
from tests.faults.fleets import Fleet
from tests.faults.invariants import check_invariants
from tests.faults.sites import Site


class Victim:
    """A home, and scripts that run on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.journal = folder / "journal"
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")} | {
            "PREFECT_HOME": str(self.home),
            "JOURNAL": str(self.journal),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "error",
        }
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, body: str, name: str = "script.py") -> subprocess.Popen[str]:
        script = self.folder / name
        script.write_text(PRELUDE + textwrap.dedent(body))
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env=self.env,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def run(self, body: str, timeout: float = 60) -> tuple[int, str]:
        process = self.start(body)
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output

    def cli(self, *arguments: str) -> str:
        program = Path(sys.executable).parent / "prefect"
        done = subprocess.run(
            [str(program), *arguments],
            env=self.env,
            cwd=self.folder,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def notes(self) -> list[str]:
        return self.journal.read_text().splitlines() if self.journal.exists() else []

    def wait_for_note(self, note: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while note not in self.notes():
            assert time.monotonic() < deadline, f"{note!r} was not written within {seconds} s: {self.notes()}"
            time.sleep(0.02)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.home / "prefect.db") as database:
            return database.execute(query).fetchall()

    def states(self) -> dict[str, list[str]]:
        return {
            "flow": [name for (name,) in self.rows("select state_name from flow_run order by id")],
            "task": [name for (name,) in self.rows("select state_name from task_run order by id")],
        }

    def check_invariants(self) -> None:
        check_invariants(f"sqlite:///{self.home / 'prefect.db'}")


PRELUDE = """\
import os, signal, sys, threading, time
from prefect import flow, task, get_client, get_run_logger

def note(line):
    with open(os.environ["JOURNAL"], "a") as file:
        file.write(line + "\\n")

"""


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Victim]:
    made = Victim(tmp_path)
    yield made
    for process in made.processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def make_site(tmp_path: Path, kind_of_database: str, request: pytest.FixtureRequest) -> Iterator[Callable[..., Site]]:
    """Makes sites, each with a database of its own."""
    made: list[Site] = []

    def make(**settings: str) -> Site:
        postgres = request.getfixturevalue("postgres_server") if kind_of_database == "postgres" else None
        made.append(Site(tmp_path / f"site-{len(made)}", kind_of_database, postgres, **settings))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A site whose server runs."""
    site = make_site()
    site.start()
    return site


@pytest.fixture
def clock(tmp_path: Path) -> PutClock:
    """A clock that can be put, of processes that are given its variables."""
    if LIBRARY is None:
        pytest.skip("libfaketime is not installed: apt-get install faketime")
    return PutClock(tmp_path / "clock")


@pytest.fixture
def fleet(site: Site) -> Iterator[Fleet]:
    """Processes that execute flows for the site."""
    fleet = Fleet(site)
    yield fleet
    fleet.close()


@pytest.fixture
def file(site: Site) -> Path:
    """The database of the site, which is one of SQLite."""
    return site.folder / "server" / "prefect.db"


@pytest.fixture
def is_thorough(pytestconfig: pytest.Config) -> bool:
    """Whether faults may take their time."""
    return int(pytestconfig.getoption("--fault-repetitions")) > 5
