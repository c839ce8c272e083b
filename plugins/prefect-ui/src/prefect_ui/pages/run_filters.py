"""Which flow runs a list shows: filters that are part of its address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.datastructures import QueryParams

from prefect_ui.api import Api, ApiError
from prefect_ui.view import GLYPHS

__all__ = ["NAMES", "SORTS", "SPANS", "kept", "selection"]

SPANS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
"""How far back runs are looked for, as it is written in addresses."""

SORTS = {
    "newest": ("EXPECTED_START_TIME_DESC", "Newest first"),
    "oldest": ("EXPECTED_START_TIME_ASC", "Oldest first"),
    "next": ("NEXT_SCHEDULED_START_TIME_ASC", "Next first"),
    "name": ("NAME_ASC", "By name"),
}

NAMES = ("state", "name", "tag", "since", "flow", "deployment", "pool", "not_state", "not_flow", "subflows", "sort")
"""The query parameters that say what is listed, and how."""

_MOST_FLOWS = 200


def kept(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those query parameters that say what is listed, and how, and have a value."""
    return [(name, value) for name, value in pairs if name in NAMES and value]


async def selection(api: Api, query: QueryParams) -> dict[str, Any]:
    """
    The filters of the API that the query parameters of a list mean.

    Raises:
        ApiError: So many flows are to be left out that not all can be named.
    """
    runs: dict[str, Any] = {}
    state: dict[str, Any] = {}
    if states := [each for each in query.getlist("state") if each in GLYPHS]:
        state["any_"] = states
    if left_out := [each for each in query.getlist("not_state") if each in GLYPHS]:
        state["not_any_"] = left_out
    if state:
        runs["state"] = {"type": state}
    if name := query.get("name", "").strip():
        runs["name"] = {"like_": name}
    if tags := [tag for tag in query.getlist("tag") if tag.strip()]:
        runs["tags"] = {"all_": tags}
    if (span := query.get("since")) in SPANS:
        runs["expected_start_time"] = {"after_": (datetime.now(timezone.utc) - SPANS[span]).isoformat()}
    if query.get("subflows") == "no":
        runs["parent_task_run_id"] = {"is_null_": True}
    asked: dict[str, Any] = {"flow_runs": runs} if runs else {}
    flows: dict[str, Any] = {}
    if flow := query.get("flow", "").strip():
        flows["name"] = {"like_": flow}
    if unwanted := query.get("not_flow", "").strip():
        flows["id"] = {"not_any_": await _flows_like(api, unwanted)}
    if flows:
        asked["flows"] = flows
    if deployment := query.get("deployment", "").strip():
        asked["deployments"] = {"name": {"like_": deployment}}
    if pool := query.get("pool", "").strip():
        asked["work_pools"] = {"name": {"any_": [pool]}}
    return asked


async def _flows_like(api: Api, name: str) -> list[str]:
    found = await api.post("/flows/filter", {"flows": {"name": {"like_": name}}, "limit": _MOST_FLOWS})
    if len(found) == _MOST_FLOWS:
        detail = f"{_MOST_FLOWS} flows and more have {name!r} in their names. Write more of it to leave flows out."
        raise ApiError(422, detail)
    return [flow["id"] for flow in found]
