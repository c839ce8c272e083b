"""Concurrency limits: global ones, those of deployments and of the tags of tasks; who holds their slots, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.inputs import InputError, decimal, filled, text, whole
from prefect_ui.pages.forms import done
from prefect_ui.pages.names import names_of
from prefect_ui.view import page

__all__ = ["ROUTES"]

_BATCH = 200
_TAG, _DEPLOYMENT = "tag:", "deployment:"
_HOLDING = ["PENDING", "RUNNING", "CANCELLING"]


async def _limits(request: Request) -> Response:
    api = Api(request)
    found = await _all(api)
    deployments = await names_of(api, "deployments", _ids_of_deployments(found))
    groups = {
        "Global": [each for each in found if not each["name"].startswith((_TAG, _DEPLOYMENT))],
        "Of tags": [_named(each, each["name"].removeprefix(_TAG)) for each in found if each["name"].startswith(_TAG)],
        "Of deployments": [
            _named(each, deployments.get(each["name"].removeprefix(_DEPLOYMENT), each["name"]))
            for each in found
            if each["name"].startswith(_DEPLOYMENT)
        ],
    }
    return page(
        request, "concurrency_limits.html", "Concurrency limits", live="prefect.concurrency-limit.", groups=groups
    )


async def _all(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        some = await api.post("/v2/concurrency_limits/filter", {"limit": _BATCH, "offset": len(found)})
        found += some
        if len(some) < _BATCH:
            return found


def _ids_of_deployments(limits: Iterable[dict[str, Any]]) -> list[str]:
    return [each["name"].removeprefix(_DEPLOYMENT) for each in limits if each["name"].startswith(_DEPLOYMENT)]


def _named(limit: dict[str, Any], name: str) -> dict[str, Any]:
    return {**limit, "name": name}


async def _limit(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    limit = await api.get(f"/v2/concurrency_limits/{id}")
    name, about = limit["name"], {"any_resource": {"id": [f"prefect.concurrency-limit.{id}"]}}
    told = (await api.post("/events/filter", {"filter": about, "limit": 50}))["events"]
    deployment = tag = None
    if name.startswith(_TAG):
        tag = name.removeprefix(_TAG)
        holders = await _tagged(api, id)
    elif name.startswith(_DEPLOYMENT):
        deployment = name.removeprefix(_DEPLOYMENT)
        name = (await names_of(api, "deployments", [deployment])).get(deployment, name)
        holders = await _deployed(api, deployment)
    else:
        holders = _told(told)
    return page(
        request,
        "concurrency_limit.html",
        tag or name,
        live=f"prefect.concurrency-limit.{id}" + (f" prefect.deployment.{deployment}" if deployment else ""),
        limit=limit,
        holders=holders,
        held=sum(each["slots"] for each in holders),
        events=told,
        tag=tag,
        deployment=deployment,
    )


async def _tagged(api: Api, id: str) -> list[dict[str, Any]]:
    """The task runs that hold slots of a tag's limit."""
    ids = (await api.get(f"/concurrency_limits/{id}"))["active_slots"]
    if not ids:
        return []
    runs = await api.post("/task_runs/filter", {"task_runs": {"id": {"any_": ids[:_BATCH]}}})
    known = {run["id"]: run for run in runs}
    return [
        {"path": f"/runs/task-run/{id}", "name": known[id]["name"], "since": known[id]["start_time"], "slots": 1}
        if id in known
        else {"path": None, "name": id, "since": None, "slots": 1}
        for id in ids
    ]


async def _deployed(api: Api, deployment: str) -> list[dict[str, Any]]:
    """The runs of a deployment that are under way: they hold its slots."""
    chosen = {"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": _HOLDING}}}
    runs = await api.post("/flow_runs/filter", {"flow_runs": chosen, "limit": _BATCH})
    return [
        {"path": f"/runs/flow-run/{run['id']}", "name": run["name"], "since": run["start_time"], "slots": 1}
        for run in runs
    ]


