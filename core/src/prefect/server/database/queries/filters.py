"""
Turns the filters of the contract into SQL.

A filter is a model whose fields are conditions on a column, and a condition is a model whose fields are operators. So
there is one small function for each operator, and only what is no plain column of its table is said explicitly, in
`_SPECIAL`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Table, and_, exists, false, func, not_, or_, select

from prefect.server.database import tables
from prefect.server.database.dialects import bound, has_all, has_any, is_empty, is_like, is_one_of, json_member
from prefect.server.database.text_search import matches_text

__all__ = [
    "artifacts_where",
    "deployments_where",
    "flow_runs_where",
    "flows_where",
    "rows_where",
    "task_runs_where",
]

Condition = ColumnElement[bool]
Operation = Callable[[ColumnElement[Any], Any], Condition]


_FEW_VALUES = 50

_MOST_VALUES = 30_000
"""How many values one condition lists: databases bound how many a statement has."""

_MOST_PREFIXES = 500


def _one_of(column: ColumnElement[Any], values: Iterable[Any]) -> Condition:
    listed = _listed(values)
    return column.in_(listed) if len(listed) <= _FEW_VALUES else is_one_of(column, listed)


def _none_of(column: ColumnElement[Any], values: Iterable[Any]) -> Condition:
    return or_(column.is_(None), not_(_one_of(column, values)))


def _listed(values: Iterable[Any]) -> list[Any]:
    listed = [_plain(value) for value in values]
    bound(len(listed), _MOST_VALUES, "values", "a condition")
    return listed


def _begins_with_one_of(column: ColumnElement[Any], prefixes: list[str]) -> Condition:
    bound(len(prefixes), _MOST_PREFIXES, "prefixes", "a condition")
    return or_(false(), *(func.substr(column, 1, len(prefix)) == prefix for prefix in prefixes))


def _is_null(column: ColumnElement[Any], wanted: bool) -> Condition:
    return column.is_(None) if wanted else column.is_not(None)


def _plain(value: Any) -> Any:
    """The value of an enumeration's member; other values as they are."""
    return getattr(value, "value", value)


_OPERATORS: dict[str, Operation] = {
    "any_": _one_of,
    "not_any_": _none_of,
    "like_": lambda column, text: is_like(column, f"%{text}%"),  # the wildcards of LIKE are part of the contract
    "before_": lambda column, moment: column <= moment,
    "after_": lambda column, moment: column >= moment,
    "le_": lambda column, number: column <= number,
    "ge_": lambda column, number: column >= number,
    "eq_": lambda column, value: column == value,
    "is_null_": _is_null,
    "exists_": lambda column, wanted: _is_null(column, not wanted),
    "startswith_": _begins_with_one_of,
}

_LIST_OPERATORS: dict[str, Operation] = {
    "any_": has_any,
    "all_": has_all,
    "is_null_": lambda column, wanted: is_empty(column) if wanted else not_(is_empty(column)),
}


def _set_fields(model: BaseModel) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in model.__dict__.items() if value is not None and name != "operator"]


def _combine(model: BaseModel, conditions: list[Condition]) -> Condition | None:
    """Join by the filter's own operator; None if there is nothing to join."""
    if not conditions:
        return None
    if getattr(getattr(model, "operator", None), "value", "and_") == "or_":
        return or_(*conditions)
    return and_(*conditions)


def _on_column(operators: dict[str, Operation], column: ColumnElement[Any], model: BaseModel) -> Condition | None:
    return _combine(model, [operators[name](column, value) for name, value in _set_fields(model)])


def _where(model: BaseModel, table: Table) -> Condition | None:
    """What a filter says about the rows of a table; None if nothing."""
    conditions = []
    for name, value in _set_fields(model):
        special = _SPECIAL.get((table.name, name))
        condition = special(value) if special else _on_column(_OPERATORS, table.c[name], value)
        if condition is not None:
            conditions.append(condition)
    return _combine(model, conditions)


def _tags(column: ColumnElement[Any]) -> Callable[[BaseModel], Condition | None]:
    return lambda model: _on_column(_LIST_OPERATORS, column, model)


def _state(table: Table) -> Callable[[BaseModel], Condition | None]:
    columns = {"type": table.c.state_type, "name": table.c.state_name}

    def condition(model: BaseModel) -> Condition | None:
        parts = [_on_column(_OPERATORS, columns[name], value) for name, value in _set_fields(model)]
        return _combine(model, [part for part in parts if part is not None])

    return condition


def _parent_flow_run(model: BaseModel) -> Condition | None:
    parents = _on_column(_OPERATORS, tables.task_run.c.flow_run_id, model)
    if parents is None:
        return None
    return tables.flow_run.c.parent_task_run_id.in_(select(tables.task_run.c.id).where(parents))


