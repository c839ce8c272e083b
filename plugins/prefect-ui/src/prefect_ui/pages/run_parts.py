"""What the pages of flow runs and of task runs both show: logs, artifacts, events."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request

from prefect_ui.api import Api
from prefect_ui.pages.forms import number

__all__ = ["LEVELS", "artifacts", "events", "logs", "task_runs"]

LEVELS = {50: "CRITICAL", 40: "ERROR", 30: "WARNING", 20: "INFO", 10: "DEBUG"}
"""The names of the levels of lines of logs."""

_LINES = 200
_ROWS = 100


async def logs(request: Request, api: Api, of: dict[str, Any]) -> dict[str, Any]:
    """
    The lines that a run wrote: the last ones, or those before, as the query parameters of the page ask for them.

    Args:
        request: The request for the page; `level`, `text` and `page` select lines.
        api: The API.
        of: Which run, as a filter of logs.
    """
    chosen, at = dict(of), number(request, "page")
    level = number(request, "level", 0)
    if level:
        chosen["level"] = {"ge_": level}
    if text := request.query_params.get("text", "").strip():
        chosen["text"] = {"query": text}
    asked = {"logs": chosen, "sort": "TIMESTAMP_DESC"}
    lines, earlier = await asyncio.gather(
        api.post("/logs/filter", {**asked, "limit": _LINES, "offset": (at - 1) * _LINES}),
        api.post("/logs/filter", {**asked, "limit": 1, "offset": at * _LINES}),
    )
    return {"lines": lines[::-1], "has_earlier": bool(earlier), "at_page": at, "level": level, "levels": LEVELS}


async def artifacts(api: Api, of: dict[str, Any]) -> dict[str, Any]:
    """The artifacts that a run made, the latest first."""
    found = await api.post("/artifacts/filter", {"artifacts": of, "sort": "CREATED_DESC", "limit": _ROWS})
    return {"artifacts": found, "is_all": len(found) < _ROWS}


async def events(api: Api, resource: str, run: dict[str, Any]) -> dict[str, Any]:
    """The events that tell of a run, the latest first."""
    about = {"any_resource": {"id": [resource]}, "occurred": {"since": run["created"]}}
    found = await api.post("/events/filter", {"filter": about, "limit": 50})
    return {"events": found["events"], "events_in_all": found["total"]}


async def task_runs(api: Api, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Task runs by id; what is gone is left out."""
    found: dict[str, dict[str, Any]] = {}
    for begin in range(0, len(ids), _ROWS):
        chosen = {"task_runs": {"id": {"any_": ids[begin : begin + _ROWS]}}}
        found |= {each["id"]: each for each in await api.post("/task_runs/filter", chosen)}
    return found
