"""`prefect server`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import say

app = noun("Start and stop a server, and look after its database.")


@command(app, "start")
def start(
    host: Annotated[Optional[str], typer.Option(help="The address to listen at.")] = None,
    port: Annotated[Optional[int], typer.Option(min=0, max=65535, help="The port to listen at; 0 for any.")] = None,
) -> None:
    """Start a server, and answer until Ctrl-C."""
    from prefect.server.api.server import create_app, listen, serve
    from prefect.settings import get_current_settings
    from prefect.settings.context import temporary_settings

    api = get_current_settings().server.api
    host, port = host or api.host, api.port if port is None else port
    try:
        where = listen(host, port)
    except OSError as error:
        raise CliError(
            f"Cannot listen at {host}:{port}: {error.strerror}. Choose another port: `prefect server start --port N`."
        ) from None
    port = where.getsockname()[1]
    with temporary_settings({"PREFECT_SERVER_API_HOST": host, "PREFECT_SERVER_API_PORT": port}):
        settings = get_current_settings()
        say(f"The server answers at http://{host}:{port}/api, and describes itself at http://{host}:{port}/docs.")
        say(f"Let this machine use it: prefect config set PREFECT_API_URL=http://{host}:{port}/api")
        serve(create_app(settings), where, settings.server.api.keepalive_timeout, settings.server.logging_level)
