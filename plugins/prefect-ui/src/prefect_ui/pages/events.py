"""Events: what happened, by name, resource and time; and one of them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.bars import count_bars
from prefect_ui.pages.run_filters import SPANS
from prefect_ui.view import page, parse_time

__all__ = ["ROUTES"]

_PAGE = 50
_STEPS = {"1h": ("minute", 1.0), "1d": ("minute", 30.0), "7d": ("hour", 4.0), "30d": ("hour", 16.0)}
_KINDS = {
    "flow": "/flows/flow/",
    "flow-run": "/runs/flow-run/",
    "task-run": "/runs/task-run/",
    "deployment": "/deployments/deployment/",
    "work-queue": "/work-queues/work-queue/",
    "automation": "/automations/automation/",
    "block-document": "/blocks/block/",
    "concurrency-limit": "/concurrency-limits/concurrency-limit/",
}


async def _events(request: Request) -> Response:
    api, query = Api(request), request.query_params
    span = query.get("since", "1d")
    span = span if span in SPANS else "1d"
    chosen: dict[str, Any] = {"occurred": {"since": (datetime.now(timezone.utc) - SPANS[span]).isoformat()}}
    if name := query.get("event", "").strip():
        chosen["event"] = {"prefix": [name.removesuffix("*")]}
    if resource := query.get("resource", "").strip():
        chosen["any_resource"] = {"id_prefix": [resource.removesuffix("*")]}
    unit, interval = _STEPS[span]
    token = query.get("older", "")
    found, counts = await asyncio.gather(
        api.get("/events/filter/next", **{"page-token": token})
        if token
        else api.post("/events/filter", {"filter": chosen, "limit": _PAGE}),
        api.post("/events/count-by/time", {"filter": chosen, "time_unit": unit, "time_interval": interval}),
    )
    return page(
        request,
        "events.html",
        "Events",
        live="" if token else "prefect.",
        found=found,
        older=_token(found["next_page"]),
        bars=count_bars(counts),
        count=sum(each["count"] for each in counts),
        span=span,
        spans=SPANS,
        is_chosen=bool(name or resource),
    )


def _token(address: str | None) -> str | None:
    """What the address of the next page asks for."""
    return None if address is None else parse_qs(urlsplit(address).query)["page-token"][0]


async def _event(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    try:
        day = datetime.strptime(request.path_params["day"], "%Y-%m-%d").replace(tzinfo=timezone.utc)
        between = {"since": (day - timedelta(days=1)).isoformat(), "until": (day + timedelta(days=2)).isoformat()}
    except (ValueError, OverflowError):
        raise HTTPException(404) from None
    found = await api.post("/events/filter", {"filter": {"id": {"id": [id]}, "occurred": between}, "limit": 1})
    if not found["events"]:
        raise HTTPException(404)
    (event,) = found["events"]
    occurred = parse_time(event["occurred"])
    return page(
        request,
        "event.html",
        event["event"],
        event=event,
        place=_place,
        occurred=occurred,
        follows=await _followed(api, event, occurred) if event["follows"] else None,
    )


async def _followed(api: Api, event: dict[str, Any], occurred: datetime | None) -> dict[str, Any] | None:
    """The event that one follows, if it is still there."""
    assert occurred is not None
    between = {
        "since": (occurred - timedelta(days=30)).isoformat(),
        "until": (occurred + timedelta(days=1)).isoformat(),
    }
    asked = {"filter": {"id": {"id": [event["follows"]]}, "occurred": between}, "limit": 1}
    found: list[dict[str, Any]] = (await api.post("/events/filter", asked))["events"]
    return found[0] if found else None


def _place(resource: dict[str, str]) -> str | None:
    """The path of the page of a resource; None if it has none."""
    origin, _, rest = resource["prefect.resource.id"].partition(".")
    kind, _, id = rest.partition(".")
    if origin != "prefect" or not id:
        return None
    if kind == "work-pool" and (name := resource.get("prefect.resource.name")):
        return f"/work-pools/work-pool/{quote(name, safe='')}"
    return f"{_KINDS[kind]}{id}" if kind in _KINDS and "/" not in id else None


ROUTES = [
    Route("/events", _events),
    Route("/events/event/{day:str}/{id:uuid}", _event),
]
