"""Deployments, their schedules, and the runs that are made of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select

from prefect._contract.deployments import DeploymentSchedule, DeploymentStatus
from prefect._contract.objects import CreatedBy, UpdatedBy
from prefect._contract.responses.deployments import DeploymentResponse
from prefect._contract.state import StateType
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.operations import deployment_schedules as schedules, pools
from prefect.server.operations.deployment_records import (
    find_deployment,
    hold_deployment,
    own_limit_name,
    responses,
    schedules_of,
)
from prefect.server.operations.deployment_runs import check_parameters, create_each_run, create_run, pool_of
from prefect.server.operations.hydration import HydrationError, hydrate_all
from prefect.server.operations.job_variables import check_job_variables
from prefect.server.operations.pages import pages
from prefect.server.operations.place_events import differences, tell_deployment
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.scheduling import forget_scheduled_runs, insert_runs_of, look_now
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from prefect._contract.actions.deployments import (
        DeploymentCreate,
        DeploymentScheduleCreate,
        DeploymentScheduleUpdate,
        DeploymentUpdate,
    )
    from prefect._contract.actions.runs import DeploymentFlowRunCreate
    from prefect._contract.filters.deployments import DeploymentFilter
    from prefect._contract.responses.deployments import DeploymentBulkDeleteResponse, DeploymentPaginationResponse
    from prefect._contract.responses.runs import FlowRunBulkCreateResponse, FlowRunResponse
    from prefect._contract.sorting import DeploymentSort
    from prefect._contract.work_pools import WorkQueue
    from prefect.server.operations.selections import DeploymentSelection

__all__ = [
    "bulk_create_flow_runs_from_deployment",
    "bulk_delete_deployments",
    "count_deployments",
    "create_deployment",
    "create_deployment_schedules",
    "create_flow_run_from_deployment",
    "delete_deployment",
    "delete_deployment_schedule",
    "get_scheduled_flow_runs_for_deployments",
    "paginate_deployments",
    "pause_deployment",
    "read_deployment",
    "read_deployment_by_name",
    "read_deployment_schedules",
    "read_deployments",
    "read_work_queues_of_deployment",
    "resume_deployment",
    "schedule_deployment",
    "update_deployment",
    "update_deployment_schedule",
]

Row = dict[str, Any]

_MOST_AT_ONCE = 100
"""How many runs can be created with one request."""

_MOST_DELETED_AT_ONCE = 50

_OPTIONAL = (
    "version",
    "version_info",
    "description",
    "path",
    "entrypoint",
    "storage_document_id",
    "infrastructure_document_id",
    "parameter_openapi_schema",
    "concurrency_options",
    "pull_steps",
)
"""Fields that may be set to nothing."""

_PAUSED_UNTIL_SERVED = "prefect.paused-until-served"
"""A label of deployments whose runner has ended: they are not paused because somebody wants them to be."""

_REQUIRED = ("tags", "parameters", "job_variables", "paused", "enforce_parameter_schema")
"""Fields that always have a value: None says nothing."""

_TOLD = (*_OPTIONAL, *_REQUIRED, "work_queue_name", "concurrency_limit_id")
"""What an event about a change tells of."""


# -- one deployment


def create_deployment(work: UnitOfWork, body: DeploymentCreate) -> DeploymentResponse:
    """Create a deployment, or change the one of the same flow and name to what is asked for."""
    _check_request(body)
    flow = records.read(work.connection, tables.flow, id=body.flow_id)
    if flow is None:
        raise Refusal(409, f"A deployment needs its flow, and there is none with id {body.flow_id}.")
    there = records.read(work.connection, tables.deployment, flow_id=body.flow_id, name=body.name)
    changes = _given(body) | {"parameters": body.parameters}
    changes["labels"] = {**(flow["labels"] or {}), "prefect.flow.id": str(flow["id"]), **body.labels}
    if there is None:
        row = _new_row(work, body) | changes
        records.create(work.connection, tables.deployment, row)
        work.created = True
    else:
        row = there
        forget_scheduled_runs(work, row["id"])
    if body.enforce_parameter_schema:  # nobody is held to what nobody asked for
        _check_parameters(work, row | changes, body, "Error creating deployment")
    changes |= _place(work, row, body) | _limit(work, row, body)
    if (row["labels"] or {}).get(_PAUSED_UNTIL_SERVED) and "paused" not in changes:
        changes["labels"][_PAUSED_UNTIL_SERVED] = True
    _revise(work, row, changes)
    schedules.declare_schedules(work, row["id"], body.schedules)
    look_now(work, row["id"])
    if there is None:
        tell_deployment(work, row | changes, "created")
    else:
        _tell_of_changes(work, row, changes)
    return _respond(work, row["id"])


def _tell_of_changes(work: UnitOfWork, row: Row, changes: Row) -> None:
    told = differences(row, changes, _TOLD)
    if told:
        tell_deployment(work, row | changes, "updated", told)


def _check_request(body: DeploymentCreate | DeploymentUpdate) -> None:
    if body.concurrency_limit is not None and body.global_concurrency_limit_id is not None:
        raise Refusal(422, "A deployment cannot have both a concurrency limit and a global concurrency limit.")
    if body.concurrency_limit == 0:
        raise Refusal(422, "The concurrency limit of a deployment must be greater than 0. Pause it to run nothing.")
    branched = [name for name in ("branch", "base", "root") if getattr(body, name, None) is not None]
    if branched:
        raise Refusal(422, f"Deployments have no branches here: leave {', '.join(branched)} out.")


def _given(body: DeploymentCreate | DeploymentUpdate) -> Row:
    """The columns that a request sets."""
    fields = body.model_fields_set
    values = {name: getattr(body, name) for name in (*_OPTIONAL, *_REQUIRED) if name in fields}
    return {name: value for name, value in values.items() if value is not None or name in _OPTIONAL}


def _new_row(work: UnitOfWork, body: DeploymentCreate) -> Row:
    author = CreatedBy(type="USER", display_value=work.actor) if work.actor else None
    return dict.fromkeys(records.keys_of(tables.deployment)) | {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "name": body.name,
        "flow_id": body.flow_id,
        "status": DeploymentStatus.NOT_READY.value,
        "paused": False,
        "tags": [],
        "job_variables": {},
        "pull_steps": [],
        "parameter_openapi_schema": {},
        "enforce_parameter_schema": True,
        "created_by": author,
    }


def _place(work: UnitOfWork, row: Row, body: DeploymentCreate | DeploymentUpdate) -> Row:
    """The queue that a request names, made if its pool does not have it. A deployment stays in its pool otherwise."""
    pool = pool_of(work, row)
    changes: Row = {}
    if body.work_pool_name is not None or body.work_queue_name is not None:
        pool, queue = pools.queue_of(work, body.work_pool_name, body.work_queue_name, pool=pool)
        changes = {"work_queue_id": queue["id"], "work_queue_name": queue["name"]}
    if pool is not None and body.job_variables and body.work_pool_name is not None:
        template = pool["base_job_template"]
        check_job_variables(template, body.job_variables, error="Error creating deployment")
    return changes


def _limit(work: UnitOfWork, row: Row, body: DeploymentCreate | DeploymentUpdate) -> Row:
    """The concurrency limit that a request asks for: one that others share, one of its own, or none."""
    from prefect.server.operations.global_concurrency_limits import new_limit

    fields = body.model_fields_set
    if not fields & {"concurrency_limit", "global_concurrency_limit_id"}:
        return {}
    table, name = tables.concurrency_limit, own_limit_name(row["id"])
    own = records.read(work.connection, table, name=name)
    if body.concurrency_limit is not None:
        if own is None:
            return {"concurrency_limit_id": new_limit(work, name, body.concurrency_limit).id}
        records.revise(work.connection, table, own["id"], limit=body.concurrency_limit, updated=work.now)
        return {"concurrency_limit_id": own["id"]}
    shared = body.global_concurrency_limit_id
    if shared is not None and records.read(work.connection, table, id=shared) is None:
        raise not_found("concurrency limit", id=shared)
    if own is not None:
        records.remove(work.connection, table, id=own["id"])
    return {"concurrency_limit_id": shared}


def _revise(work: UnitOfWork, row: Row, changes: Row) -> None:
    author = UpdatedBy(type="USER", display_value=work.actor) if work.actor else None
    changes |= {"updated": work.now, "updated_by": author}
    records.revise(work.connection, tables.deployment, row["id"], **changes)


def _respond(work: UnitOfWork, id: UUID) -> DeploymentResponse:
    (response,) = responses(work, [find_deployment(work, id)])
    return response


@read_only
def read_deployment(work: UnitOfWork, id: UUID) -> DeploymentResponse:
    """Read a deployment."""
    return _respond(work, id)


@read_only
def read_deployment_by_name(work: UnitOfWork, flow_name: str, deployment_name: str) -> DeploymentResponse:
    """Read a deployment by the name of its flow and its own."""
    deployment, flow = tables.deployment, tables.flow.c
    named = select(flow.id).where(flow.name == flow_name)
    statement = select(deployment).where(deployment.c.flow_id.in_(named), deployment.c.name == deployment_name)
    rows = records.read_all(work.connection, deployment, statement)
    if not rows:
        raise not_found("deployment", name=f"{flow_name}/{deployment_name}")
    return responses(work, rows)[0]


def update_deployment(work: UnitOfWork, id: UUID, body: DeploymentUpdate) -> None:
    """Change the fields of a deployment that were given. Its scheduled runs are inserted anew."""
    _check_request(body)
    row = find_deployment(work, id)
    changes = _given(body)
    _check_parameters(work, row | changes, body, "Error updating deployment")
    changes |= _place(work, row, body) | _limit(work, row, body)
    if "paused" in changes:
        changes["labels"] = _labels(row)
    _revise(work, row, changes)
    if body.schedules is not None:
        schedules.update_schedules(work, id, body.schedules)
    _tell_of_changes(work, row, changes)
    forget_scheduled_runs(work, id, late_ones=body.paused is True)


def _check_parameters(work: UnitOfWork, row: Row, body: DeploymentCreate | DeploymentUpdate, error: str) -> None:
    if body.parameters is None or "parameters" not in body.model_fields_set or not row["enforce_parameter_schema"]:
        return
    try:
        parameters = hydrate_all(work, body.parameters)
    except HydrationError as problem:
        raise Refusal(400, f"{error}: {problem}") from None
    check_parameters(row["parameter_openapi_schema"], parameters, error=error, complete=False)


def delete_deployment(work: UnitOfWork, id: UUID) -> None:
    """Delete a deployment, with its schedules and the runs that wait for their turn. Other runs stay."""
    _delete(work, [find_deployment(work, id)])


def bulk_delete_deployments(
    work: UnitOfWork, deployments: DeploymentFilter | None = None, limit: int = _MOST_DELETED_AT_ONCE
) -> DeploymentBulkDeleteResponse:
    """Delete the selected deployments, at most `limit` of them."""
    from prefect._contract.responses.deployments import DeploymentBulkDeleteResponse

    if not 1 <= limit <= _MOST_DELETED_AT_ONCE:
        raise Refusal(422, f"Invalid limit {limit}: must be between 1 and {_MOST_DELETED_AT_ONCE}.")
    table = tables.deployment
    selected = select(table).where(*filters.deployments_where(deployments=deployments)).order_by(table.c.id)
    found = records.read_all(work.connection, table, selected.limit(limit))
    _delete(work, found)
    return DeploymentBulkDeleteResponse(deleted=[row["id"] for row in found])


def _delete(work: UnitOfWork, rows: list[Row]) -> None:
    from prefect.server.operations.deletion import forget_deployments, forget_flow_runs

    ids = [row["id"] for row in rows]
    run = tables.flow_run.c
    waiting = run.deployment_id.in_(ids) & (run.state_type == StateType.SCHEDULED.value) & (run.run_count == 0)
    forget_flow_runs(work, waiting)
    work.connection.execute(delete(tables.flow_run).where(waiting))
    forget_deployments(work, rows)
    work.connection.execute(delete(tables.deployment).where(tables.deployment.c.id.in_(ids)))


def pause_deployment(work: UnitOfWork, id: UUID, until_served: bool = False) -> None:
    """
    Pause the schedules of a deployment; the runs that wait for them are deleted.

    With `until_served` this is for as long as nobody serves it, unless it is paused already.
    """
    row = find_deployment(work, id)
    if until_served and row["paused"]:
        return
    _pause(work, row, {"paused": True, "labels": _labels(row, until_served=until_served)})
    forget_scheduled_runs(work, id, late_ones=True)


def resume_deployment(work: UnitOfWork, id: UUID, if_until_served: bool = False) -> None:
    """Resume the schedules of a deployment; with `if_until_served` only if they are paused until it is served."""
    row = find_deployment(work, id)
    if if_until_served and not (row["labels"] or {}).get(_PAUSED_UNTIL_SERVED):
        return
    _pause(work, row, {"paused": False, "labels": _labels(row)})
    look_now(work, id)


def _labels(row: Row, *, until_served: bool = False) -> dict[str, Any]:
    """The labels of a deployment that somebody pauses or resumes."""
    kept = {name: value for name, value in (row["labels"] or {}).items() if name != _PAUSED_UNTIL_SERVED}
    return kept | ({_PAUSED_UNTIL_SERVED: True} if until_served else {})


def _pause(work: UnitOfWork, row: Row, changes: Row) -> None:
    _revise(work, row, changes)
    _tell_of_changes(work, row, changes)


@read_only
def read_work_queues_of_deployment(work: UnitOfWork, id: UUID) -> list[WorkQueue]:
    """List the work queues that would take a run of a deployment, by what they say of tags and deployments."""
    from prefect._contract.work_pools import QueueFilter, WorkQueue

    deployment = find_deployment(work, id)
    queue = tables.work_queue
    statement = select(queue).order_by(queue.c.created, queue.c.id)
    found = []
    for row in records.read_all(work.connection, queue, statement):
        chosen = QueueFilter.model_validate(row["filter"] or {})
        by_tags = not chosen.tags or set(chosen.tags) & set(deployment["tags"])
        if by_tags and (not chosen.deployment_ids or id in chosen.deployment_ids):
            found.append(WorkQueue.model_validate(row))
    return found


# -- many deployments


@read_only
def read_deployments(
    work: UnitOfWork,
    sort: DeploymentSort | None = None,
    limit: int | None = None,
    offset: int = 0,
    **selection: Unpack[DeploymentSelection],
) -> list[DeploymentResponse]:
    """List the selected deployments."""
    deployment = tables.deployment
    statement = select(deployment).where(*filters.deployments_where(**selection))
    name = "NAME_ASC" if sort is None else sort.value
    if name.startswith("CONCURRENCY_LIMIT"):
        table = tables.concurrency_limit
        statement = statement.outerjoin_from(deployment, table)
        size = table.c.limit.desc().nulls_last() if name.endswith("DESC") else table.c.limit.asc().nulls_first()
        statement = statement.order_by(size, deployment.c.id)
    else:
        statement = statement.order_by(*records.order(deployment, name))
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return responses(work, records.read_all(work.connection, deployment, page))


@read_only
def paginate_deployments(
    work: UnitOfWork,
    sort: DeploymentSort | None = None,
    limit: int | None = None,
    page: int = 1,
    **selection: Unpack[DeploymentSelection],
) -> DeploymentPaginationResponse:
    """List a page of the selected deployments."""
    from prefect._contract.responses.deployments import DeploymentPaginationResponse

    position = pages(work, limit, page, count_deployments(work, **selection))
    results = read_deployments(work, sort, position.limit, position.offset, **selection)
    return DeploymentPaginationResponse(results=results, **position.fields)


@read_only
def count_deployments(work: UnitOfWork, **selection: Unpack[DeploymentSelection]) -> int:
    """Count the selected deployments."""
    return records.count(work.connection, tables.deployment, filters.deployments_where(**selection))


# -- runs


def create_flow_run_from_deployment(work: UnitOfWork, id: UUID, body: DeploymentFlowRunCreate) -> FlowRunResponse:
    """Create a run of a deployment, or find the one with its idempotency key."""
    return create_run(work, find_deployment(work, id), body)


def bulk_create_flow_runs_from_deployment(
    work: UnitOfWork, id: UUID, body: list[DeploymentFlowRunCreate]
) -> FlowRunBulkCreateResponse:
    """Create several runs of a deployment, and tell of each what became of it."""
    from prefect._contract.responses.runs import FlowRunBulkCreateResponse

    if len(body) > _MOST_AT_ONCE:
        raise Refusal(400, f"Cannot create more than {_MOST_AT_ONCE} flow runs at once. These are {len(body)}.")
    results = create_each_run(work, find_deployment(work, id), body)
    work.created = False  # the answer is a list, and no record
    return FlowRunBulkCreateResponse(results=results)


def get_scheduled_flow_runs_for_deployments(
    work: UnitOfWork, deployment_ids: list[UUID], scheduled_before: datetime | None = None, limit: int | None = None
) -> list[FlowRunResponse]:
    """List the runs of some deployments that wait for their turn, for who runs them."""
    from prefect.server.operations.polling import next_of_deployments

    return next_of_deployments(work, deployment_ids, scheduled_before, limit)


def schedule_deployment(
    work: UnitOfWork,
    id: UUID,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    min_time: timedelta | None = None,
    min_runs: int | None = None,
    max_runs: int | None = None,
) -> None:
    """Create the runs that the schedules of a deployment ask for, also when it is paused."""
    from prefect.server.operations.scheduling import Limits

    usual = Limits()
    deployment = hold_deployment(work, id)
    insert_runs_of(
        work,
        deployment,
        [row for row in schedules_of(work, [id])[id] if row["active"]],
        start=_moment(start_time) or work.now,
        end=_moment(end_time),
        min_time=usual.min_time if min_time is None else min_time,
        min_runs=usual.min_runs if min_runs is None else min_runs,
        max_runs=usual.max_runs if max_runs is None else min(max_runs, usual.max_runs),
    )


def _moment(moment: datetime | None) -> datetime | None:
    """A moment whose time zone is known. One without is meant to be UTC."""
    from prefect.utilities.time import UTC

    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


# -- schedules


@read_only
def read_deployment_schedules(work: UnitOfWork, id: UUID) -> list[DeploymentSchedule]:
    """List the schedules of a deployment."""
    find_deployment(work, id)
    return [DeploymentSchedule.model_validate(row) for row in schedules_of(work, [id])[id]]


def create_deployment_schedules(
    work: UnitOfWork, id: UUID, body: list[DeploymentScheduleCreate]
) -> list[DeploymentSchedule]:
    """Add schedules to a deployment."""
    hold_deployment(work, id)
    rows = schedules.add_schedules(work, id, body)
    look_now(work, id)
    return [DeploymentSchedule.model_validate(row) for row in rows]


def _schedule(work: UnitOfWork, deployment_id: UUID, id: UUID) -> Row:
    hold_deployment(work, deployment_id)
    row = records.read(work.connection, tables.deployment_schedule, id=id, deployment_id=deployment_id)
    if row is None:
        raise not_found("schedule", id=id, deployment_id=deployment_id)
    return row


def update_deployment_schedule(work: UnitOfWork, id: UUID, schedule_id: UUID, body: DeploymentScheduleUpdate) -> None:
    """Change the fields of a schedule that were given. The runs that wait for it are inserted anew."""
    row = _schedule(work, id, schedule_id)
    by_slug = {other["slug"]: other for other in schedules_of(work, [id])[id]}
    schedules.change_schedule(work, row, body, by_slug)
    forget_scheduled_runs(work, id, schedule_id, late_ones=body.active is False)


def delete_deployment_schedule(work: UnitOfWork, id: UUID, schedule_id: UUID) -> None:
    """Delete a schedule of a deployment, with the runs that wait for it."""
    _schedule(work, id, schedule_id)
    forget_scheduled_runs(work, id, schedule_id, late_ones=True)
    records.remove(work.connection, tables.deployment_schedule, id=schedule_id)
