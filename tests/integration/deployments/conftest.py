"""Deployments in these tests are of real projects, in homes of their own; repositories are real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.testing.utilities import prefect_test_harness

FLOWS = '''
from prefect import flow, task


@flow(log_prints=True)
def greet(name: str = "you", times: int = 1):
    """
    Greets.

    Args:
        name: Who.
    """
    print("hello " * times + name)
    return name


@flow
def part():
    return "part"
'''


@pytest.fixture
def home() -> Iterator[None]:
    with prefect_test_harness():
        yield


@pytest.fixture
def client(home: None) -> SyncPrefectClient:
    return get_client(sync_client=True)


class Project:
    """A folder with flows, from which they are deployed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def load(self, name: str) -> Any:
        from prefect.flows import load_flow_from_entrypoint

        return load_flow_from_entrypoint(f"flows.py:{name}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    made = Project(tmp_path / "project")
    made.write("flows.py", FLOWS)
    monkeypatch.chdir(made.folder)
    monkeypatch.syspath_prepend(str(made.folder))
    before = set(sys.modules)
    yield made
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


class Repository:
    """A bare repository, and how commits get into it."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "origin.git"
        self.work = folder / "work"
        self._git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self._git(folder, "clone", "--quiet", str(self.bare), str(self.work))
        self._git(self.work, "checkout", "--quiet", "-b", "main")

    @property
    def url(self) -> str:
        return f"file://{self.bare}"

    def _git(self, folder: Path, *arguments: str) -> str:
        who = {f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        environment = {**os.environ, **who, "GIT_ALLOW_PROTOCOL": "file", "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def git(self, *arguments: str) -> str:
        return self._git(self.work, *arguments)

    def commit(self, files: dict[str, str], branch: str = "main") -> str:
        """Commit files to a branch, and return the hash."""
        if self.git("branch", "--show-current") != branch:
            self.git("checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")
        self.git("push", "--quiet", "--force", "origin", branch)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.commit({"flows.py": FLOWS, "first/a.txt": "a", "second/b.txt": "b"})
    return made
