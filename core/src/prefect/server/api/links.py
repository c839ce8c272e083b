"""What can be done with a record once it was made: the links of the description, found by the paths of the endpoints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from typing_extensions import get_args, get_origin

from prefect.server.api.wire import Wire

__all__ = ["links_of"]


def links_of(maker: Wire, wires: Iterable[Wire], operation_id: Any) -> dict[str, dict[str, Any]]:
    """
    The links from the answer of what makes a record to everything below its path that the answer names all of.

    Args:
        maker: What may make a record.
        wires: All that can be asked for.
        operation_id: Names an endpoint in the description.
    """
    fields, pointer = _fields(maker)
    if maker.endpoint.method not in {"POST", "PUT"} or "id" not in fields:
        return {}
    place = maker.endpoint.path.rstrip("/") + "/"
    links: dict[str, dict[str, Any]] = {}
    for wire in wires:
        if wire is maker or not wire.endpoint.path.startswith(place):
            continue
        found = {name: _origin(name, maker, place, fields, pointer) for name in wire.path_names}
        if any(name not in maker.path_names for name in found) and all(found.values()):
            links[wire.endpoint.name] = {"operationId": operation_id(wire.endpoint), "parameters": found}
    return links


def _fields(maker: Wire) -> tuple[frozenset[str], str]:
    """What the answer of an endpoint has, and where: lists have it in their first item."""
    answer, pointer = maker.returns, "$response.body#/"
    if get_origin(answer) is list:
        answer, pointer = get_args(answer)[0], "$response.body#/0/"
    is_model = isinstance(answer, type) and issubclass(answer, BaseModel)
    return (frozenset(answer.model_fields), pointer) if is_model else (frozenset(), pointer)


def _origin(name: str, maker: Wire, place: str, fields: frozenset[str], pointer: str) -> str | None:
    """Where a part of a path comes from: the path of the record, or a field of it; None if it is somewhere else."""
    if name in maker.path_names:
        return f"$request.path.{name}"
    kind = place.strip("/").rpartition("/")[2].removesuffix("s")
    field = "id" if name in {"id_or_name", "schedule_id"} else name.removeprefix(f"{kind}_")
    return pointer + field if field in fields else None
