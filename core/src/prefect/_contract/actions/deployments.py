"""Requests that make or change deployments."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import Field

from prefect._contract.base import ActionBaseModel, LabelsOrNone
from prefect._contract.concurrency import ConcurrencyOptions
from prefect._contract.deployments import CatchUp, DeploymentBranchingOptions, VersionInfo
from prefect._contract.schedules import SCHEDULE_TYPES, CronSchedule, IntervalSchedule, NoSchedule, RRuleSchedule
from prefect.types import NonNegativeInteger, PositiveInteger
from prefect.types.names import NameOrEmpty

if TYPE_CHECKING:
    from typing_extensions import Self

    from prefect.schedules import Schedule

__all__ = [
    "DeploymentBranch",
    "DeploymentCreate",
    "DeploymentScheduleCreate",
    "DeploymentScheduleUpdate",
    "DeploymentUpdate",
    "NormalizedSchedule",
]


def _as_model(schedule: "Schedule") -> SCHEDULE_TYPES:
    zone = schedule.timezone
    if schedule.interval is not None:
        return IntervalSchedule(interval=schedule.interval, anchor_date=schedule.anchor_date, timezone=zone)
    if schedule.cron is not None:
        return CronSchedule(cron=schedule.cron, timezone=zone, day_or=schedule.day_or)
    if schedule.rrule is not None:
        return RRuleSchedule(rrule=schedule.rrule, timezone=zone or "UTC")
    return NoSchedule()


def _empty_schema() -> dict[str, Any]:
    return {"type": "object", "properties": {}}


NormalizedSchedule = SCHEDULE_TYPES
"""A schedule as it is sent: one of the kinds, without what users may write for short."""


class DeploymentScheduleCreate(ActionBaseModel):
    """
    Asks for a schedule of a deployment.

    Args:
        slug: Names the schedule, so that deploying again finds it.
        replaces: The slug under which it was known before.
        catchup: What becomes of the times at which it was due while no server looked.
    """

    schedule: SCHEDULE_TYPES
    active: bool = True
    max_scheduled_runs: PositiveInteger | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    replaces: str | None = None
    catchup: CatchUp = CatchUp.NONE

    @classmethod
    def from_schedule(cls, schedule: "Schedule") -> "Self":
        """Ask for a schedule as users write it: `Cron("0 9 * * *")`."""
        # Older servers refuse what they do not know, so what is usual is not said.
        unusual = {} if schedule.catchup == CatchUp.NONE.value else {"catchup": CatchUp(schedule.catchup)}
        return cls(
            schedule=_as_model(schedule),
            active=schedule.active,
            parameters=schedule.parameters,
            slug=schedule.slug,
            **unusual,
        )


class DeploymentScheduleUpdate(ActionBaseModel):
    """Changes a schedule of a deployment."""

    schedule: SCHEDULE_TYPES | None = None
    active: bool | None = None
    max_scheduled_runs: PositiveInteger | None = None
    parameters: dict[str, Any] | None = None
    slug: str | None = None
    replaces: str | None = None
    catchup: CatchUp | None = None


class DeploymentCreate(ActionBaseModel):
    """Asks for a deployment; one of the same flow and name is replaced."""

    name: NameOrEmpty
    flow_id: UUID
    paused: bool | None = None
    schedules: list[DeploymentScheduleCreate] = Field(default_factory=list)
    concurrency_limit: NonNegativeInteger | None = None
    concurrency_options: ConcurrencyOptions | None = None
    enforce_parameter_schema: bool | None = None
    parameter_openapi_schema: dict[str, Any] | None = Field(default_factory=_empty_schema)
    parameters: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    labels: LabelsOrNone = Field(default_factory=dict)
    pull_steps: list[dict[str, Any]] | None = None
    work_queue_name: str | None = None
    work_pool_name: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    description: str | None = None
    path: str | None = None
    entrypoint: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    version: str | None = None
    version_info: VersionInfo | None = None
    branch: str | None = None
    base: UUID | None = None
    root: UUID | None = None
    global_concurrency_limit_id: UUID | None = None


class DeploymentUpdate(ActionBaseModel):
    """Changes a deployment."""

    version: str | None = None
    version_info: VersionInfo | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    paused: bool | None = None
    schedules: list[DeploymentScheduleUpdate] | None = None
    concurrency_limit: NonNegativeInteger | None = None
    concurrency_options: ConcurrencyOptions | None = None
    tags: list[str] = Field(default_factory=list)
    work_queue_name: str | None = None
    work_pool_name: str | None = None
    path: str | None = None
    job_variables: dict[str, Any] | None = Field(default_factory=dict)
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    enforce_parameter_schema: bool | None = None
    parameter_openapi_schema: dict[str, Any] | None = Field(default_factory=_empty_schema)
    pull_steps: list[dict[str, Any]] | None = None
    global_concurrency_limit_id: UUID | None = None


class DeploymentBranch(ActionBaseModel):
    """Asks for a branch of a deployment."""

    branch: str
    options: DeploymentBranchingOptions = Field(default_factory=DeploymentBranchingOptions)
    overrides: DeploymentUpdate | None = None
