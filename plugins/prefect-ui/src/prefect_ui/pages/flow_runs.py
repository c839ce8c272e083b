"""One flow run: what it is, what it did and when, what it wrote, and what can be done with it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.charts import gantt
from prefect_ui.pages import run_parts
from prefect_ui.pages.forms import done, number
from prefect_ui.pages.names import with_names
from prefect_ui.view import page, parse_time

__all__ = ["ROUTES"]

_TABS = {
    "": "Timeline",
    "tasks": "Task runs",
    "subflows": "Subflow runs",
    "logs": "Logs",
    "artifacts": "Artifacts",
    "events": "Events",
    "details": "Details",
}
_MOST_BARS = 500
_PAGE = 100
_WAITS = {"SCHEDULED", "PENDING", "PAUSED"}
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


async def _flow_run(request: Request) -> Response:
    api, id = Api(request), request.path_params["id"]
    tab = request.path_params.get("tab", "")
    if tab not in _SHOW:
        raise HTTPException(404)
    run = await api.get(f"/flow_runs/{id}")
    shown, names, why = await asyncio.gather(
        _SHOW[tab](request, api, run),
        with_names(api, [run]),
        api.get(f"/flow_runs/{id}/why") if run["state_type"] in _WAITS else _nothing(),
    )
    about = [f"prefect.flow-run.{id}"]
    if tab in {"", "tasks"}:
        about.append("prefect.task-run.")
    return page(
        request,
        "flow_run.html",
        run["name"],
        live=" ".join(about),
        run=run,
        names=names,
        why=why,
        tab=tab,
        tabs=_TABS,
        ended=run["state_type"] in _ENDED,
        **shown,
    )


async def _nothing() -> None:
    return None


async def _timeline(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    graph = await api.get(f"/flow_runs/{run['id']}/graph-v2")
    start = parse_time(graph["start_time"])
    if start is None:
        return {"picture": None, "left_out": 0}
    end = parse_time(graph["end_time"]) or datetime.now(timezone.utc)
    base = request.scope.get("root_path", "")
    nodes = [{**node, "href": f"{base}/runs/{node['kind']}/{node['id']}"} for _, node in graph["nodes"][:_MOST_BARS]]
    return {"picture": gantt(nodes, start, end), "left_out": max(0, len(graph["nodes"]) - _MOST_BARS)}


async def _tasks(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    chosen = {"flow_runs": {"id": {"any_": [run["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    return {"found": await api.post("/task_runs/paginate", {**chosen, "page": number(request, "page"), "limit": _PAGE})}


async def _subflows(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    chosen = {"flow_runs": {"parent_flow_run_id": {"any_": [run["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
    found = await api.post("/flow_runs/paginate", {**chosen, "page": number(request, "page"), "limit": _PAGE})
    return {"found": found, "subflow_names": await with_names(api, found["results"])}


async def _logs(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return await run_parts.logs(request, api, {"flow_run_id": {"any_": [run["id"]]}})


async def _artifacts(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return await run_parts.artifacts(api, {"flow_run_id": {"any_": [run["id"]]}})


async def _events(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return await run_parts.events(api, f"prefect.flow-run.{run['id']}", run)


async def _details(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return {"states": await api.get("/flow_run_states/", flow_run_id=run["id"])}


_SHOW = {
    "": _timeline,
    "tasks": _tasks,
    "subflows": _subflows,
    "logs": _logs,
    "artifacts": _artifacts,
    "events": _events,
    "details": _details,
}


async def _act(request: Request) -> Response:
    api, id = Api(request), request.path_params["id"]
    what = request.path_params["what"]
    if what not in _SAID:
        raise HTTPException(404)
    to = "/runs" if what == "delete" else f"/runs/flow-run/{id}"

    async def act() -> str:
        if what == "delete":
            await api.delete(f"/flow_runs/{id}")
            return _SAID[what]
        if what == "resume":
            answer = await api.post(f"/flow_runs/{id}/resume")
        else:
            answer = await api.post(f"/flow_runs/{id}/set_state", {"state": _STATES[what]()})
        if answer["status"] != "ACCEPT":
            reason = (answer.get("details") or {}).get("reason") or "it does not say why"
            return f"The server did not accept that: {reason}"
        return _SAID[what]

    return await done(request, to, act)


_STATES = {
    "cancel": lambda: {"type": "CANCELLING", "message": "Cancelled in the web pages."},
    "retry": lambda: {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retried in the web pages."},
}
_SAID = {
    "cancel": "The flow run is being cancelled.",
    "retry": "The flow run will be run again.",
    "resume": "The flow run goes on.",
    "delete": "The flow run is deleted.",
}

ROUTES = [
    Route("/runs/flow-run/{id:uuid}", _flow_run),
    Route("/runs/flow-run/{id:uuid}/{what:str}", _act, methods=["POST"]),
    Route("/runs/flow-run/{id:uuid}/{tab:str}", _flow_run),
]
