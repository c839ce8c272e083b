"""Why a flow run does not run: an addition to the public REST contract."""

from __future__ import annotations

from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.waiting import FlowRunExplanation

__all__ = ["explain_flow_run"]


def explain_flow_run(flow_run_id: UUID) -> Call[FlowRunExplanation]:
    """Say why a flow run does not run."""
    return Call("GET", "/flow_runs/{id}/why", FlowRunExplanation, {"id": flow_run_id})
