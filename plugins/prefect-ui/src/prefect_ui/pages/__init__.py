"""The pages: a module for each noun, with what its pages ask the API for, and what their forms do."""

from __future__ import annotations

from starlette.routing import BaseRoute

from prefect_ui.pages import dashboard, flow_runs, flows, runs, task_runs

__all__ = ["routes"]


def routes() -> list[BaseRoute]:
    """All of them."""
    return [route for module in (dashboard, runs, flow_runs, task_runs, flows) for route in module.ROUTES]
