"""Starts the server: the app that the settings describe, and the process that serves it."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from prefect.server.api.app import Application
from prefect.server.api.gate import Policy
from prefect.server.api.performance import Performer
from prefect.server.api.token_book import TokenBook
from prefect.server.composition import bounds_of, open_database, open_vault
from prefect.server.operations.tokens import is_csrf_token
from prefect.server.services import make_services
from prefect.server.services.loops import Loops

if TYPE_CHECKING:
    import uvicorn

    from prefect.settings import Settings

__all__ = [
    "create_app",
    "listen",
    "make_loops",
    "make_performer",
    "make_policy",
    "make_server",
    "run_services",
    "serve",
]

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

_ALLOCATIONS_PER_COLLECTION = 50_000

_GRACE_SECONDS = 10
"""How long requests under way may take after the server was told to stop."""


def create_app(
    settings: Settings | None = None, final: bool = False, ephemeral: bool = False, webserver_only: bool = False
) -> Application:
    """
    The server as an ASGI app.

    Args:
        settings: How it is set up; the current settings by default.
        final: Accepted for compatibility: an app is made anew each time.
        ephemeral: Whether the server is only there for a while: it runs no loops and registers no block types.
        webserver_only: Whether another process runs the loops.
    """
    from prefect.settings import get_current_settings

    settings = settings or get_current_settings()
    performer = make_performer(settings)
    loops = None if ephemeral or webserver_only else make_loops(performer, settings)
    tokens = TokenBook(performer)
    performer.tokens_changed = tokens.refresh
    policy = make_policy(settings, performer, tokens)
    registers = settings.server.register_blocks_on_start and not ephemeral
    return Application(performer, policy, _api_url(settings), loops, tokens, registers)


def make_performer(settings: Settings) -> Performer:
    """What performs calls on the database that settings name."""
    return Performer(open_database(settings), open_vault(settings), bounds_of(settings), settings=settings)


def make_loops(performer: Performer, settings: Settings) -> Loops:
    """The loops that settings have not switched off."""
    return Loops(performer, make_services(performer.clock()), settings, performer.clock)


def make_policy(settings: Settings, performer: Performer, tokens: TokenBook) -> Policy:
    """What settings allow, to whom."""
    api = settings.server.api
    secret = api.auth_string
    return Policy(
        auth_string=None if secret is None else secret.get_secret_value(),
        find_token=tokens.find,
        has_tokens=tokens.__bool__,
        csrf=api.csrf_protection_enabled,
        check_csrf=lambda client, token: performer.do(
            lambda work: is_csrf_token(work, client=client, token=token), write=False
        ),
        hosts=_LOOPBACK_NAMES if api.host in _LOOPBACK else None,
        origins=tuple(origin.strip() for origin in api.cors_allowed_origins.split(",") if origin.strip()),
    )


def _api_url(settings: Settings) -> str:
    return settings.api.url or f"http://{settings.server.api.host}:{settings.server.api.port}/api"


def listen(host: str, port: int) -> socket.socket:
    """
    A socket that listens.

    Raises:
        OSError: Another process listens there, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol said, small answers would wait until the one before is acknowledged.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(2048)
    except BaseException:
        made.close()
        raise
    return made


def make_server(app: Any, keep_alive_seconds: int = 5, log_level: str = "warning") -> uvicorn.Server:
    """
    What answers requests with an app.

    Args:
        app: The server as an app.
        keep_alive_seconds: After which a silent connection is closed.
        log_level: From which level on uvicorn's own records are shown.
    """
    import uvicorn

    from prefect.server.api.stopping import GracefulServer

    config = uvicorn.Config(
        app,
        log_level=log_level.lower(),
        timeout_keep_alive=keep_alive_seconds,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        access_log=False,
        log_config=None,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=16 * 1024 * 1024,
    )
    return GracefulServer(config, app.performer.patience.end if isinstance(app, Application) else lambda: None)


def serve(app: Any, where: socket.socket, keep_alive_seconds: int = 5, log_level: str = "warning") -> None:
    """
    Answer requests until a signal says to stop; those under way are finished first. A second Ctrl-C ends the process.

    Args:
        app: The server as an app.
        where: Listens.
        keep_alive_seconds: After which a silent connection is closed.
        log_level: From which level on uvicorn's own records are shown.
    """
    collect_rarely()
    make_server(app, keep_alive_seconds, log_level).run(sockets=[where])


def collect_rarely() -> None:
    """
    Let Python look for garbage less often, and not at all among what is loaded by now.

    An answer is many small objects that die with it, in no circles. (Measured: by default a quarter of what a list costs.)
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_PER_COLLECTION)


def run_services(settings: Settings, ready: Callable[[], None] = lambda: None) -> None:
    """
    Run the loops without answering requests, until a signal says to stop.

    Args:
        settings: How they are set up.
        ready: Called once they run.
    """
    from prefect.server.api.stopping import run_until_told

    performer = make_performer(settings)
    try:
        asyncio.run(run_until_told(make_loops(performer, settings), ready))
    finally:
        performer.close()
