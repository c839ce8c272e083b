"""Resuming a flow run that waits for input: a form whose fields are what it asks for."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api, ApiError
from prefect_ui.inputs import filled, json_in
from prefect_ui.parameter_fields import fields_of, values_of
from prefect_ui.view import page

__all__ = ["ROUTES"]

_EVERYTHING = "values"


async def _input(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    run = await api.get(f"/flow_runs/{id}")
    keys = ((run["state"] or {}).get("state_details") or {}).get("run_input_keyset")
    if run["state_type"] != "PAUSED" or not keys:
        raise ApiError(409, f"The flow run {run['name']} does not wait for input: it is {run['state_name']}.")
    schema = await _read(api, id, keys.get("schema"))
    description = await _read(api, id, keys.get("description"))

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        return page(
            request,
            "flow_run_input.html",
            f"Resume {run['name']}",
            status=status,
            run=run,
            description=description if isinstance(description, str) else "",
            fields=fields_of(schema, {}, typed or None) if isinstance(schema, dict) else [],
            everything=typed.get(_EVERYTHING, "{}"),
            wrong=wrong,
        )

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        fields = fields_of(schema, {}) if isinstance(schema, dict) else []
        values = values_of(fields, typed) if fields else json_in(typed, _EVERYTHING, "Values", dict) or {}
        answer = await api.post(f"/flow_runs/{id}/resume", {"run_input": values})
        if answer["status"] != "ACCEPT":
            reason = (answer.get("details") or {}).get("reason") or "it does not say why"
            raise ApiError(409, f"The server did not accept that: {reason}")
        return f"/runs/flow-run/{id}", "The flow run goes on, with this input."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


async def _read(api: Api, id: str, key: str | None) -> Any:
    """What is kept for a run under a key; None if there is nothing."""
    if not key:
        return None
    try:
        return await api.get(f"/flow_runs/{id}/input/{quote(key, safe='')}")
    except ApiError as error:
        if error.status != 404:
            raise
        return None


ROUTES = [Route("/runs/flow-run/{id:uuid}/input", _input, methods=["GET", "POST"])]
