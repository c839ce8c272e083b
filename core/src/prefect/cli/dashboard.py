"""`prefect dashboard`."""

from __future__ import annotations

from prefect.cli.errors import CliError
from prefect.cli.groups import command, noun
from prefect.cli.output import say

app = noun("Look at the server in a web browser.")


@command(app, "open")
def open_() -> None:
    """Open the server's pages in a web browser, and print their address."""
    import webbrowser

    from prefect.settings import get_current_settings

    settings = get_current_settings()
    if settings.api.url is None:
        raise CliError(
            "There is no server to look at: runs are orchestrated in their own process. Start one (prefect server start), "
            "and name it: prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    address = settings.ui_url or settings.api.url.removesuffix("/api")
    say(address)
    if not webbrowser.open(address):
        raise CliError("No web browser can be opened here: open the address yourself.")
