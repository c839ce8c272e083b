"""What a user interface asks for besides."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, literal, not_, select, union_all

from prefect._contract.responses.runs import CountByState, SimpleFlowRun, TaskRunCount, UITaskRun
from prefect._contract.state import StateType
from prefect._orchestration.bookkeeping import estimated_start_time_delta
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.database.queries.runs import FLOW_RUNS, TASK_RUNS, read_columns, read_run
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.schema_values import check_values
from prefect.server.operations.work import UnitOfWork, read_only

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from prefect._contract.filters.deployments import DeploymentFilter
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.flows import FlowFilter
    from prefect._contract.filters.task_runs import TaskRunFilter
    from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter
    from prefect._contract.responses.schema_values import SchemaValuesValidationResponse
    from prefect._contract.sorting import FlowRunSort
    from prefect.server.operations.selections import FlowSelection, TaskRunSelection

__all__ = [
    "count_task_runs_by_flow_run",
    "count_task_runs_by_state",
    "read_dashboard_task_run_counts",
    "read_flow_run_points",
    "read_task_run_with_flow_run_name",
    "validate_schema_values",
]

_MOST_FLOW_RUNS = 1000
_MOST_POINTS = 1000
_BARS = 20
"""How many intervals a dashboard shows."""

_NOTHING = timedelta(0)


@read_only
def count_task_runs_by_flow_run(work: UnitOfWork, flow_run_ids: list[UUID]) -> dict[UUID, int]:
    """Count the task runs of each of these flow runs; those that stand for a subflow run are not counted."""
    if len(flow_run_ids) > _MOST_FLOW_RUNS:
        message = f"These are {len(flow_run_ids)} flow runs. At most {_MOST_FLOW_RUNS} can be asked for at once."
        raise Refusal(422, message)
    run = tables.task_run.c
    stands_for_subflow = exists().where(tables.flow_run.c.parent_task_run_id == run.id)
    counted = select(run.flow_run_id, func.count()).where(run.flow_run_id.in_(flow_run_ids), not_(stands_for_subflow))
    counts = {row[0]: row[1] for row in work.connection.execute(counted.group_by(run.flow_run_id))}
    return {flow_run_id: counts.get(flow_run_id, 0) for flow_run_id in flow_run_ids}


@read_only
def read_flow_run_points(
    work: UnitOfWork,
    sort: FlowRunSort | None = None,
    limit: int = _MOST_POINTS,
    offset: int = 0,
    **selection: Unpack[FlowSelection],
) -> list[SimpleFlowRun]:
    """List the selected flow runs as the points of a chart."""
    if not 0 <= limit <= _MOST_POINTS:
        raise Refusal(422, f"Invalid limit {limit}: must be between 0 and {_MOST_POINTS}.")
    columns = ("id", "state_type", "state_timestamp", "start_time", "expected_start_time", "total_run_time")
    conditions = [*filters.flow_runs_where(**selection), tables.flow_run.c.state_type.is_not(None)]
    rows = read_columns(
        work.connection,
        FLOW_RUNS,
        columns,
        conditions,
        sort="EXPECTED_START_TIME_DESC" if sort is None else sort.value,
        limit=limit,
        offset=work.bounds.offset(offset),
    )
    return [_point(row, work.now) for row in rows if row["start_time"] or row["expected_start_time"]]


def _point(run: dict[str, Any], now: datetime) -> SimpleFlowRun:
    kind = StateType(run["state_type"])
    duration = run["total_run_time"]
    if kind is StateType.RUNNING:
        duration += max(now - run["state_timestamp"], _NOTHING)
    late = estimated_start_time_delta(run["expected_start_time"], run["start_time"], kind, now)
    return SimpleFlowRun(
        id=run["id"],
        state_type=kind,
        timestamp=run["start_time"] or run["expected_start_time"],
        duration=duration,
        lateness=late,
    )


@read_only
def count_task_runs_by_state(work: UnitOfWork, **selection: Unpack[TaskRunSelection]) -> CountByState:
    """Count the selected task runs by the type of their state."""
    run = tables.task_run.c
    conditions = [*filters.task_runs_where(**selection), run.state_type.is_not(None)]
    statement = select(run.state_type, func.count()).where(*conditions).group_by(run.state_type)
    return CountByState(**{row[0]: row[1] for row in work.connection.execute(statement)})


@read_only
def read_dashboard_task_run_counts(
    work: UnitOfWork,
    task_runs: TaskRunFilter,
    flows: FlowFilter | None = None,
    flow_runs: FlowRunFilter | None = None,
    deployments: DeploymentFilter | None = None,
    work_pools: WorkPoolFilter | None = None,
    work_queues: WorkQueueFilter | None = None,
) -> list[TaskRunCount]:
    """
    Count the task runs that completed, and that failed or crashed, in twenty intervals of the time that is asked for.

    Raises:
        Refusal: The filter of task runs does not say since when.
    """
    time = task_runs.start_time
    if time is None or time.after_ is None:
        raise Refusal(422, "task_runs.start_time.after_ is required")
    begin, end = time.after_, time.before_ or work.now
    width = (end - begin) / _BARS
    conditions = [
        *filters.task_runs_where(flows, None, task_runs, deployments),
        *_of_flow_runs(flow_runs, work_pools, work_queues),
    ]
    moments = [begin + width * number for number in range(_BARS)] + [end]
    parts = [
        _counting(number, conditions, start, until, last=number == _BARS - 1)
        for number, (start, until) in enumerate(pairwise(moments))
    ]
    counts = [TaskRunCount(completed=0, failed=0) for _ in range(_BARS)]
    for number, kind, count in work.connection.execute(union_all(*parts)):
        if kind == StateType.COMPLETED.value:
            counts[number].completed += count
        else:
            counts[number].failed += count
    return counts


_COUNTED = (StateType.COMPLETED.value, StateType.FAILED.value, StateType.CRASHED.value)


def _counting(
    number: int, conditions: list[ColumnElement[bool]], start: datetime, until: datetime, *, last: bool
) -> Any:
    run = tables.task_run.c
    moment = func.coalesce(run.start_time, run.expected_start_time)
    within = (moment >= start, moment <= until if last else moment < until)
    selected = select(literal(number), run.state_type, func.count()).where(
        *within, run.state_type.in_(_COUNTED), *conditions
    )
    return selected.group_by(run.state_type)


def _of_flow_runs(
    flow_runs: FlowRunFilter | None, work_pools: WorkPoolFilter | None, work_queues: WorkQueueFilter | None
) -> list[ColumnElement[bool]]:
    where = filters.flow_runs_where(None, flow_runs, None, None, work_pools, work_queues)
    if flow_runs is None and work_pools is None and work_queues is None:
        return []
    return [tables.task_run.c.flow_run_id.in_(select(tables.flow_run.c.id).where(*where))]


@read_only
def read_task_run_with_flow_run_name(work: UnitOfWork, id: UUID) -> UITaskRun:
    """Read a task run, with the name of its flow run."""
    run = read_run(work.connection, TASK_RUNS, id, work.now)
    if run is None:
        raise not_found("task run", id=id)
    owner = None
    if run["flow_run_id"] is not None:
        owner = records.read(work.connection, tables.flow_run, id=run["flow_run_id"])
    return UITaskRun.model_validate({**run, "flow_run_name": None if owner is None else owner["name"]})


@read_only
def validate_schema_values(
    work: UnitOfWork, schema: dict[str, Any], values: dict[str, Any]
) -> SchemaValuesValidationResponse:
    """
    Say what is wrong with values, by the schema of a deployment's parameters.

    Raises:
        Refusal: The schema is none.
    """
    return check_values(work, schema, values)
