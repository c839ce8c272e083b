"""All pages as one ASGI app."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from prefect_ui.api import ApiError
from prefect_ui.pages import routes
from prefect_ui.view import page

__all__ = ["make_app"]

_logger = logging.getLogger("prefect.ui")

_POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]


class _Guarded:
    """Lets browsers take nothing into pages but what the server itself sends, and remember no page."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                is_file = "/static/" in scope["path"]
                keep = b"public, max-age=3600" if is_file else b"no-store"
                message["headers"] = [*message["headers"], *_HEADERS, (b"cache-control", keep)]
            await send(message)

        await self._app(scope, receive, sending)


async def _front(request: Request) -> Response:
    return RedirectResponse(request.scope.get("root_path", "") + "/dashboard")


async def _api_is_wrong(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    titles = {401: "Who are you?", 403: "Not allowed", 404: "Not found"}
    return page(
        request, "wrong.html", titles.get(error.status, "Not possible"), status=error.status, detail=error.detail
    )


async def _no_page(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = f"There is no page at {request.url.path}." if error.status_code == 404 else error.detail
    return page(request, "wrong.html", "Not found", status=error.status_code, detail=detail)


async def _broken(request: Request, error: Exception) -> Response:
    _logger.error("The page %s cannot be shown.", request.url.path, exc_info=error)
    detail = "Something went wrong here. The server's log says what."
    return page(request, "wrong.html", "Not possible", status=500, detail=detail)


def make_app(api_url: str) -> Starlette:
    """
    Make the pages of a server.

    Args:
        api_url: The URL of its API. Pages ask it within the server, and need no URL.
    """
    files = StaticFiles(directory=Path(__file__).parent / "static")
    return Starlette(
        routes=[Route("/", _front), Mount("/static", files), *routes()],
        middleware=[Middleware(_Guarded)],
        exception_handlers={ApiError: _api_is_wrong, HTTPException: _no_page, Exception: _broken},
    )