def _created_by(model: BaseModel) -> Condition | None:
    column = tables.flow_run.c.created_by
    conditions: list[Condition] = []
    for name, value in _set_fields(model):
        if name == "is_null_":
            conditions.append(_is_null(column, value))
        else:
            conditions.append(json_member(column, name.rstrip("_")).in_([str(item) for item in _listed(value)]))
    return _combine(model, conditions)


def _subflow_runs(model: Any) -> Condition | None:
    if model.exists_ is None:
        return None
    children = exists().where(tables.flow_run.c.parent_task_run_id == tables.task_run.c.id)
    return children if model.exists_ else not_(children)


def _task_run_flow_run(model: Any) -> Condition | None:
    column = tables.task_run.c.flow_run_id
    if model.is_null_ or model.any_ is None:
        null = _is_null(column, bool(model.is_null_))
        return null if model.any_ is None else _combine(model, [null, column.in_(model.any_)])
    return column.in_(model.any_)  # is_null_ is False unless somebody says so, and then adds nothing


def _flow_deployment(model: Any) -> Condition | None:
    if model.is_null_ is None:
        return None
    deployed = exists().where(tables.deployment.c.flow_id == tables.flow.c.id)
    return not_(deployed) if model.is_null_ else deployed


def _deployment_limit(model: BaseModel) -> Condition | None:
    """How many runs of a deployment there may be: that is what its limit says, its own one or one that others share."""
    column, limit = tables.deployment.c.concurrency_limit_id, tables.concurrency_limit.c
    parts = []
    for name, value in _set_fields(model):
        if name == "is_null_":
            parts.append(_is_null(column, value))
        else:
            parts.append(column.in_(select(limit.id).where(_OPERATORS[name](limit.limit, value))))
    return _combine(model, parts)


def _deployment_queue_name(model: Any) -> Condition | None:
    """The name of the queue is what that is called now, and what it was called if it is gone."""
    if model.any_ is None:
        return None
    deployment, queue = tables.deployment.c, tables.work_queue.c
    gone = deployment.work_queue_id.is_(None) & deployment.work_queue_name.in_(model.any_)
    return or_(deployment.work_queue_id.in_(select(queue.id).where(queue.name.in_(model.any_))), gone)


def _deployment_or_flow_name(model: Any) -> Condition | None:
    if model.like_ is None:
        return None
    deployment, flow = tables.deployment.c, tables.flow.c
    contains_it = f"%{model.like_}%"
    flows = select(flow.id).where(is_like(flow.name, contains_it))
    return or_(is_like(deployment.name, contains_it), deployment.flow_id.in_(flows))


def _started(table: Table) -> Callable[[BaseModel], Condition | None]:
    """When a run started, or is to start; but `is_null_` asks whether it has not started."""
    moment = func.coalesce(table.c.start_time, table.c.expected_start_time)

    def condition(model: BaseModel) -> Condition | None:
        parts = [
            _OPERATORS[name](table.c.start_time if name == "is_null_" else moment, value)
            for name, value in _set_fields(model)
        ]
        return _combine(model, parts)

    return condition


_SPECIAL: dict[tuple[str, str], Callable[[Any], Condition | None]] = {
    ("automation", "tags"): _tags(tables.automation.c.tags),
    ("deployment", "tags"): _tags(tables.deployment.c.tags),
    ("deployment", "concurrency_limit"): _deployment_limit,
    ("deployment", "work_queue_name"): _deployment_queue_name,
    ("deployment", "flow_or_deployment_name"): _deployment_or_flow_name,
    ("flow", "tags"): _tags(tables.flow.c.tags),
    ("flow", "deployment"): _flow_deployment,
    ("flow_run", "tags"): _tags(tables.flow_run.c.tags),
    ("flow_run", "state"): _state(tables.flow_run),
    ("flow_run", "start_time"): _started(tables.flow_run),
    ("flow_run", "parent_flow_run_id"): _parent_flow_run,
    ("flow_run", "created_by"): _created_by,
    ("task_run", "tags"): _tags(tables.task_run.c.tags),
    ("task_run", "state"): _state(tables.task_run),
    ("task_run", "start_time"): _started(tables.task_run),
    ("task_run", "subflow_runs"): _subflow_runs,
    ("task_run", "flow_run_id"): _task_run_flow_run,
    ("variable", "tags"): _tags(tables.variable.c.tags),
    ("block_schema", "block_capabilities"): _tags(tables.block_schema.c.capabilities),
    ("log", "text"): lambda model: matches_text([tables.log.c.name, tables.log.c.message], model.query),
}


def rows_where(table: Table, model: BaseModel | None) -> list[Condition]:
    """The conditions that a filter puts on the rows of its own table."""
    condition = None if model is None else _where(model, table)
    return [] if condition is None else [condition]


