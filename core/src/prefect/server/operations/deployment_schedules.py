"""The schedules of a deployment: made, changed, and found again when it is deployed again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect._contract.actions.deployments import DeploymentScheduleCreate, DeploymentScheduleUpdate
from prefect._contract.schedules import SCHEDULE_TYPES, IntervalSchedule
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.deployment_records import schedules_of
from prefect.server.operations.refusals import Refusal, already_exists
from prefect.server.operations.scheduling import schedule_model
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7

__all__ = ["add_schedules", "change_schedule", "declare_schedules", "update_schedules"]

Row = dict[str, Any]


def add_schedules(
    work: UnitOfWork, deployment_id: UUID, asked: Sequence[DeploymentScheduleCreate], *, declared: bool = False
) -> list[Row]:
    """
    Give a deployment further schedules.

    Args:
        work: The transaction.
        deployment_id: The deployment.
        asked: The schedules.
        declared: Whether they come from deploying, and not from an operator.

    Raises:
        prefect.exceptions.ObjectAlreadyExists: It has a schedule with one of these slugs already.
    """
    taken = {row["slug"] for row in schedules_of(work, [deployment_id])[deployment_id]} - {None}
    rows = []
    for schedule in asked:
        _check(work, schedule)
        if schedule.slug in taken:
            raise already_exists("schedule", slug=schedule.slug, deployment_id=deployment_id)
        taken |= {schedule.slug} - {None}
        rows.append(_new(work, deployment_id, schedule, declared=declared))
    records.create(work.connection, tables.deployment_schedule, *rows)
    return rows


def _check(work: UnitOfWork, schedule: DeploymentScheduleCreate | DeploymentScheduleUpdate) -> None:
    most = work.bounds.scheduled_runs
    if schedule.max_scheduled_runs is not None and schedule.max_scheduled_runs > most:
        raise Refusal(422, f"`max_scheduled_runs` must be less than or equal to {most}.")


def _new(work: UnitOfWork, deployment_id: UUID, schedule: DeploymentScheduleCreate, *, declared: bool) -> Row:
    return {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "deployment_id": deployment_id,
        "schedule": schedule.schedule,
        "active": schedule.active,
        "max_scheduled_runs": schedule.max_scheduled_runs,
        "parameters": schedule.parameters,
        "slug": schedule.slug,
        "declared_active": schedule.active if declared else None,
        "insert_at": None,
        "catchup": schedule.catchup.value,
    }


def declare_schedules(work: UnitOfWork, deployment_id: UUID, asked: Sequence[DeploymentScheduleCreate]) -> None:
    """
    Let a deployment have these schedules, as it is deployed again.

    Those that it has already keep their ids: found by their slug, by the slug that they replace, or because they are due
    at the same times. One that an operator paused or resumed stays so, unless what is asked for changed since.
    """
    there = schedules_of(work, [deployment_id])[deployment_id]
    new = []
    for schedule in asked:
        _check(work, schedule)
        same = _same(there, schedule)
        if same is None:
            new.append(schedule)
            continue
        there.remove(same)
        undecided = same["declared_active"] in {None, schedule.active}
        changes = {
            "schedule": schedule.schedule,
            "max_scheduled_runs": schedule.max_scheduled_runs,
            "parameters": schedule.parameters,
            "slug": schedule.slug,
            "active": same["active"] if undecided else schedule.active,
            "declared_active": schedule.active,
            "catchup": schedule.catchup.value,
        }
        records.revise(work.connection, tables.deployment_schedule, same["id"], **changes, updated=work.now)
    for gone in there:
        records.remove(work.connection, tables.deployment_schedule, id=gone["id"])
    add_schedules(work, deployment_id, new, declared=True)


def _same(there: Sequence[Row], schedule: DeploymentScheduleCreate) -> Row | None:
    for slug in (schedule.slug, schedule.replaces):
        for row in there:
            if slug is not None and row["slug"] == slug:
                return row
    for row in there:
        nameless = row["slug"] is None or schedule.slug is None
        if nameless and _rhythm(schedule_model(row["schedule"])) == _rhythm(schedule.schedule):
            return row
    return None


def _rhythm(schedule: SCHEDULE_TYPES) -> SCHEDULE_TYPES:
    """A schedule without what it is counted from: that is the moment of its definition, unless something is said."""
    anchor = {"anchor_date": None}
    return schedule.model_copy(update=anchor) if isinstance(schedule, IntervalSchedule) else schedule


def update_schedules(work: UnitOfWork, deployment_id: UUID, asked: Sequence[DeploymentScheduleUpdate]) -> None:
    """
    Change the schedules of a deployment that are named by slugs, and add those that are not there; others stay.

    If one of those that are there has no slug, they are all replaced.

    Raises:
        Refusal: A schedule has no slug, and needs one; or a new one does not say when it is due.
    """
    if not asked:
        return
    there = schedules_of(work, [deployment_id])[deployment_id]
    if any(row["slug"] is None for row in there):
        for row in there:
            records.remove(work.connection, tables.deployment_schedule, id=row["id"])
        there = []
    elif there and any(schedule.slug is None for schedule in asked):
        raise Refusal(
            422, "Please provide a slug for each schedule in your request to ensure schedules are updated correctly."
        )
    by_slug = {row["slug"]: row for row in there}
    new = []
    for schedule in asked:
        same = by_slug.get(schedule.replaces or schedule.slug) or by_slug.get(schedule.slug)
        if same is None:
            new.append(_as_create(schedule))
        else:
            change_schedule(work, same, schedule, by_slug)
    add_schedules(work, deployment_id, new)


def _as_create(schedule: DeploymentScheduleUpdate) -> DeploymentScheduleCreate:
    if schedule.schedule is None:
        raise Refusal(422, "Unable to create new deployment schedules without a schedule configuration.")
    given = {name: getattr(schedule, name) for name in schedule.model_fields_set}
    return DeploymentScheduleCreate(**{name: value for name, value in given.items() if value is not None})


def change_schedule(
    work: UnitOfWork, row: Row, schedule: DeploymentScheduleUpdate, by_slug: dict[str | None, Row]
) -> None:
    """
    Change the fields of a schedule that were given.

    Args:
        work: The transaction.
        row: The schedule.
        schedule: The fields.
        by_slug: The schedules of its deployment.

    Raises:
        prefect.exceptions.ObjectAlreadyExists: Another schedule of the deployment has its new slug.
    """
    _check(work, schedule)
    slug = schedule.slug
    if slug is not None and slug != row["slug"] and slug in by_slug:
        raise already_exists("schedule", slug=slug, deployment_id=row["deployment_id"])
    changes = {name: getattr(schedule, name) for name in schedule.model_fields_set - {"replaces"}}
    required = {"schedule", "active", "parameters", "catchup"}
    changes = {name: value for name, value in changes.items() if value is not None or name not in required}
    records.revise(work.connection, tables.deployment_schedule, row["id"], **changes, updated=work.now)
