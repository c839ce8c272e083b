"""Flow runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select

from prefect._contract.actions.runs import StateCreate
from prefect._contract.objects import FlowRun
from prefect._contract.state import StateType
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.database.queries.runs import FLOW_RUNS, lateness, list_runs, read_run
from prefect.server.operations.pages import pages
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.remainders import end_task_runs
from prefect.server.operations.stand_ins import follow
from prefect.server.operations.transitions import begin, make_state, propose_for_flow_run
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7
from prefect.utilities.names import generate_slug

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from prefect._contract.actions.runs import FlowRunCreate, FlowRunUpdate
    from prefect._contract.base import KeyValueLabels
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.work_pools import WorkQueueFilter
    from prefect._contract.liveness import LeaseRequest
    from prefect._contract.responses.graph import DependencyResult, Graph
    from prefect._contract.responses.orchestration import FlowRunBulkSetStateResponse, OrchestrationResult
    from prefect._contract.responses.runs import (
        FlowRunBulkDeleteResponse,
        FlowRunPaginationResponse,
        HistoryResponse,
    )
    from prefect._contract.sorting import FlowRunSort
    from prefect.server.operations.selections import FlowRunSelection, FlowSelection

__all__ = [
    "average_flow_run_lateness",
    "bulk_delete_flow_runs",
    "bulk_set_flow_run_state",
    "count_flow_runs",
    "create_flow_run",
    "delete_flow_run",
    "download_flow_run_logs",
    "flow_run_history",
    "paginate_flow_runs",
    "read_flow_run",
    "read_flow_run_dependencies",
    "read_flow_run_graph",
    "read_flow_runs",
    "resume_flow_run",
    "set_flow_run_state",
    "update_flow_run",
    "update_flow_run_labels",
]

Row = dict[str, Any]

_NOTHING = timedelta(0)


def _read(work: UnitOfWork, id: UUID) -> Row:
    row = read_run(work.connection, FLOW_RUNS, id, work.now)
    if row is None:
        raise not_found("flow run", id=id)
    return row


def create_flow_run(work: UnitOfWork, body: FlowRunCreate) -> FlowRun:
    """Create a flow run, Pending unless a state is given, or find the one with its idempotency key."""
    work.bounds.check_parameters(body.parameters)
    flow = records.read(work.connection, tables.flow, id=body.flow_id)
    if flow is None:
        raise Refusal(409, f"A run needs its flow, and there is none with id {body.flow_id}.")
    if body.idempotency_key is not None:
        key = {"flow_id": body.flow_id, "idempotency_key": body.idempotency_key}
        existing = records.read(work.connection, tables.flow_run, **key)
        if existing is not None:
            return FlowRun.model_validate(_read(work, existing["id"]))
    run = _new_row(work, body, flow)
    pool: Row = {}
    if body.work_pool_name is not None:
        pool = _wait_in(work, run, body.work_pool_name, body.work_queue_name)
    if body.deployment_id is not None:
        _label_deployment(work, run)
    state = make_state(work, body.state or StateCreate(type=StateType.PENDING), flow_run_id=run["id"])
    begin(work, FLOW_RUNS, run, state)
    work.created = True
    return FlowRun.model_validate(run | pool)


def _wait_in(work: UnitOfWork, run: Row, pool_name: str, queue_name: str | None) -> Row:
    """Let a run wait in a queue of a work pool, by default in the pool's default queue; answer with what names the pool."""
    from prefect.server.operations import pools

    pool = pools.read_pool(work, pool_name)
    if queue_name is None:
        queue = pools.default_queue(work, pool)
    else:
        queue = pools.read_queue(work, pool, queue_name)
    run |= {"work_queue_id": queue["id"], "work_queue_name": queue["name"]}
    return {"work_pool_id": pool["id"], "work_pool_name": pool["name"]}


def _label_deployment(work: UnitOfWork, run: Row) -> None:
    """Let a run have the label that names its deployment, if there is one."""
    if records.read(work.connection, tables.deployment, id=run["deployment_id"]) is not None:
        run["labels"] = {"prefect.deployment.id": str(run["deployment_id"]), **run["labels"]}


