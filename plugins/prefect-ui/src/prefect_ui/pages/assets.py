"""Assets: what flows make and read, and which was made from which."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui import layers
from prefect_ui.api import Api
from prefect_ui.pages.names import names_of
from prefect_ui.view import GLYPHS, ago, page

__all__ = ["ROUTES"]

_MOST_DRAWN = 500
_MOST_LISTED = 1000


async def _assets(request: Request) -> Response:
    api = Api(request)
    graph = await api.get("/assets/graph")
    wanted = request.query_params.get("name", "").strip().lower()
    found = [
        each for each in graph["assets"] if wanted in each["key"].lower() or wanted in (each["name"] or "").lower()
    ]
    listed = found[:_MOST_LISTED]
    return page(
        request,
        "assets.html",
        "Assets",
        live="prefect.flow-run.",
        found=listed,
        count=len(found),
        graph=graph,
        picture=_draw(request, found, graph["links"]) if 0 < len(found) <= _MOST_DRAWN else None,
        most_drawn=_MOST_DRAWN,
        runs=await names_of(api, "flow_runs", (each["flow_run_id"] for each in listed)),
    )


def _draw(request: Request, assets: list[dict[str, Any]], links: list[dict[str, Any]], here: str = "") -> Any:
    base = request.scope.get("root_path", "")
    boxes = {}
    for each in assets:
        kind = {True: "COMPLETED", False: "FAILED", None: ""}[each["last_succeeded"]]
        made = f"made {ago(each['last_materialized'])}" if each["last_materialized"] else "only read"
        name = each["name"] or each["key"]
        # The end of a key tells assets apart, not its beginning
        label = name if len(name) <= 24 else "…" + name[-23:]
        href = f"{base}/assets/asset?{urlencode({'key': each['key']})}"
        boxes[each["key"]] = layers.Box(label, href, f"{each['key']}: {made}", kind.lower(), GLYPHS.get(kind, ""))
    edges = [(link["upstream"], link["downstream"]) for link in links]
    return layers.draw(boxes, edges, f"What {len(boxes)} assets were made from", here)


async def _asset(request: Request) -> Response:
    api, key = Api(request), request.query_params.get("key", "")
    if not key:
        raise HTTPException(404)
    graph, told = await asyncio.gather(
        api.get("/assets/graph", key=key),
        api.post("/events/filter", {"filter": {"any_resource": {"id": [key]}}, "limit": 50}),
    )
    assets = {each["key"]: each for each in graph["assets"]}
    asset = assets[key]
    around = list(assets.values())
    return page(
        request,
        "asset.html",
        asset["name"] or key,
        live=f"prefect.flow-run. {key}" if " " not in key else "prefect.flow-run.",
        asset=asset,
        picture=_draw(request, around, graph["links"], key) if 1 < len(around) <= _MOST_DRAWN else None,
        upstream=sorted(link["upstream"] for link in graph["links"] if link["downstream"] == key),
        downstream=sorted(link["downstream"] for link in graph["links"] if link["upstream"] == key),
        assets=assets,
        runs=await names_of(api, "flow_runs", [asset["flow_run_id"]]),
        events=told["events"],
        events_in_all=told["total"],
    )


ROUTES = [Route("/assets", _assets), Route("/assets/asset", _asset)]
