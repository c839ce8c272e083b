"""Blocks: what is stored, of which types, and the forms that their schemas describe. Secrets are written, never shown."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect_ui.api import Api
from prefect_ui.inputs import InputError, filled, text
from prefect_ui.pages.forms import done
from prefect_ui.pages.lists import listed
from prefect_ui.parameter_fields import Field, fields_of, values_of
from prefect_ui.view import page

__all__ = ["ROUTES"]

_BATCH = 200


async def _blocks(request: Request) -> Response:
    api, query = Api(request), request.query_params
    asked: dict[str, Any] = {"block_documents": {"is_anonymous": {"eq_": False}}}
    if name := query.get("name", "").strip():
        asked["block_documents"]["name"] = {"like_": name}
    if slug := query.get("type", "").strip():
        asked["block_types"] = {"slug": {"any_": [slug]}}
    found, kinds = await asyncio.gather(
        listed(request, api, "/block_documents", asked, "BLOCK_TYPE_AND_NAME_ASC"), _types(api)
    )
    return page(
        request,
        "blocks.html",
        "Blocks",
        live="prefect.block-document.",
        blocks=found.items,
        kinds=kinds,
        **found.paging,
        is_chosen=bool(name or slug),
    )


async def _types(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        some = await api.post("/block_types/filter", {"limit": _BATCH, "offset": len(found)})
        found += some
        if len(some) < _BATCH:
            return sorted(found, key=lambda kind: str(kind["name"]).lower())


async def _catalog(request: Request) -> Response:
    return page(request, "block_types.html", "Types of blocks", kinds=await _types(Api(request)))


async def _block(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    block = await api.get(f"/block_documents/{id}")
    fields = (block["block_schema"] or {}).get("fields") or {}
    return page(
        request,
        "block.html",
        block["name"] or "A block without a name",
        live=f"prefect.block-document.{id}",
        block=block,
        fields=fields,
        referred={
            name: told.get("block_document") or told for name, told in block["block_document_references"].items()
        },
    )


async def _new(request: Request) -> Response:
    api, slug = Api(request), request.path_params["slug"]
    kind = await api.get(f"/block_types/slug/{slug}")
    schemas = await api.post(
        "/block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}, "limit": 1}
    )
    schema = schemas[0] if schemas else None
    described = schema["fields"] if schema else {}

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        return page(
            request,
            "block_form.html",
            f"New {kind['name']}",
            status=status,
            kind=kind,
            block=None,
            schema=schema,
            fields=await _fields(api, described, {}, typed or None),
            typed=typed,
            wrong=wrong,
        )

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        if schema is None:
            raise InputError("The type has no schema: register it with prefect block register.")
        values = values_of(await _fields(api, described, {}), typed)
        asked = {"name": text(typed, "name") or "", "data": values}
        made = await api.post(
            "/block_documents/", {**asked, "block_schema_id": schema["id"], "block_type_id": kind["id"]}
        )
        return f"/blocks/block/{made['id']}", "The block is made."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


async def _edit(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])
    block = await api.get(f"/block_documents/{id}")
    described = (block["block_schema"] or {}).get("fields") or {}
    values = dict(block["data"])
    for name, told in block["block_document_references"].items():
        referred = told.get("block_document") or told
        values[name] = {"$ref": {"block_document_id": referred["id"]}}

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        return page(
            request,
            "block_form.html",
            f"Edit {block['name']}",
            status=status,
            kind=block["block_type"],
            block=block,
            schema=block["block_schema"],
            fields=await _fields(api, described, values, typed or None),
            typed=typed,
            wrong=wrong,
        )

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        told = values_of(await _fields(api, described, values), typed)
        await api.patch(f"/block_documents/{id}", {"data": told, "merge_existing_data": True})
        return f"/blocks/block/{id}", "The block is changed."

    return await show({}, "", 200) if request.method == "GET" else await filled(request, act, show)


async def _fields(
    api: Api, described: dict[str, Any], values: dict[str, Any], typed: dict[str, str] | None = None
) -> list[Field]:
    """The fields of a block: where another block belongs, those are offered that are of its type."""
    secrets = [path for path in described.get("secret_fields") or [] if "." not in path]
    fields = fields_of(described, values, typed, secrets=secrets)
    references = described.get("block_schema_references") or {}
    offered = await asyncio.gather(*(_offered(api, references.get(each.name)) for each in fields))
    return [
        replace(each, kind="choice", choices=choices, value=_chosen(each, values, typed)) if choices else each
        for each, choices in zip(fields, offered, strict=True)
    ]


async def _offered(api: Api, reference: Any) -> list[tuple[str, str]]:
    if not reference:
        return []
    kinds = [each["block_type_slug"] for each in (reference if isinstance(reference, list) else [reference])]
    found = await api.post("/block_documents/filter", {"block_types": {"slug": {"any_": kinds}}, "limit": _BATCH})
    return [
        (json.dumps({"$ref": {"block_document_id": each["id"]}}), f"{each['name']} ({each['block_type_name']})")
        for each in found
        if each["name"]
    ]


def _chosen(each: Field, values: dict[str, Any], typed: dict[str, str] | None) -> str:
    if typed is not None:
        return typed.get(each.key, "")
    return json.dumps(values[each.name]) if isinstance(values.get(each.name), dict) else ""


async def _delete(request: Request) -> Response:
    api, id = Api(request), str(request.path_params["id"])

    async def act() -> str:
        await api.delete(f"/block_documents/{id}")
        return "The block is deleted."

    return await done(request, "/blocks", act)


ROUTES = [
    Route("/blocks", _blocks),
    Route("/blocks/catalog", _catalog),
    Route("/blocks/catalog/{slug:str}/new", _new, methods=["GET", "POST"]),
    Route("/blocks/block/{id:uuid}", _block),
    Route("/blocks/block/{id:uuid}/edit", _edit, methods=["GET", "POST"]),
    Route("/blocks/block/{id:uuid}/delete", _delete, methods=["POST"]),
]
