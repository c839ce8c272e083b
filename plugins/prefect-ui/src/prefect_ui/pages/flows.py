"""Flows: the list of them, and the page of one with its runs, deployments, and how long they take."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.charts import strip, trend
from prefect_ui.pages.forms import done, number
from prefect_ui.pages.names import with_names
from prefect_ui.view import page

__all__ = ["ROUTES"]

_PAGE = 25
_LISTED = 20
_POINTS = 300
_FEW = 8
_MANY = 60
_SORTS = {
    "name": ("NAME_ASC", "By name"),
    "newest": ("CREATED_DESC", "Newest first"),
    "changed": ("UPDATED_DESC", "Changed last"),
}


async def _flows(request: Request) -> Response:
    api, query = Api(request), request.query_params
    chosen: dict[str, Any] = {}
    if name := query.get("name", "").strip():
        chosen["name"] = {"like_": name}
    if tag := query.get("tag", "").strip():
        chosen["tags"] = {"all_": [tag]}
    sort = _SORTS.get(query.get("sort", ""), _SORTS["name"])[0]
    found = await api.post(
        "/flows/paginate", {"flows": chosen, "sort": sort, "page": number(request, "page"), "limit": _LISTED}
    )
    ids = [flow["id"] for flow in found["results"]]
    deployments, following, *recent = await asyncio.gather(
        api.post("/ui/flows/count-deployments", {"flow_ids": ids}),
        api.post("/ui/flows/next-runs", {"flow_ids": ids}),
        *(_recent(api, id, _FEW) for id in ids),
    )
    base = request.scope.get("root_path", "")
    return page(
        request,
        "flows.html",
        "Flows",
        live="prefect.flow-run. prefect.flow.",
        found=found,
        deployments=deployments,
        following=following,
        latest={id: runs[0] for id, runs in zip(ids, recent, strict=True) if runs},
        strips={id: strip(runs, base, _FEW, height=22) for id, runs in zip(ids, recent, strict=True) if runs},
        sorts=_SORTS,
    )


async def _recent(api: Api, id: str, most: int) -> list[dict[str, Any]]:
    """The latest runs of a flow that have begun."""
    begun = {"flows": {"id": {"any_": [id]}}, "flow_runs": {"start_time": {"is_null_": False}}}
    found: list[dict[str, Any]] = await api.post(
        "/flow_runs/filter", {**begun, "sort": "EXPECTED_START_TIME_DESC", "limit": most}
    )
    return found


async def _flow(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    flow = await api.get(f"/flows/{id}")
    of_it = {"flows": {"id": {"any_": [id]}}}
    ended = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}, "start_time": {"is_null_": False}}
    runs, recent, points, deployments = await asyncio.gather(
        api.post(
            "/flow_runs/paginate",
            {**of_it, "sort": "EXPECTED_START_TIME_DESC", "page": number(request, "page"), "limit": _PAGE},
        ),
        _recent(api, id, _MANY),
        api.post("/ui/flow_runs/history", {**of_it, "flow_runs": ended, "limit": _POINTS}),
        api.post(
            "/deployments/paginate",
            {**of_it, "sort": "NAME_ASC", "page": number(request, "deployments"), "limit": _PAGE},
        ),
    )
    return page(
        request,
        "flow.html",
        flow["name"],
        live=f"prefect.flow.{id}",  # events of its runs are related to it
        flow=flow,
        runs=runs,
        names=await with_names(api, runs["results"]),
        strip=strip(recent, request.scope.get("root_path", ""), _MANY) if recent else None,
        trend=trend(points),
        deployments=deployments,
    )


async def _delete(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])

    async def act() -> str:
        flow = await api.get(f"/flows/{id}")
        await api.delete(f"/flows/{id}")
        return f"The flow {flow['name']} is deleted, with its runs and deployments."

    return await done(request, "/flows", act)


ROUTES = [
    Route("/flows", _flows),
    Route("/flows/flow/{id:uuid}", _flow),
    Route("/flows/flow/{id:uuid}/delete", _delete, methods=["POST"]),
]
