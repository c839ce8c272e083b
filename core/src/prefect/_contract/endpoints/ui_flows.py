"""What a user interface asks for beside flows."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.call import Call

if TYPE_CHECKING:
    from prefect._contract.responses.runs import SimpleNextFlowRun

__all__ = ["count_deployments_by_flow", "read_next_runs_by_flow"]


def count_deployments_by_flow(flow_ids: list[UUID]) -> Call[dict[UUID, int]]:
    """Count the deployments of each of these flows."""
    return Call("POST", "/ui/flows/count-deployments", dict[UUID, int], body={"flow_ids": flow_ids})


def read_next_runs_by_flow(flow_ids: list[UUID]) -> Call[dict[UUID, SimpleNextFlowRun | None]]:
    """Read the next scheduled run of each of these flows."""
    from prefect._contract.responses.runs import SimpleNextFlowRun

    return Call("POST", "/ui/flows/next-runs", dict[UUID, SimpleNextFlowRun | None], body={"flow_ids": flow_ids})
