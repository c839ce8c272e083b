"""
The live display of a flow run in a terminal: its state, its task runs by state, what is running, for how long.

It takes a few lines at the bottom, on stderr, that are drawn anew in place. What the flow prints or logs scrolls by above
them. Where nobody watches (a pipe, CI, NO_COLOR) there is no display, and the log says all.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from prefect.cli.moments import seconds_of
from prefect.cli.progress import names_of_running, task_counts, words_for
from prefect.cli.tables import width_of
from prefect.utilities.time import now

if TYPE_CHECKING:
    from prefect._engine.flow_run import FlowExecution

__all__ = ["is_watched", "watching"]

_FRAMES = "|/-\\"
_FRAME_SECONDS = 0.1
_ASK_SECONDS = 0.5
_SHARE = 20
"""Of its time, the display spends at most one part in so many with asking."""
_MOST_NAMES = 8
_CLEAR_LINE = "\r\x1b[2K"
_LINE_UP = "\x1b[1A"


def is_watched() -> bool:
    """Whether there is a terminal, and nothing says that it is not for people or not for colours."""
    off = any(os.environ.get(name) for name in ("NO_COLOR", "CI")) or os.environ.get("TERM") == "dumb"
    return not off and sys.stderr.isatty()


@contextmanager
def watching(run: FlowExecution) -> Iterator[None]:
    """Show how far a flow run is inside of the `with` statement, if somebody watches."""
    if not is_watched():
        yield
        return
    stdout, stderr = sys.stdout, sys.stderr
    display = Display(run, stderr)
    sys.stderr = Above(display, stderr)
    if stdout.isatty():
        sys.stdout = Above(display, stdout)
    display.start()
    try:
        with _without_what_is_displayed():
            yield
    finally:
        display.stop()
        sys.stdout, sys.stderr = stdout, stderr


class Above:
    """
    Stands for a stream of the terminal: what is written to it appears above the display.

    Args:
        display: The display.
        stream: The stream.
    """

    def __init__(self, display: Display, stream: TextIO) -> None:
        self._display = display
        self._stream = stream
        self._begun = ""

    def write(self, text: str) -> int:
        """Write the lines that are complete; the beginning of one is kept until the rest comes."""
        with self._display.drawing:
            lines, newline, rest = (self._begun + text).rpartition("\n")
            self._begun = rest
            if newline:
                self._display.write_above(self._stream, lines + newline)
        return len(text)

    def finish(self) -> None:
        """Write the beginning of a line, as there is no rest to come."""
        if self._begun:
            self._display.write_above(self._stream, f"{self._begun}\n")
            self._begun = ""

    def writelines(self, lines: Iterable[str]) -> None:
        """Write some lines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Display:
    """
    Draws how far a flow run is, from a thread of its own, until it is stopped.

    Args:
        run: The flow run.
        stream: The terminal.
    """

    def __init__(self, run: FlowExecution, stream: TextIO) -> None:
        self._run = run
        self._stream = stream
        self.drawing = threading.RLock()
        self._drawn = 0
        self._ended = threading.Event()
        self._began = time.monotonic()
        self._since = now()
        self._known: list[str] = []
        self._ask_again = 0.0
        self._frame = 0
        self._thread = threading.Thread(target=self._work, name="prefect-display", daemon=True)

    def start(self) -> None:
        """Begin to draw."""
        self._thread.start()

    def stop(self) -> None:
        """Take the display away."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, Above):
                stream.finish()
        self._ended.set()
        self._thread.join()
        with self.drawing:
            self._stream.write(self._erasure())
            self._stream.flush()

    def write_above(self, stream: TextIO, text: str) -> None:
        """Write text to a stream of the same terminal, above the display."""
        with self.drawing:
            self._stream.write(self._erasure())
            self._stream.flush()
            stream.write(text)
            stream.flush()
            self._draw()

    def _work(self) -> None:
        while not self._ended.wait(_FRAME_SECONDS):
            self._learn()
            with self.drawing:
                if not self._ended.is_set():
                    self._frame += 1
                    self._draw()

    def _learn(self) -> None:
        flow_run = self._run.flow_run
        asked = time.monotonic()
        if flow_run is None or asked < self._ask_again:
            return
        try:
            counts = task_counts(flow_run, self._since)
            running = names_of_running(flow_run.id, _MOST_NAMES + 1) if counts.get("Running") else []
        except Exception as error:  # the flow goes on, whatever keeps its display from knowing more
            self._known = [f"  tasks: not known ({error})"]
        else:
            self._known = _lines_for(counts, running)
        self._ask_again = time.monotonic() + max(_ASK_SECONDS, _SHARE * (time.monotonic() - asked))

    def _draw(self) -> None:
        columns = shutil.get_terminal_size().columns - 1
        lines = [_cut(line, columns) for line in (self._head(), *self._known)]
        self._stream.write(self._erasure() + "\n".join(lines))
        self._stream.flush()
        self._drawn = len(lines)

    def _erasure(self) -> str:
        """What clears the lines that are drawn, and brings the cursor to where the first of them began."""
        lines, self._drawn = self._drawn, 0
        return _CLEAR_LINE + (_LINE_UP + _CLEAR_LINE) * (lines - 1) if lines else ""

    def _head(self) -> str:
        run = self._run
        name = f" run {run.flow_run.name!r}" if run.flow_run is not None else ""
        frame = _FRAMES[self._frame % len(_FRAMES)]
        state = run.state.name if run.flow_run is not None else "Starting"
        return f"{frame} flow {run.flow.name!r}{name} | {state} | {seconds_of(time.monotonic() - self._began)}"


def _lines_for(counts: Mapping[str, int], running: list[str]) -> list[str]:
    lines = [f"  tasks: {words_for(counts) or 'none yet'}"]
    if running:
        more = ", ..." if len(running) > _MOST_NAMES else ""
        lines.append(f"  running: {', '.join(running[:_MOST_NAMES])}{more}")
    return lines


def _cut(line: str, columns: int) -> str:
    """A line that fits: one that the terminal wraps could not be cleared."""
    if width_of(line) <= columns:
        return line
    while line and width_of(line) > columns - 3:
        line = line[:-1]
    return f"{line}..."


_DISPLAYED = ("Beginning flow run ", "Finished in state ")


def _is_not_displayed(record: logging.LogRecord) -> bool:
    """Whether a record says more than the display does: that runs begin and complete is seen there."""
    is_of_run = record.name in {"prefect.flow_runs", "prefect.task_runs"} and record.levelno <= logging.INFO
    return not (is_of_run and str(record.msg).startswith(_DISPLAYED))


@contextmanager
def _without_what_is_displayed() -> Iterator[None]:
    from prefect.logging.handlers import PrefectConsoleHandler

    names = ("", "prefect", "prefect.flow_runs", "prefect.task_runs")
    handlers = {handler for name in names for handler in logging.getLogger(name).handlers}
    console = [handler for handler in handlers if isinstance(handler, PrefectConsoleHandler)]
    for handler in console:
        handler.addFilter(_is_not_displayed)
    try:
        yield
    finally:
        for handler in console:
            handler.removeFilter(_is_not_displayed)
