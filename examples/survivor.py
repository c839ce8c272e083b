"""A pipeline that things happen to: calls that fail at first, and a process that dies in the middle.

Steps that completed with a stored result are not run again: not after a failure, and not when the crashed run is resumed
with `prefect flow-run retry`.
"""

from __future__ import annotations

import os
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.tasks import exponential_backoff

JOURNAL = Path(os.environ.get("SURVIVOR_JOURNAL", "survivor.log"))
"""One line for every time that a step's code really ran."""


def note(line: str) -> int:
    """Write a line, and say how often it has been written by now."""
    with JOURNAL.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    return JOURNAL.read_text(encoding="utf-8").splitlines().count(line)


@task(persist_result=True, task_run_name="download-{part}")
def download(part: int) -> list[int]:
    """Some numbers; a real one would come from far away and cost money."""
    note(f"download {part}")
    return list(range(part * 1_000, (part + 1) * 1_000))


@task(retries=3, retry_delay_seconds=exponential_backoff(0.1), retry_jitter_factor=0.5, persist_result=True)
def call_flaky_service(part: int, numbers: list[int]) -> int:
    """A service that fails the first two times."""
    if note(f"service {part}") < 3:
        raise ConnectionError(f"The service is not there yet for part {part}.")
    return sum(numbers)


@task(persist_result=True)
def add_up(sums: list[int]) -> int:
    """The last step; the first time, the whole process is gone in the middle of it."""
    if note("add up") == 1 and os.environ.get("SURVIVOR_DIES") == "1":
        get_run_logger().warning("This process dies now, as if the power had failed.")
        os._exit(137)
    return sum(sums)


@flow(name="survivor")
def survivor(parts: int = 3) -> int:
    """Download parts, have each one processed by a flaky service, and add up the answers."""
    numbers = download.map(range(parts))
    sums = call_flaky_service.map(range(parts), numbers)
    return add_up(sums)


if __name__ == "__main__":
    print("Sum:", survivor())
