"""Work pools: the list of them, and one: its queues, its workers, who uses its slots, its runs and deployments."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.pages.forms import done, number
from prefect_ui.pages.lists import listed
from prefect_ui.pages.names import names_of, with_names
from prefect_ui.view import page

__all__ = ["ROUTES"]

_PAGE = 50
_TABS = {
    "": "Queues and workers",
    "runs": "Runs",
    "upcoming": "Upcoming",
    "deployments": "Deployments",
    "template": "Base job template",
    "events": "Events",
}
_LIVE = "prefect.work-pool. prefect.work-queue. prefect.worker. prefect.flow-run."


async def _work_pools(request: Request) -> Response:
    api = Api(request)
    pools, paging = await listed(request, api, "/work_pools", {})
    workers = await asyncio.gather(*(api.post(f"{_path(pool['name'])}/workers/filter") for pool in pools))
    return page(
        request,
        "work_pools.html",
        "Work pools",
        live=_LIVE,
        pools=[
            {**pool, "online": sum(worker["status"] == "ONLINE" for worker in known), "workers": len(known)}
            for pool, known in zip(pools, workers, strict=True)
        ],
        **paging,
    )


def _path(name: str) -> str:
    return f"/work_pools/{quote(name, safe='')}"


async def _work_pool(request: Request) -> Response:
    api, name = Api(request), request.path_params["name"]
    tab = request.path_params.get("tab", "")
    if tab not in _TABS:
        raise HTTPException(404)
    pool = await api.get(_path(name))
    shown = await _SHOW[tab](request, api, pool)
    live = f"prefect.work-pool.{pool['id']} prefect.work-queue. prefect.worker."  # events of its runs are related to it
    return page(request, "work_pool.html", name, live=live, pool=pool, tab=tab, tabs=_TABS, **shown)


async def _inside(request: Request, api: Api, pool: dict[str, Any]) -> dict[str, Any]:
    path = _path(pool["name"])
    queues, workers, slots = await asyncio.gather(
        api.post(f"{path}/queues/filter"),
        api.post(f"{path}/workers/filter"),
        api.post(f"{path}/concurrency_status", {"flow_run_limit": 20}),
    )
    health = await asyncio.gather(*(api.get(f"/work_queues/{queue['id']}/status") for queue in queues))
    used = {each["queue_id"]: each for each in slots["queues"]}
    return {
        "queues": [
            {**queue, "late": told["late_runs_count"], "used": used.get(queue["id"])}
            for queue, told in zip(queues, health, strict=True)
        ],
        "workers": workers,
    }


async def _runs(request: Request, api: Api, pool: dict[str, Any]) -> dict[str, Any]:
    begun = {"not_any_": ["SCHEDULED"]}
    return await _some_runs(request, api, pool, begun, "EXPECTED_START_TIME_DESC")


async def _upcoming(request: Request, api: Api, pool: dict[str, Any]) -> dict[str, Any]:
    return await _some_runs(request, api, pool, {"any_": ["SCHEDULED"]}, "NEXT_SCHEDULED_START_TIME_ASC")


async def _some_runs(
    request: Request, api: Api, pool: dict[str, Any], types: dict[str, Any], sort: str
) -> dict[str, Any]:
    asked = {
        "work_pools": {"id": {"any_": [pool["id"]]}},
        "flow_runs": {"state": {"type": types}},
        "sort": sort,
        "page": number(request, "page"),
        "limit": _PAGE,
    }
    found = await api.post("/flow_runs/paginate", asked)
    return {"found": found, "names": await with_names(api, found["results"])}


async def _deployments(request: Request, api: Api, pool: dict[str, Any]) -> dict[str, Any]:
    chosen = {"work_pools": {"id": {"any_": [pool["id"]]}}, "sort": "NAME_ASC"}
    found = await api.post("/deployments/paginate", {**chosen, "page": number(request, "page"), "limit": _PAGE})
    return {"found": found, "flows": await names_of(api, "flows", (each["flow_id"] for each in found["results"]))}


async def _template(request: Request, api: Api, pool: dict[str, Any]) -> dict[str, Any]:
    return {}


async def _events(request: Request, api: Api, pool: dict[str, Any]) -> dict[str, Any]:
    about = {"any_resource": {"id": [f"prefect.work-pool.{pool['id']}"]}}
    return {"events": (await api.post("/events/filter", {"filter": about, "limit": 50}))["events"]}


_SHOW = {
    "": _inside,
    "runs": _runs,
    "upcoming": _upcoming,
    "deployments": _deployments,
    "template": _template,
    "events": _events,
}


async def _act(request: Request) -> Response:
    api, name, what = Api(request), request.path_params["name"], request.path_params["what"]
    if what not in _SAID:
        raise HTTPException(404)

    async def act() -> str:
        if what == "delete":
            await api.delete(_path(name))
        else:
            await api.patch(_path(name), {"is_paused": what == "pause"})
        return _SAID[what]

    return await done(
        request, "/work-pools" if what == "delete" else f"/work-pools/work-pool/{quote(name, safe='')}", act
    )


_SAID = {
    "pause": "The work pool is paused: its workers get no runs.",
    "resume": "The work pool goes on.",
    "delete": "The work pool is deleted.",
}


async def _worker(request: Request) -> Response:
    api, name, id = Api(request), request.path_params["name"], str(request.path_params["id"])
    known = await api.post(f"{_path(name)}/workers/filter")
    found = next((each for each in known if each["id"] == id), None)
    if found is None:
        raise HTTPException(404)
    about = {"any_resource": {"id_prefix": ["prefect.worker."], "labels": {"prefect.resource.name": [found["name"]]}}}
    told = await api.post("/events/filter", {"filter": about, "limit": 50})
    values = {"worker": found, "pool_name": name, "events": told["events"]}
    return page(request, "worker.html", found["name"], live="prefect.worker.", **values)


async def _delete_worker(request: Request) -> Response:
    api, name, id = Api(request), request.path_params["name"], str(request.path_params["id"])

    async def act() -> str:
        known = await api.post(f"{_path(name)}/workers/filter")
        for each in known:
            if each["id"] == id:
                await api.delete(f"{_path(name)}/workers/{quote(each['name'], safe='')}")
        return "The worker is forgotten. If it is still there, it comes back with its next heartbeat."

    return await done(request, f"/work-pools/work-pool/{quote(name, safe='')}", act)


ROUTES = [
    Route("/work-pools", _work_pools),
    Route("/work-pools/work-pool/{name:str}", _work_pool),
    Route("/work-pools/work-pool/{name:str}/worker/{id:uuid}", _worker),
    Route("/work-pools/work-pool/{name:str}/worker/{id:uuid}/delete", _delete_worker, methods=["POST"]),
    Route("/work-pools/work-pool/{name:str}/{what:str}", _act, methods=["POST"]),
    Route("/work-pools/work-pool/{name:str}/{tab:str}", _work_pool),
]
