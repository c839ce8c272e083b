"""The live display, on a real terminal (a pseudo-terminal), as it is left there."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.cli.conftest import PREFECT

SCRIPT = """
import sys, time
from pathlib import Path
from prefect import flow, get_run_logger, task

@task
def step(number: int, watched: bool) -> int:
    end = time.monotonic() + 60
    while watched and not Path("seen").exists() and time.monotonic() < end:
        time.sleep(0.05)
    return number

@flow
def steps(fails: bool = False, watched: bool = False) -> None:
    print("printed by the flow")
    print("without an end", end="")
    get_run_logger().info("logged by the flow")
    futures = [step.submit(number, watched) for number in range(4)]
    print(" of its line")
    [future.result() for future in futures]
    if fails:
        raise ValueError("it went wrong")
"""


ALL_RUN = b"tasks: 4 running"
"""What the display says while all tasks of the script run, who wait for somebody to see that."""


def on_terminal(*args: str, columns: int = 100, **environment: str) -> tuple[str, int]:
    """Run the console script on a terminal. Returns what it wrote, and its exit code."""
    terminal, end = pty.openpty()
    if sys.platform != "win32":
        import fcntl
        import termios

        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "CI", "COLUMNS"}}
    process = subprocess.Popen(
        [PREFECT, *args],
        env={**kept, "TERM": "xterm", **environment},
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
    )
    os.close(end)
    written = b""
    while True:
        try:
            chunk = os.read(terminal, 65_536)
        except OSError:  # its end was closed
            break
        if not chunk:
            break
        written += chunk
        if ALL_RUN in written:
            Path("seen").touch()
    os.close(terminal)
    return written.decode(), process.wait(60)


def screen_after(written: str) -> list[str]:
    """The lines that a terminal shows in the end."""
    lines, row, column = [""], 0, 0
    for part in re.finditer(r"\x1b\[([\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+", written):
        text = part.group(0)
        if text == "\r":
            column = 0
        elif text == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif text.startswith("\x1b"):
            row -= part.group(2) == "A"
            if part.group(2) == "K":
                lines[row] = ""
        else:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
    return [line for line in lines if line]


@pytest.fixture(autouse=True)
def pipeline(script):
    script(SCRIPT, "steps.py")


def test_it_shows_what_runs_in_place_and_leaves_what_was_printed():
    written, code = on_terminal("run", "steps.py", "-p", "watched=true")
    assert code == 0
    assert "tasks: 4 running" in written
    assert re.search(r"running: step-0, step-1, step-2, step-3", written)
    assert re.search(r"flow 'steps' run '[\w-]+' \| Running \| \d+\.\d+ s", written)
    lines = screen_after(written)
    assert lines[0] == "printed by the flow"
    assert lines[1].endswith("logged by the flow")
    assert lines[2] == "without an end of its line"
    assert re.match(
        r"Completed \| flow 'steps' \| run '[\w-]+' \| in \d+\.\d+ s \| tasks: 4 completed \| id ", lines[3]
    )
    assert len(lines) == 4, "neither the display nor what it shows is left"


def test_lines_are_cut_where_the_terminal_ends():
    written, _ = on_terminal("run", "steps.py", "-p", "watched=true", columns=40)
    drawn = [line for line in re.split(r"[\r\n]|\x1b\[\d*[AK]", written) if line.startswith(("  tasks", "  running"))]
    assert drawn
    assert max(map(len, drawn)) < 40
    assert len(screen_after(written)) == 4


def test_errors_stay_on_the_screen():
    written, code = on_terminal("run", "steps.py", "-p", "fails=true")
    assert code == 1
    shown = "\n".join(screen_after(written))
    assert "ValueError: it went wrong" in shown
    assert "Failed | flow 'steps'" in shown
    assert "| Running |" not in shown


@pytest.mark.parametrize("variable", ["NO_COLOR", "CI"])
def test_there_is_none_where_nobody_watches(variable):
    written, code = on_terminal("run", "steps.py", **{variable: "1"})
    assert code == 0
    assert "\x1b[2K" not in written
    assert "Finished in state" in written
