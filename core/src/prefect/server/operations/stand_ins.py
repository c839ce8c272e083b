"""
Task runs that stand for subflows in their parents.

Our own engine reports them like all others. Clients of Prefect 3 create them and leave the rest to the server.
"""

from __future__ import annotations

from typing import Any

from prefect._contract.state import State
from prefect.server.database.queries import leases
from prefect.server.database.queries.runs import TASK_RUNS, read_run
from prefect.server.operations.transitions import propose_for_task_run
from prefect.server.operations.work import UnitOfWork

__all__ = ["follow"]


def follow(work: UnitOfWork, flow_run: dict[str, Any]) -> None:
    """
    Let the task run that stands for a subflow enter the state that the subflow has entered.

    Not where somebody holds the lease of the parent: that is a process of ours, which says so itself; but not of runs of
    deployments and in work pools, which it does not execute.
    """
    if flow_run["parent_task_run_id"] is None:
        return
    task_run = read_run(work.connection, TASK_RUNS, flow_run["parent_task_run_id"], work.now)
    if task_run is None:
        return
    parent = task_run["flow_run_id"]
    executes_it = flow_run["deployment_id"] is None and flow_run["work_queue_id"] is None
    if executes_it and parent is not None and leases.read_lease(work.connection, parent) is not None:
        return
    entered: State[Any] = flow_run["state"]
    ids = {"task_run_id": task_run["id"], "flow_run_id": parent, "child_flow_run_id": flow_run["id"]}
    state: State[Any] = State(
        type=entered.type,
        name=entered.name,
        message=entered.message,
        timestamp=entered.timestamp,
        state_details=entered.state_details.model_copy(update=ids),
        data=entered.data,
    )
    propose_for_task_run(work, task_run, state, force=True)
