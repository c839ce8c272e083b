"""Recording task runs that were decided on where they run: an addition to the public REST contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._contract.call import Call

if TYPE_CHECKING:
    from prefect._contract.recording import TaskRunRecord

__all__ = ["record_task_runs"]


def record_task_runs(records: list[TaskRunRecord]) -> Call[None]:
    """Record task runs and the states they have entered, all or none of them. Doing it twice has one effect."""
    return Call("POST", "/_core/task_runs/record", body=records)
