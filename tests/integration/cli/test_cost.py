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
HEAVY = {"sqlalchemy", "httpx", "rich", "fastapi", "yaml", "jinja2", "cryptography", "pluggy", "anyio"}
SECONDS = 0.35


def measured(*args: str) -> tuple[float, set[str]]:
    """
    CPU seconds of a process from its start, the best of three, and what the last one has loaded of what is heavy.

    The first one may have to ask installed plugins for their commands; their answers are kept in the home.
    """
    found = []
    for _ in range(3):
        probe = [sys.executable, "-c", PROBE.format(args=args, heavy=HEAVY)]
        done = subprocess.run(probe, capture_output=True, text=True, check=True, timeout=60)
        seconds, _, names = done.stderr.strip().splitlines()[-1].partition("|")
        found.append((float(seconds), frozenset(names.split(","))))
    return min(found)[0], set(found[-1][1])


@pytest.mark.parametrize("args", [("--help",), ("version",), ("--version",)])
def test_help_and_version(args):
    seconds, loaded = measured(*args)
    assert not {name for name in loaded if name.partition(".")[0] in HEAVY}
    groups = {"artifact", "block", "config", "flow", "flow_run", "plugins", "profile", "run", "task_run", "variable"}
    assert not loaded & {f"prefect.cli.{name}" for name in groups}
    assert seconds <= SECONDS


def test_settings_are_shown_without_a_database():
    _, loaded = measured("config", "view")
    assert not {name for name in loaded if name.partition(".")[0] in HEAVY}
