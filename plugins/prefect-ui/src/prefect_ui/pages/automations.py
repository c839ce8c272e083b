"""Automations: the list of them, and one: what it waits for, what it does, and what it has done."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.automation_words import action_in_words, trigger_in_words
from prefect_ui.inputs import as_text, filled, json_in
from prefect_ui.pages.forms import done
from prefect_ui.pages.lists import listed
from prefect_ui.view import page

__all__ = ["ROUTES"]

_WRITTEN = ("name", "description", "enabled", "tags", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")
_EXAMPLE = {
    "name": "Cancel runs that hang",
    "description": "",
    "enabled": True,
    "tags": [],
    "trigger": {
        "type": "event",
        "posture": "Proactive",
        "match": {"prefect.resource.id": "prefect.flow-run.*"},
        "after": ["prefect.flow-run.Running"],
        "expect": ["prefect.flow-run.*"],
        "for_each": ["prefect.resource.id"],
        "threshold": 1,
        "within": 3600,
    },
    "actions": [{"type": "cancel-flow-run"}],
    "actions_on_trigger": [],
    "actions_on_resolve": [],
}


async def _automations(request: Request) -> Response:
    api, query = Api(request), request.query_params
    chosen: dict[str, Any] = {}
    if name := query.get("name", "").strip():
        chosen["name"] = {"any_": [name]}
    if tag := query.get("tag", "").strip():
        chosen["tags"] = {"all_": [tag]}
    found = await listed(request, api, "/automations", {"automations": chosen} if chosen else {}, "NAME_ASC")
    return page(
        request,
        "automations.html",
        "Automations",
        live="prefect.automation.",
        automations=found.items,
        **found.paging,
        is_chosen=bool(chosen),
        trigger_in_words=trigger_in_words,
        action_in_words=action_in_words,
    )


async def _automation(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    about = {"any_resource": {"id": [f"prefect.automation.{id}"]}}
    automation, told = await asyncio.gather(
        api.get(f"/automations/{id}"), api.post("/events/filter", {"filter": about, "limit": 50})
    )
    return page(
        request,
        "automation.html",
        automation["name"],
        live=f"prefect.automation.{id}",
        automation=automation,
        written=_written(automation),
        events=told["events"],
        trigger_in_words=trigger_in_words,
        action_in_words=action_in_words,
    )


def _written(automation: dict[str, Any]) -> dict[str, Any]:
    return {name: automation[name] for name in _WRITTEN}


async def _new(request: Request) -> Response:
    api = Api(request)

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        text = typed.get("automation", as_text(_EXAMPLE))
        values: dict[str, Any] = {"text": text, "wrong": wrong, "automation": None}
        return page(request, "automation_form.html", "New automation", status=status, **values)

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        made = await api.post("/automations/", json_in(typed, "automation", "Automation", dict) or {})
        return f"/automations/automation/{made['id']}", "The automation is made."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


async def _edit(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    automation = await api.get(f"/automations/{id}")

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        text = typed.get("automation", as_text(_written(automation)))
        values = {"text": text, "wrong": wrong, "automation": automation}
        return page(request, "automation_form.html", f"Edit {automation['name']}", status=status, **values)

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        await api.put(f"/automations/{id}", json_in(typed, "automation", "Automation", dict) or {})
        return f"/automations/automation/{id}", "The automation is changed."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


async def _act(request: Request) -> Response:
    api, id, what = Api(request), str(request.path_params["id"]), request.path_params["what"]
    if what not in _SAID:
        raise HTTPException(404)

    async def act() -> str:
        if what == "delete":
            await api.delete(f"/automations/{id}")
        else:
            await api.patch(f"/automations/{id}", {"enabled": what == "enable"})
        return _SAID[what]

    return await done(request, "/automations" if what == "delete" else f"/automations/automation/{id}", act)


_SAID = {
    "enable": "The automation is enabled.",
    "disable": "The automation is disabled: it does nothing.",
    "delete": "The automation is deleted.",
}

ROUTES = [
    Route("/automations", _automations),
    Route("/automations/new", _new, methods=["GET", "POST"]),
    Route("/automations/automation/{id:uuid}", _automation),
    Route("/automations/automation/{id:uuid}/edit", _edit, methods=["GET", "POST"]),
    Route("/automations/automation/{id:uuid}/{what:str}", _act, methods=["POST"]),
]
