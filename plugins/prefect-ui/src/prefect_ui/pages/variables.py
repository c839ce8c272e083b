"""Variables: the list of them, and one, to be changed."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.inputs import as_text, filled, json_in, text, words
from prefect_ui.pages.forms import done
from prefect_ui.pages.lists import listed
from prefect_ui.view import page

__all__ = ["ROUTES"]


async def _variables(request: Request) -> Response:
    api, query = Api(request), request.query_params
    chosen: dict[str, Any] = {}
    if name := query.get("name", "").strip():
        chosen["name"] = {"like_": name}
    if tag := query.get("tag", "").strip():
        chosen["tags"] = {"all_": [tag]}
    found = await listed(request, api, "/variables", {"variables": chosen} if chosen else {}, "NAME_ASC")
    return page(
        request,
        "variables.html",
        "Variables",
        live="prefect.variable.",
        variables=found.items,
        **found.paging,
        is_chosen=bool(chosen),
    )


async def _new(request: Request) -> Response:
    api = Api(request)

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        values: dict[str, Any] = {"typed": typed, "wrong": wrong, "variable": None}
        return page(request, "variable_form.html", "New variable", status=status, **values)

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        await api.post("/variables/", _values(typed))
        return "/variables", f"The variable {text(typed, 'name')} is made."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


def _values(typed: dict[str, str]) -> dict[str, Any]:
    if typed.get("kind") == "json":
        value = json_in(typed, "value", "Value")
    else:
        value = typed.get("value", "").replace("\r\n", "\n")
    return {"name": text(typed, "name") or "", "value": value, "tags": words(typed, "tags")}


async def _variable(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    variable = await api.get(f"/variables/{id}")
    is_text = isinstance(variable["value"], str)

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        values = typed or {
            "name": variable["name"],
            "kind": "text" if is_text else "json",
            "value": variable["value"]
            if is_text
            else "null"
            if variable["value"] is None
            else as_text(variable["value"]),
            "tags": ", ".join(variable["tags"]),
        }
        shown = {"typed": values, "wrong": wrong, "variable": variable}
        return page(request, "variable_form.html", variable["name"], status=status, **shown)

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        await api.patch(f"/variables/{id}", _values(typed))
        return "/variables", f"The variable {text(typed, 'name')} is changed."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


async def _delete(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])

    async def act() -> str:
        await api.delete(f"/variables/{id}")
        return "The variable is deleted."

    return await done(request, "/variables", act)


ROUTES = [
    Route("/variables", _variables),
    Route("/variables/new", _new, methods=["GET", "POST"]),
    Route("/variables/variable/{id:uuid}", _variable, methods=["GET", "POST"]),
    Route("/variables/variable/{id:uuid}/delete", _delete, methods=["POST"]),
]
