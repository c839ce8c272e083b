"""Processes that tests have left behind."""

from __future__ import annotations

import os
import signal
from contextlib import closing, suppress
from pathlib import Path

__all__ = ["kill_all_of"]


class _Handle:
    """A process, and not another one that has its number after it has ended."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)
        self._folder = Path("/proc", str(pid))

    def has(self, variable: str) -> bool:
        return variable.encode() in (self._folder / "environ").read_bytes().split(b"\0")

    def kill(self) -> None:
        signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def close(self) -> None:
        os.close(self._descriptor)


def kill_all_of(home: Path) -> None:
    """
    Kill the processes that were started with a home.

    They are told by that: a number that was noted when a process began may be anybody's by now.

    Args:
        home: What PREFECT_HOME is for them.
    """
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError), closing(_Handle(int(folder.name))) as process:
            if process.has(f"PREFECT_HOME={home}"):
                process.kill()
