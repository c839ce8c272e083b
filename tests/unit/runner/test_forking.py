"""The process that others are forked from is as one that has just been started."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, threading
from prefect.runner.forking import preload
preload()
from prefect.settings.context import process_settings
print(threading.active_count(), process_settings.cache_info().currsize, "prefect.engine" in sys.modules)
print(*sorted(name for name in sys.modules if name.partition(".")[0] in {"sqlalchemy", "fastapi", "uvicorn"}))
"""


def test_importing_starts_no_thread_and_reads_no_setting() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["1 0 False", ""]
