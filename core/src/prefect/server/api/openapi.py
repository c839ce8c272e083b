"""The description of the REST API in OpenAPI's form, made from the same signatures as requests are read by."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json, to_jsonable_python

from prefect._contract.endpoints.table import Endpoint
from prefect.server.api.links import links_of
from prefect.server.api.wire import Parameter, Wire

__all__ = ["describe"]

_REFERENCE = "#/components/schemas/{model}"
_VERSION_HEADER = {
    "name": "x-prefect-api-version",
    "in": "header",
    "required": False,
    "schema": {
        "type": "string",
        "pattern": r"^(0\.([89]|[1-9][0-9]{1,8})|[1-9][0-9]{0,8}\.[0-9]{1,9})\.[0-9]{1,9}$",
        "examples": ["0.8.4"],
    },
    "description": "The version of the API that the client was made for, such as 0.8.4.",
}
_AGAIN = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$"}}
}
_TRIED_AGAIN = frozenset({"423", "429", "503"})
_ERRORS = {
    "400": "The request cannot be answered as it is.",
    "401": "The request needs credentials, and those that were sent are not good.",
    "403": "The request is not allowed.",
    "404": "There is no such thing.",
    "405": "The path is none of this verb's: a name in it may be empty.",
    "409": "The request contradicts what is there.",
    "410": "It was there, and is not any more.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The request cannot be understood.",
    "423": "No slot is free. Try again after the time in the header Retry-After.",
    "429": "Too many requests. Try again after the time in the header Retry-After.",
    "503": "The orchestrator cannot do it now. Try again after the time in the header Retry-After.",
}

Key = tuple[str, str]


def describe(wires: Iterable[Wire], prefix: str = "/api") -> bytes:
    """
    The document, as JSON.

    Args:
        wires: What to describe.
        prefix: What all paths begin with.
    """
    import prefect

    described = [wire for wire in wires if not wire.endpoint.path.startswith("/_core/")]
    schemas, definitions = _schemas(described)
    paths: dict[str, dict[str, Any]] = {}
    for wire in described:
        path = paths.setdefault(prefix + wire.endpoint.path, {})
        path[wire.endpoint.method.lower()] = _operation(wire, schemas, links_of(wire, described, _identifier))
    problem = {"type": "object", "properties": {"detail": {}, "exception_message": {"type": "string"}}}
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Prefect REST API",
            "version": prefect.__version__,
            "description": "Where all runs are seen and steered.",
        },
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Problem": problem},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }
    return to_json(document)


def _schemas(wires: list[Wire]) -> tuple[dict[tuple[Key, Any], dict[str, Any]], dict[str, Any]]:
    """The schemas of all bodies, answers and parameters, and the definitions that they refer to."""
    inputs: list[tuple[Key, Any, TypeAdapter[Any]]] = []
    for wire in wires:
        route = " ".join(wire.endpoint.route)
        if wire.has_body:
            inputs.append(((route, "body"), "validation", wire.body))
        inputs.append(((route, "answer"), "serialization", wire.answer))
        parameters = wire.path if wire.has_body else wire.path + wire.rest
        inputs.extend(((route, one.name), "validation", TypeAdapter(one.annotation)) for one in parameters)
    schemas, general = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)
    definitions: dict[str, Any] = general.get("$defs", {})
    for definition in definitions.values():
        _show(definition)
    return schemas, definitions


def _show(definition: Any) -> None:
    """Secrets are masked in answers, and not left out, as pydantic's schemas of them say."""
    if isinstance(definition, dict):
        if definition.get("writeOnly") is True:
            del definition["writeOnly"]
        for part in definition.values():
            _show(part)
    elif isinstance(definition, list):
        for part in definition:
            _show(part)


def _identifier(endpoint: Endpoint) -> str:
    return f"{endpoint.name}_{re.sub(r'[^a-z0-9]+', '_', endpoint.path.lower()).strip('_')}"


def _operation(
    wire: Wire, schemas: dict[tuple[Key, Any], dict[str, Any]], links: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    endpoint = wire.endpoint
    route = " ".join(endpoint.route)
    group = endpoint.path.strip("/").partition("/")[0]
    parameters = [_parameter(one, "path", schemas[(route, one.name), "validation"]) for one in wire.path]
    if not wire.has_body:
        parameters += [_parameter(one, "query", schemas[(route, one.name), "validation"]) for one in wire.rest]
    description = inspect.getdoc(endpoint.function) or ""
    operation: dict[str, Any] = {
        "tags": [group.replace("_", " ").capitalize()],
        "summary": description.partition("\n")[0],
        "operationId": _identifier(endpoint),
        "parameters": [*parameters, _VERSION_HEADER],
        "responses": _responses(wire, schemas[(route, "answer"), "serialization"], links),
        "security": [{"basic": []}, {"token": []}],
    }
    if wire.has_body:
        content = {"application/json": {"schema": schemas[(route, "body"), "validation"]}}
        operation["requestBody"] = {"required": wire.requires_body, "content": content}
    return operation


def _parameter(parameter: Parameter, place: str, schema: dict[str, Any]) -> dict[str, Any]:
    shown = dict(schema)
    if not parameter.is_required and parameter.default is not None:
        shown["default"] = to_jsonable_python(parameter.default)
    return {
        "name": parameter.wire_name,
        "in": place,
        "required": place == "path" or parameter.is_required,
        "schema": shown,
    }


def _responses(wire: Wire, schema: dict[str, Any], links: dict[str, dict[str, Any]]) -> dict[str, Any]:
    endpoint = wire.endpoint
    good: dict[str, Any] = {"description": "Done."}
    if endpoint.status != 204:
        good["content"] = {endpoint.media_type: {"schema": schema}}
    if links:
        good["links"] = links
    responses = {str(endpoint.status): good}
    if endpoint.status == 200 and endpoint.method in {"POST", "PUT"} and wire.has_body:
        responses["201"] = {**good, "description": "Made."}
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, words in _ERRORS.items():
        again = {"headers": _AGAIN} if status in _TRIED_AGAIN else {}
        responses[status] = {"description": words, **again, "content": problem}
    return responses
