"""The graph of a flow run: what ran, what waited for what, and what happened inside of what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from prefect._contract.objects import TaskRunResult
from prefect._contract.responses.graph import DependencyResult, Edge, Graph, GraphArtifact, GraphState, Node
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.database.queries.runs import FLOW_RUNS, TASK_RUNS, read_runs, read_states
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.work import UnitOfWork

__all__ = ["read_dependencies", "read_graph"]

Row = dict[str, Any]

_PARENTS = "__parents__"
"""Under this name a task run lists the task runs that it was called in; under others, where values came from."""


def _task_run_ids(inputs: Iterable[Row]) -> list[UUID]:
    return [UUID(item["id"]) for item in inputs if item.get("input_type") == "task_run"]


def _upstream(run: Row) -> list[UUID]:
    """The task runs whose results a task run was given, each once."""
    lists = [_task_run_ids(inputs) for name, inputs in run["task_inputs"].items() if name != _PARENTS]
    return list(dict.fromkeys(identifier for identifiers in lists for identifier in identifiers))


def _edges(identifiers: Iterable[UUID]) -> list[Edge]:
    return [Edge(id=identifier) for identifier in identifiers]


def read_graph(work: UnitOfWork, flow_run: Row, since: datetime | None) -> Graph:
    """
    The graph of a flow run.

    Args:
        work: The transaction.
        flow_run: The run, as it was read.
        since: Leave out what ended before.
    """
    nodes = _nodes(work, flow_run["id"], since)
    if len(nodes) > work.bounds.graph_nodes:
        raise Refusal(400, f"The graph of flow run {flow_run['id']} has more than {work.bounds.graph_nodes} nodes.")
    artifacts = _artifacts(work, flow_run["id"])
    shown = {node["task_run_id"]: node["id"] for node in nodes}
    parents = {node["id"]: [shown[up] for up in node["upstream"] if up in shown] for node in nodes}
    children: dict[UUID, list[UUID]] = defaultdict(list)
    for identifier, upstream in parents.items():
        for parent in upstream:
            children[parent].append(identifier)
    made = [
        Node(
            kind=node["kind"],
            id=node["id"],
            label=node["label"],
            state_type=node["state_type"],
            start_time=node["start_time"],
            end_time=node["end_time"],
            parents=_edges(parents[node["id"]]),
            children=_edges(children[node["id"]]),
            encapsulating=_edges(shown[around] for around in node["around"] if around in shown),
            artifacts=artifacts[node["task_run_id"]],
        )
        for node in nodes
    ]
    return Graph(
        start_time=flow_run["start_time"],
        end_time=flow_run["end_time"],
        root_node_ids=[node.id for node in made if not node.parents],
        nodes=[(node.id, node) for node in made],
        artifacts=artifacts[None],
        states=[GraphState.model_validate(row) for row in read_states(work.connection, FLOW_RUNS, flow_run["id"])],
    )


def _nodes(work: UnitOfWork, flow_run_id: UUID, since: datetime | None) -> list[Row]:
    """What has started in a flow run, in that order. A subflow stands in place of the task run that stands for it."""
    run, subflow, flow = tables.task_run.c, tables.flow_run.alias("subflow"), tables.flow.c
    start = func.coalesce(subflow.c.start_time, run.start_time)
    end = func.coalesce(subflow.c.end_time, run.end_time)
    statement = (
        select(
            run.id,
            run.name,
            run.state_type,
            run.start_time,
            run.end_time,
            run.task_inputs,
            subflow.c.id,
            subflow.c.name,
            flow.name,
            subflow.c.state_type,
            subflow.c.start_time,
            subflow.c.end_time,
        )
        .outerjoin_from(tables.task_run, subflow, subflow.c.parent_task_run_id == run.id)
        .outerjoin(tables.flow, flow.id == subflow.c.flow_id)
        .where(run.flow_run_id == flow_run_id, start.is_not(None), run.state_type.is_not(None))
        .order_by(start, run.id)
        .limit(work.bounds.graph_nodes + 1)
    )
    if since is not None:
        statement = statement.where(or_(end.is_(None), end >= since))
    return [_node(row) for row in work.connection.execute(statement)]


def _node(row: Any) -> Row:
    id, name, state, start, end, inputs, sub_id, sub_name, flow_name, sub_state, sub_start, sub_end = row
    is_subflow = sub_id is not None
    return {
        "task_run_id": id,
        "kind": "flow-run" if is_subflow else "task-run",
        "id": sub_id if is_subflow else id,
        "label": f"{flow_name} / {sub_name}" if is_subflow else name,
        "state_type": sub_state if is_subflow and sub_state else state,
        "start_time": sub_start or start,
        "end_time": sub_end if is_subflow else end,
        "upstream": _upstream({"task_inputs": inputs}),
        "around": _task_run_ids(inputs.get(_PARENTS, ())),
    }


def _artifacts(work: UnitOfWork, flow_run_id: UUID) -> dict[UUID | None, list[GraphArtifact]]:
    """The artifacts of a flow run by task run; those of the flow itself under None. Only progress shows its data."""
    artifact, collection = tables.artifact, tables.artifact_collection
    statement = (
        select(artifact, collection.c.id)
        .outerjoin_from(artifact, collection, collection.c.latest_id == artifact.c.id)
        .where(artifact.c.flow_run_id == flow_run_id, or_(artifact.c.type.is_(None), artifact.c.type != "result"))
        .order_by(artifact.c.created, artifact.c.id)
        .limit(work.bounds.graph_artifacts)
    )
    found: dict[UUID | None, list[GraphArtifact]] = defaultdict(list)
    for *values, collection_id in work.connection.execute(statement):
        row = dict(zip(records.keys_of(artifact), values, strict=True))
        is_latest = row["key"] is None or collection_id is not None
        shown = {**row, "data": row["data"] if row["type"] == "progress" else None, "is_latest": is_latest}
        found[row["task_run_id"]].append(GraphArtifact.model_validate(shown))
    return found


def read_dependencies(work: UnitOfWork, flow_run: Row) -> list[DependencyResult]:
    """The task runs of a flow run, each with those whose results it was given."""
    runs = read_runs(
        work.connection,
        TASK_RUNS,
        [tables.task_run.c.flow_run_id == flow_run["id"]],
        sort="EXPECTED_START_TIME_ASC",
        limit=work.bounds.graph_nodes,
        offset=0,
        now=work.now,
    )
    return [
        DependencyResult(
            upstream_dependencies=[TaskRunResult(id=identifier) for identifier in _upstream(run)],
            untrackable_result=run["state"] is not None and run["state"].state_details.untrackable_result,
            **{name: run[name] for name in _SHOWN},
        )
        for run in runs
    ]


_SHOWN = (
    "id",
    "name",
    "state",
    "expected_start_time",
    "start_time",
    "end_time",
    "total_run_time",
    "estimated_run_time",
)
