"""The graph of a flow run: what ran after, and inside of, what."""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from prefect._contract.base import Moment, PrefectBaseModel
from prefect._contract.objects import TaskRunResult
from prefect._contract.state import State, StateType

__all__ = [
    "DependencyResult",
    "Edge",
    "Graph",
    "GraphArtifact",
    "GraphState",
    "Node",
]


class GraphState(PrefectBaseModel):
    """A state in the history of the flow run."""

    id: UUID
    timestamp: Moment
    type: StateType
    name: str


class GraphArtifact(PrefectBaseModel):
    """An artifact of a run in the graph."""

    id: UUID
    created: Moment
    key: str | None
    type: str | None
    is_latest: bool
    data: Any


class Edge(PrefectBaseModel):
    """A reference to another node."""

    id: UUID


class Node(PrefectBaseModel):
    """A run in the graph. `encapsulating` are the runs that it happened inside of."""

    kind: Literal["flow-run", "task-run"]
    id: UUID
    label: str
    state_type: StateType
    start_time: Moment
    end_time: Moment | None
    parents: list[Edge]
    children: list[Edge]
    encapsulating: list[Edge]
    artifacts: list[GraphArtifact]


class Graph(PrefectBaseModel):
    """The graph of a flow run; nodes are in the order in which they started."""

    start_time: Moment | None
    end_time: Moment | None
    root_node_ids: list[UUID]
    nodes: list[tuple[UUID, Node]]
    artifacts: list[GraphArtifact]
    states: list[GraphState]


class DependencyResult(PrefectBaseModel):
    """A task run and the task runs whose results it was given."""

    id: UUID
    name: str
    upstream_dependencies: list[TaskRunResult]
    state: State[Any] | None
    expected_start_time: Moment | None
    start_time: Moment | None
    end_time: Moment | None
    total_run_time: timedelta | None
    estimated_run_time: timedelta | None
    untrackable_result: bool
