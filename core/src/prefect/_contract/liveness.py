"""
Leases: who works at a flow run, and whether that process is still there.

A process that runs a flow holds a lease, renews it while it works, and shows its token with each state it proposes.
What dies is noticed: at once on the same host, on others when the lease expires. This is an addition to the public
REST contract.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from prefect._contract.state import StateType

__all__ = ["DEAF_SECONDS", "Lease", "LeaseRequest", "LeaseStatus", "ProcessIdentity"]

DEAF_SECONDS = 12.0
"""
How long a process may be silent after its run was cancelled, before another one on its machine ends it. A process that
hears of it has by then ended the run, or itself.
"""

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """
    One process, told apart from all others, also from later ones with the same number.

    Args:
        host: The name of its machine, for people.
        pid: Its number.
        started: When it started, in the words of its operating system; empty when that is not told.
        boot_id: Names this start of the machine's kernel; empty where there is no such name.
        pid_namespace: Names the set of numbers that `pid` belongs to: containers have their own. Can be empty.
    """

    host: str
    pid: int
    started: str
    boot_id: str
    pid_namespace: str

    @classmethod
    def current(cls) -> ProcessIdentity:
        """The process that asks."""
        return _identify(os.getpid())

    def is_alive(self) -> bool | None:
        """
        Whether the process is still there.

        Returns:
            None when that cannot be known from here: it is on another host, or its number belongs to another container.
        """
        here = ProcessIdentity.current()
        same_numbers = (self.boot_id, self.pid_namespace) == (here.boot_id, here.pid_namespace)
        # A kernel that has started anew has another boot id, but so has another machine of the same name.
        if not same_numbers or (not self.boot_id and self.host != here.host):
            return None
        if os.name != "posix" or self.pid <= 0:
            return None
        if not _exists(self.pid):
            return False
        started, is_zombie = _look_up(self.pid)
        if not started or not self.started:
            return None
        return started == self.started and not is_zombie

    def kill(self) -> None:
        """
        End the process by force, and those it started with it if it leads their session; only if it is there for sure.

        Raises:
            PermissionError: It is another user's.
        """
        if not self.is_alive():
            return
        with suppress(ProcessLookupError):
            if os.getsid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
            os.kill(self.pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """
    Asks for the lease of the flow run whose state is proposed.

    Args:
        token: Names this attempt to run the flow.
        owner: The process that runs it.
        ttl_seconds: For how long the lease is valid unless it is renewed.
    """

    token: UUID
    owner: ProcessIdentity
    ttl_seconds: float


@dataclass(frozen=True, slots=True)
class Lease:
    """
    Says that a process works at a flow run.

    Args:
        flow_run_id: The flow run.
        token: Names the attempt. States that are proposed with another token are refused.
        owner: The process.
        expires_at: Until when the lease is valid.
    """

    flow_run_id: UUID
    token: UUID
    owner: ProcessIdentity
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """
    What has become of a lease that was to be renewed.

    Args:
        flow_run_id: The flow run; None when no live lease has this token: the run has ended, or is another's.
        token: The token that was shown.
        state_type: The type of the flow run's state, from which its process learns that it is to stop.
    """

    flow_run_id: UUID | None
    token: UUID
    state_type: StateType | None


@lru_cache(maxsize=1)
def _identify(pid: int) -> ProcessIdentity:
    """The identity of this process; `pid` is the key under which it is kept, since a fork is another process."""
    import socket

    return ProcessIdentity(
        host=socket.gethostname(),
        pid=pid,
        started=_look_up(pid)[0],
        boot_id=_read(_PROC / "sys/kernel/random/boot_id"),
        pid_namespace=_read_link(_PROC / "self/ns/pid"),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _read_link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    """Whether there is a process of this number. Unlike /proc, the signal 0 also finds those of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _look_up(pid: int) -> tuple[str, bool]:
    """When a process started, and whether it has ended but was not yet waited for. Empty when that is not told."""
    if _PROC.joinpath("self").exists():
        # The name of the program comes in parentheses and may hold any character.
        fields = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()
        return (fields[19], fields[0] in "ZX") if len(fields) > 19 else ("", False)
    return _ask_ps(pid)


def _ask_ps(pid: int) -> tuple[str, bool]:
    if os.name != "posix":
        return ("", False)

    import subprocess

    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]  # the same on macOS and the BSDs
    fixed = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}  # so that two processes read the same start
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5, env=fixed)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ("", False)
    state, _, started = shown.stdout.strip().partition(" ")
    return (started.strip(), state.startswith("Z"))
