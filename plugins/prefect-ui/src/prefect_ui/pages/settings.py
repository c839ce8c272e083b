"""The server itself: its version, settings, plugins and tokens, and the audit trail."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from prefect.plugins import report
from prefect_ui.api import Api, ApiError
from prefect_ui.inputs import InputError, decimal, filled, text
from prefect_ui.pages.forms import done, number
from prefect_ui.pages.run_filters import SPANS
from prefect_ui.view import page

__all__ = ["ROUTES"]

_PAGE = 25
_SCOPES = {
    "read": "see everything but secrets",
    "run": "what it takes to run flows",
    "write": "change and delete things",
    "admin": "settings, tokens and the audit trail",
}


async def _settings(request: Request) -> Response:
    api = Api(request)
    version, (settings, refused), plugins, is_healthy = await asyncio.gather(
        api.get("/admin/version"),
        _unless_refused(api.get("/admin/settings")),
        asyncio.to_thread(report),
        _is_healthy(api),
    )
    return page(
        request,
        "settings.html",
        "Settings",
        version=version,
        settings=sorted(_flat(settings or {})),
        refused=refused,
        plugins=plugins,
        is_healthy=is_healthy,
        database=((settings or {}).get("server") or {}).get("database") or {},
    )


async def _unless_refused(asked: Any) -> tuple[Any, str]:
    """An answer, or why whoever asks for the page may not have it."""
    try:
        return await asked, ""
    except ApiError as error:
        return None, error.detail


async def _is_healthy(api: Api) -> bool:
    try:
        await api.get("/health")
    except ApiError:
        return False
    return True


def _flat(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in settings.items():
        found += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) and value else [(f"{prefix}{name}", value)]
    return found


async def _tokens(request: Request) -> Response:
    tokens = await Api(request).get("/_core/tokens")
    return page(request, "tokens.html", "API tokens", tokens=tokens)


async def _new_token(request: Request) -> Response:
    api = Api(request)

    async def show(typed: dict[str, str], wrong: str, status: int) -> Response:
        tokens = await api.get("/_core/tokens")
        values: dict[str, Any] = {"typed": typed, "wrong": wrong, "scopes": _SCOPES, "is_first": not tokens}
        return page(request, "token_form.html", "New API token", status=status, **values)

    made: list[dict[str, Any]] = []

    async def act(typed: dict[str, str]) -> tuple[str, str]:
        asked: dict[str, Any] = {"name": text(typed, "name") or "", "scopes": [typed.get("scope", "")]}
        if pool := text(typed, "work_pool_name"):
            asked["work_pool_name"] = pool
        days = decimal(typed, "days", "Good for how many days")
        if days is not None:
            asked["expires_at"] = _after(days).isoformat()
        made.append(await api.post("/_core/tokens", asked))
        return "/settings/tokens", "The token is made."

    if request.method == "GET":
        return await show({}, "", 200)
    answer = await filled(request, act, show)
    # The secret is shown by this answer alone, and must not be in an address.
    return page(request, "token_made.html", "The API token is made", token=made[0]) if made else answer


def _after(days: float) -> datetime:
    try:
        return datetime.now(timezone.utc) + timedelta(days=days)
    except (OverflowError, ValueError):
        raise InputError("Good for how many days: this is past the end of the calendar.") from None


async def _revoke(request: Request) -> Response:
    api, name = Api(request), request.path_params["name"]

    async def act() -> str:
        await api.delete(f"/_core/tokens/{quote(name, safe='')}")
        return f"The token {name} is revoked."

    return await done(request, "/settings/tokens", act)


async def _audit(request: Request) -> Response:
    api, query, at = Api(request), request.query_params, number(request, "page")
    asked: dict[str, Any] = {"limit": _PAGE + 1, "offset": (at - 1) * _PAGE}
    if actor := query.get("actor", "").strip():
        asked["actor"] = actor
    if resource := query.get("resource", "").strip():
        asked["resource"] = resource
    if (span := query.get("since")) in SPANS:
        asked["since"] = (datetime.now(timezone.utc) - SPANS[span]).isoformat()
    entries = await api.post("/_core/audit/filter", asked)
    return page(
        request,
        "audit.html",
        "Audit trail",
        entries=entries[:_PAGE],
        page=at,
        is_more=len(entries) > _PAGE,
        spans=SPANS,
    )


ROUTES = [
    Route("/settings", _settings),
    Route("/settings/tokens", _tokens),
    Route("/settings/tokens/new", _new_token, methods=["GET", "POST"]),
    Route("/settings/tokens/{name:str}/revoke", _revoke, methods=["POST"]),
    Route("/settings/audit", _audit),
]
