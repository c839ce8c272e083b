"""`prefect version`."""

from __future__ import annotations

from typing import Annotated

import typer

from prefect.cli.groups import command
from prefect.cli.output import say

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@command(app, "version")
def version(
    omit_integrations: Annotated[
        bool,
        typer.Option(
            "--omit-integrations/--no-omit-integrations", help="Do not list what else is installed.", show_default=False
        ),
    ] = False,
) -> None:
    """Show versions of the product and what it works with."""
    import platform
    import sqlite3
    import sys

    from prefect import __version__
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    lines = {
        "Version": __version__,
        "Python version": platform.python_version(),
        "OS/Arch": f"{sys.platform}/{platform.machine()}",
        "Profile": _profile(),
        "Server type": "ephemeral" if settings.api.url is None else "server",
        "Pydantic version": _pydantic(),
    }
    _write(lines)
    if settings.api.url is None:
        url = settings.server.database.connection_url
        database = url.get_secret_value().partition(":")[0].partition("+")[0] if url is not None else ""
        say("Server:")
        _write(
            {"  Database": database, **({"  SQLite version": sqlite3.sqlite_version} if database == "sqlite" else {})}
        )
    if not omit_integrations:
        _write_integrations()


def _profile() -> str:
    from prefect.settings.context import get_current_settings
    from prefect.settings.sources import active_profile_name

    return active_profile_name(get_current_settings().profiles_path)


def _pydantic() -> str:
    import pydantic

    return pydantic.__version__


def _write(lines: dict[str, str]) -> None:
    for name, value in lines.items():
        say(f"{name}:".ljust(22) + value)


def _write_integrations() -> None:
    """The distributions that plug in, from the index of plugins: none of them is imported."""
    from prefect.plugins.loading import current_host

    host = current_host()
    installed = {entry.distribution: entry.version or "" for entry in host.index.entries if entry.distribution}
    if installed:
        say("Integrations:")
        _write({f"  {name}": installed[name] for name in sorted(installed)})
