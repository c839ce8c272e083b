"""
Questions that are asked to wait for the answer: an addition to the public REST contract.

A server answers once it can say yes, or when the time is over. An orchestrator in the own process answers at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from prefect._contract.call import Call

__all__ = ["are_slots_free", "are_task_runs_due", "read_ended_task_runs"]


def are_slots_free(names: Iterable[str], slots: int, wait_seconds: float = 0.0) -> Call[bool]:
    """
    Whether so many slots of each of these limits are free. Who asks does not get them by that.

    Args:
        names: The limits, those of tags with `tag:` before the tag.
        slots: How many slots of each.
        wait_seconds: How long a server waits for them.
    """
    body = {"names": list(names), "slots": slots, "wait_seconds": wait_seconds}
    return Call("POST", "/_core/waiting/slots", bool, body=body)


def are_task_runs_due(task_keys: Iterable[str], wait_seconds: float = 0.0) -> Call[bool]:
    """
    Whether background task runs of some tasks wait for a worker.

    Args:
        task_keys: The tasks.
        wait_seconds: How long a server waits for one.
    """
    body = {"task_keys": list(task_keys), "wait_seconds": wait_seconds}
    return Call("POST", "/_core/waiting/task_runs", bool, body=body)


def read_ended_task_runs(task_run_ids: Iterable[UUID], wait_seconds: float = 0.0) -> Call[list[UUID]]:
    """
    Which of some task runs have ended.

    Args:
        task_run_ids: The task runs.
        wait_seconds: How long a server waits for the first one.
    """
    body = {"task_run_ids": list(task_run_ids), "wait_seconds": wait_seconds}
    return Call("POST", "/_core/waiting/ended_task_runs", list[UUID], body=body)
