"""Runs of deployments, as they are asked for one by one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prefect._contract.actions.runs import StateCreate
from prefect._contract.objects import CreatedBy
from prefect._contract.responses.runs import FlowRunCreateResult, FlowRunResponse
from prefect._contract.retry_labels import retries_of_labels
from prefect._contract.state import StateDetails, StateType
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.database.queries.runs import FLOW_RUNS, read_run
from prefect.server.operations import pools
from prefect.server.operations.hydration import HydrationError, hydrate_all
from prefect.server.operations.job_variables import check_job_variables
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.schema_flaws import UnusableSchemaError, find_flaws
from prefect.server.operations.transitions import begin, make_state
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7
from prefect.utilities.names import generate_slug

if TYPE_CHECKING:
    from prefect._contract.actions.runs import DeploymentFlowRunCreate

__all__ = ["check_parameters", "create_each_run", "create_run", "flow_labels", "pool_of"]

Row = dict[str, Any]

_NOTHING = timedelta(0)


def create_run(work: UnitOfWork, deployment: Row, asked: DeploymentFlowRunCreate) -> FlowRunResponse:
    """
    Create a run of a deployment, or find the one with its idempotency key.

    Raises:
        Refusal: The parameters or the job variables are not what the deployment and its work pool ask for.
    """
    parameters = _parameters(work, deployment, asked)
    pool = pool_of(work, deployment)
    if pool is not None:
        template, error = pool["base_job_template"], "Error creating flow run"
        check_job_variables(template, deployment["job_variables"], asked.job_variables, error=error, complete=True)
    if asked.idempotency_key is not None:
        key = {"flow_id": deployment["flow_id"], "idempotency_key": asked.idempotency_key}
        existing = records.read(work.connection, tables.flow_run, **key)
        if existing is not None:
            return FlowRunResponse.model_validate(read_run(work.connection, FLOW_RUNS, existing["id"], work.now))
    run = _new_run(work, deployment, asked, parameters) | _waits_in(work, deployment, pool, asked)
    now = StateDetails(scheduled_time=work.now)
    first = asked.state or StateCreate(type=StateType.SCHEDULED, state_details=now)
    begin(work, FLOW_RUNS, run, make_state(work, first, flow_run_id=run["id"]))
    work.created = True
    return FlowRunResponse.model_validate(read_run(work.connection, FLOW_RUNS, run["id"], work.now))


def create_each_run(
    work: UnitOfWork, deployment: Row, asked: list[DeploymentFlowRunCreate]
) -> list[FlowRunCreateResult]:
    """Create runs of a deployment, and tell of each what became of it."""
    results = []
    for one in asked:
        try:
            run = create_run(work, deployment, one)
        except Refusal as refusal:
            results.append(FlowRunCreateResult(flow_run_id=None, status="FAILED", error=refusal.detail))
        else:
            results.append(FlowRunCreateResult(flow_run_id=run.id, status="CREATED"))
    return results


def pool_of(work: UnitOfWork, deployment: Row) -> Row | None:
    """The work pool that a deployment's runs wait in; None if it names none, or that is gone."""
    if deployment["work_queue_id"] is None:
        return None
    queue = records.read(work.connection, tables.work_queue, id=deployment["work_queue_id"])
    return None if queue is None else records.read(work.connection, tables.work_pool, id=queue["work_pool_id"])


def flow_labels(work: UnitOfWork, deployment: Row) -> dict[str, Any]:
    """The labels that runs of a deployment have, unless they say otherwise."""
    flow = records.read(work.connection, tables.flow, id=deployment["flow_id"]) or {"labels": {}}
    own = {"prefect.flow.id": str(deployment["flow_id"]), "prefect.deployment.id": str(deployment["id"])}
    return {**(flow["labels"] or {}), **(deployment["labels"] or {}), **own}


def _parameters(work: UnitOfWork, deployment: Row, asked: DeploymentFlowRunCreate) -> dict[str, Any]:
    try:
        parameters = hydrate_all(work, {**deployment["parameters"], **asked.parameters})
    except HydrationError as error:
        raise Refusal(400, f"Error hydrating flow run parameters: {error}") from None
    work.bounds.check_parameters(parameters)
    enforced = asked.enforce_parameter_schema
    if deployment["enforce_parameter_schema"] if enforced is None else enforced:
        check_parameters(deployment["parameter_openapi_schema"], parameters, error="Error creating flow run")
    return parameters


def check_parameters(
    schema: dict[str, Any] | None, parameters: Mapping[str, Any], *, error: str, complete: bool = True
) -> None:
    """
    Refuse parameters that are not what a schema asks for.

    Args:
        schema: The schema; empty if it asks for nothing.
        parameters: The parameters.
        error: What went wrong, for the message.
        complete: Whether those that must have a value need one now.

    Raises:
        Refusal: One of them is not.
    """
    if not schema:
        return
    try:
        flaw = next(find_flaws(dict(parameters), schema if complete else {**schema, "required": []}), None)
    except UnusableSchemaError as unusable:
        raise Refusal(409, f"{error}: Validation failed. Failure reason: {unusable}") from None
    if flaw is not None:
        raise Refusal(409, f"{error}: {flaw}")


def _waits_in(work: UnitOfWork, deployment: Row, pool: Row | None, asked: DeploymentFlowRunCreate) -> Row:
    if asked.work_queue_name is not None:
        _, queue = pools.queue_of(work, None, asked.work_queue_name, pool=pool)
        return {"work_queue_id": queue["id"], "work_queue_name": queue["name"]}
    return {name: deployment[name] for name in ("work_queue_id", "work_queue_name")}


def _new_run(work: UnitOfWork, deployment: Row, asked: DeploymentFlowRunCreate, parameters: dict[str, Any]) -> Row:
    given = ("context", "empirical_policy", "idempotency_key", "parent_task_run_id", "infrastructure_document_id")
    run = dict.fromkeys(records.keys_of(tables.flow_run)) | {name: getattr(asked, name) for name in given}
    if run["infrastructure_document_id"] is None:
        run["infrastructure_document_id"] = deployment["infrastructure_document_id"]
    if asked.empirical_policy.retries is None:
        retries = retries_of_labels(deployment["labels"])
        run["empirical_policy"] = asked.empirical_policy.model_copy(update=retries)
    return run | {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "name": asked.name or generate_slug(2),
        "flow_id": deployment["flow_id"],
        "deployment_id": deployment["id"],
        "deployment_version": deployment["version"],
        "parameters": parameters,
        "tags": list(dict.fromkeys([*asked.tags, *deployment["tags"]])),
        "labels": {**flow_labels(work, deployment), **asked.labels},
        "job_variables": asked.job_variables or {},
        "created_by": CreatedBy(type="USER", display_value=work.actor) if work.actor else None,
        "auto_scheduled": False,
        "run_count": 0,
        "total_run_time": _NOTHING,
    }
