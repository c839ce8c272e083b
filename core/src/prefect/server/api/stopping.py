"""How the processes of a server end: they finish what is under way first."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from prefect.server.services.loops import Loops

__all__ = ["GracefulServer", "end_at_once", "run_until_told"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def end_at_once() -> None:
    """End this process now, as Ctrl-C does with one that does not care. What the database has not committed never was."""
    os._exit(128 + signal.SIGINT)


class GracefulServer(uvicorn.Server):
    """
    Stops by a signal as it stops by itself: the process goes on, and its exit code is its own.

    Args:
        config: How it serves.
        on_stop: Called when it is told to stop: lets go of the requests that wait for something to happen.
    """

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop when the requests under way are answered. Whoever presses Ctrl-C a second time does not want to wait."""
        if self.should_exit and sig == signal.SIGINT:
            end_at_once()
        self.should_exit = True
        self._on_stop()


async def run_until_told(loops: Loops, ready: Callable[[], None]) -> None:
    """
    Run the loops of a server until a signal says to stop.

    Args:
        loops: The loops.
        ready: Called once they run.
    """
    told = asyncio.Event()

    def stop(number: signal.Signals) -> None:
        if told.is_set() and number is signal.SIGINT:
            end_at_once()
        told.set()

    for each in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, stop, each)
    loops.start()
    ready()
    try:
        await told.wait()
    finally:
        await loops.stop()
