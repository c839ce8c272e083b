"""Processes that execute one flow run each, and do not outlive the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio
import anyio.abc

from prefect._engine.leases import CLAIM
from prefect._engine.lifeline import CANCEL, LIFELINE, RESCHEDULE
from prefect.utilities.processutils import command_from_string

if TYPE_CHECKING:
    from prefect.runner.forkserver import ForkServer

__all__ = ["FlowRunProcess", "environment_with", "executing", "parts_of"]

GRACE_SECONDS = 11.0
"""How long a process may take to end that is told to; the engine in it ends code that does not listen a little earlier."""


class FlowRunProcess:
    """
    A process that executes a flow run.

    Args:
        process: The process.
        line: The end of the pipe that the process listens to; None where processes have no such line.
    """

    def __init__(self, process: anyio.abc.Process, line: int | None) -> None:
        self.process = process
        self._line = line

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def cancel(self) -> None:
        """Tell it that the flow run is cancelled."""
        self._say(CANCEL)

    def reschedule(self) -> None:
        """Tell it to end, and to let the flow run be executed elsewhere."""
        self._say(RESCHEDULE)

    def terminate(self) -> None:
        """Tell it to end."""
        with suppress(ProcessLookupError):
            self.process.terminate()

    def _say(self, word: bytes) -> None:
        if self._line is None:
            self.terminate()
            return
        with suppress(BrokenPipeError):  # it has just ended
            os.write(self._line, word)

    def kill(self) -> None:
        """End it by force, and what it has started."""
        with suppress(ProcessLookupError):
            self.process.kill()
        if os.name == "posix":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until it has ended, and answer with its exit code. What it leaves behind when it dies ends, too."""
        code = await self.process.wait()
        if code != 0:
            self.kill()
        return code

    async def end(self, seconds: float = GRACE_SECONDS) -> None:
        """Wait for a process to end that was told to; then end it by force."""
        with anyio.move_on_after(seconds):
            await self.process.wait()
            return
        self.kill()
        await self.process.wait()


@asynccontextmanager
async def executing(
    flow_run_id: UUID,
    command: list[str],
    *,
    env: Mapping[str, str | None],
    cwd: Path | str | None,
    stream_output: bool = True,
    claim: UUID | None = None,
    forks: ForkServer | None = None,
) -> AsyncIterator[FlowRunProcess]:
    """
    Start a process that executes a flow run. When the `async with` statement is left, it has ended.

    Args:
        flow_run_id: The run.
        command: The command's parts.
        env: What its environment has besides that of this process; None removes a variable.
        cwd: Where it begins; a new folder, which is removed afterwards, if None.
        stream_output: Whether what it prints is shown here.
        claim: The token by which the run was taken.
        forks: Begins it, if it can.
    """
    further: dict[str, str | None] = {**env, "PREFECT__FLOW_RUN_ID": str(flow_run_id)}
    further[CLAIM] = None if claim is None else str(claim)
    ends, options = _pipe()
    if ends is not None:
        further[LIFELINE] = str(ends[0])
    variables = environment_with(further)
    with tempfile.TemporaryDirectory(prefix="prefect-", ignore_cleanup_errors=True) as folder:
        where = cwd or folder
        process: anyio.abc.Process | None = None
        try:
            if forks is not None and ends is not None:
                process = await forks.begin(command, variables, where, ends[0], is_quiet=not stream_output)
            if process is None:
                process = await _start(
                    command, variables, where, None if stream_output else subprocess.DEVNULL, options
                )
        except BaseException:
            _close(ends or ())
            raise
        if ends is not None:
            os.close(ends[0])
        child = FlowRunProcess(process, None if ends is None else ends[1])
        try:
            yield child
        finally:
            with anyio.CancelScope(shield=True):
                if process.returncode is None:
                    child.terminate()
                    await child.end()
                await process.aclose()
            _close((ends or ())[1:])


async def _start(
    command: list[str], variables: dict[str, str], cwd: Path | str, channel: int | None, options: dict[str, Any]
) -> anyio.abc.Process:
    return await anyio.open_process(
        command,
        env=variables,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=channel,
        stderr=channel,
        **options,
    )


def _pipe() -> tuple[tuple[int, int] | None, dict[str, Any]]:
    """The line to a process, and what that is started with: in a session of its own, so that Ctrl-C is for its starter."""
    if os.name != "posix":
        return None, {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
    ends = os.pipe()
    return ends, {"start_new_session": True, "pass_fds": [ends[0]]}


def _close(descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def parts_of(command: str) -> list[str]:
    """A command in parts. Our own program is the one of this installation, wherever PATH leads."""
    parts = command_from_string(command)
    return [sys.executable, "-m", "prefect", *parts[1:]] if parts[:1] == ["prefect"] else parts


def environment_with(changes: Mapping[str, str | None]) -> dict[str, str]:
    """This process's environment with changes; None removes a variable."""
    variables = {**os.environ, **changes}
    return {name: value for name, value in variables.items() if value is not None}
