"""One work queue: whether it is polled, who uses its slots, what waits in it, and how it is changed."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.inputs import filled, text, whole
from prefect_ui.pages.forms import done, number
from prefect_ui.pages.names import with_names
from prefect_ui.view import page

__all__ = ["ROUTES"]

_PAGE = 50


async def _queue(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    waiting = {
        "work_pool_queues": {"id": {"any_": [id]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        "sort": "NEXT_SCHEDULED_START_TIME_ASC",
        "page": number(request, "page"),
        "limit": _PAGE,
    }
    queue, health, slots, found = await asyncio.gather(
        api.get(f"/work_queues/{id}"),
        api.get(f"/work_queues/{id}/status"),
        api.post(f"/work_queues/{id}/concurrency_status", {"limit": 50}),
        api.post("/flow_runs/paginate", waiting),
    )
    return page(
        request,
        "work_queue.html",
        queue["name"],
        live=f"prefect.work-queue.{id}",  # events of its runs are related to it
        queue=queue,
        health=health,
        slots_used=slots,
        found=found,
        names=await with_names(api, found["results"]),
    )


async def _act(request: Request) -> Response:
    api, id, what = Api(request), str(request.path_params["id"]), request.path_params["what"]
    if what not in _SAID:
        raise HTTPException(404)
    queue = await api.get(f"/work_queues/{id}")
    pool = queue["work_pool_name"]
    to = f"/work-pools/work-pool/{quote(pool, safe='')}" if pool else "/work-pools"

    async def act() -> str:
        if what == "delete":
            await api.delete(f"/work_queues/{id}")
        else:
            await api.patch(f"/work_queues/{id}", {"is_paused": what == "pause"})
        return _SAID[what]

    return await done(request, to if what == "delete" else f"/work-queues/work-queue/{id}", act)


_SAID = {
    "pause": "The work queue is paused: nothing is taken from it.",
    "resume": "The work queue goes on.",
    "delete": "The work queue is deleted.",
}


def _values(typed: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": text(typed, "description") or "",
        "concurrency_limit": whole(typed, "concurrency_limit", "Concurrency limit"),
    }
    if (priority := whole(typed, "priority", "Priority")) is not None:
        found["priority"] = priority
    return found


async def _edit(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    queue = await api.get(f"/work_queues/{id}")

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        values = typed or {name: "" if queue[name] is None else str(queue[name]) for name in _FIELDS}
        title = f"Edit {queue['name']}"
        return page(
            request, "work_queue_form.html", title, status=status, typed=values, wrong=wrong, queue=queue, pool=""
        )

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        await api.patch(f"/work_queues/{id}", _values(typed) | {"is_paused": queue["is_paused"]})
        return f"/work-queues/work-queue/{id}", "The work queue is changed."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


_FIELDS = ("description", "concurrency_limit", "priority")


async def _new(request: Request) -> Response:
    api, pool = Api(request), request.path_params["pool"]
    path = f"/work_pools/{quote(pool, safe='')}"
    await api.get(path)

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        values = {"typed": typed, "wrong": wrong, "queue": None, "pool": pool}
        return page(request, "work_queue_form.html", f"New queue of {pool}", status=status, **values)

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        made = await api.post(f"{path}/queues", {**_values(typed), "name": text(typed, "name") or ""})
        return f"/work-queues/work-queue/{made['id']}", "The work queue is made."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


ROUTES = [
    Route("/work-queues/work-queue/{id:uuid}", _queue),
    Route("/work-queues/work-queue/{id:uuid}/edit", _edit, methods=["GET", "POST"]),
    Route("/work-queues/work-queue/{id:uuid}/{what:str}", _act, methods=["POST"]),
    Route("/work-pools/work-pool/{pool:str}/queues/new", _new, methods=["GET", "POST"]),
]
