"""The list of flow runs, with filters that are part of its address."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.pages.forms import number
from prefect_ui.pages.names import with_names
from prefect_ui.view import GLYPHS, page

__all__ = ["ROUTES", "SORTS", "SPANS", "selection"]

_PAGE = 50

SPANS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
"""How far back runs are looked for, as it is written in addresses."""

SORTS = {
    "newest": ("EXPECTED_START_TIME_DESC", "Newest first"),
    "oldest": ("EXPECTED_START_TIME_ASC", "Oldest first"),
    "next": ("NEXT_SCHEDULED_START_TIME_ASC", "Next first"),
    "name": ("NAME_ASC", "By name"),
}


def selection(query: QueryParams) -> dict[str, Any]:
    """The filters of the API that the query parameters of a page mean."""
    runs: dict[str, Any] = {}
    if states := [state for state in query.getlist("state") if state in GLYPHS]:
        runs["state"] = {"type": {"any_": states}}
    if name := query.get("name", "").strip():
        runs["name"] = {"like_": name}
    if tags := [tag for tag in query.getlist("tag") if tag.strip()]:
        runs["tags"] = {"all_": tags}
    if (span := query.get("since")) in SPANS:
        runs["expected_start_time"] = {"after_": (datetime.now(timezone.utc) - SPANS[span]).isoformat()}
    asked: dict[str, Any] = {"flow_runs": runs} if runs else {}
    if flow := query.get("flow", "").strip():
        asked["flows"] = {"name": {"like_": flow}}
    if deployment := query.get("deployment", "").strip():
        asked["deployments"] = {"name": {"like_": deployment}}
    if pool := query.get("pool", "").strip():
        asked["work_pools"] = {"name": {"any_": [pool]}}
    return asked


async def _runs(request: Request) -> Response:
    api, query = Api(request), request.query_params
    sort = SORTS.get(query.get("sort", ""), SORTS["newest"])[0]
    asked = {**selection(query), "sort": sort, "page": number(request, "page"), "limit": _PAGE}
    found = await api.post("/flow_runs/paginate", asked)
    names = await with_names(api, found["results"])
    return page(
        request,
        "runs.html",
        "Runs",
        live="prefect.flow-run.",
        found=found,
        names=names,
        spans=SPANS,
        sorts=SORTS,
    )


ROUTES = [Route("/runs", _runs)]
