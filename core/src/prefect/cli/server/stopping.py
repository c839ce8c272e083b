"""`prefect server stop`."""

from __future__ import annotations

from prefect.cli.output import say

__all__ = ["stop"]


def stop() -> None:
    """Stop the server that was started with --background. Requests under way are finished first."""
    from prefect.cli.server.background import server_of
    from prefect.settings import get_current_settings

    number = server_of(get_current_settings().home).stop()
    say("No server runs in the background." if number is None else f"Stopped the server, process {number}.")
