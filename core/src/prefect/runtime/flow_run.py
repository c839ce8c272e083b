"""
The flow run that this code is in.

Attributes:
    id: Its id, as text.
    tags: Its tags.
    scheduled_start_time: When it was due.
    name: Its name.
    flow_name: The name of its flow.
    flow_version: The version of its flow.
    parameters: What the flow was called with.
    parent_flow_run_id: The id of the flow run that started it.
    parent_deployment_id: The id of the deployment of the flow run that started it.
    root_flow_run_id: The id of the outermost flow run.
    run_count: How often it has started.
    api_url: Its address in the API.
    ui_url: Its address in the web interface.
    job_variables: What it asks of its infrastructure.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from prefect.runtime.attributes import install
from prefect.utilities.dual import Steps, drive

if TYPE_CHECKING:
    from prefect._contract.objects import Flow, FlowRun

__all__ = [
    "api_url",  # noqa: F822 - answered by `__getattr__`, like all that are no functions
    "flow_name",  # noqa: F822
    "flow_version",  # noqa: F822
    "get_flow_name",
    "get_flow_run_api_url",
    "get_flow_run_ui_url",
    "get_flow_version",
    "get_id",
    "get_job_variables",
    "get_name",
    "get_parameters",
    "get_parent_deployment_id",
    "get_parent_flow_run_id",
    "get_root_flow_run_id",
    "get_run_count",
    "get_scheduled_start_time",
    "get_tags",
    "id",
    "job_variables",  # noqa: F822
    "name",  # noqa: F822
    "parameters",  # noqa: F822
    "parent_deployment_id",  # noqa: F822
    "parent_flow_run_id",  # noqa: F822
    "root_flow_run_id",  # noqa: F822
    "run_count",  # noqa: F822
    "scheduled_start_time",  # noqa: F822
    "tags",  # noqa: F822
    "ui_url",  # noqa: F822
]


def _context() -> Any:
    from prefect.context import FlowRunContext

    return FlowRunContext.get()


def _current_run() -> FlowRun | None:
    context = _context()
    return None if context is None else context.flow_run


def get_id() -> str | None:
    """The id of the flow run; that of the environment variable PREFECT__FLOW_RUN_ID in a process made for a run."""
    run = _current_run()
    if run is not None:
        return str(run.id)
    from prefect.context import TaskRunContext

    context = TaskRunContext.get()
    if context is not None and context.task_run.flow_run_id is not None:
        return str(context.task_run.flow_run_id)
    return os.environ.get("PREFECT__FLOW_RUN_ID")


def _read_run(flow_run_id: UUID) -> Steps[FlowRun]:
    from prefect._contract.endpoints import flow_runs
    from prefect.client.base import ask

    return (yield from ask(flow_runs.read_flow_run(flow_run_id)))


def _run_steps() -> Steps[FlowRun | None]:
    """The flow run: the one of the context, or else read from the orchestrator."""
    run = _current_run()
    if run is None and (run_id := get_id()) is not None:
        run = yield from _read_run(UUID(run_id))
    return run


def _run() -> FlowRun | None:
    return drive(_run_steps())


def _flow_steps() -> Steps[Flow | None]:
    from prefect._contract.endpoints import flows
    from prefect.client.base import ask

    run = yield from _run_steps()
    return None if run is None else (yield from ask(flows.read_flow(run.flow_id)))


def get_tags() -> list[str]:
    """The tags of the flow run."""
    run = _run()
    return [] if run is None else sorted(run.tags)


def get_run_count() -> int:
    """How often the flow run has started."""
    run = _run()
    return 0 if run is None else run.run_count


def get_name() -> str | None:
    """The name of the flow run."""
    run = _run()
    return None if run is None else run.name


def get_flow_name() -> str | None:
    """The name of the flow."""
    context = _context()
    if context is not None and context.flow is not None:
        return str(context.flow.name)
    flow = drive(_flow_steps())
    return None if flow is None else flow.name


def get_flow_version() -> str | None:
    """The version of the flow."""
    context = _context()
    if context is not None and context.flow is not None:
        return context.flow.version  # type: ignore[no-any-return]
    run = _run()
    return None if run is None else run.flow_version


def get_scheduled_start_time() -> datetime:
    """When the flow run was due; now, outside of runs."""
    from prefect.utilities.time import now

    run = _run()
    due = None if run is None else run.expected_start_time
    return now() if due is None else due


def get_parameters() -> dict[str, Any]:
    """What the flow was called with."""
    context = _context()
    if context is not None and context.parameters is not None:
        return dict(context.parameters)
    run = _run()
    return {} if run is None else run.parameters


def _parent_of(run: FlowRun) -> Steps[UUID | None]:
    """The id of the flow run that started a flow run."""
    if run.parent_task_run_id is None:
        return None
    from prefect._contract.endpoints import task_runs
    from prefect.client.base import ask

    return (yield from ask(task_runs.read_task_run(run.parent_task_run_id))).flow_run_id


def _parent_steps() -> Steps[UUID | None]:
    run = yield from _run_steps()
    return None if run is None else (yield from _parent_of(run))


def _root_steps() -> Steps[UUID | None]:
    run = yield from _run_steps()
    if run is None:
        return None
    while (parent := (yield from _parent_of(run))) is not None:
        run = yield from _read_run(parent)
    return run.id


def _parent_deployment_steps() -> Steps[UUID | None]:
    parent = yield from _parent_steps()
    return None if parent is None else (yield from _read_run(parent)).deployment_id


def _text(found: UUID | None) -> str | None:
    return None if found is None else str(found)


def get_parent_flow_run_id() -> str | None:
    """The id of the flow run that started this one."""
    return _text(drive(_parent_steps()))


def get_parent_deployment_id() -> str | None:
    """The id of the deployment of the flow run that started this one."""
    return _text(drive(_parent_deployment_steps()))


def get_root_flow_run_id() -> str | None:
    """The id of the outermost flow run; its own, if nothing started it."""
    return _text(drive(_root_steps()))


def _address(url_type: Literal["ui", "api"]) -> str | None:
    from prefect.client.urls import url_for

    run_id = get_id()
    return None if run_id is None else url_for("flow-run", run_id, url_type)


def get_flow_run_api_url() -> str | None:
    """The address of the flow run in the API; None where the API has no address."""
    return _address("api")


def get_flow_run_ui_url() -> str | None:
    """The address of the flow run in the web interface, which is at PREFECT_UI_URL; None where that is not known."""
    return _address("ui")


def get_job_variables() -> dict[str, Any] | None:
    """What the flow run itself asks of its infrastructure; None outside of runs."""
    run = _run()
    return None if run is None else dict(run.job_variables or {})


install(
    globals(),
    {
        "id": get_id,
        "tags": get_tags,
        "scheduled_start_time": get_scheduled_start_time,
        "name": get_name,
        "flow_name": get_flow_name,
        "flow_version": get_flow_version,
        "parameters": get_parameters,
        "parent_flow_run_id": get_parent_flow_run_id,
        "parent_deployment_id": get_parent_deployment_id,
        "root_flow_run_id": get_root_flow_run_id,
        "run_count": get_run_count,
        "api_url": get_flow_run_api_url,
        "ui_url": get_flow_run_ui_url,
        "job_variables": get_job_variables,
    },
)
