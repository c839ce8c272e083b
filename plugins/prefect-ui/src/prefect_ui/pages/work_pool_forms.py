"""Making work pools, and changing what they are like."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.inputs import InputError, as_text, filled, json_in, text, whole
from prefect_ui.view import page

__all__ = ["ROUTES"]


async def _new(request: Request) -> Response:
    api = Api(request)
    kinds = await _kinds(api)

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        return page(
            request, "work_pool_new.html", "New work pool", status=status, typed=typed, wrong=wrong, kinds=kinds
        )

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        kind = typed.get("type", "")
        if kind not in kinds:
            raise InputError(f"Type: there is none of this name. Types are {', '.join(kinds)}.")
        asked = {**_values(typed), "name": text(typed, "name") or "", "type": kind}
        asked.setdefault("base_job_template", kinds[kind]["default_base_job_configuration"])
        made = await api.post("/work_pools/", asked)
        return f"/work-pools/work-pool/{quote(made['name'], safe='')}", "The work pool is made."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


async def _kinds(api: Api) -> dict[str, dict[str, Any]]:
    """The types of workers that the server knows, by name."""
    packages = await api.get("/collections/views/aggregate-worker-metadata")
    return {name: kind for known in packages.values() for name, kind in sorted(known.items())}


def _values(typed: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": text(typed, "description"),
        "concurrency_limit": whole(typed, "concurrency_limit", "Concurrency limit"),
    }
    if (template := json_in(typed, "base_job_template", "Base job template", dict)) is not None:
        found["base_job_template"] = template
    return found


async def _edit(request: Request) -> Response:
    api, name = Api(request), request.path_params["name"]
    path = f"/work_pools/{quote(name, safe='')}"
    pool = await api.get(path)

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        values = typed or {
            "description": pool["description"] or "",
            "concurrency_limit": "" if pool["concurrency_limit"] is None else str(pool["concurrency_limit"]),
            "base_job_template": as_text(pool["base_job_template"]),
        }
        return page(request, "work_pool_edit.html", f"Edit {name}", status=status, typed=values, wrong=wrong, pool=pool)

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        await api.patch(path, _values(typed))
        return f"/work-pools/work-pool/{quote(name, safe='')}", "The work pool is changed."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


ROUTES = [
    Route("/work-pools/new", _new, methods=["GET", "POST"]),
    Route("/work-pools/work-pool/{name:str}/edit", _edit, methods=["GET", "POST"]),
]
