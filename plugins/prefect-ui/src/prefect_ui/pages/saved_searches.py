"""Searches of flow runs that are kept under a name, for everybody."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api, ApiError
from prefect_ui.pages.forms import done, read_form
from prefect_ui.pages.run_filters import NAMES, kept

__all__ = ["ROUTES", "read"]

_OBJECT = "flow_run"
_OPERATION = "is"


async def read(api: Api) -> list[dict[str, Any]]:
    """
    The searches: `id`, `name`, and their `query`, which is None for those that other programs keep in their own form.

    Args:
        api: The API.
    """
    found = await api.post("/saved_searches/filter", {})
    told = [{"id": each["id"], "name": each["name"], "query": _query(each["filters"])} for each in found]
    return sorted(told, key=lambda search: search["name"].lower())


def _query(filters: list[dict[str, Any]]) -> str | None:
    ours = [
        (each["property"], each["value"])
        for each in filters
        if (each["object"], each["operation"]) == (_OBJECT, _OPERATION)
        and each["property"] in NAMES
        and isinstance(each["value"], str)
    ]
    return urlencode(ours) if len(ours) == len(filters) else None


async def _save(request: Request) -> Response:
    api, fields = Api(request), await read_form(request)
    name = fields.get("name", "").strip()
    chosen = kept(parse_qsl(fields.get("back", "")))

    async def act() -> str:
        if not name:
            raise ApiError(422, "A search needs a name.")
        about = {"object": _OBJECT, "type": "string", "operation": _OPERATION}
        filters = [{**about, "property": property, "value": value} for property, value in chosen]
        await api.put("/saved_searches/", {"name": name, "filters": filters})
        return f"The search is kept as {name}."

    return await done(request, f"/runs?{urlencode(chosen)}" if chosen else "/runs", act)


async def _delete(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])

    async def act() -> str:
        search = await api.get(f"/saved_searches/{id}")
        await api.delete(f"/saved_searches/{id}")
        return f"The search {search['name']} is deleted. The runs are as they were."

    return await done(request, "/runs", act)


ROUTES = [
    Route("/runs/searches", _save, methods=["POST"]),
    Route("/runs/searches/{id:uuid}/delete", _delete, methods=["POST"]),
]
