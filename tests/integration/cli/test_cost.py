"""What the command line costs before it does anything: no command pays for another."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys, time, resource
sys.argv = ["prefect", *{args!r}]
from prefect.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    names = sorted(name for name in sys.modules if name.partition(".")[0] in {heavy!r} or name.startswith("prefect.cli."))
    print(f"{{used.ru_utime + used.ru_stime}}|" + ",".join(names), file=sys.stderr)
"""
FLOOR = """
import resource, sys
import typer, typer.main
from importlib import metadata
from pydantic import BaseModel, TypeAdapter
used = resource.getrusage(resource.RUSAGE_SELF)
print(f"{used.ru_utime + used.ru_stime}|", file=sys.stderr)
"""
"""What no command line of typer and models of pydantic can go below, on whatever machine this is."""

HEAVY = {"sqlalchemy", "httpx", "rich", "fastapi", "yaml", "jinja2", "cryptography", "pluggy", "anyio"}
TIMES_THE_FLOOR = 3.0
"""Seen on a machine that others shared: 1.4 to 2.4. What is beyond loads something that it should not."""


def measured(*args: str) -> tuple[float, set[str]]:
    """
    CPU seconds of a process from its start, as times the floor, and what the last one has loaded of what is heavy.

    Both are taken in turns, the least of several: other processes share the machine.

    The first one may have to ask installed plugins for their commands; their answers are kept in the home.
    """
    found = []
    floors = []
    for _ in range(4):
        floors.append(probed(FLOOR)[0])
        found.append(probed(PROBE.format(args=args, heavy=HEAVY)))
    return min(seconds for seconds, _ in found) / min(floors), found[-1][1]


def probed(script: str) -> tuple[float, set[str]]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    seconds, _, names = done.stderr.strip().splitlines()[-1].partition("|")
    return float(seconds), set(names.split(","))


@pytest.mark.parametrize("args", [("--help",), ("version",), ("--version",)])
def test_help_and_version(args):
    times, loaded = measured(*args)
    assert not {name for name in loaded if name.partition(".")[0] in HEAVY}
    groups = {"artifact", "block", "config", "flow", "flow_run", "plugins", "profile", "run", "task_run", "variable"}
    assert not loaded & {f"prefect.cli.{name}" for name in groups}
    assert times <= TIMES_THE_FLOOR


def test_settings_are_shown_without_a_database():
    _, loaded = measured("config", "view")
    assert not {name for name in loaded if name.partition(".")[0] in HEAVY}
