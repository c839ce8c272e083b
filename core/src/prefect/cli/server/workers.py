"""Several processes that answer at one socket, and the one that looks after them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from prefect.cli.errors import CliError
from prefect.cli.output import say
from prefect.cli.server.serving import CHILD, Serving

__all__ = ["Workers"]

_LOOK_SECONDS = 0.2
_TOO_SOON_SECONDS = 5.0
"""A process that ends by itself so soon after its start would do so again."""

_GRACE_SECONDS = 20.0
"""A process that was told to stop is ended by force after so long: its own patience is shorter."""


class Workers:
    """
    Keeps processes running that answer requests. One that dies is replaced; all stop when this one is told to.

    The loops run in each of them: leases in the database let one do each thing at a time.

    Args:
        serving: What each of them does.
        count: How many.
    """

    def __init__(self, serving: Serving, count: int) -> None:
        self._serving = serving
        self._count = count
        self._children: dict[subprocess.Popen[bytes], float] = {}
        self._told: list[int] = []
        self._lifeline = os.pipe()

    def run(self) -> None:
        """
        Run until a signal says to stop.

        Raises:
            CliError: A process cannot be started.
        """
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, self._stop)
        try:
            while not self._told:
                self._replace_the_dead()
                time.sleep(_LOOK_SECONDS)
        finally:
            self._end()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and signal.SIGINT in self._told:
            for child in self._children:
                child.kill()
            os._exit(128 + signal.SIGINT)
        self._told.append(number)

    def _replace_the_dead(self) -> None:
        for child, started in list(self._children.items()):
            if child.poll() is None:
                continue
            del self._children[child]
            how = f"Process {child.pid}, which answered requests, has ended with exit code {child.returncode}."
            if child.returncode >= 0 and time.monotonic() - started < _TOO_SOON_SECONDS:
                raise CliError(f"{how} It had just begun, so the server stops.")
            say(f"{how} Another one takes its place.", to=sys.stderr)
        while len(self._children) < self._count:
            self._children[self._start()] = time.monotonic()

    def _start(self) -> subprocess.Popen[bytes]:
        reading, _ = self._lifeline
        command = [*CHILD, *self._serving.arguments, "--lifeline", str(reading)]
        # In a session of its own: Ctrl-C is for the one that looks after it.
        return subprocess.Popen(  # noqa: S603 - our own program
            command, pass_fds=(self._serving.where.fileno(), reading), stdin=subprocess.DEVNULL, start_new_session=True
        )

    def _end(self) -> None:
        for child in self._children:
            child.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        for child in self._children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
