"""Each test has a home of its own. Commands run in this process, but for those whose process is what is tested."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.cli.servers import PREFECT, Started

from prefect._engine.recorder import recorder_of
from prefect.client.base import current_transport
from prefect.settings.context import reload_settings
from prefect.testing.cli import CycloptsCliRunner, CycloptsResult


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "home"
    monkeypatch.setenv("PREFECT_HOME", str(folder))
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.chdir(tmp_path)
    modules = set(sys.modules)
    reload_settings()
    yield folder
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    reload_settings()
    transport = current_transport()
    recorder_of(transport).flush()
    transport.close()
    monkeypatch.undo()
    reload_settings()
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


class Cli:
    """Runs commands."""

    def __call__(self, *args: str, input: str | None = None, code: int = 0) -> CycloptsResult:
        """Run a command in this process, and expect an exit code."""
        result = CycloptsCliRunner().invoke(list(args), input=input)
        if result.exception is not None:
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *args: str) -> Any:
        """What a command answers with `-o json`: all of its stdout."""
        return json.loads(self(*args, "-o", "json").stdout)

    def error(self, *args: str, code: int = 1) -> str:
        """What a command says that fails: a message on stderr, and nothing on stdout."""
        result = self(*args, code=code)
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        return result.stderr.strip()


@pytest.fixture
def cli() -> Cli:
    return Cli()


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Writes a script."""

    def write(source: str, name: str = "pipeline.py") -> str:
        path = tmp_path / name
        path.write_text(source)
        return str(path)

    return write


@pytest.fixture
def shell(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the console script in a process of its own."""

    def run(*args: str, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [PREFECT, *args],
            env={**os.environ, **environment},
            cwd=tmp_path,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Started]]:
    """Starts servers, each in a process of its own."""
    started: list[Started] = []

    def starting(*options: str, **environment: str) -> Started:
        started.append(Started(home, *options, **environment))
        return started[-1]

    yield starting
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()
        assert server.process.stdout is not None
        server.process.stdout.close()
