"""
Records that could not be delivered, kept in files until they can be.

Each file is JSON lines, written whole or not at all. The next process that runs something on the same home delivers what
it finds. Delivering twice has one effect: states and logs have ids.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prefect._contract.endpoints import recording
from prefect._contract.recording import TaskRunRecord
from prefect.utilities.ids import uuid7

__all__ = ["deliver", "store"]

logger = logging.getLogger("prefect.spool")


def store(folder: Path, task_runs: Iterable[TaskRunRecord], logs: Iterable[Any]) -> Path:
    """
    Write records to a new file.

    Args:
        folder: Where such files are; made if need be.
        task_runs: Records of task runs.
        logs: `LogCreate` models.

    Raises:
        OSError: The file cannot be written.
    """
    lines = [
        json.dumps(
            {
                "task_run": record.task_run.model_dump(mode="json", exclude={"state"}),
                "states": [state.model_dump(mode="json") for state in record.states],
            }
        )
        for record in task_runs
    ]
    lines += [json.dumps({"log": log.model_dump(mode="json")}) for log in logs]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid7()}.jsonl"
    partial = path.with_suffix(".partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def deliver(folder: Path, send: Callable[[Any], Any]) -> int:
    """
    Deliver what the files of a folder hold, oldest first, and remove them.

    Args:
        folder: Where the files are.
        send: Sends a call; what it raises ends the delivery, the files stay.

    Returns:
        How many files were delivered.
    """
    delivered = 0
    for path in sorted(folder.glob("*.jsonl")):
        taken = path.with_suffix(f".{os.getpid()}")
        try:
            path.replace(taken)  # two processes do not deliver the same file
        except FileNotFoundError:
            continue
        try:
            _deliver_file(taken, send)
        except Exception:
            taken.replace(path)
            raise
        taken.unlink()
        delivered += 1
    return delivered


def _deliver_file(path: Path, send: Callable[[Any], Any]) -> None:
    from prefect._contract.actions import LogCreate
    from prefect._contract.endpoints.logs import create_logs
    from prefect._contract.objects import TaskRun
    from prefect._contract.state import State

    records, logs = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "log" in entry:
            logs.append(LogCreate.model_validate(entry["log"]))
            continue
        states: list[State[Any]] = [State.model_validate(state) for state in entry["states"]]
        task_run = TaskRun.model_validate({**entry["task_run"], "state": states[-1] if states else None})
        records.append(TaskRunRecord(task_run=task_run, states=states))
    if records:
        send(recording.record_task_runs(records))
    if logs:
        send(create_logs(logs))
