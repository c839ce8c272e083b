"""The schedules of a deployment: making, pausing and deleting them."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.inputs import InputError, decimal, filled, json_in, moment, text, whole
from prefect_ui.pages.forms import done
from prefect_ui.view import page

__all__ = ["ROUTES"]

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


async def _new(request: Request) -> Response:
    api, id = Api(request), request.path_params["id"]
    deployment = await api.get(f"/deployments/{id}")

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        values = {"deployment": deployment, "typed": typed, "wrong": wrong, "units": list(_UNITS)}
        return page(request, "schedule_new.html", f"New schedule of {deployment['name']}", status=status, **values)

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        await api.post(f"/deployments/{id}/schedules", [_schedule(typed)])
        return f"/deployments/deployment/{id}/schedules", "The schedule is added."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


def _schedule(typed: dict[str, str]) -> dict[str, Any]:
    kinds = [kind for kind in ("cron", "interval", "rrule") if text(typed, kind)]
    if len(kinds) != 1:
        raise InputError("Fill in one of cron expression, interval and recurrence rule.")
    made: dict[str, Any] = {}
    if kinds == ["interval"]:
        length = decimal(typed, "interval", "Interval") or 0.0
        made["interval"] = length * _UNITS.get(typed.get("unit", ""), 60)
        if anchor := moment(typed, "anchor", "Counted from"):
            made["anchor_date"] = anchor
    else:
        made[kinds[0]] = text(typed, kinds[0])
    if zone := text(typed, "timezone"):
        made["timezone"] = zone
    asked: dict[str, Any] = {"schedule": made, "catchup": typed.get("catchup") or "none"}
    if parameters := json_in(typed, "parameters", "Parameters", dict):
        asked["parameters"] = parameters
    if slug := text(typed, "slug"):
        asked["slug"] = slug
    if most := whole(typed, "most", "Runs ahead"):
        asked["max_scheduled_runs"] = most
    return asked


async def _act(request: Request) -> Response:
    api, id, schedule = Api(request), request.path_params["id"], request.path_params["schedule"]
    what = request.path_params["what"]
    if what not in _SAID:
        raise HTTPException(404)

    async def act() -> str:
        path = f"/deployments/{id}/schedules/{schedule}"
        if what == "delete":
            await api.delete(path)
        else:
            await api.patch(path, {"active": what == "resume"})
        return _SAID[what]

    return await done(request, f"/deployments/deployment/{id}/schedules", act)


_SAID = {
    "pause": "The schedule is paused.",
    "resume": "The schedule goes on.",
    "delete": "The schedule is deleted.",
}

ROUTES = [
    Route("/deployments/deployment/{id:uuid}/schedules/new", _new, methods=["GET", "POST"]),
    Route("/deployments/deployment/{id:uuid}/schedules/{schedule:uuid}/{what:str}", _act, methods=["POST"]),
]
