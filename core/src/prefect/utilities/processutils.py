"""Processes: their commands, environments, output and signals."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any, AnyStr, Optional, TextIO, TypeVar, Union, cast

import anyio
import anyio.abc
from anyio.streams.text import TextReceiveStream, TextSendStream

__all__ = [
    "PrintFn",
    "TextSink",
    "command_from_string",
    "command_to_string",
    "consume_process_output",
    "forward_signal_handler",
    "get_sys_executable",
    "open_process",
    "run_process",
    "sanitize_subprocess_env",
    "stream_text",
]

T = TypeVar("T")
TextSink = Union["anyio.AsyncFile[AnyStr]", TextIO, TextSendStream]
PrintFn = Callable[[str], object]

# How long a process may take to end when it is asked to.
_PATIENCE_SECONDS = 10.0

_Sink = Union["anyio.AsyncFile[str]", TextIO, TextSendStream, None]


def sanitize_subprocess_env(
    env: Mapping[str, str | None] | None, *, remove_from: MutableMapping[str, str] | None = None
) -> dict[str, str]:
    """
    An environment for a process, without the variables that are None.

    Args:
        env: Variables; None stands for "not set".
        remove_from: An environment that the variables are added to: those that are None are removed from it.
    """
    if remove_from is not None:
        for name, value in (env or {}).items():
            if value is None:
                remove_from.pop(name, None)
    return {name: value for name, value in (env or {}).items() if value is not None}


def command_to_string(command: list[str]) -> str:
    """
    A command as one text, in the way of this system's shell.

    Raises:
        ValueError: The command is a text already.
    """
    if isinstance(command, str):
        message = f"Invalid command type `str`. Expected a list of its parts, not {command!r}."
        raise ValueError(message)
    return subprocess.list2cmdline(command) if sys.platform == "win32" else shlex.join(command)


def command_from_string(command: str) -> list[str]:
    """
    The parts of a command that is one text.

    Raises:
        ValueError: The command is no text, or a quotation in it does not end.
    """
    if not isinstance(command, str):
        message = f"Invalid command type {type(command).__name__!r}. Expected a text, not {command!r}."
        raise ValueError(message)
    if sys.platform != "win32":
        return shlex.split(command)
    # There backslashes are parts of paths, and quotes stay where they are.
    parts = shlex.split(command, posix=False)
    return [part[1:-1] if part[:1] == part[-1:] == '"' and len(part) > 1 else part for part in parts]


@asynccontextmanager
async def open_process(command: list[str], **kwargs: Any) -> AsyncIterator[anyio.abc.Process]:
    """
    Start a process, which is ended when the `async with` statement is left.

    Args:
        command: The command's parts.
        kwargs: Handed to `anyio.open_process`.

    Raises:
        TypeError: The command is one text.
    """
    if isinstance(command, str):
        message = f"The command passed to open_process must be a list of its parts, not {command!r}."
        raise TypeError(message)
    process = await anyio.open_process(command, **kwargs)
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


async def _end(process: anyio.abc.Process) -> None:
    """End a process: politely, and if it does not listen by force."""
    if process.returncode is None:
        with suppress(ProcessLookupError):  # it has just ended
            process.terminate()
        with anyio.move_on_after(_PATIENCE_SECONDS):
            await process.wait()
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await process.aclose()


async def run_process(
    command: list[str],
    *,
    stream_output: Union[bool, tuple[_Sink, _Sink]] = False,
    task_status: Optional[anyio.abc.TaskStatus[T]] = None,
    task_status_handler: Optional[Callable[[anyio.abc.Process], T]] = None,
    **kwargs: Any,
) -> anyio.abc.Process:
    """
    Run a process until it ends. If the caller is cancelled it is ended.

    Args:
        command: The command's parts.
        stream_output: Whether its output goes to this process's output; or two sinks for output and errors.
        task_status: Told when the process has started.
        task_status_handler: Makes what `task_status` is told; its process id if None.
        kwargs: Handed to `anyio.open_process`.

    Returns:
        The process, which has ended.
    """
    sinks: tuple[_Sink, _Sink] | None = None
    if stream_output is True:
        sinks = (sys.stdout, sys.stderr)
    elif stream_output:
        sinks = stream_output
    channel = subprocess.DEVNULL if sinks is None else subprocess.PIPE
    async with open_process(command, **{"stdout": channel, "stderr": channel, **kwargs}) as process:
        if task_status is not None:
            handler = task_status_handler or cast("Callable[[anyio.abc.Process], T]", _process_id)
            task_status.started(handler(process))
        if sinks is not None:
            await consume_process_output(process, stdout_sink=sinks[0], stderr_sink=sinks[1])
        await process.wait()
    return process


def _process_id(process: anyio.abc.Process) -> int:
    return process.pid


async def consume_process_output(
    process: anyio.abc.Process, stdout_sink: _Sink = None, stderr_sink: _Sink = None
) -> None:
    """
    Read all output of a process, and write it to sinks.

    Args:
        process: The process.
        stdout_sink: Where its output goes; nowhere if None.
        stderr_sink: Where its errors go; nowhere if None.
    """
    async with anyio.create_task_group() as group:
        if process.stdout is not None:
            group.start_soon(stream_text, TextReceiveStream(process.stdout, errors="replace"), stdout_sink)
        if process.stderr is not None:
            group.start_soon(stream_text, TextReceiveStream(process.stderr, errors="replace"), stderr_sink)


async def stream_text(source: TextReceiveStream, *sinks: _Sink) -> None:
    """
    Write all that comes from a stream to sinks.

    Args:
        source: The stream.
        sinks: Files, async files or streams; None stands for none.
    """
    async for text in source:
        for sink in sinks:
            if sink is None:
                continue
            if isinstance(sink, TextSendStream):
                await sink.send(text)
            elif isinstance(sink, anyio.AsyncFile):
                await sink.write(text)
                await sink.flush()
            else:
                sink.write(text)
                sink.flush()


def forward_signal_handler(
    pid: int, signum: int, *signums: int, process_name: str, print_fn: Callable[[str], object]
) -> None:
    """
    Send signals that this process gets on to another one: the first time one, then the next, so that it gets stronger.

    Args:
        pid: The other process.
        signum: The signal that is handled, and sent the first time.
        signums: The signals that are sent the next times.
        process_name: What the other process is called in messages.
        print_fn: Called with messages.
    """
    current = signal.Signals(signum)
    stages = (current, *(signal.Signals(number) for number in signums))
    sent = 0

    def handle(number: int, frame: Any) -> None:
        nonlocal sent
        stage = stages[min(sent, len(stages) - 1)]
        sent += 1
        print_fn(f"Received {current.name}. Sending {stage.name} to {process_name} (PID {pid})...")
        try:
            os.kill(pid, stage)
        except ProcessLookupError:
            print_fn(f"{process_name} (PID {pid}) has ended already.")

    signal.signal(current, handle)


def get_sys_executable() -> str:
    """The Python interpreter of this process, as a part of a command."""
    return f'"{sys.executable}"' if os.name == "nt" else sys.executable
