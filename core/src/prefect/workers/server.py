"""What a worker tells of itself over HTTP: whether it is healthy."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    from prefect.workers.base import BaseWorker

__all__ = ["build_healthcheck_server", "guest_of", "start_healthcheck_server"]


def _app(worker: BaseWorker[Any, Any, Any], query_interval_seconds: float) -> Starlette:
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def check(request: Request) -> JSONResponse:
        if worker.is_worker_still_polling(query_interval_seconds):
            return JSONResponse({"message": "OK"})
        return JSONResponse({"message": "Worker may be unresponsive at this time"}, status_code=503)

    return Starlette(routes=[Route("/health", check, methods=["GET"])])


def build_healthcheck_server(
    worker: BaseWorker[Any, Any, Any], query_interval_seconds: float, log_level: str = "error"
) -> uvicorn.Server:
    """
    A server that answers `/health`, at PREFECT_WORKER_WEBSERVER_HOST and PREFECT_WORKER_WEBSERVER_PORT.

    Args:
        worker: The worker.
        query_interval_seconds: How often it should look for runs.
        log_level: The level from which on the server's records are shown.
    """
    import uvicorn

    from prefect.settings import get_current_settings

    settings = get_current_settings().worker.webserver
    app = _app(worker, query_interval_seconds)
    return uvicorn.Server(uvicorn.Config(app, host=settings.host, port=settings.port, log_level=log_level.lower()))


def start_healthcheck_server(
    worker: BaseWorker[Any, Any, Any], query_interval_seconds: float, log_level: str = "error"
) -> None:
    """Answer requests about a worker on this thread, until the process ends; see `build_healthcheck_server`."""
    asyncio.run(build_healthcheck_server(worker, query_interval_seconds, log_level).serve())


def guest_of(
    worker: BaseWorker[Any, Any, Any], query_interval_seconds: float
) -> Callable[[], Coroutine[Any, Any, None]]:
    """
    What answers requests about a worker beside it, until it is cancelled. It listens from now on.

    Raises:
        OSError: The port is taken.
    """
    from prefect.runner.guests import listen_on, serve_guest
    from prefect.settings import get_current_settings

    settings = get_current_settings().worker.webserver
    listener = listen_on(settings.host, settings.port)
    return partial(serve_guest, _app(worker, query_interval_seconds), listener, "error")
