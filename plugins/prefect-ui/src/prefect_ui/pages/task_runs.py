"""One task run: what came of it, what it was given, what it wrote."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.pages import run_parts
from prefect_ui.pages.forms import done
from prefect_ui.pages.names import names_of
from prefect_ui.view import page

__all__ = ["ROUTES"]

_TABS = {"": "Overview", "logs": "Logs", "artifacts": "Artifacts", "events": "Events"}
_PARENTS = "__parents__"
"""Under this name task runs list the task runs that they were called in."""


async def _task_run(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    tab = request.path_params.get("tab", "")
    if tab not in _SHOW:
        raise HTTPException(404)
    run = await api.get(f"/ui/task_runs/{id}")
    return page(
        request,
        "task_run.html",
        run["name"],
        live=f"prefect.task-run.{id}",
        run=run,
        tab=tab,
        tabs=_TABS,
        subflow=((run["state"] or {}).get("state_details") or {}).get("child_flow_run_id"),
        **await _SHOW[tab](request, api, run),
    )


async def _overview(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    given = run["task_inputs"]
    ids = {
        kind: sorted({each["id"] for inputs in given.values() for each in inputs if each["input_type"] == kind})
        for kind in ("task_run", "flow_run")
    }
    states, tasks, flows = await asyncio.gather(
        api.get("/task_run_states/", task_run_id=run["id"]),
        run_parts.task_runs(api, ids["task_run"]),
        names_of(api, "flow_runs", ids["flow_run"]),
    )
    return {
        "states": states,
        "upstream": {id: task["name"] for id, task in tasks.items()} | flows,
        "called_in": given.get(_PARENTS, []),
        "inputs": {name: inputs for name, inputs in given.items() if name != _PARENTS},
        "result": _place((run["state"] or {}).get("data")),
    }


def _place(data: Any) -> dict[str, str]:
    """Where a result is and how it is written, in words; never the result itself."""
    if not isinstance(data, dict):
        return {}
    serializer = data.get("serializer")
    told = {
        "Key": data.get("storage_key"),
        "Storage block": data.get("storage_block_id"),
        "Serializer": serializer.get("type") if isinstance(serializer, dict) else None,
        "Expires": data.get("expiration"),
    }
    return {name: str(value) for name, value in told.items() if value is not None}


async def _logs(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return await run_parts.logs(request, api, {"task_run_id": {"any_": [run["id"]]}})


async def _artifacts(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return await run_parts.artifacts(api, {"task_run_id": {"any_": [run["id"]]}})


async def _events(request: Request, api: Api, run: dict[str, Any]) -> dict[str, Any]:
    return await run_parts.events(api, f"prefect.task-run.{run['id']}", run)


_SHOW = {"": _overview, "logs": _logs, "artifacts": _artifacts, "events": _events}


async def _delete(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    run = await api.get(f"/task_runs/{id}")

    async def act() -> str:
        await api.delete(f"/task_runs/{id}")
        return f"The task run {run['name']} is deleted."

    return await done(request, f"/runs/flow-run/{run['flow_run_id']}" if run["flow_run_id"] else "/runs", act)


ROUTES = [
    Route("/runs/task-run/{id:uuid}", _task_run),
    Route("/runs/task-run/{id:uuid}/delete", _delete, methods=["POST"]),
    Route("/runs/task-run/{id:uuid}/{tab:str}", _task_run),
]
