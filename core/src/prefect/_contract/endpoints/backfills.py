"""Requests for the runs that schedules would have had in the past."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given
from prefect._contract.responses.deployments import BackfillResponse

__all__ = ["backfill_deployment"]


def backfill_deployment(
    deployment_id: UUID, start: datetime, end: datetime, schedule_id: UUID | None = None, limit: int | None = None
) -> Call[BackfillResponse]:
    """
    Create the runs of due times that have none, from `start` on and before `end`.

    Args:
        deployment_id: The deployment.
        start: From when on.
        end: Until when; a due time at this very moment is left out.
        schedule_id: Only those of this schedule; of all its active ones by default.
        limit: How many due times to look at, at most; the orchestrator's own bound by default.
    """
    body = given(start=start, end=end, schedule_id=schedule_id, limit=limit)
    return Call("POST", "/deployments/{id}/backfill", BackfillResponse, {"id": deployment_id}, body=body)
