"""The schedules of a deployment: from all the ways in which users may write them to what is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Union

from prefect._contract.actions.deployments import DeploymentScheduleCreate, DeploymentScheduleUpdate
from prefect._contract.schedules import SCHEDULE_TYPES, construct_schedule, is_schedule_type
from prefect.client.types.flexible_schedule_list import FlexibleScheduleList
from prefect.schedules import Schedule

__all__ = [
    "FlexibleScheduleList",
    "IntervalLike",
    "create_deployment_schedule_create",
    "normalize_to_deployment_schedule",
    "schedules_from",
]

IntervalLike = Union[int, float, timedelta]


def create_deployment_schedule_create(
    schedule: SCHEDULE_TYPES | Schedule, active: bool | None = True
) -> DeploymentScheduleCreate:
    """
    What is sent for a schedule.

    Args:
        schedule: The schedule.
        active: Whether runs are created; what users write says it itself.
    """
    if isinstance(schedule, Schedule):
        return DeploymentScheduleCreate.from_schedule(schedule)
    return DeploymentScheduleCreate(schedule=schedule, active=active is not False)


def normalize_to_deployment_schedule(schedules: FlexibleScheduleList | None) -> list[DeploymentScheduleCreate]:
    """
    What is sent for schedules.

    Args:
        schedules: As users write them, as they are sent, or as mappings.

    Raises:
        ValueError: One of them is something else.
    """
    return [_normalized(schedule) for schedule in schedules or ()]


def _normalized(schedule: Any) -> DeploymentScheduleCreate:
    if isinstance(schedule, DeploymentScheduleCreate):
        return schedule
    if isinstance(schedule, DeploymentScheduleUpdate):
        return DeploymentScheduleCreate.model_validate(schedule.model_dump(exclude_unset=True, exclude_none=True))
    if isinstance(schedule, Schedule) or is_schedule_type(schedule):
        return create_deployment_schedule_create(schedule)
    if isinstance(schedule, dict):
        if isinstance(schedule.get("schedule"), Schedule):
            written = DeploymentScheduleCreate.from_schedule(schedule["schedule"])
            others = {name: value for name, value in schedule.items() if name != "schedule"}
            return DeploymentScheduleCreate.model_validate({**written.model_dump(exclude_unset=True), **others})
        return DeploymentScheduleCreate.model_validate(schedule)
    raise ValueError(
        f"Invalid schedule: {schedule!r}. Give a schedule such as Cron('0 9 * * *') or Interval(3600), or a mapping with "
        "'schedule' and 'active'."
    )


def schedules_from(
    interval: Iterable[IntervalLike] | IntervalLike | None = None,
    cron: Iterable[str] | str | None = None,
    rrule: Iterable[str] | str | None = None,
    schedule: Schedule | None = None,
    schedules: FlexibleScheduleList | None = None,
) -> list[DeploymentScheduleCreate]:
    """
    The schedules that a user asks for in one of the ways.

    Raises:
        ValueError: They are asked for in several ways, or one of them is not valid.
    """
    ways = {"interval": interval, "cron": cron, "rrule": rrule, "schedule": schedule, "schedules": schedules}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise ValueError(
            "Only one of interval, cron, rrule, schedule, or schedules can be provided. Found: " + ", ".join(given)
        )
    if schedule is not None:
        return normalize_to_deployment_schedule([schedule])
    if schedules is not None:
        return normalize_to_deployment_schedule(schedules)
    return [
        DeploymentScheduleCreate(schedule=construct_schedule(**{kind: value}))
        for kind, values in (("interval", interval), ("cron", cron), ("rrule", rrule))
        for value in _each(values)
    ]


def _each(values: Any) -> Sequence[Any]:
    if values is None:
        return ()
    is_one = isinstance(values, (str, bytes)) or not isinstance(values, Iterable)
    return (values,) if is_one else tuple(values)
