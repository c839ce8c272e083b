"""One flow run: what it is, what it did and when, what it wrote, and what can be done with it."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api, ApiError
from prefect_ui.pages import run_parts
from prefect_ui.pages.flow_run_acts import offers
from prefect_ui.pages.forms import number
from prefect_ui.pages.names import with_names
from prefect_ui.pages.run_graphs import graph, show_timeline
from prefect_ui.view import GLYPHS, page

__all__ = ["ROUTES"]

_TABS = {
    "": "Timeline",
    "graph": "Graph",
    "tasks": "Task runs",
    "subflows": "Subflow runs",
    "logs": "Logs",
    "artifacts": "Artifacts",
    "events": "Events",
    "details": "Details",
}
_PAGE = 100
_WAITS = {"SCHEDULED", "PENDING", "PAUSED"}


async def _flow_run(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    tab = request.path_params.get("tab", "")
    if tab not in _SHOW:
        raise HTTPException(404)
    run = await api.get(f"/flow_runs/{id}")
    shown, names, parent, why = await asyncio.gather(
        _SHOW[tab](request, api, run),
        with_names(api, [run]),
        _parent(api, run),
        api.get(f"/flow_runs/{id}/why") if run["state_type"] in _WAITS else _nothing(),
    )
    return page(
        request,
        "flow_run.html",
        run["name"],
        live=f"prefect.flow-run.{id}",  # events of its task runs are related to it
        run=run,
        names=names,
        why=why,
        tab=tab,
        tabs=_TABS,
        parent=parent,
        kinds=GLYPHS,
        **offers(run),
        **shown,
    )


async def _nothing() -> None:
    return None


async def _parent(api: Api, run: dict[str, Any]) -> dict[str, Any] | None:
    """The task run that a subflow run was called in, with the name of its flow run."""
    if not run["parent_task_run_id"]:
        return None
    try:
        found: dict[str, Any] = await api.get(f"/ui/task_runs/{run['parent_task_run_id']}")
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    return found


async def _tasks(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {"flow_runs": {"id": {"any_": [run["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    tasks: dict[str, Any] = {}
    if name := request.query_params.get("name", "").strip():
        tasks["name"] = {"like_": name}
    if (state := request.query_params.get("state")) in GLYPHS:
        tasks["state"] = {"type": {"any_": [state]}}
    chosen["task_runs"] = tasks
    return {"found": await api.post("/task_runs/paginate", {**chosen, "page": number(request, "page"), "limit": _PAGE})}


async def _subflows(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    chosen = {"flow_runs": {"parent_flow_run_id": {"any_": [run["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    found = await api.post("/flow_runs/paginate", {**chosen, "page": number(request, "page"), "limit": _PAGE})
    return {"found": found, "subflow_names": await with_names(api, found["results"])}


async def _logs(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    shown = await run_parts.logs(request, api, {"flow_run_id": {"any_": [run["id"]]}})
    ids = sorted({line["task_run_id"] for line in shown["lines"] if line["task_run_id"]})
    return {**shown, "tasks": await run_parts.task_runs(api, ids)}


async def _artifacts(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return await run_parts.artifacts(api, {"flow_run_id": {"any_": [run["id"]]}})


async def _events(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return await run_parts.events(api, f"prefect.flow-run.{run['id']}", run)


async def _details(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return {"states": await api.get("/flow_run_states/", flow_run_id=run["id"])}


_SHOW = {
    "": show_timeline,
    "graph": graph,
    "tasks": _tasks,
    "subflows": _subflows,
    "logs": _logs,
    "artifacts": _artifacts,
    "events": _events,
    "details": _details,
}


ROUTES = [
    Route("/runs/flow-run/{id:uuid}", _flow_run),
    Route("/runs/flow-run/{id:uuid}/{tab:str}", _flow_run),
]
