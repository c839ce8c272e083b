# `start` is longer than 60 lines: its options, each with its help, are its signature.
"""`prefect server start`."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.output import say

if TYPE_CHECKING:
    import socket

    from prefect.settings import Settings

__all__ = ["start"]

_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not listened at
_HERE_ONLY = frozenset({"127.0.0.1", "localhost", "::1"})

Switch = Optional[bool]


def _option(*names: str, help: str, **others: Any) -> Any:
    return typer.Option(*names, help=help, show_default=False, **others)


def start(
    host: Annotated[
        Optional[str], _option("--host", help="The address to listen at; without it PREFECT_SERVER_API_HOST.")
    ] = None,
    port: Annotated[
        Optional[int],
        _option(
            "--port",
            help="The port to listen at, 0 for one that is free; without it PREFECT_SERVER_API_PORT.",
            min=0,
            max=65535,
        ),
    ] = None,
    keep_alive_timeout: Annotated[
        Optional[int],
        _option(
            "--keep-alive-timeout",
            help="After how long a connection without requests is closed.",
            metavar="SECONDS",
            min=0,
        ),
    ] = None,
    log_level: Annotated[
        Optional[str],
        _option("--log-level", help="From which level on the server's own records are shown.", metavar="LEVEL"),
    ] = None,
    scheduler: Annotated[
        Switch, _option("--scheduler/--no-scheduler", help="Whether schedules become runs here.")
    ] = None,
    analytics: Annotated[
        Switch,
        _option("--analytics-on/--analytics-off", help="For compatibility: this server reports nothing to anybody."),
    ] = None,
    late_runs: Annotated[
        Switch, _option("--late-runs/--no-late-runs", help="Whether runs that were not begun in time become Late.")
    ] = None,
    ui: Annotated[
        Switch, _option("--ui/--no-ui", help="Whether a user interface is shown, if one is installed.")
    ] = None,
    no_services: Annotated[
        bool, _option("--no-services", help="Only answer requests, and leave the loops to `server services start`.")
    ] = False,
    background: Annotated[
        bool, _option("--background/--no-background", "-b", help="Return once the server answers, and let it run on.")
    ] = False,
    workers: Annotated[
        int, _option("--workers", help="How many processes answer requests. Several need Postgres.", metavar="N", min=1)
    ] = 1,
) -> None:
    """Start a server, and answer until Ctrl-C. Requests under way are finished first; a second Ctrl-C ends it at once."""
    changes = {
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": port,
        "PREFECT_SERVER_API_KEEPALIVE_TIMEOUT": keep_alive_timeout,
        "PREFECT_SERVER_LOGGING_LEVEL": log_level,
        "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": scheduler,
        "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": late_runs,
        "PREFECT_SERVER_ANALYTICS_ENABLED": analytics,
        "PREFECT_SERVER_UI_ENABLED": ui,
    }
    if analytics:
        say("This server reports nothing to anybody: there are no analytics to turn on.")
    if ui:
        say("No user interface is installed. The server describes its API at /docs.")
    with _in_force({name: value for name, value in changes.items() if value is not None}) as settings:
        if background:
            _require_none(settings)
        where = _listen(settings.server.api.host, settings.server.api.port)
        with _in_force({"PREFECT_SERVER_API_PORT": where.getsockname()[1]}) as found:
            _run(where, found, workers, no_services=no_services, background=background)


def _run(where: socket.socket, settings: Settings, workers: int, *, no_services: bool, background: bool) -> None:
    from prefect.cli.server.serving import Serving, require_several
    from prefect.server.composition import verify

    if workers > 1:
        require_several(settings, workers)
    serving = Serving(where, workers, no_services)
    if background:
        from prefect.cli.server.background import server_of

        process = server_of(settings.home)
        process.start(serving.arguments, keep=where.fileno(), answers_at=where.getsockname())
        _announce(settings, where)
        say(f"It runs in the background and writes to {process.log_file}. Stop it: prefect server stop")
        return
    verify(settings)
    _announce(settings, where)
    serving.run(settings)
    say("The server has stopped.")


def _require_none(settings: Settings) -> None:
    from prefect.cli.server.background import server_of

    server_of(settings.home).require_none()


@contextmanager
def _in_force(changes: dict[Any, Any]) -> Iterator[Settings]:
    """Let settings be in force here, on all threads, and in the processes that this one starts."""
    from prefect.settings.base import text_of
    from prefect.settings.context import get_current_settings, reload_settings, temporary_settings

    before = {name: os.environ.get(name) for name in changes}
    with temporary_settings(changes):
        os.environ.update({name: text_of(value) for name, value in changes.items()})
        try:
            reload_settings()
            yield get_current_settings()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            reload_settings()


def _listen(host: str, port: int) -> socket.socket:
    from prefect.server.api.server import listen

    try:
        return listen(host, port)
    except OSError as error:
        is_taken = error.errno in {errno.EADDRINUSE, errno.EACCES}
        remedy = "Choose another port: --port" if is_taken else "Choose an address of this machine: --host"
        raise CliError(f"Cannot listen at {host}:{port}: {error.strerror or error}. {remedy}") from None


def _announce(settings: Settings, where: socket.socket) -> None:
    from prefect.plugins import registries
    from prefect.server.composition import is_guarded

    host, port = settings.server.api.host, where.getsockname()[1]
    shown = "localhost" if host in _EVERYWHERE else f"[{host}]" if ":" in host else host
    say(f"The server answers at http://{shown}:{port}/api, and describes itself at http://{shown}:{port}/docs.")
    if settings.server.ui.enabled and "/" in registries.server_pages.names():
        say(f"Its pages are at http://{shown}:{port}")
    say(f"Let this machine use it: prefect config set PREFECT_API_URL=http://{shown}:{port}/api")
    if host not in _HERE_ONLY and not is_guarded(settings):
        say(
            f"It listens at {host} and asks nobody who they are. Set PREFECT_SERVER_API_AUTH_STRING, or create a token: "
            "prefect server token create NAME"
        )
