"""Tells that a flow run has entered a state, as an event about the flow run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from prefect._contract.state import State
from prefect.server.database import tables
from prefect.server.database.queries.events import Occurrence
from prefect.server.operations.work import UnitOfWork

__all__ = ["Labels", "related_resource", "tell_of_flow_run"]

Labels = dict[str, str]
Row = dict[str, Any]

_flow_names: dict[UUID, str] = {}
"""Names of flows, which never change. Without them each transition would read one."""

_MOST_NAMES = 10_000

_FLOW_NAME = select(tables.flow.c.name).where(tables.flow.c.id == bindparam("flow_id"))
_TASK_RUN_NAME = select(tables.task_run.c.name).where(tables.task_run.c.id == bindparam("task_run_id"))

_deployment, _queue, _pool = tables.deployment, tables.work_queue, tables.work_pool
_DEPLOYMENT_NAME = select(_deployment.c.name).where(_deployment.c.id == bindparam("deployment_id"))
_QUEUE_AND_POOL = (
    select(_queue.c.id, _queue.c.name, _pool.c.id, _pool.c.name, _pool.c.type)
    .join_from(_queue, _pool, _pool.c.id == _queue.c.work_pool_id)
    .where(_queue.c.id == bindparam("work_queue_id"))
)


def tell_of_flow_run(work: UnitOfWork, run: Row, initial: State[Any] | None, entered: State[Any]) -> None:
    """
    Emit that a flow run has entered a state.

    The event has the id of the state, so that telling it twice is telling it once.

    Args:
        work: The transaction.
        run: The run, as it is now.
        initial: The state that it was in; None if it is new.
        entered: The state that it is in.
    """
    kind = entered.type.value
    validated: dict[str, Any] = {"type": kind, "name": entered.name}
    if entered.message is not None:
        validated["message"] = entered.message
    before = None if initial is None else initial.type.value
    work.emit(
        Occurrence(
            entered.id,
            entered.timestamp,
            f"prefect.flow-run.{entered.name}",
            {
                "prefect.resource.id": f"prefect.flow-run.{run['id']}",
                "prefect.resource.name": run["name"],
                "prefect.run-count": str(run["run_count"]),
                "prefect.state-message": entered.message or "",
                "prefect.state-name": entered.name or "",
                "prefect.state-timestamp": entered.timestamp.isoformat(),
                "prefect.state-type": kind,
            },
            _related(work, run),
            {
                "intended": {"from": before, "to": kind},
                "initial_state": None if initial is None else {"type": before, "name": initial.name},
                "validated_state": validated,
            },
            None if initial is None else initial.id,
        )
    )


def related_resource(kind: str, identifier: object, name: str | None, **further: str) -> Labels:
    """A record as a resource that is related to an event, in the role of its kind."""
    labels = {"prefect.resource.id": f"prefect.{kind}.{identifier}", "prefect.resource.role": kind}
    if name is not None:
        labels["prefect.resource.name"] = name
    return labels | further if further else labels


def _related(work: UnitOfWork, run: Row) -> list[Labels]:
    """What else is involved: the flow, the task run that called it, the deployment, queue and pool, the tags."""
    related = [related_resource("flow", run["flow_id"], _flow_name(work, run["flow_id"]))]
    if run["parent_task_run_id"] is not None:
        related.append(_parent(work, run["parent_task_run_id"]))
    if run["deployment_id"] is not None:
        name = work.connection.execute(_DEPLOYMENT_NAME, {"deployment_id": run["deployment_id"]}).scalar()
        related.append(related_resource("deployment", run["deployment_id"], name))
    if run["work_queue_id"] is not None:
        related += _queue_and_pool(work, run["work_queue_id"])
    related += [related_resource("tag", tag, None) for tag in sorted(set(run["tags"]))]
    return related


def _flow_name(work: UnitOfWork, flow_id: UUID) -> str | None:
    name = _flow_names.get(flow_id)
    if name is None:
        name = work.connection.execute(_FLOW_NAME, {"flow_id": flow_id}).scalar()
        if name is not None:
            if len(_flow_names) >= _MOST_NAMES:
                _flow_names.clear()
            _flow_names[flow_id] = name
    return name


def _parent(work: UnitOfWork, task_run_id: UUID) -> Labels:
    """The task run that stands for a subflow in its parent. It may be recorded later than the subflow starts."""
    name = work.connection.execute(_TASK_RUN_NAME, {"task_run_id": task_run_id}).scalar()
    return related_resource("task-run", task_run_id, name)


def _queue_and_pool(work: UnitOfWork, work_queue_id: UUID) -> list[Labels]:
    row = work.connection.execute(_QUEUE_AND_POOL, {"work_queue_id": work_queue_id}).first()
    if row is None:
        return []
    queue_id, queue, pool_id, pool, kind = row
    typed = {"prefect.work-pool.type": kind}
    return [related_resource("work-queue", queue_id, queue), related_resource("work-pool", pool_id, pool, **typed)]
