"""A fork server begins processes that are as if they had been started."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest

from prefect.runner.forkserver import ForkedProcess, ForkServer, forking
from prefect.runner.processes import executing

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not ForkServer.is_possible(), reason="Processes are not forked on this platform."),
]

MODULE = """
import json, os, signal, sys, threading, time
from pathlib import Path

def tell():
    from prefect.settings import get_current_settings
    return {
        "name": __name__,
        "arguments": sys.argv[1:],
        "path": sys.path[0],
        "cwd": os.getcwd(),
        "session": os.getsid(0) == os.getpid(),
        "retries": get_current_settings().flows.default_retries,
        "mine": os.environ.get("MINE"),
        "home": "HOME" in os.environ,
        "threads": threading.active_count(),
        "handler": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        "parent": os.getppid(),
    }

Path("told").write_text(json.dumps(tell()))
if "wait" in sys.argv:
    os.read(int(os.environ["PREFECT__LIFELINE"]), 1)
raise SystemExit(int(sys.argv[1]))
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server() -> AsyncIterator[ForkServer]:
    async with forking(unless=False) as found:
        assert found is not None
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tells.py").write_text(MODULE)
    return tmp_path


async def told(folder: Path, forks: ForkServer | None, *arguments: str, **env: str | None) -> dict[str, Any]:
    command = [sys.executable, "-m", "tells", *arguments]
    async with executing(uuid4(), command, env=env, cwd=folder, forks=forks) as process:
        code = await process.wait()
    found: dict[str, Any] = json.loads((folder / "told").read_text())
    is_forked = isinstance(process.process, ForkedProcess)
    return found | {"code": code, "forked": is_forked, "parent": found["parent"] == os.getpid()}


async def test_a_forked_process_is_as_a_started_one(server: ForkServer, folder: Path) -> None:
    variables = {"MINE": "here", "HOME": None, "PREFECT_FLOWS_DEFAULT_RETRIES": "3"}
    forked = await told(folder, server, "7", "more", **variables)
    started = await told(folder, None, "7", "more", **variables)
    assert (forked.pop("forked"), forked.pop("parent")) == (True, False)
    assert (started.pop("forked"), started.pop("parent")) == (False, True)
    assert forked == started
    assert (forked["code"], forked["mine"], forked["home"], forked["retries"]) == (7, "here", False, 3)


async def test_an_environment_that_is_for_the_interpreter_is_not_forked(server: ForkServer, folder: Path) -> None:
    assert not (await told(folder, server, "0", PYTHONPATH="/elsewhere"))["forked"]


async def test_a_directory_that_is_not_there_is_an_error(server: ForkServer, folder: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        async with executing(uuid4(), [sys.executable, "-m", "tells"], env={}, cwd=folder / "gone", forks=server):
            pass


async def test_many_processes_begin_and_end_at_once(server: ForkServer, folder: Path) -> None:
    codes: dict[int, int] = {}

    async def run(number: int) -> None:
        own = folder / str(number)
        own.mkdir()
        (own / "tells.py").write_text(MODULE)
        codes[number] = (await told(own, server, str(number)))["code"]

    async with anyio.create_task_group() as group:
        for number in range(30):
            group.start_soon(run, number)
    assert codes == {number: number for number in range(30)}


async def test_a_process_is_killed_with_what_it_started(server: ForkServer, folder: Path) -> None:
    command = [sys.executable, "-m", "tells", "0", "wait"]
    async with executing(uuid4(), command, env={}, cwd=folder, forks=server) as process:
        process.kill()
        assert await process.wait() == -signal.SIGKILL


async def test_a_process_outlives_what_forked_it_and_the_next_is_forked_again(server: ForkServer, folder: Path) -> None:
    command = [sys.executable, "-m", "tells", "0", "wait"]
    async with executing(uuid4(), command, env={}, cwd=folder, forks=server) as process:
        assert server._process is not None
        server._process.kill()
        with anyio.move_on_after(0.3) as waited:
            await process.wait()
        assert waited.cancelled_caught
        process.cancel()  # it reads a word, and ends
        assert await process.wait() == 255
    assert not (await told(folder, server, "3"))["forked"]
    assert (await told(folder, server, "3"))["forked"]
