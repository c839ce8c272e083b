"""Processes of flow runs from a fork server: they begin within milliseconds, as nothing is to be imported before user code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import anyio
import anyio.abc

from prefect.logging.loggers import get_logger
from prefect.runner.forking import LENGTH

__all__ = ["ForkServer", "ForkedProcess", "forking"]

_BEFORE_THE_START = ("PYTHON", "LD_", "MALLOC_", "LC_", "LANG")
"""Beginnings of variables which have their effect before a Python, or what it has imported, can be told otherwise."""

_UNKNOWN_CODE = 255

_logger = get_logger("runner")


class ForkedProcess(anyio.abc.Process):
    """
    A process that a fork server has begun.

    Args:
        pid: Its number.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._code: int | None = None
        self._has_ended = asyncio.Event()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative if a signal has ended it; 255 if the fork server was gone by then."""
        return self._code

    def end(self, code: int) -> None:
        """Note that it has ended."""
        self._code = code
        self._has_ended.set()

    async def wait(self) -> int:
        """Wait until it has ended."""
        await self._has_ended.wait()
        assert self._code is not None
        return self._code

    def terminate(self) -> None:
        """Tell it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it by force."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, signal: int) -> None:
        """Send it a signal, unless it has ended."""
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal)

    async def aclose(self) -> None:
        """Wait until it has ended."""
        await self.wait()

    @property
    def stdin(self) -> None:
        """Nothing is read there."""

    @property
    def stdout(self) -> None:
        """It is where the starter's is."""

    @property
    def stderr(self) -> None:
        """It is where the starter's is."""


class ForkServer:
    """
    Begins processes of this Python as forks of one that has the product imported already.

    What cannot be forked has to be started as usual: other commands, and environments that change how a Python starts.
    Should the server itself be killed, the processes go on, and the next one is forked by another server.
    """

    def __init__(self) -> None:
        self._numbers = count()
        self._starting: dict[int, asyncio.Future[ForkedProcess | None]] = {}
        self._processes: dict[int, ForkedProcess] = {}
        self._sending = threading.Lock()
        self._orders: socket.socket | None = None
        self._ready: asyncio.Future[bool] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._listening: set[asyncio.Task[None]] = set()
        self._variables: dict[str, str] = {}

    @staticmethod
    def is_possible() -> bool:
        """Whether processes can be forked here. Libraries of macOS do not bear it."""
        return sys.platform == "linux"

    def start(self) -> None:
        """Begin to import what processes will need. To be called in an event loop."""
        from prefect.settings import get_current_settings

        further = ["embedded"] if get_current_settings().api.url is None else []
        orders, theirs = socket.socketpair()
        reports, sent = socket.socketpair()
        reports.setblocking(False)
        with theirs, sent:
            descriptors = [theirs.fileno(), sent.fileno()]
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "prefect.runner.forking", *map(str, descriptors), *further],
                stdin=subprocess.DEVNULL,
                pass_fds=descriptors,
                start_new_session=True,
            )
        self._orders = orders
        self._variables = _early(os.environ)
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        listening = loop.create_task(self._listen(self._process, orders, reports, self._ready))
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)

    async def close(self) -> None:
        """End the server. Its processes are to have ended before."""
        if self._process is not None:
            self._process.terminate()
        await asyncio.gather(*self._listening)

    async def begin(
        self, command: Sequence[str], env: Mapping[str, str], cwd: Path | str, lifeline: int, *, is_quiet: bool
    ) -> ForkedProcess | None:
        """
        Begin a process.

        Args:
            command: The command's parts.
            env: All of its environment.
            cwd: Where it begins.
            lifeline: The end of the pipe that it listens to.
            is_quiet: Whether what it prints is not shown.

        Returns:
            The process; None if it has to be started as usual.

        Raises:
            OSError: The server has ended in between.
        """
        if not self._can_begin(command, env, cwd) or self._ready is None or not await asyncio.shield(self._ready):
            return None
        if self._orders is None:
            self.start()
            return None
        number = next(self._numbers)
        order = {
            "number": number,
            "module": command[2],
            "arguments": list(command[3:]),
            "env": dict(env),
            "cwd": str(cwd),
            "is_quiet": is_quiet,
        }
        begun: asyncio.Future[ForkedProcess | None] = asyncio.get_running_loop().create_future()
        self._starting[number] = begun
        try:
            await asyncio.to_thread(self._send, self._orders, json.dumps(order).encode(), lifeline)
        except OSError:
            self._starting.pop(number, None)
            return None
        process = await begun
        if process is None:
            raise OSError("What forks processes has ended.")
        return process

    def _can_begin(self, command: Sequence[str], env: Mapping[str, str], cwd: Path | str) -> bool:
        return list(command[:2]) == [sys.executable, "-m"] and _early(env) == self._variables and Path(cwd).is_dir()

    def _send(self, orders: socket.socket, order: bytes, descriptor: int) -> None:
        with self._sending:
            socket.send_fds(orders, [LENGTH.pack(len(order))], [descriptor])
            orders.sendall(order)

    async def _listen(
        self,
        process: subprocess.Popen[bytes],
        orders: socket.socket,
        reports: socket.socket,
        ready: asyncio.Future[bool],
    ) -> None:
        """Note what the server reports, until it ends."""
        loop, rest = asyncio.get_running_loop(), b""
        with reports, orders:
            while part := await loop.sock_recv(reports, 65536):
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    self._note(json.loads(line), ready)
        code = await asyncio.to_thread(process.wait)
        if not ready.done():
            if code != -signal.SIGTERM:
                _logger.warning("Flow runs begin slowly: what forks their processes has ended with exit code %s.", code)
            ready.set_result(False)
        self._orders = None
        for begun in self._starting.values():
            if not begun.done():
                begun.set_result(None)
        self._starting.clear()
        left, self._processes = self._processes, {}
        await asyncio.gather(*map(_see_to_its_end, left.values()))

    def _note(self, said: dict[str, int], ready: asyncio.Future[bool]) -> None:
        if "code" in said:
            self._processes.pop(said["pid"]).end(said["code"])
        elif "pid" in said:
            process = self._processes[said["pid"]] = ForkedProcess(said["pid"])
            begun = self._starting.pop(said["number"])
            if not begun.done():
                begun.set_result(process)
        else:
            ready.set_result(True)


@asynccontextmanager
async def forking(*, unless: bool) -> AsyncIterator[ForkServer | None]:
    """
    A fork server for as long as the `async with` statement lasts, where processes can be forked.

    Args:
        unless: There is none, as only few processes will be wanted.
    """
    if unless or not ForkServer.is_possible():
        yield None
        return
    server = ForkServer()
    server.start()
    try:
        yield server
    finally:
        with anyio.CancelScope(shield=True):
            await server.close()


async def _see_to_its_end(process: ForkedProcess) -> None:
    """Wait for the end of a process whose parent is gone."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        process.end(_UNKNOWN_CODE)
        return
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    process.end(_UNKNOWN_CODE)


def _early(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith(_BEFORE_THE_START)}
