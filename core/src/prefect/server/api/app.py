"""The server as one ASGI app."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from prefect.plugins.errors import PluginLoadError
from prefect.plugins.startup import announce
from prefect.server.api.answers import Answer, refusal
from prefect.server.api.documentation import render
from prefect.server.api.endpoints import Endpoints
from prefect.server.api.gate import Gate, respond
from prefect.server.api.openapi import describe
from prefect.server.api.pages import page_routes
from prefect.server.api.performance import Performer
from prefect.server.api.requests import ASGIReceive, ASGIScope, ASGISend
from prefect.server.api.websockets import websocket_routes
from prefect.server.api.wire import wires
from prefect.server.operations.block_types import install_system_block_types

if TYPE_CHECKING:
    from prefect.server.api.gate import Policy
    from prefect.server.api.token_book import TokenBook
    from prefect.server.services.loops import Loops

__all__ = ["Application"]

_logger = logging.getLogger("prefect.server.api")

_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page of the documentation has a style of its own, and nothing else."""


class Application(Starlette):
    """
    The server.

    Requests for endpoints of the contract, which are nearly all, go straight to them; Starlette finds the rest.

    Args:
        performer: Performs what is asked for.
        policy: Who may ask.
        api_url: What the pages of a user interface are told to ask.
        loops: What happens although nobody asks for it; None if this app leaves it to others.
        tokens: The API tokens that are good; None if there are none.
        registers_blocks: Whether the block types that are installed here are registered at the start.
    """

    def __init__(
        self,
        performer: Performer,
        policy: Policy,
        api_url: str,
        loops: Loops | None = None,
        tokens: TokenBook | None = None,
        registers_blocks: bool = False,
    ) -> None:
        self.performer = performer
        self.policy = policy
        self.api_url = api_url
        self.loops = loops
        self.tokens = tokens
        self._registers_blocks = registers_blocks
        self.endpoints = Endpoints(performer)
        self._document: bytes | None = None
        super().__init__(routes=self._routes(), lifespan=_life)
        self._gate = Gate(self.dispatch, policy)

    def _routes(self) -> list[Any]:
        return [
            Route("/openapi.json", self._openapi),
            Route("/docs", self._documentation),
            Route("/ui-settings", self._ui_settings),
            Mount(
                "/api",
                routes=[
                    Route("/openapi.json", self._openapi),
                    Route("/docs", self._documentation),
                    *websocket_routes(self.performer, self.policy),
                    Mount("", self.endpoints),
                ],
            ),
            *page_routes(self.api_url),
        ]

    async def __call__(self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
        """Answer, if the requester may ask."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        else:
            scope["app"] = self
            await self._gate(scope, receive, send)

    async def dispatch(self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
        """Answer somebody who may ask."""
        path = scope["path"]
        is_endpoint = scope["type"] == "http" and path.startswith("/api/")
        if is_endpoint and path == "/api/health" and self.loops is not None and self.loops.troubles:
            await respond(self._ill(), send)
        elif is_endpoint and path not in {"/api/openapi.json", "/api/docs"}:
            await self.endpoints(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _ill(self) -> Answer:
        """What is answered to who asks whether the server is well, when one of its loops fails."""
        troubles = self.loops.troubles.values() if self.loops is not None else ()
        told = [
            f"The loop '{one.service}' has failed {one.times} times since {one.since}: {one.error}" for one in troubles
        ]
        return refusal(503, " ".join(told), Retry_After="10")

    async def prepare(self) -> None:
        """Do what need not be done before the first request is answered."""
        try:
            await asyncio.to_thread(announce, "server")
        except PluginLoadError as error:
            _logger.warning("%s", error)
        if self._registers_blocks:
            try:
                await self.performer.perform(install_system_block_types, write=True)
            except Exception:
                _logger.warning("The block types that are installed here are not registered.", exc_info=True)

    @property
    def document(self) -> bytes:
        """The description of the REST API, as JSON."""
        if self._document is None:
            self._document = describe(wires().values())
        return self._document

    def openapi(self) -> dict[str, Any]:
        """The description of the REST API."""
        document: dict[str, Any] = from_json(self.document)
        return document

    async def _openapi(self, request: Request) -> Response:
        return Response(self.document, media_type="application/json")

    async def _documentation(self, request: Request) -> Response:
        return HTMLResponse(
            render(self.openapi()), headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
        )

    async def _ui_settings(self, request: Request) -> Response:
        auth = None if self.policy.auth_string is None else "BASIC"
        return JSONResponse({"api_url": self.api_url, "csrf_enabled": self.policy.csrf, "auth": auth, "flags": []})


@asynccontextmanager
async def _life(app: Any) -> AsyncIterator[None]:
    """What happens around the time in which requests are answered."""
    refreshing = None
    if app.tokens is not None:
        app.tokens.refresh()
        refreshing = asyncio.create_task(app.tokens.keep_fresh())
    if app.loops is not None:
        app.loops.start()
    preparing = asyncio.create_task(app.prepare())
    try:
        yield
    finally:
        for task in (refreshing, preparing):
            if task is not None:
                task.cancel()
        if app.loops is not None:
            await app.loops.stop()
        app.performer.close()