def _new_row(work: UnitOfWork, body: FlowRunCreate, flow: Row) -> Row:
    identifier = uuid7()
    run = dict.fromkeys(records.keys_of(tables.flow_run))
    run |= {
        name: getattr(body, name)
        for name in (
            "flow_id",
            "deployment_id",
            "flow_version",
            "parameters",
            "context",
            "parent_task_run_id",
            "infrastructure_document_id",
            "empirical_policy",
            "tags",
            "idempotency_key",
            "work_queue_name",
        )
    }
    return run | {
        "id": identifier,
        "created": work.now,
        "updated": work.now,
        "name": body.name or generate_slug(2),
        "labels": {**(flow["labels"] or {}), "prefect.flow.id": str(body.flow_id), **body.labels},
        "job_variables": body.job_variables or {},
        "run_count": 0,
        "total_run_time": _NOTHING,
        "auto_scheduled": False,
    }


@read_only
def read_flow_run(work: UnitOfWork, id: UUID) -> FlowRun:
    """Read a flow run."""
    return FlowRun.model_validate(_read(work, id))


def update_flow_run(work: UnitOfWork, id: UUID, body: FlowRunUpdate) -> None:
    """Change the fields of a flow run that were given."""
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    changes = {name: value for name, value in changes.items() if value is not None}
    if not records.revise(work.connection, tables.flow_run, id, **changes, updated=work.now):
        raise not_found("flow run", id=id)


def update_flow_run_labels(work: UnitOfWork, id: UUID, body: KeyValueLabels) -> None:
    """Add labels to a flow run; those with the same key are replaced."""
    labels = _read(work, id)["labels"] or {}
    records.revise(work.connection, tables.flow_run, id, labels={**labels, **body}, updated=work.now)


def delete_flow_run(work: UnitOfWork, id: UUID) -> None:
    """Delete a flow run, with its task runs, states, inputs and logs. Its artifacts stay."""
    from prefect.server.operations.deletion import forget_flow_runs

    forget_flow_runs(work, tables.flow_run.c.id == id)
    if not records.remove(work.connection, tables.flow_run, id=id):
        raise not_found("flow run", id=id)


def _select(work: UnitOfWork, chosen: FlowRunFilter | None, limit: int | None) -> list[UUID]:
    run = tables.flow_run
    statement = select(run.c.id).where(*filters.flow_runs_where(None, chosen)).order_by(run.c.id)
    return list(work.connection.execute(statement.limit(work.bounds.limit(limit))).scalars())


def bulk_delete_flow_runs(
    work: UnitOfWork, flow_runs: FlowRunFilter | None = None, limit: int | None = 50
) -> FlowRunBulkDeleteResponse:
    """Delete the selected flow runs, at most `limit` of them."""
    from prefect._contract.responses.runs import FlowRunBulkDeleteResponse
    from prefect.server.operations.deletion import forget_flow_runs

    found = _select(work, flow_runs, limit)
    forget_flow_runs(work, tables.flow_run.c.id.in_(found))
    work.connection.execute(delete(tables.flow_run).where(tables.flow_run.c.id.in_(found)))
    return FlowRunBulkDeleteResponse(deleted=found)


def set_flow_run_state(
    work: UnitOfWork, id: UUID, state: StateCreate, force: bool = False, lease: LeaseRequest | None = None
) -> OrchestrationResult[Any]:
    """Propose a state for a flow run; the lease that is shown is stored if the run is to be worked at."""
    answer, work.created = _propose(work, id, state, force, lease)
    return answer


def _propose(
    work: UnitOfWork, id: UUID, state: StateCreate, force: bool, lease: LeaseRequest | None = None
) -> tuple[OrchestrationResult[Any], bool]:
    """What becomes of a proposal, and whether the run has entered a state by it."""
    run = _read(work, id)
    before = run["state_id"]
    answer = propose_for_flow_run(work, run, make_state(work, state, flow_run_id=id), force=force, lease=lease)
    has_moved = run["state_id"] != before
    if has_moved:
        follow(work, run)
        if lease is not None and state.type in (StateType.CRASHED, StateType.CANCELLED):
            end_task_runs(work, id, state.type, state.message)  # whoever executed it has ended
    return answer, has_moved


