"""Running a deployment: a form whose fields are the parameters of its flow."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api, ApiError
from prefect_ui.inputs import as_text, filled, json_in, moment, text, words
from prefect_ui.pages.names import names_of
from prefect_ui.parameter_fields import Field, fields_of, values_of
from prefect_ui.view import page

__all__ = ["ROUTES"]

_EVERYTHING = "parameters"


async def _run(request: Request) -> Response:
    api, id = Api(request), request.path_params["id"]
    deployment = await api.get(f"/deployments/{id}")
    schema = deployment["parameter_openapi_schema"] or {}
    given = deployment["parameters"]
    flows = await names_of(api, "flows", [deployment["flow_id"]])
    errors: dict[str, list[str]] = {}

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        is_typed = bool(typed)
        return page(
            request,
            "deployment_run.html",
            f"Run {deployment['name']}",
            status=status,
            deployment=deployment,
            flows=flows,
            fields=fields_of(schema, given, typed if is_typed else None, errors),
            everything=typed.get(_EVERYTHING, as_text(given) if given else "{}"),
            typed=typed,
            wrong=wrong,
        )

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        fields = fields_of(schema, given)
        asked = _asked(fields, typed)
        try:
            run = await api.post(f"/deployments/{id}/create_flow_run", asked)
        except ApiError:
            errors.update(await _flaws(api, schema, {**given, **asked["parameters"]}))
            raise
        return f"/runs/flow-run/{run['id']}", "The run is created."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


def _asked(fields: list[Field], typed: dict[str, str]) -> dict[str, Any]:
    """The run that a form asks for."""
    if fields:
        parameters = values_of(fields, typed)
    else:
        parameters = json_in(typed, _EVERYTHING, "Parameters", dict) or {}
    asked: dict[str, Any] = {"parameters": parameters, "tags": words(typed, "tags")}
    if name := text(typed, "name"):
        asked["name"] = name
    if variables := json_in(typed, "job_variables", "Job variables", dict):
        asked["job_variables"] = variables
    start = moment(typed, "start", "Start")
    asked["state"] = {"type": "SCHEDULED", "state_details": {"scheduled_time": start} if start else {}}
    return asked


async def _flaws(api: Api, schema: dict[str, Any], values: dict[str, Any]) -> dict[str, list[str]]:
    """What is wrong with which parameter."""
    if not schema:
        return {}
    told = await api.post("/ui/schemas/validate", {"schema": schema, "values": values})
    return {
        each["property"]: [_in_words(error) for error in each["errors"]]
        for each in told["errors"]
        if isinstance(each, dict) and "property" in each
    }


def _in_words(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    place = error.get("property", error.get("index"))
    return f"{place}: {', '.join(_in_words(each) for each in error['errors'])}"


ROUTES = [Route("/deployments/deployment/{id:uuid}/run", _run, methods=["GET", "POST"])]
