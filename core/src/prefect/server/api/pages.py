"""Pages that plugins bring, such as those of a user interface."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from prefect.plugins.errors import PluginConflictError, UnknownNameError
from prefect.plugins.targets import import_target
from prefect.server.api.requests import ASGIReceive, ASGIScope, ASGISend, header

__all__ = ["Pages", "page_routes"]

_logger = logging.getLogger("prefect.server.api")

_PATH = re.compile(r"/[a-z0-9][a-z0-9-]*")
_ROOT = "/"
_TAKEN = frozenset({"/api", "/docs", "/ui-settings"})


class AskedWithin:
    """
    The API for what answers a request in this process: whatever is asked for, it is as if whoever made the request asked.

    Args:
        app: The server, past its gate.
        around: The request.
    """

    def __init__(self, app: Any, around: ASGIScope) -> None:
        self._app = app
        self._around = around

    async def __call__(self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
        """Answer a call of the API, below `/api`."""
        if not scope["path"].startswith("/api/"):
            raise ValueError(f"The API is below /api, which {scope['path']!r} is not.")
        around = self._around
        shown = header(around, b"authorization")
        own = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
        said = [] if shown is None else [(b"authorization", shown.encode("latin-1"))]
        scope.update(app=self._app, headers=own + said, client=around.get("client"))
        scope.pop("prefect.actor", None)
        if "prefect.actor" in around:
            scope["prefect.actor"] = around["prefect.actor"]
        await self._app.dispatch(scope, receive, send)


class Pages:
    """
    The pages of a plugin below a path, made when the first of them is asked for.

    Args:
        path: The path.
        target: The import string of what makes them.
        api_url: The URL of the API, which the pages are told.
    """

    def __init__(self, path: str, target: str, api_url: str) -> None:
        self._path = path
        self._target = target
        self._api_url = api_url
        self._app: Any = None

    async def __call__(self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
        """Answer a request, also where the plugin is broken."""
        if self._app is None:
            try:
                self._app = await asyncio.to_thread(lambda: import_target(self._target)(self._api_url))
            except (Exception, SystemExit) as error:
                _logger.exception("The pages at %s cannot be made.", self._path)
                says = f"The pages at {self._path} are not available: {error}\nSee `prefect plugins`.\n"
                if scope["type"] == "http":
                    await PlainTextResponse(says, status_code=503)(scope, receive, send)
                return
        scope["prefect.api"] = AskedWithin(scope["app"], dict(scope))
        await self._app(scope, receive, send)


async def _to_documentation(request: Request) -> Response:
    return RedirectResponse("/docs")


def page_routes(api_url: str) -> list[BaseRoute]:
    """
    A route for each path that a plugin has pages at, that of the root, which has all that nobody else has, at the end.

    Paths that are not a name, or the server's own, are refused. Without pages of a plugin the root is the documentation.
    """
    from prefect.plugins import registries
    from prefect.settings import get_current_settings

    routes: list[BaseRoute] = []
    root: list[BaseRoute] = [Route(_ROOT, _to_documentation)]
    if not get_current_settings().server.ui.enabled:
        return root
    for path in registries.server_pages.names():
        if (path != _ROOT and not _PATH.fullmatch(path)) or path in _TAKEN:
            _logger.error("A plugin has pages at %r, which is no path that it may have: '/', or '/' and a name.", path)
        else:
            try:
                target = registries.server_pages.spec(path).target
            except (PluginConflictError, UnknownNameError):
                _logger.exception("Nothing is shown at %s.", path)
            else:
                mounted = Mount(path.rstrip("/"), Pages(path, target, api_url))
                if path == _ROOT:
                    root = [mounted]
                else:
                    routes.append(mounted)
    return [*routes, *root]
