"""What user stories have: a fresh home, and a way to run scripts and commands on it as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import textwrap
from contextlib import contextmanager
from pathlib import Path

import pytest

from prefect import get_client
from prefect.settings import temporary_settings

PREFECT = Path(sysconfig.get_path("scripts")) / "prefect"


class User:
    """Someone with a folder of their own: `home` is where runs are recorded, `folder` where scripts are."""

    def __init__(self, folder: Path, home: Path | None = None, **environment: object) -> None:
        self.folder = folder
        self.home = home or folder / "home"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "COLUMNS"},  # tables as when piped
            "PREFECT_HOME": str(self.home),
            **{name: str(value) for name, value in environment.items()},
        }

    def write(self, name: str, source: str) -> Path:
        """Write a script."""
        path = self.folder / name
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return path

    def start(self, *command: object, **environment: object) -> subprocess.Popen[str]:
        """Start a program without waiting for it."""
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=self.folder,
            env=self.environment | {name: str(value) for name, value in environment.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *command: object, expect: int = 0, patience: float = 60, **environment: object
    ) -> subprocess.CompletedProcess[str]:
        """Run a program, which must end with that exit code. `seconds` of the answer are those of the processor."""
        before = os.times()
        with self.start(*command, **environment) as process:
            try:
                out, err = process.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
        after = os.times()
        done.seconds = sum(after[2:4]) - sum(before[2:4])
        assert done.returncode == expect, f"{command} ended with {done.returncode}\n{out}\n{err}"
        return done

    def python(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        """Run a script; see `run`."""
        return self.run(sys.executable, *arguments, **options)

    def prefect(self, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        """Run a command of `prefect`; see `run`."""
        return self.run(PREFECT, *arguments, **options)

    @contextmanager
    def client(self):
        """A client of this process on the user's home."""
        with temporary_settings({"PREFECT_HOME": str(self.home)}), get_client(sync_client=True) as client:
            yield client


@pytest.fixture
def user(tmp_path: Path) -> User:
    """Someone who has run nothing yet."""
    return User(tmp_path)


@pytest.fixture(scope="module")
def make_user(tmp_path_factory: pytest.TempPathFactory):
    """Users for what takes long and is looked at by several tests."""
    return lambda name, **environment: User(tmp_path_factory.mktemp(name), **environment)
