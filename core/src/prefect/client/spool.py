"""
Records that could not be delivered, kept in files until they can be.

Each file is JSON lines, written whole or not at all. They are delivered in the order in which they were written, by the
process that wrote them or by the next one that runs something on the same home. Delivering twice has one effect: states
and events have ids, and batches of logs have keys. Each orchestrator has a folder of its own.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints import recording
from prefect._contract.recording import TaskRunRecord
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.events import Event
    from prefect.client.base import Transport

__all__ = ["deliver", "is_refusal", "spool_folder", "store", "store_events"]

logger = logging.getLogger("prefect.spool")

_EVENTS_AT_ONCE = 500


def store(
    folder: Path, task_runs: Iterable[TaskRunRecord], logs: Iterable[Any], *, log_key: UUID | None = None
) -> Path:
    """
    Write records to a new file.

    Args:
        folder: Where such files are; made if need be.
        task_runs: Records of task runs.
        logs: `LogCreate` models.
        log_key: The key under which the logs may have been sent already.

    Raises:
        OSError: The file cannot be written.
    """
    lines = [
        json.dumps(
            {
                "task_run": record.task_run.model_dump(mode="json", exclude={"state"}),
                "states": [state.model_dump(mode="json") for state in record.states],
                "lease_token": None if record.lease_token is None else str(record.lease_token),
            }
        )
        for record in task_runs
    ]
    lines += [json.dumps({"log": log.model_dump(mode="json")}) for log in logs]
    return _write(folder, [*lines, json.dumps({"log_key": str(log_key or uuid7())})])


def store_events(folder: Path, events: Iterable[Event]) -> Path:
    """
    Write events to a new file.

    Args:
        folder: Where such files are; made if need be.
        events: The events.

    Raises:
        OSError: The file cannot be written.
    """
    return _write(folder, [json.dumps({"event": event.model_dump(mode="json")}) for event in events])


def _write(folder: Path, lines: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid7()}.jsonl"
    partial = path.with_suffix(".partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def deliver(folder: Path, send: Callable[[Any], Any], is_refusal: Callable[[Exception], bool]) -> int:
    """
    Deliver what the files of a folder hold, oldest first, and remove them.

    Args:
        folder: Where the files are.
        send: Sends a call; what it raises ends the delivery, and the files stay.
        is_refusal: Whether what it raised says that these records will never be taken. Such a file is put aside, as
            `*.refused`, so that it does not stand in the way of the others.

    Returns:
        How many files were delivered.
    """
    _reclaim(folder)
    delivered = 0
    for path in sorted(folder.glob("*.jsonl")):
        taken = path.with_suffix(f".{os.getpid()}")
        try:
            path.replace(taken)  # two processes do not deliver the same file
        except FileNotFoundError:
            continue
        try:
            _deliver_file(taken, send)
        except Exception as error:
            if not is_refusal(error):
                taken.replace(path)
                raise
            refused = path.with_suffix(".refused")
            taken.replace(refused)
            logger.error("The orchestrator does not take the records in %s: %s", refused, error)
        else:
            taken.unlink()
            delivered += 1
    return delivered


def _reclaim(folder: Path) -> None:
    """Give back the files that a process had taken which ended before it delivered them."""
    for path in folder.iterdir() if folder.is_dir() else ():
        number = path.suffix[1:]
        if number.isdigit() and int(number) != os.getpid() and not _is_running(int(number)):
            try:
                path.replace(path.with_suffix(".jsonl"))
            except FileNotFoundError:
                continue  # another process was faster


def _is_running(pid: int) -> bool:
    if os.name != "posix":
        return True  # asking there ends the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _deliver_file(path: Path, send: Callable[[Any], Any]) -> None:
    from prefect._contract.actions import LogCreate
    from prefect._contract.endpoints.events import create_events
    from prefect._contract.endpoints.logs import create_logs
    from prefect._contract.events import Event
    from prefect._contract.objects import TaskRun
    from prefect._contract.state import State

    records, logs, events = [], [], []
    key: UUID | None = None
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "log_key" in entry:
            key = UUID(entry["log_key"])
        elif "event" in entry:
            events.append(Event.model_validate(entry["event"]))
        elif "log" in entry:
            logs.append(LogCreate.model_validate(entry["log"]))
        else:
            states: list[State[Any]] = [State.model_validate(state) for state in entry["states"]]
            task_run = TaskRun.model_validate({**entry["task_run"], "state": states[-1] if states else None})
            token = entry.get("lease_token")
            records.append(TaskRunRecord(task_run, states, None if token is None else UUID(token)))
    if records:
        send(recording.record_task_runs(records))
    if logs:
        send(replace(create_logs(logs), key=key))
    for first in range(0, len(events), _EVENTS_AT_ONCE):
        send(create_events(events[first : first + _EVENTS_AT_ONCE]))


_REFUSING = frozenset({400, 409, 413, 415, 422})


def is_refusal(error: Exception) -> bool:
    """
    Whether an error says that these records will never be taken.

    Others say something of the store, of the way to it, or of who asks, which can all change.
    """
    answered = getattr(error, "http_exc", None) or error
    response = getattr(answered, "response", None)
    if response is not None:
        return response.status_code in _REFUSING
    return isinstance(error, (TypeError, ValueError))


def spool_folder(transport: Transport) -> Path:
    """Where records are kept that could not be delivered to an orchestrator."""
    from prefect.settings import get_current_settings

    return get_current_settings().home / "spool" / transport.spool_name
