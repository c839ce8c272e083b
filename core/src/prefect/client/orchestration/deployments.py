# `create_deployment` is longer than 60 lines: what it takes is fixed by the public contract, and is listed twice.
"""The clients' methods for deployments, their schedules and their runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints import deployments
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect._contract.actions.deployments import DeploymentScheduleCreate
    from prefect._contract.base import KeyValueLabels
    from prefect._contract.concurrency import ConcurrencyOptions
    from prefect._contract.deployments import DeploymentSchedule, VersionInfo
    from prefect._contract.objects import FlowRun
    from prefect._contract.responses.deployments import BackfillResponse, DeploymentResponse
    from prefect._contract.schedules import SCHEDULE_TYPES
    from prefect._contract.state import State

__all__ = ["DeploymentAsyncClient", "DeploymentClient"]


def create_deployment(
    flow_id: UUID,
    name: str,
    version: str | None = None,
    version_info: VersionInfo | None = None,
    schedules: list[DeploymentScheduleCreate] | None = None,
    concurrency_limit: int | None = None,
    concurrency_options: ConcurrencyOptions | None = None,
    parameters: dict[str, Any] | None = None,
    description: str | None = None,
    work_queue_name: str | None = None,
    work_pool_name: str | None = None,
    tags: list[str] | None = None,
    storage_document_id: UUID | None = None,
    path: str | None = None,
    entrypoint: str | None = None,
    infrastructure_document_id: UUID | None = None,
    parameter_openapi_schema: dict[str, Any] | None = None,
    paused: bool | None = None,
    pull_steps: list[dict[str, Any]] | None = None,
    enforce_parameter_schema: bool | None = None,
    job_variables: dict[str, Any] | None = None,
    branch: str | None = None,
    base: UUID | None = None,
    root: UUID | None = None,
) -> Steps[UUID]:
    """
    Create a deployment, or change the one of the same flow and name to what is asked for.

    Args:
        flow_id: The flow.
        name: Names the deployment among those of the flow.
        version: The version of its code.
        version_info: Which kind of version that is.
        schedules: When runs are due.
        concurrency_limit: How many of its runs there may be at the same time.
        concurrency_options: What becomes of a run for which no slot is free.
        parameters: What runs are called with, unless they say otherwise.
        description: What it is for.
        work_queue_name: The queue that its runs wait in. One that its work pool does not have is created.
        work_pool_name: The work pool of that queue.
        tags: Tags of the deployment and its runs.
        storage_document_id: The block document of where the code is.
        path: Where the code is, relative to that.
        entrypoint: Where the flow is in the code: `flows.py:greet`.
        infrastructure_document_id: The block document of where runs are executed.
        parameter_openapi_schema: What parameters are allowed, as a JSON schema.
        paused: Whether its schedules are paused. By default as it was.
        pull_steps: How the code is fetched.
        enforce_parameter_schema: Whether runs with other parameters are refused.
        job_variables: Overrides for the work pool's job template.
        branch: For orchestrators that keep branches of deployments: the branch.
        base: For those: the deployment that it is a branch of.
        root: For those: the deployment that the first branch was of.

    Returns:
        The id of the deployment.
    """
    from prefect._contract.actions.deployments import DeploymentCreate

    always = {
        "version": version,
        "schedules": schedules or [],
        "concurrency_limit": concurrency_limit,
        "concurrency_options": concurrency_options,
        "parameters": parameters or {},
        "description": description,
        "work_queue_name": work_queue_name,
        "tags": tags or [],
        "storage_document_id": storage_document_id,
        "path": path,
        "entrypoint": entrypoint,
        "infrastructure_document_id": infrastructure_document_id,
        "job_variables": job_variables or {},
    }
    unless_none = {
        "version_info": version_info,
        "work_pool_name": work_pool_name,
        "parameter_openapi_schema": parameter_openapi_schema,
        "paused": paused,
        "pull_steps": pull_steps,
        "enforce_parameter_schema": enforce_parameter_schema,
        "branch": branch,
        "base": base,
        "root": root,
    }
    given = {field: value for field, value in unless_none.items() if value is not None}
    request = DeploymentCreate(flow_id=flow_id, name=name, **always, **given)
    return (yield from ask(deployments.create_deployment(request))).id


def _as_id(deployment_id: UUID | str) -> UUID:
    """
    The id of a deployment.

    Raises:
        ValueError: It is none.
    """
    try:
        return deployment_id if isinstance(deployment_id, UUID) else UUID(deployment_id)
    except ValueError:
        raise ValueError(f"Invalid deployment ID: {deployment_id}. It must be a UUID.") from None


def read_deployment(deployment_id: UUID | str) -> Steps[DeploymentResponse]:
    """Read a deployment by id."""
    return (yield from ask(deployments.read_deployment(_as_id(deployment_id))))


def read_deployment_by_name(name: str) -> Steps[DeploymentResponse]:
    """
    Read a deployment by name.

    Args:
        name: The names of its flow and of itself: `greet/nightly`.

    Raises:
        ValueError: The name has not these two parts.
    """
    flow_name, slash, deployment_name = name.partition("/")
    if not slash or "/" in deployment_name:
        raise ValueError(f"Invalid deployment name format: {name}. Expected format: <FLOW_NAME>/<DEPLOYMENT_NAME>")
    return (yield from ask(deployments.read_deployment_by_name(flow_name, deployment_name)))


def _set_paused(deployment_id: UUID | str, paused: bool) -> Steps[None]:
    from prefect._contract.actions.deployments import DeploymentUpdate

    yield from ask(deployments.update_deployment(_as_id(deployment_id), DeploymentUpdate(paused=paused)))


def set_deployment_paused_state(deployment_id: UUID, paused: bool) -> Steps[None]:
    """Pause a deployment's schedules, or resume them: see `pause_deployment` and `resume_deployment`."""
    yield from _set_paused(deployment_id, paused)


