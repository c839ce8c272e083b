"""Artifacts: the latest of each key, the history of a key, and each by itself."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui import shown_artifacts
from prefect_ui.api import Api
from prefect_ui.pages import run_parts
from prefect_ui.pages.forms import done
from prefect_ui.pages.lists import listed
from prefect_ui.pages.names import names_of
from prefect_ui.view import page

__all__ = ["ROUTES"]

_TYPES = ["markdown", "table", "progress", "image"]


async def _names(api: Api, artifacts: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The names of the flow runs and task runs that made artifacts, by id."""
    flow_runs, task_runs = await asyncio.gather(
        names_of(api, "flow_runs", (each["flow_run_id"] for each in artifacts)),
        run_parts.task_runs(api, sorted({each["task_run_id"] for each in artifacts if each["task_run_id"]})),
    )
    return {"flow_runs": flow_runs, "task_runs": {id: run["name"] for id, run in task_runs.items()}}


async def _artifacts(request: Request) -> Response:
    api, query = Api(request), request.query_params
    chosen: dict[str, Any] = {}
    if key := query.get("key", "").strip():
        chosen["key"] = {"like_": key}
    kind = query.get("type", "")
    if kind == "other":
        chosen["type"] = {"not_any_": _TYPES}
    elif kind in _TYPES:
        chosen["type"] = {"any_": [kind]}
    path, sort = ("/artifacts", "CREATED_DESC") if query.get("all") else ("/artifacts/latest", "UPDATED_DESC")
    found, paging = await listed(request, api, path, {"artifacts": chosen}, sort)
    return page(
        request,
        "artifacts.html",
        "Artifacts",
        live="prefect.artifact.",
        found=found,
        **paging,
        types=[*_TYPES, "other"],
        names=await _names(api, found),
        brief={each["id"]: shown_artifacts.brief(each) for each in found},
    )


async def _artifact(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    artifact = await api.get(f"/artifacts/{id}")
    return page(
        request,
        "artifact.html",
        artifact["key"] or f"Artifact {id}",
        live=f"prefect.artifact.{id}",
        artifact=artifact,
        picture_at=f"{request.scope.get('root_path', '')}/artifacts/artifact/{id}/picture",
        shown=shown_artifacts.show(artifact),
        names=await _names(api, [artifact]),
    )


async def _key(request: Request) -> Response:
    api, key = Api(request), request.path_params["key"]
    latest, (found, paging) = await asyncio.gather(
        api.get(f"/artifacts/{quote(key, safe='')}/latest"),
        listed(request, api, "/artifacts", {"artifacts": {"key": {"any_": [key]}}}, "CREATED_DESC"),
    )
    return page(
        request,
        "artifact_key.html",
        key,
        live="prefect.artifact.",
        artifact=latest,
        picture_at=f"{request.scope.get('root_path', '')}/artifacts/artifact/{latest['id']}/picture",
        shown=shown_artifacts.show(latest),
        found=found,
        **paging,
        names=await _names(api, [latest, *found]),
        brief={each["id"]: shown_artifacts.brief(each) for each in found},
    )


async def _picture(request: Request) -> Response:
    """A picture that is within an artifact, as a file."""
    artifact = await Api(request).get(f"/artifacts/{request.path_params['id']}")
    found = shown_artifacts.embedded_picture(artifact)
    if found is None:
        raise HTTPException(404)
    return Response(found.content, media_type=found.media_type)


async def _delete(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])

    async def act() -> str:
        artifact = await api.get(f"/artifacts/{id}")
        await api.delete(f"/artifacts/{id}")
        return f"The artifact {artifact['key'] or id} is deleted."

    return await done(request, "/artifacts", act)


ROUTES = [
    Route("/artifacts", _artifacts),
    Route("/artifacts/artifact/{id:uuid}", _artifact),
    Route("/artifacts/artifact/{id:uuid}/picture", _picture),
    Route("/artifacts/artifact/{id:uuid}/delete", _delete, methods=["POST"]),
    Route("/artifacts/key/{key:path}", _key),
]
