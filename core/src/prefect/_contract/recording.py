"""
Records of task runs: how the process that runs a task tells the orchestrator what has happened.

Task runs are decided on where they run, and recorded in batches. This is an addition to the public REST contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    """

    task_run: TaskRun
    states: list[State[Any]]