def _of(
    column: ColumnElement[Any], owners: ColumnElement[Any], *filters: BaseModel | None, where: list[Condition]
) -> list[Condition]:
    """
    That `column` is among the values of `owners` in the rows that filters select; nothing if no filter was given.

    A filter without conditions still asks for a relative: with a `TaskRunFilter()`, flow runs have task runs.

    That there is one at all is asked for on its own, which databases look at first: where there is none, they would
    otherwise look for its relatives among all rows.
    """
    if all(model is None for model in filters):
        return []
    found = select(owners).where(*where)
    return [found.exists(), column.in_(found)]


def flow_runs_where(
    flows: BaseModel | None = None,
    flow_runs: BaseModel | None = None,
    task_runs: BaseModel | None = None,
    deployments: BaseModel | None = None,
    work_pools: BaseModel | None = None,
    work_pool_queues: BaseModel | None = None,
) -> list[Condition]:
    """The conditions that filters of several kinds put on flow runs."""
    run, task_run, deployment = tables.flow_run.c, tables.task_run, tables.deployment
    return [
        *rows_where(tables.flow_run, flow_runs),
        *_of(run.flow_id, tables.flow.c.id, flows, where=rows_where(tables.flow, flows)),
        *_of(run.id, task_run.c.flow_run_id, task_runs, where=rows_where(task_run, task_runs)),
        *_of(run.deployment_id, deployment.c.id, deployments, where=rows_where(deployment, deployments)),
        *_in_queues(run.work_queue_id, work_pools, work_pool_queues),
    ]


def _in_queues(
    column: ColumnElement[Any], work_pools: BaseModel | None, work_pool_queues: BaseModel | None
) -> list[Condition]:
    """That `column` is a queue that filters select, by its own properties and by those of its work pool."""
    queue, pool = tables.work_queue, tables.work_pool
    where = [
        *rows_where(queue, work_pool_queues),
        *_of(queue.c.work_pool_id, pool.c.id, work_pools, where=rows_where(pool, work_pools)),
    ]
    return _of(column, queue.c.id, work_pools, work_pool_queues, where=where)


def deployments_where(
    flows: BaseModel | None = None,
    flow_runs: BaseModel | None = None,
    task_runs: BaseModel | None = None,
    deployments: BaseModel | None = None,
    work_pools: BaseModel | None = None,
    work_pool_queues: BaseModel | None = None,
) -> list[Condition]:
    """The conditions that filters of several kinds put on deployments."""
    deployment = tables.deployment
    runs = flow_runs_where(None, flow_runs, task_runs)
    return [
        *rows_where(deployment, deployments),
        *_of(deployment.c.flow_id, tables.flow.c.id, flows, where=rows_where(tables.flow, flows)),
        *_of(deployment.c.id, tables.flow_run.c.deployment_id, flow_runs, task_runs, where=runs),
        *_in_queues(deployment.c.work_queue_id, work_pools, work_pool_queues),
    ]


def flows_where(
    flows: BaseModel | None = None,
    flow_runs: BaseModel | None = None,
    task_runs: BaseModel | None = None,
    deployments: BaseModel | None = None,
    work_pools: BaseModel | None = None,
) -> list[Condition]:
    """The conditions that filters of several kinds put on flows."""
    runs = flow_runs_where(None, flow_runs, task_runs)
    deployed = deployments_where(None, None, None, deployments, work_pools)
    return [
        *rows_where(tables.flow, flows),
        *_of(tables.flow.c.id, tables.flow_run.c.flow_id, flow_runs, task_runs, where=runs),
        *_of(tables.flow.c.id, tables.deployment.c.flow_id, deployments, work_pools, where=deployed),
    ]


def task_runs_where(
    flows: BaseModel | None = None,
    flow_runs: BaseModel | None = None,
    task_runs: BaseModel | None = None,
    deployments: BaseModel | None = None,
) -> list[Condition]:
    """The conditions that filters of several kinds put on task runs."""
    runs = flow_runs_where(flows, flow_runs, None, deployments)
    return [
        *rows_where(tables.task_run, task_runs),
        *_of(tables.task_run.c.flow_run_id, tables.flow_run.c.id, flows, flow_runs, deployments, where=runs),
    ]


def artifacts_where(
    table: Table,
    artifacts: BaseModel | None = None,
    flow_runs: BaseModel | None = None,
    task_runs: BaseModel | None = None,
    flows: BaseModel | None = None,
    deployments: BaseModel | None = None,
) -> list[Condition]:
    """The conditions that filters of several kinds put on artifacts, or on collections of them."""
    runs = flow_runs_where(flows, flow_runs, None, deployments)
    return [
        *rows_where(table, artifacts),
        *_of(table.c.flow_run_id, tables.flow_run.c.id, flows, flow_runs, deployments, where=runs),
        *_of(table.c.task_run_id, tables.task_run.c.id, task_runs, where=rows_where(tables.task_run, task_runs)),
    ]
