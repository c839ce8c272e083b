"""
Background task runs: which task worker has which, and for how long.

A worker claims the runs that it is about to execute, renews its claims while it does, and shows a claim's token with all that
it records of the run. Claims that are not renewed expire, and their runs are given to others. This is an addition to the
public REST contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from prefect._contract.objects import TaskRun

__all__ = ["TaskRunClaim"]


@dataclass(frozen=True, slots=True)
class TaskRunClaim:
    """
    A background task run that one task worker is to execute.

    Args:
        task_run: The run, Pending.
        token: Names this delivery of the run. Who shows another one is not believed.
        delivery: How often the run has been given to a worker, this time counted.
    """

    task_run: TaskRun
    token: UUID
    delivery: int
