"""
Draw a flow: which tasks it calls, and what goes from one to another.

The flow's function is called, its tasks are not: each call is noted, and answers with the task's `viz_return_value`, or with
a placeholder by which later calls are linked to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar, Token
from typing import Any

__all__ = [
    "FlowVisualizationError",
    "GraphvizExecutableNotFoundError",
    "GraphvizImportError",
    "TaskVizTracker",
    "VisualizationUnsupportedError",
    "VizTask",
    "build_mermaid_dependencies",
    "build_task_dependencies",
    "get_task_viz_tracker",
    "track_viz_task",
    "visualize_task_dependencies",
]


class FlowVisualizationError(Exception):
    """The flow's function failed while the flow was drawn."""


class VisualizationUnsupportedError(Exception):
    """The flow does something that cannot be drawn without running it."""


class GraphvizImportError(Exception):
    """The package graphviz is not installed."""


class GraphvizExecutableNotFoundError(Exception):
    """The program of Graphviz is not installed."""


class VizTask:
    """
    One call of a task, as it is drawn. It stands for the call's result.

    Args:
        name: What is written into its box.
        upstream_tasks: The calls whose results it got.
    """

    def __init__(self, name: str, upstream_tasks: list[VizTask] | None = None) -> None:
        self.name = name
        self.upstream_tasks = upstream_tasks or []


_current: ContextVar[TaskVizTracker | None] = ContextVar("task_viz_tracker", default=None)


class TaskVizTracker:
    """Notes the calls of tasks inside of its `with` block."""

    def __init__(self) -> None:
        self.tasks: list[VizTask] = []
        self.dynamic_task_counter: dict[str, int] = {}
        self.object_id_to_task: dict[int, VizTask] = {}
        self._kept: list[Any] = []
        self._token: Token[TaskVizTracker | None] | None = None

    def add_task(self, task: VizTask) -> None:
        """Note a call; calls of one task are told apart by a number."""
        number = self.dynamic_task_counter.get(task.name, -1) + 1
        self.dynamic_task_counter[task.name] = number
        task.name = f"{task.name}-{number}"
        self.tasks.append(task)

    def link_viz_return_value_to_viz_task(self, viz_return_value: Any, viz_task: VizTask) -> None:
        """Note that an object is the result of a call. Objects that are shared by chance (small numbers) cannot be."""
        if viz_return_value is None or isinstance(viz_return_value, (bool, int, str)):
            return
        self._kept.append(viz_return_value)  # while it lives nothing else has its id
        self.object_id_to_task[id(viz_return_value)] = viz_task

    def __enter__(self) -> TaskVizTracker:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)


def get_task_viz_tracker() -> TaskVizTracker | None:
    """The tracker of the flow that is being drawn, None when flows really run."""
    return _current.get()


def track_viz_task(
    is_async: bool, task_name: str, parameters: dict[str, Any], viz_return_value: Any | None = None
) -> Any:
    """
    Note a call of a task.

    Args:
        is_async: Whether the answer is to be awaited.
        task_name: The task's name.
        parameters: What it is called with.
        viz_return_value: What the task says that it returns when it is drawn.
    """
    answer = _track(task_name, parameters, viz_return_value)
    if not is_async:
        return answer

    async def later() -> Any:
        return answer

    return later()


def _track(task_name: str, parameters: dict[str, Any], viz_return_value: Any | None) -> Any:
    tracker = _current.get()
    if tracker is None:
        raise RuntimeError("Calls of tasks are tracked only while a flow is drawn.")
    upstream = [source for value in parameters.values() for source in _sources(value, tracker)]
    task = VizTask(task_name, upstream)
    tracker.add_task(task)
    answer = task if viz_return_value is None else viz_return_value
    tracker.link_viz_return_value_to_viz_task(answer, task)
    return answer


def _sources(value: Any, tracker: TaskVizTracker) -> Iterator[VizTask]:
    if id(value) in tracker.object_id_to_task:
        yield tracker.object_id_to_task[id(value)]
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _sources(item, tracker)
    elif isinstance(value, dict):
        yield from _sources(list(value.values()), tracker)


def build_mermaid_dependencies(task_run_tracker: TaskVizTracker) -> str:
    """The graph as Mermaid text."""
    lines = ["graph TD"]
    for task in task_run_tracker.tasks:
        lines.append(f'    {_identifier(task.name)}["{task.name}"]')
        lines += [
            f"    {_identifier(source.name)} --> {_identifier(task.name)}"
            for source in dict.fromkeys(task.upstream_tasks)
        ]
    return "\n".join(lines)


def _identifier(name: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in name)


def build_task_dependencies(task_run_tracker: TaskVizTracker) -> Any:
    """
    The graph as a `graphviz.Digraph`.

    Raises:
        GraphvizImportError: The package graphviz is not installed.
    """
    try:
        import graphviz  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as error:
        raise GraphvizImportError(
            "Drawing flows takes the package graphviz (`pip install graphviz`) and the program `dot`. Without them, "
            "`flow.generate_mermaid_graph()` gives the graph as text."
        ) from error
    graph = graphviz.Digraph()
    for task in task_run_tracker.tasks:
        graph.node(task.name)
        for source in dict.fromkeys(task.upstream_tasks):
            graph.edge(source.name, task.name)
    return graph


def visualize_task_dependencies(graph: Any, flow_run_name: str) -> None:
    """
    Write the graph to a PNG file named after the flow, and open it.

    Raises:
        GraphvizExecutableNotFoundError: The program `dot` is not installed.
    """
    import graphviz

    try:
        graph.render(filename=flow_run_name, view=True, format="png", cleanup=True)
    except graphviz.backend.ExecutableNotFound as error:
        raise GraphvizExecutableNotFoundError(
            "The program `dot` was not found: install Graphviz and make sure that it is on the PATH."
        ) from error
