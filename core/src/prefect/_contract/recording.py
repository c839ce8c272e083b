"""
Records of task runs: how the process that runs a task tells the orchestrator what has happened.

Task runs are decided on where they run, and recorded in batches. This is an addition to the public REST contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect._contract.objects import TaskRun
from prefect._contract.state import State

__all__ = ["TaskRunRecord"]


@dataclass(slots=True)
class TaskRunRecord:
    """
    A task run after its latest transition. Recording the same one twice has one effect.

    Args:
        task_run: The run as it is now, with its current state in `task_run.state`.
        states: The states it has entered since it was recorded last, in order; the last one is its current state.
        lease_token: Names the attempt to run its flow that the process shows; None if it belongs to none. Of an attempt that
            no longer owns the flow run, nothing is recorded but how task runs end that nobody else has ended.
    """

    task_run: TaskRun
    states: list[State[Any]]
    lease_token: UUID | None = None
