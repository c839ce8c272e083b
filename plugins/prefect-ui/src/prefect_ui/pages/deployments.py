"""Deployments: the list of them, and one: what it runs, where, when and with what, and what became of it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.charts import strip
from prefect_ui.pages.forms import done, number
from prefect_ui.pages.names import names_of, with_names
from prefect_ui.schedules import in_words, next_times
from prefect_ui.view import page

__all__ = ["ROUTES", "TABS"]

_PAGE = 25
_STRIP = 12
_BEGUN = ["RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED", "CANCELLING", "PAUSED", "PENDING"]

TABS = {
    "": "Runs",
    "upcoming": "Upcoming",
    "schedules": "Schedules",
    "parameters": "Parameters",
    "details": "Details",
    "events": "Events",
}
"""The parts of a deployment's page."""


async def _deployments(request: Request) -> Response:
    api, query = Api(request), request.query_params
    chosen: dict[str, Any] = {}
    if name := query.get("name", "").strip():
        chosen["flow_or_deployment_name"] = {"like_": name}
    if tag := query.get("tag", "").strip():
        chosen["tags"] = {"all_": [tag]}
    if query.get("paused") in {"yes", "no"}:
        chosen["paused"] = {"eq_": query["paused"] == "yes"}
    asked: dict[str, Any] = {"deployments": chosen} if chosen else {}
    if pool := query.get("pool", "").strip():
        asked["work_pools"] = {"name": {"any_": [pool]}}
    found = await api.post(
        "/deployments/paginate", {**asked, "sort": "NAME_ASC", "page": number(request, "page"), "limit": _PAGE}
    )
    shown = found["results"]
    flows, *lately = await asyncio.gather(
        names_of(api, "flows", (each["flow_id"] for each in shown)),
        *(_lately(api, each["id"], _STRIP) for each in shown),
    )
    base = request.scope.get("root_path", "")
    return page(
        request,
        "deployments.html",
        "Deployments",
        live="prefect.flow-run. prefect.deployment.",
        found=found,
        flows=flows,
        strips={each["id"]: strip(runs, base, _STRIP, 22) for each, runs in zip(shown, lately, strict=True) if runs},
        in_words=in_words,
    )


async def _lately(api: Api, id: str, most: int) -> list[dict[str, Any]]:
    """The last runs of a deployment that are more than scheduled."""
    chosen = {"deployment_id": {"any_": [id]}, "state": {"type": {"any_": _BEGUN}}}
    found: list[dict[str, Any]] = await api.post(
        "/flow_runs/filter", {"flow_runs": chosen, "sort": "EXPECTED_START_TIME_DESC", "limit": most}
    )
    return found


async def _deployment(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    tab = request.path_params.get("tab", "")
    if tab not in TABS:
        raise HTTPException(404)
    deployment = await api.get(f"/deployments/{id}")
    flows, lately, shown = await asyncio.gather(
        names_of(api, "flows", [deployment["flow_id"]]), _lately(api, id, 60), _SHOW[tab](request, api, deployment)
    )
    return page(
        request,
        "deployment.html",
        deployment["name"],
        live=f"prefect.deployment.{id}",  # events of its runs are related to it
        deployment=deployment,
        flows=flows,
        strip=strip(lately, request.scope.get("root_path", ""), height=22) if lately else None,
        in_words=in_words,
        tab=tab,
        tabs=TABS,
        **shown,
    )


async def _runs(request: Request, api: Api, deployment: dict[str, Any]) -> dict[str, Any]:
    return await _some_runs(request, api, deployment, _BEGUN, "EXPECTED_START_TIME_DESC")


async def _upcoming(request: Request, api: Api, deployment: dict[str, Any]) -> dict[str, Any]:
    return await _some_runs(request, api, deployment, ["SCHEDULED"], "NEXT_SCHEDULED_START_TIME_ASC")


async def _some_runs(
    request: Request, api: Api, deployment: dict[str, Any], states: list[str], sort: str
) -> dict[str, Any]:
    chosen = {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": states}}}
    asked = {"flow_runs": chosen, "sort": sort, "page": number(request, "page"), "limit": 50}
    found = await api.post("/flow_runs/paginate", asked)
    return {"found": found, "names": await with_names(api, found["results"])}


async def _schedules(request: Request, api: Api, deployment: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(timezone.utc)

    def times() -> dict[str, list[datetime]]:
        return {each["id"]: next_times(each["schedule"], now) for each in deployment["schedules"]}

    return {"times": await asyncio.to_thread(times), "typed": {}, "wrong": ""}


async def _nothing_more(request: Request, api: Api, deployment: dict[str, Any]) -> dict[str, Any]:
    return {}


async def _details(request: Request, api: Api, deployment: dict[str, Any]) -> dict[str, Any]:
    return {"automations": await api.get(f"/automations/related-to/prefect.deployment.{deployment['id']}")}


async def _events(request: Request, api: Api, deployment: dict[str, Any]) -> dict[str, Any]:
    about = {"any_resource": {"id": [f"prefect.deployment.{deployment['id']}"]}, "order": "DESC"}
    return {"events": (await api.post("/events/filter", {"filter": about, "limit": 50}))["events"]}


_SHOW = {
    "": _runs,
    "upcoming": _upcoming,
    "schedules": _schedules,
    "parameters": _nothing_more,
    "details": _details,
    "events": _events,
}


async def _act(request: Request) -> Response:
    api, id, what = Api(request), str(request.path_params["id"]), request.path_params["what"]
    if what not in _SAID:
        raise HTTPException(404)

    async def act() -> str:
        if what == "delete":
            await api.delete(f"/deployments/{id}")
        else:
            await api.post(f"/deployments/{id}/{what}_deployment")
        return _SAID[what]

    return await done(request, "/deployments" if what == "delete" else f"/deployments/deployment/{id}", act)


_SAID = {
    "pause": "The deployment is paused: its schedules create no runs.",
    "resume": "The deployment goes on: its schedules create runs.",
    "delete": "The deployment is deleted.",
}

ROUTES = [
    Route("/deployments", _deployments),
    Route("/deployments/deployment/{id:uuid}", _deployment),
    Route("/deployments/deployment/{id:uuid}/{what:str}", _act, methods=["POST"]),
    Route("/deployments/deployment/{id:uuid}/{tab:str}", _deployment),
]