def _told(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who has taken slots and not given them back, as events tell it."""
    listed = list(events)
    given_back = {each["follows"] for each in listed if each["event"].endswith(".released")}
    holders = []
    for each in listed:
        if not each["event"].endswith(".acquired") or each["id"] in given_back:
            continue
        runs = [one for one in each["related"] if one["prefect.resource.role"] in {"task-run", "flow-run"}]
        run = next((one for one in runs if one["prefect.resource.role"] == "task-run"), runs[0] if runs else None)
        slots = each["resource"].get("slots-acquired", "1")
        holders.append(
            {
                "path": f"/runs/{run['prefect.resource.role']}/{run['prefect.resource.id'].rpartition('.')[2]}"
                if run
                else None,
                "name": (run or {}).get("prefect.resource.name") or "something that is no run",
                "since": each["occurred"],
                "slots": int(slots) if slots.isdecimal() else 1,
            }
        )
    return holders


async def _act(request: Request) -> Response:
    api, id, what = Api(request), str(request.path_params["id"]), request.path_params["what"]
    if what not in _SAID:
        raise HTTPException(404)
    path = f"/v2/concurrency_limits/{id}"

    async def act() -> str:
        if what == "delete":
            await api.delete(path)
        elif what == "free":
            name = (await api.get(path))["name"]
            if name.startswith(_TAG):
                await api.post(f"/concurrency_limits/tag/{quote(name.removeprefix(_TAG), safe='')}/reset")
            else:
                await api.patch(path, {"active_slots": 0})
        else:
            await api.patch(path, {"active": what == "resume"})
        return _SAID[what]

    to = "/concurrency-limits" if what == "delete" else f"/concurrency-limits/concurrency-limit/{id}"
    return await done(request, to, act)


_SAID = {
    "pause": "The limit is off: nothing waits for it.",
    "resume": "The limit is on.",
    "free": "All slots are free.",
    "delete": "The limit is deleted.",
}


async def _new(request: Request) -> Response:
    api = Api(request)

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        values: dict[str, Any] = {"typed": typed, "wrong": wrong, "limit": None}
        return page(request, "concurrency_limit_form.html", "New concurrency limit", status=status, **values)

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        size, name = _size(typed), text(typed, "name") or ""
        if typed.get("kind") == "tag":
            made = await api.post("/concurrency_limits/", {"tag": name, "concurrency_limit": size})
        else:
            decay = decimal(typed, "slot_decay_per_second", "Slots that become free per second") or 0
            made = await api.post(
                "/v2/concurrency_limits/", {"name": name, "limit": size, "slot_decay_per_second": decay}
            )
        return f"/concurrency-limits/concurrency-limit/{made['id']}", "The limit is made."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


def _size(typed: dict[str, str]) -> int:
    size = whole(typed, "limit", "Limit")
    if size is None:
        raise InputError("Limit: how many slots are there?")
    return size


async def _edit(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    path = f"/v2/concurrency_limits/{id}"
    limit = await api.get(path)

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        values = typed or {name: str(limit[name]) for name in ("name", "limit", "slot_decay_per_second")}
        shown = {"typed": values, "wrong": wrong, "limit": limit}
        return page(request, "concurrency_limit_form.html", f"Edit {limit['name']}", status=status, **shown)

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        asked: dict[str, Any] = {"limit": _size(typed)}
        if not limit["name"].startswith((_TAG, _DEPLOYMENT)):
            asked["name"] = text(typed, "name") or ""
            asked["slot_decay_per_second"] = decimal(typed, "slot_decay_per_second", "Slots that become free") or 0
        await api.patch(path, asked)
        return f"/concurrency-limits/concurrency-limit/{id}", "The limit is changed."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


ROUTES = [
    Route("/concurrency-limits", _limits),
    Route("/concurrency-limits/new", _new, methods=["GET", "POST"]),
    Route("/concurrency-limits/concurrency-limit/{id:uuid}", _limit),
    Route("/concurrency-limits/concurrency-limit/{id:uuid}/edit", _edit, methods=["GET", "POST"]),
    Route("/concurrency-limits/concurrency-limit/{id:uuid}/{what:str}", _act, methods=["POST"]),
]
