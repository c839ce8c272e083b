"""Clocks of processes that are put, or wrong from the beginning."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import uuid4

from tests.faults.sites import Site

__all__ = ["LIBRARY", "PutClock", "time_of"]

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


_SLEEP = """
import select
import time

time.sleep = lambda seconds, /: select.select([], [], [], seconds) and None
"""
"""Run when Python starts: where a clock is put, `libfaketime` lets no `time.sleep` of Python 3.11 and later succeed."""


class PutClock:
    """What time it is for a process: as much later or earlier than for others as a file says."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._modules = file.with_suffix(".modules")
        self._modules.mkdir()
        (self._modules / "sitecustomize.py").write_text(_SLEEP)
        self.put(0)

    def put(self, seconds: int) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.rename(self._file)

    @property
    def variables(self) -> dict[str, str]:
        """Of a process whose clock is put with this one, within a second."""
        return {**self._common, "FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_CACHE_DURATION": "1"}

    def wrong_by(self, seconds: int) -> dict[str, str]:
        """The variables of a process whose clock is wrong, and is not put: it is told faster what time it is."""
        return {**self._common, "FAKETIME": f"{seconds:+d}"}

    @property
    def _common(self) -> dict[str, str]:
        modules = str(self._modules)
        return {"LD_PRELOAD": str(LIBRARY), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": modules}


def time_of(site: Site) -> datetime:
    """What time it is for the server: when what is made there was made."""
    made = site.post("/flows/", {"name": str(uuid4())})["created"]
    return datetime.fromisoformat(made.replace("Z", "+00:00"))
