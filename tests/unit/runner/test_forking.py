"""The process that others are forked from is as one that has just been started."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys, threading
from prefect.runner.forking import preload
preload(is_embedded=len(sys.argv) > 1)
from prefect.settings.context import process_settings
print(threading.active_count(), process_settings.cache_info().currsize, "prefect.engine" in sys.modules)
print(*sorted(name for name in sys.modules if name.partition(".")[0] in {"sqlalchemy"}))
"""


@pytest.mark.parametrize("options", [[], ["embedded"]])
def test_importing_starts_no_thread_and_reads_no_setting(options: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *options], capture_output=True, text=True, check=True)
    first, servers = done.stdout.splitlines()
    assert first == "1 0 False"
    assert bool(servers) == bool(options)