def pause_deployment(deployment_id: UUID | str) -> Steps[None]:
    """Pause the schedules of a deployment; the runs that wait for them are deleted."""
    yield from _set_paused(deployment_id, paused=True)


def resume_deployment(deployment_id: UUID | str) -> Steps[None]:
    """Resume the schedules of a deployment."""
    yield from _set_paused(deployment_id, paused=False)


def create_deployment_schedules(
    deployment_id: UUID,
    schedules: list[tuple[SCHEDULE_TYPES, bool]] | list[DeploymentScheduleCreate],
    max_scheduled_runs: int | None = None,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
) -> Steps[list[DeploymentSchedule]]:
    """
    Add schedules to a deployment.

    Args:
        deployment_id: The deployment.
        schedules: The schedules; or pairs of when runs are due, and whether they are created.
        max_scheduled_runs: For pairs: how many runs of each may be waiting.
        parameters: For pairs: what the runs are called with, over the deployment's own parameters.
        slug: For a pair: names the schedule, so that deploying again finds it.
    """
    from prefect._contract.actions.deployments import DeploymentScheduleCreate

    asked: list[DeploymentScheduleCreate] = []
    each: Sequence[Any] = schedules
    for schedule in each:
        if isinstance(schedule, DeploymentScheduleCreate):
            asked.append(schedule)
            continue
        when, active = schedule
        asked.append(
            DeploymentScheduleCreate(
                schedule=when,
                active=active,
                max_scheduled_runs=max_scheduled_runs,
                parameters=parameters or {},
                slug=slug,
            )
        )
    return (yield from ask(deployments.create_deployment_schedules(deployment_id, asked)))


def update_deployment_schedule(
    deployment_id: UUID,
    schedule_id: UUID,
    active: bool | None = None,
    schedule: SCHEDULE_TYPES | None = None,
    max_scheduled_runs: int | None = None,
    parameters: dict[str, Any] | None = None,
    slug: str | None = None,
) -> Steps[None]:
    """
    Change a schedule of a deployment. What is None stays.

    Args:
        deployment_id: The deployment.
        schedule_id: The schedule.
        active: Whether runs are created.
        schedule: When they are due.
        max_scheduled_runs: How many of them may be waiting.
        parameters: What they are called with, over the deployment's own parameters.
        slug: Names the schedule, so that deploying again finds it.
    """
    from prefect._contract.actions.deployments import DeploymentScheduleUpdate

    fields = {
        "active": active,
        "schedule": schedule,
        "max_scheduled_runs": max_scheduled_runs,
        "parameters": parameters,
        "slug": slug,
    }
    request = DeploymentScheduleUpdate(**{name: value for name, value in fields.items() if value is not None})
    yield from ask(deployments.update_deployment_schedule(deployment_id, schedule_id, request))


def backfill_deployment(
    deployment_id: UUID, start: datetime, end: datetime, schedule_id: UUID | None = None
) -> Steps[BackfillResponse]:
    """
    Create the runs that schedules of a deployment would have had, for those due times that have none.

    Args:
        deployment_id: The deployment.
        start: From when on.
        end: Until when; a due time at this very moment is left out.
        schedule_id: Only those of this schedule; of all its active ones by default.

    Returns:
        How many were created, and how many due times had one before.
    """
    from prefect._contract.endpoints import backfills
    from prefect._contract.responses.deployments import BackfillResponse

    created = existing = 0
    going_on: datetime | None = start
    while going_on is not None:
        part = yield from ask(backfills.backfill_deployment(deployment_id, going_on, end, schedule_id))
        created, existing, going_on = created + part.created, existing + part.existing, part.next
    return BackfillResponse(created=created, existing=existing)


