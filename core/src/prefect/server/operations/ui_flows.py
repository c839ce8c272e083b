"""What a user interface shows beside flows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, select

from prefect._contract.state import StateType
from prefect.server.database import tables
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.work import UnitOfWork, read_only

if TYPE_CHECKING:
    from prefect._contract.responses.runs import SimpleNextFlowRun

__all__ = ["count_deployments_by_flow", "read_next_runs_by_flow"]


def _asked_for(work: UnitOfWork, flow_ids: list[UUID]) -> list[UUID]:
    if len(flow_ids) > work.bounds.page:
        raise Refusal(422, f"These are {len(flow_ids)} flows. At most {work.bounds.page} can be asked for at once.")
    return flow_ids


@read_only
def count_deployments_by_flow(work: UnitOfWork, flow_ids: list[UUID]) -> dict[UUID, int]:
    """Count the deployments of each of these flows."""
    deployment = tables.deployment.c
    chosen = deployment.flow_id.in_(_asked_for(work, flow_ids))
    statement = select(deployment.flow_id, func.count()).where(chosen).group_by(deployment.flow_id)
    counts: dict[UUID, int] = {row[0]: row[1] for row in work.connection.execute(statement)}
    return {flow_id: counts.get(flow_id, 0) for flow_id in flow_ids}


@read_only
def read_next_runs_by_flow(work: UnitOfWork, flow_ids: list[UUID]) -> dict[UUID, SimpleNextFlowRun | None]:
    """Read the run of each of these flows that is due next, or is overdue."""
    from prefect._contract.responses.runs import SimpleNextFlowRun

    run = tables.flow_run.c
    columns = (run.id, run.flow_id, run.name, run.state_name, run.state_type, run.next_scheduled_start_time)
    found: dict[UUID, SimpleNextFlowRun | None] = {}
    for flow_id in _asked_for(work, flow_ids):
        waiting = (run.flow_id == flow_id, run.state_type == StateType.SCHEDULED.value)
        statement = select(*columns).where(*waiting, run.next_scheduled_start_time.is_not(None))
        row = work.connection.execute(statement.order_by(run.next_scheduled_start_time, run.id).limit(1)).first()
        found[flow_id] = None if row is None else SimpleNextFlowRun.model_validate(dict(row._mapping))
    return found
