"""
The task run that this code is in.

Attributes:
    id: Its id, as text.
    tags: Its tags.
    name: Its name.
    parameters: What the task was called with.
    run_count: How often it has started.
    task_name: The name of its task.
    api_url: Its address in the API.
    ui_url: Its address in the web interface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from prefect.runtime.attributes import install

if TYPE_CHECKING:
    from prefect.context import TaskRunContext

__all__ = [
    "api_url",  # noqa: F822 - answered by `__getattr__`, like all that are no functions
    "get_id",
    "get_name",
    "get_parameters",
    "get_run_count",
    "get_tags",
    "get_task_name",
    "get_task_run_api_url",
    "get_task_run_ui_url",
    "id",
    "name",  # noqa: F822
    "parameters",  # noqa: F822
    "run_count",  # noqa: F822
    "tags",  # noqa: F822
    "task_name",  # noqa: F822
    "ui_url",  # noqa: F822
]


def _context() -> TaskRunContext | None:
    from prefect.context import TaskRunContext

    return TaskRunContext.get()


def get_id() -> str | None:
    """The id of the task run."""
    context = _context()
    return None if context is None else str(context.task_run.id)


def get_tags() -> list[str]:
    """The tags of the task run."""
    context = _context()
    return [] if context is None else sorted(context.task_run.tags)


def get_run_count() -> int:
    """How often the task run has started."""
    context = _context()
    return 0 if context is None else context.task_run.run_count


def get_name() -> str | None:
    """The name of the task run."""
    context = _context()
    return None if context is None else context.task_run.name


def get_task_name() -> str | None:
    """The name of the task."""
    context = _context()
    return None if context is None else context.task.name


def get_parameters() -> dict[str, Any]:
    """What the task was called with."""
    context = _context()
    return {} if context is None else dict(context.parameters)


def _address(url_type: Literal["ui", "api"]) -> str | None:
    from prefect.client.urls import url_for

    run_id = get_id()
    return None if run_id is None else url_for("task-run", run_id, url_type)


def get_task_run_api_url() -> str | None:
    """The address of the task run in the API; None where the API has no address."""
    return _address("api")


def get_task_run_ui_url() -> str | None:
    """The address of the task run in the web interface, which is at PREFECT_UI_URL; None where that is not known."""
    return _address("ui")


install(
    globals(),
    {
        "id": get_id,
        "tags": get_tags,
        "name": get_name,
        "parameters": get_parameters,
        "run_count": get_run_count,
        "task_name": get_task_name,
        "api_url": get_task_run_api_url,
        "ui_url": get_task_run_ui_url,
    },
)
