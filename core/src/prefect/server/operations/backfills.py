"""Creates the runs that schedules would have had in a span of time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import Any
from uuid import UUID

from prefect._contract.due_dates import due_dates
from prefect._contract.responses.deployments import BackfillResponse
from prefect.server.operations.deployment_records import hold_deployment, schedules_of
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.scheduling import insert_runs_at, schedule_model
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.time import as_utc

__all__ = ["backfill_deployment"]

Row = dict[str, Any]


def backfill_deployment(
    work: UnitOfWork,
    id: UUID,
    start: datetime,
    end: datetime,
    schedule_id: UUID | None = None,
    limit: int | None = None,
) -> BackfillResponse:
    """
    Create the runs of a deployment's due times that have none, from `start` on and before `end`, also when it is paused.

    Only a bounded number of due times is looked at: ask again from `next` on. Asking twice has the effect of asking once.

    Raises:
        Refusal: The span is empty, or no schedule says what is due.
    """
    start, end = as_utc(start), as_utc(end)
    if start >= end:
        raise Refusal(422, f"The span from {start} to {end} is empty: its end must be after its start.")
    deployment = hold_deployment(work, id)
    schedules = _chosen(work, deployment, schedule_id)
    due = list(islice(_due(schedules, start, end), work.bounds.limit(limit) + 1))
    looked_at = due[: work.bounds.limit(limit)]
    created = 0
    for number, schedule in enumerate(schedules):
        dates = [date for date, of in looked_at if of == number]
        created += insert_runs_at(work, deployment, schedule, dates)
    left = due[len(looked_at) :]
    return BackfillResponse(created=created, existing=len(looked_at) - created, next=left[0][0] if left else None)


def _chosen(work: UnitOfWork, deployment: Row, schedule_id: UUID | None) -> list[Row]:
    every = schedules_of(work, [deployment["id"]])[deployment["id"]]
    if schedule_id is None:
        chosen = [row for row in every if row["active"]]
        if not chosen:
            raise Refusal(422, f"Deployment {deployment['name']!r} has no active schedule that could say what is due.")
        return chosen
    chosen = [row for row in every if row["id"] == schedule_id]
    if not chosen:
        raise not_found("schedule", id=schedule_id, deployment_id=deployment["id"])
    return chosen


def _due(schedules: list[Row], start: datetime, end: datetime) -> Iterator[tuple[datetime, int]]:
    """Due times in their order, each with the number of its schedule."""

    def of(number: int, schedule: Row) -> Iterator[tuple[datetime, int]]:
        dates = takewhile(lambda date: date < end, due_dates(schedule_model(schedule["schedule"]), start))
        return ((date, number) for date in dates)

    return heapq.merge(*(of(number, schedule) for number, schedule in enumerate(schedules)))