def bulk_set_flow_run_state(
    work: UnitOfWork,
    state: StateCreate,
    flow_runs: FlowRunFilter | None = None,
    force: bool = False,
    limit: int | None = 50,
) -> FlowRunBulkSetStateResponse:
    """Propose a state for the selected flow runs, at most `limit` of them."""
    from prefect._contract.responses.orchestration import FlowRunBulkSetStateResponse, FlowRunOrchestrationResult

    results = []
    for id in _select(work, flow_runs, limit):
        answer, _ = _propose(work, id, state, force)
        results.append(
            FlowRunOrchestrationResult(flow_run_id=id, status=answer.status, state=answer.state, details=answer.details)
        )
    return FlowRunBulkSetStateResponse(results=results)


def resume_flow_run(work: UnitOfWork, id: UUID, run_input: Row | None = None) -> OrchestrationResult[Any]:
    """Resume a paused flow run, with the values of the input that it waits for."""
    from prefect.server.operations.resumption import resume

    run = _read(work, id)
    before = run["state_id"]
    answer = resume(work, run, run_input)
    work.created = run["state_id"] != before
    return answer


@read_only
def read_flow_runs(
    work: UnitOfWork,
    sort: FlowRunSort | None = None,
    limit: int | None = None,
    offset: int = 0,
    **selection: Unpack[FlowRunSelection],
) -> list[FlowRun]:
    """List the selected flow runs."""
    rows = list_runs(
        work.connection,
        FLOW_RUNS,
        filters.flow_runs_where(**selection),
        sort="ID_DESC" if sort is None else sort.value,
        limit=work.bounds.limit(limit),
        offset=work.bounds.offset(offset),
        now=work.now,
    )
    return [FlowRun.model_validate(row) for row in rows]


@read_only
def paginate_flow_runs(
    work: UnitOfWork,
    sort: FlowRunSort | None = None,
    limit: int | None = None,
    page: int = 1,
    **selection: Unpack[FlowRunSelection],
) -> FlowRunPaginationResponse:
    """List a page of the selected flow runs."""
    from prefect._contract.responses.runs import FlowRunPaginationResponse

    position = pages(work, limit, page, count_flow_runs(work, **selection))
    results = read_flow_runs(work, sort, position.limit, position.offset, **selection)
    return FlowRunPaginationResponse(results=results, **position.fields)


@read_only
def count_flow_runs(work: UnitOfWork, **selection: Unpack[FlowRunSelection]) -> int:
    """Count the selected flow runs."""
    return records.count(work.connection, tables.flow_run, filters.flow_runs_where(**selection))


@read_only
def average_flow_run_lateness(work: UnitOfWork, **selection: Unpack[FlowRunSelection]) -> float | None:
    """How late the selected flow runs started on average, in seconds; None when none is selected."""
    return lateness(work.connection, FLOW_RUNS, filters.flow_runs_where(**selection), work.now)


@read_only
def flow_run_history(
    work: UnitOfWork,
    history_start: datetime,
    history_end: datetime,
    history_interval_seconds: timedelta | float,
    work_queues: WorkQueueFilter | None = None,
    **selection: Unpack[FlowSelection],
) -> list[HistoryResponse]:
    """Count the selected flow runs by state, interval by interval."""
    from prefect.server.operations.histories import read_history

    conditions = filters.flow_runs_where(**selection, work_pool_queues=work_queues)
    return read_history(work, FLOW_RUNS, conditions, history_start, history_end, history_interval_seconds)


@read_only
def read_flow_run_graph(work: UnitOfWork, id: UUID, since: datetime | None = None) -> Graph:
    """Read the graph of a flow run."""
    from prefect.server.operations.graphs import read_graph

    return read_graph(work, _read(work, id), since)


@read_only
def read_flow_run_dependencies(work: UnitOfWork, id: UUID) -> list[DependencyResult]:
    """Read the task runs of a flow run, each with those whose results it was given."""
    from prefect.server.operations.graphs import read_dependencies

    return read_dependencies(work, _read(work, id))


@read_only
def download_flow_run_logs(work: UnitOfWork, id: UUID) -> str:
    """Read the logs of a flow run as comma-separated values."""
    from prefect.server.operations.log_files import logs_as_csv

    _read(work, id)
    return logs_as_csv(work, id)