def create_flow_run_from_deployment(
    deployment_id: UUID,
    *,
    parameters: dict[str, Any] | None = None,
    context: dict[str, Any] | None = None,
    state: State[Any] | None = None,
    name: str | None = None,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    parent_task_run_id: UUID | None = None,
    work_queue_name: str | None = None,
    job_variables: dict[str, Any] | None = None,
    labels: KeyValueLabels | None = None,
) -> Steps[FlowRun]:
    """
    Create a run of a deployment, or find the one with its idempotency key.

    Args:
        deployment_id: The deployment.
        parameters: What the flow is called with, over the deployment's own parameters.
        context: Anything to be kept with the run.
        state: The state to begin in; Scheduled for now by default.
        name: The name of the run; a generated one by default.
        tags: Tags of the run, beside those of the deployment.
        idempotency_key: Names this request, so that repeating it creates no second run.
        parent_task_run_id: The task run that stands for this run, if it is a subflow's.
        work_queue_name: The queue that it waits in; by default the deployment's.
        job_variables: Overrides for the work pool's job template, over the deployment's own.
        labels: Labels of the run, beside those of the deployment.
    """
    from prefect._contract.actions.runs import DeploymentFlowRunCreate, as_state_create

    fields = {
        "state": None if state is None else as_state_create(state),
        "name": name,
        "idempotency_key": idempotency_key,
        "parent_task_run_id": parent_task_run_id,
        "work_queue_name": work_queue_name,
        "job_variables": job_variables,
    }
    request = DeploymentFlowRunCreate(
        parameters=parameters or {},
        context=context or {},
        tags=list(tags or ()),
        labels=labels or {},
        **{field: value for field, value in fields.items() if value is not None},
    )
    return (yield from ask(deployments.create_flow_run_from_deployment(deployment_id, request)))


class DeploymentClient:
    """Deployments."""

    transport: Transport
    create_deployment = blocking_steps(create_deployment)
    set_deployment_paused_state = blocking_steps(set_deployment_paused_state)
    pause_deployment = blocking_steps(pause_deployment)
    resume_deployment = blocking_steps(resume_deployment)
    update_deployment = blocking(deployments.update_deployment)
    read_deployment = blocking_steps(read_deployment)
    read_deployment_by_name = blocking_steps(read_deployment_by_name)
    read_deployments = blocking(deployments.read_deployments)
    delete_deployment = blocking(deployments.delete_deployment)
    create_deployment_schedules = blocking_steps(create_deployment_schedules)
    read_deployment_schedules = blocking(deployments.read_deployment_schedules)
    update_deployment_schedule = blocking_steps(update_deployment_schedule)
    backfill_deployment = blocking_steps(backfill_deployment)
    delete_deployment_schedule = blocking(deployments.delete_deployment_schedule)
    get_scheduled_flow_runs_for_deployments = blocking(deployments.get_scheduled_flow_runs_for_deployments)
    create_flow_run_from_deployment = blocking_steps(create_flow_run_from_deployment)


class DeploymentAsyncClient:
    """Deployments."""

    transport: Transport
    create_deployment = awaitable_steps(create_deployment)
    set_deployment_paused_state = awaitable_steps(set_deployment_paused_state)
    pause_deployment = awaitable_steps(pause_deployment)
    resume_deployment = awaitable_steps(resume_deployment)
    update_deployment = awaitable(deployments.update_deployment)
    read_deployment = awaitable_steps(read_deployment)
    read_deployment_by_name = awaitable_steps(read_deployment_by_name)
    read_deployments = awaitable(deployments.read_deployments)
    delete_deployment = awaitable(deployments.delete_deployment)
    create_deployment_schedules = awaitable_steps(create_deployment_schedules)
    read_deployment_schedules = awaitable(deployments.read_deployment_schedules)
    update_deployment_schedule = awaitable_steps(update_deployment_schedule)
    backfill_deployment = awaitable_steps(backfill_deployment)
    delete_deployment_schedule = awaitable(deployments.delete_deployment_schedule)
    get_scheduled_flow_runs_for_deployments = awaitable(deployments.get_scheduled_flow_runs_for_deployments)
    create_flow_run_from_deployment = awaitable_steps(create_flow_run_from_deployment)
