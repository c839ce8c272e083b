"""Names for the ids in answers of the API, so that pages can show them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from prefect_ui.api import Api

__all__ = ["names_of", "with_names"]


async def names_of(api: Api, kind: str, ids: Iterable[str | None]) -> dict[str, str]:
    """
    The names of objects.

    Args:
        api: The API.
        kind: What they are: `flows`, `deployments`, `flow_runs`.
        ids: Their ids; what is None is left out.
    """
    wanted = sorted({id for id in ids if id})
    found: dict[str, str] = {}
    for begin in range(0, len(wanted), 200):
        chosen = {kind: {"id": {"any_": wanted[begin : begin + 200]}}}
        found |= {each["id"]: each["name"] for each in await api.post(f"/{kind}/filter", chosen)}
    return found


async def with_names(api: Api, runs: list[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """The names of the flows and deployments of flow runs, by id, under `flows` and `deployments`."""
    flows, deployments = await asyncio.gather(
        names_of(api, "flows", (run["flow_id"] for run in runs)),
        names_of(api, "deployments", (run["deployment_id"] for run in runs)),
    )
    return {"flows": flows, "deployments": deployments}
