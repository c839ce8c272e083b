"""Pages that plugins bring, such as those of a user interface."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.routing import Mount

from prefect.plugins.errors import PluginConflictError, UnknownNameError
from prefect.plugins.targets import import_target
from prefect.server.api.requests import ASGIReceive, ASGIScope, ASGISend

__all__ = ["Pages", "page_routes"]

_logger = logging.getLogger("prefect.server.api")

_PATH = re.compile(r"/[a-z0-9][a-z0-9-]*")
_TAKEN = frozenset({"/api", "/docs", "/ui-settings"})


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
        await self._app(scope, receive, send)


def page_routes(api_url: str) -> list[Mount]:
    """A route for each path that a plugin has pages at; paths that are not a name, or the server's own, are refused."""
    from prefect.plugins import registries

    routes = []
    for path in registries.server_pages.names():
        if not _PATH.fullmatch(path) or path in _TAKEN:
            _logger.error("A plugin has pages at %r, which is no path that it may have: '/' and a name.", path)
        else:
            try:
                target = registries.server_pages.spec(path).target
            except (PluginConflictError, UnknownNameError):
                _logger.exception("Nothing is shown at %s.", path)
            else:
                routes.append(Mount(path, Pages(path, target, api_url)))
    return routes
