"""Task runs. How their states are recorded by the process that runs them is in `recording`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.actions.runs import StateCreate
from prefect._contract.objects import TaskRun
from prefect._contract.state import StateType
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.database.queries.runs import TASK_RUNS, list_runs, read_run
from prefect.server.operations.pages import pages
from prefect.server.operations.refusals import not_found
from prefect.server.operations.transitions import begin, make_state, propose_for_task_run
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7
from prefect.utilities.names import generate_slug

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from prefect._contract.actions.runs import TaskRunCreate, TaskRunUpdate
    from prefect._contract.responses.orchestration import OrchestrationResult
    from prefect._contract.responses.runs import HistoryResponse, TaskRunPaginationResponse
    from prefect._contract.sorting import TaskRunSort
    from prefect.server.operations.selections import TaskRunSelection

__all__ = [
    "count_task_runs",
    "create_task_run",
    "delete_task_run",
    "paginate_task_runs",
    "read_task_run",
    "read_task_runs",
    "set_task_run_name",
    "set_task_run_state",
    "task_run_history",
]

Row = dict[str, Any]

_COPIED = (
    "flow_run_id",
    "task_key",
    "dynamic_key",
    "cache_key",
    "cache_expiration",
    "task_version",
    "empirical_policy",
    "tags",
    "task_inputs",
)
_NOTHING = timedelta(0)


def _read(work: UnitOfWork, id: UUID) -> Row:
    row = read_run(work.connection, TASK_RUNS, id, work.now)
    if row is None:
        raise not_found("task run", id=id)
    return row


def create_task_run(work: UnitOfWork, body: TaskRunCreate) -> TaskRun:
    """Create a task run, Pending unless a state is given, or find the one of its flow run, task and dynamic key."""
    existing = _existing(work, body)
    if existing is not None:
        return TaskRun.model_validate(_read(work, existing["id"]))
    labels: Row = {}
    if body.flow_run_id is not None:
        owner = records.read(work.connection, tables.flow_run, id=body.flow_run_id)
        if owner is None:
            raise not_found("flow run", id=body.flow_run_id)
        labels = {**(owner["labels"] or {}), "prefect.flow-run.id": str(body.flow_run_id)}
    identifier = body.id or uuid7()
    run: Row = dict.fromkeys(records.keys_of(tables.task_run))
    run |= {name: getattr(body, name) for name in _COPIED}
    run |= {
        "id": identifier,
        "created": work.now,
        "updated": work.now,
        "name": body.name or generate_slug(2),
        "labels": {**labels, **body.labels},
        "run_count": 0,
        "flow_run_run_count": 0,
        "total_run_time": _NOTHING,
    }
    ids = {"task_run_id": identifier, "flow_run_id": body.flow_run_id}
    state = make_state(work, body.state or StateCreate(type=StateType.PENDING), **ids)
    begin(work, TASK_RUNS, run, state)
    work.created = True
    return TaskRun.model_validate(run)


def _existing(work: UnitOfWork, body: TaskRunCreate) -> Row | None:
    if body.id is not None:
        found = records.read(work.connection, tables.task_run, id=body.id)
        if found is not None:
            return found
    if body.flow_run_id is None:
        return None
    key = {name: getattr(body, name) for name in ("flow_run_id", "task_key", "dynamic_key")}
    return records.read(work.connection, tables.task_run, **key)


@read_only
def read_task_run(work: UnitOfWork, id: UUID) -> TaskRun:
    """Read a task run."""
    return TaskRun.model_validate(_read(work, id))


def set_task_run_name(work: UnitOfWork, id: UUID, body: TaskRunUpdate) -> None:
    """Rename a task run."""
    changes = {} if body.name is None else {"name": body.name}
    if not records.revise(work.connection, tables.task_run, id, **changes, updated=work.now):
        raise not_found("task run", id=id)


def delete_task_run(work: UnitOfWork, id: UUID) -> None:
    """Delete a task run, with its states and logs. A subflow's run that it stands for stays."""
    from prefect.server.operations.deletion import forget_task_runs

    forget_task_runs(work, tables.task_run.c.id == id)
    if not records.remove(work.connection, tables.task_run, id=id):
        raise not_found("task run", id=id)


def set_task_run_state(
    work: UnitOfWork, id: UUID, state: StateCreate, force: bool = False, lease_token: UUID | None = None
) -> OrchestrationResult[Any]:
    """Propose a state for a task run. Who shows that it runs the flow is refused if it no longer does."""
    run = _read(work, id)
    proposed = make_state(work, state, task_run_id=id, flow_run_id=run["flow_run_id"])
    before = run["state_id"]
    answer = propose_for_task_run(work, run, proposed, force=force, lease_token=lease_token)
    work.created = run["state_id"] != before
    return answer


@read_only
def read_task_runs(
    work: UnitOfWork,
    sort: TaskRunSort | None = None,
    limit: int | None = None,
    offset: int = 0,
    **selection: Unpack[TaskRunSelection],
) -> list[TaskRun]:
    """List the selected task runs."""
    return [TaskRun.model_validate(row) for row in _list(work, sort, limit, offset, selection)]


def _list(
    work: UnitOfWork, sort: TaskRunSort | None, limit: int | None, offset: int, selection: Mapping[str, Any]
) -> list[Row]:
    return list_runs(
        work.connection,
        TASK_RUNS,
        filters.task_runs_where(**selection),
        sort="ID_DESC" if sort is None else sort.value,
        limit=work.bounds.limit(limit),
        offset=work.bounds.offset(offset),
        now=work.now,
    )


@read_only
def paginate_task_runs(
    work: UnitOfWork,
    sort: TaskRunSort | None = None,
    limit: int | None = None,
    page: int = 1,
    **selection: Unpack[TaskRunSelection],
) -> TaskRunPaginationResponse:
    """List a page of the selected task runs."""
    from prefect._contract.responses.runs import TaskRunPaginationResponse, TaskRunResponse

    position = pages(work, limit, page, count_task_runs(work, **selection))
    rows = _list(work, sort, position.limit, position.offset, selection)
    return TaskRunPaginationResponse(results=[TaskRunResponse.model_validate(row) for row in rows], **position.fields)


@read_only
def count_task_runs(work: UnitOfWork, **selection: Unpack[TaskRunSelection]) -> int:
    """Count the selected task runs."""
    return records.count(work.connection, tables.task_run, filters.task_runs_where(**selection))


@read_only
def task_run_history(
    work: UnitOfWork,
    history_start: datetime,
    history_end: datetime,
    history_interval_seconds: timedelta | float,
    **selection: Unpack[TaskRunSelection],
) -> list[HistoryResponse]:
    """Count the selected task runs by state, interval by interval."""
    from prefect.server.operations.histories import read_history

    conditions = filters.task_runs_where(**selection)
    return read_history(work, TASK_RUNS, conditions, history_start, history_end, history_interval_seconds)
