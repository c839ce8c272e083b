"""The pages: a module for each noun, with what its pages ask the API for, and what their forms do."""

from __future__ import annotations

from starlette.routing import BaseRoute

from prefect_ui.pages import (
    artifacts,
    assets,
    automations,
    blocks,
    calendar,
    concurrency_limits,
    dashboard,
    deployment_runs,
    deployment_schedules,
    deployments,
    events,
    flow_run_acts,
    flow_run_input,
    flow_runs,
    flows,
    runs,
    settings,
    task_runs,
    variables,
    work_pool_forms,
    work_pools,
    work_queues,
)

__all__ = ["routes"]

_MODULES = (
    automations,
    blocks,
    calendar,
    concurrency_limits,
    dashboard,
    deployment_runs,
    deployment_schedules,
    deployments,
    events,
    flow_run_input,
    flow_run_acts,
    flow_runs,
    flows,
    runs,
    settings,
    task_runs,
    variables,
    work_pool_forms,
    work_pools,
    work_queues,
    artifacts,
    assets,
)


def routes() -> list[BaseRoute]:
    """All of them."""
    return [route for module in _MODULES for route in module.ROUTES]
