"""`prefect server services`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import Output, print_json, say

if TYPE_CHECKING:
    from prefect.server.services.service import Service
    from prefect.settings import Settings

__all__ = ["app", "run_here"]

app = noun(
    "Run the loops of a server in a process of their own, beside `prefect server start --no-services`.",
    aliases={"list": "ls", "enable": "start", "disable": "stop"},
)


def _services() -> tuple[Service, ...]:
    from prefect.server.services import make_services
    from prefect.utilities.time import now

    return make_services(now())


@command(app, "ls")
def ls(output: Output = None) -> None:
    """List the loops of a server, and whether the settings here let them run."""
    from prefect.cli.tables import Column, print_table
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    found = [
        {
            "name": each.name,
            "enabled": each.is_enabled(settings),
            "environment_variable": each.switch,
            "description": each.does,
        }
        for each in _services()
    ]
    if output:
        print_json(found)
        return
    rows = [
        (
            each["name"],
            "yes" if each["enabled"] else "no",
            each["environment_variable"] or "always",
            each["description"],
        )
        for each in found
    ]
    print_table(["Name", "Enabled", Column("Setting", whole=True), "What it does"], rows, "There are no services.")


@command(app, "start")
def start(
    background: Annotated[
        bool,
        typer.Option(
            "--background/--no-background", "-b", help="Return once they run, and let them run on.", show_default=False
        ),
    ] = False,
) -> None:
    """Run all loops that are enabled, until Ctrl-C. Several such processes on one database take turns."""
    from prefect.cli.server.background import services_of
    from prefect.server.composition import verify
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    if not any(each.is_enabled(settings) for each in _services()):
        raise CliError("All services are switched off by settings. See: prefect server services ls")
    if background:
        process = services_of(settings.home)
        process.start(["services"])
        say(f"The services run in the background and write to {process.log_file}. Stop them: {process.stops}")
        return
    verify(settings)
    run_here(settings)


def run_here(settings: Settings) -> None:
    """Run the loops in this process, until a signal says to stop."""
    from prefect.logging.configuration import setup_logging
    from prefect.server.api.server import run_services

    setup_logging()
    names = ", ".join(each.name for each in _services() if each.is_enabled(settings))
    run_services(settings, lambda: say(f"Running: {names}."))
    say("The services have stopped.")


@command(app, "stop")
def stop() -> None:
    """Stop the services that were started with --background."""
    from prefect.cli.server.background import services_of
    from prefect.settings import get_current_settings

    number = services_of(get_current_settings().home).stop()
    say("No services run in the background." if number is None else f"Stopped the services, process {number}.")
