"""What a runner tells of itself over HTTP: whether it is healthy, and how many runs are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Optional
from uuid import UUID

from pydantic import BaseModel

from prefect.utilities.time import now

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse

    from prefect.runner.runner import Runner

__all__ = [
    "RunnableEndpoint",
    "RunnerGenericFlowRunRequest",
    "build_server",
    "guest_of",
    "perform_health_check",
    "run_count",
    "shutdown",
    "start_webserver",
]

RunnableEndpoint = Literal["deployment", "flow", "task"]
"""What could be asked to be run."""


class RunnerGenericFlowRunRequest(BaseModel):
    """
    Asks for a run of a flow.

    Args:
        entrypoint: Where the flow is.
        parameters: What it is called with.
        parent_task_run_id: The task run that stands for the run in its parent.
    """

    entrypoint: str
    parameters: Optional[dict[str, Any]] = None
    parent_task_run_id: Optional[UUID] = None


def perform_health_check(runner: Runner, delay_threshold: int | None = None) -> Callable[..., JSONResponse]:
    """
    An endpoint that says whether a runner looks for runs as it should.

    Args:
        runner: The runner.
        delay_threshold: How many seconds ago its last look may be; by default
            PREFECT_RUNNER_SERVER_MISSED_POLLS_TOLERANCE times the interval between two.
    """
    from starlette.responses import JSONResponse

    from prefect.settings import get_current_settings

    if delay_threshold is None:
        tolerance = get_current_settings().runner.server.missed_polls_tolerance
        threshold = tolerance * runner.query_seconds
    else:
        threshold = delay_threshold

    def check(request: Request | None = None) -> JSONResponse:
        polled = runner.last_polled
        if polled is None or (now() - polled).total_seconds() > threshold:
            content = {"message": "Runner is unresponsive at this time"}
            return JSONResponse(content, status_code=503)
        return JSONResponse({"message": "OK"})

    return check


def run_count(runner: Runner) -> Callable[..., JSONResponse]:
    """An endpoint that says how many runs are under way."""
    from starlette.responses import JSONResponse

    def count(request: Request | None = None) -> JSONResponse:
        return JSONResponse(len(runner.processes))

    return count


def shutdown(runner: Runner) -> Callable[..., JSONResponse]:
    """An endpoint that stops a runner. Web pages of others may not ask for it."""
    from starlette.responses import JSONResponse

    def stop(request: Request) -> JSONResponse:
        if "origin" in request.headers:
            return JSONResponse({"message": "Web pages may not stop a runner."}, status_code=403)
        runner.handle_sigterm()
        return JSONResponse({"message": "Stopping"})

    return stop


async def build_server(runner: Runner) -> Starlette:
    """The application with the endpoints of a runner: `/health`, `/run_count` and `/shutdown`."""
    from starlette.applications import Starlette
    from starlette.routing import Route

    return Starlette(
        routes=[
            Route("/health", perform_health_check(runner), methods=["GET"]),
            Route("/run_count", run_count(runner), methods=["GET"]),
            Route("/shutdown", shutdown(runner), methods=["POST"]),
        ]
    )


def guest_of(runner: Runner) -> Callable[[], Coroutine[Any, Any, None]]:
    """
    What answers requests about a runner beside it, until it is cancelled. It listens from now on.

    Raises:
        OSError: The port is taken.
    """
    from prefect.runner.guests import listen_on, serve_guest
    from prefect.settings import get_current_settings

    settings = get_current_settings().runner.server
    listener = listen_on(settings.host, settings.port)

    async def serve() -> None:
        await serve_guest(await build_server(runner), listener, settings.log_level)

    return serve


def start_webserver(runner: Runner, log_level: str | None = None) -> None:
    """
    Answer requests about a runner on this thread, until the process ends.

    Args:
        runner: The runner.
        log_level: The level from which on the server's records are shown; PREFECT_RUNNER_SERVER_LOG_LEVEL by default.
    """
    import asyncio

    import uvicorn

    from prefect.settings import get_current_settings

    settings = get_current_settings().runner.server
    app = asyncio.run(build_server(runner))
    uvicorn.run(app, host=settings.host, port=settings.port, log_level=(log_level or settings.log_level).lower())
