"""`prefect server status`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prefect.cli.output import Output, print_json, say

if TYPE_CHECKING:
    from prefect.client.http.address import ServerAddress

__all__ = ["status"]

_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 10.0
"""A server that does not say for so long that it is well, is not."""


def status(
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the server answers.", show_default=False)
    ] = False,
    timeout: Annotated[
        int,
        typer.Option("--timeout", "-t", metavar="SECONDS", min=0, help="How long to wait at most; 0 for ever."),
    ] = 0,
    output: Output = None,
) -> None:
    """Ask whether the server answers, at PREFECT_API_URL or else where `prefect server start` would."""
    address = _address()
    if wait and not output:
        say(f"Waiting for the server at {address.url} ...")
    deadline = time.monotonic() + timeout if timeout else None
    answer = _look(address)
    while wait and answer["status"] != "available" and (deadline is None or time.monotonic() < deadline):
        time.sleep(_LOOK_SECONDS)
        answer = _look(address)
    if output:
        print_json(answer)
    elif answer["status"] == "available":
        say(f"The server at {answer['api_url']} is available, version {answer['server_version']}.")
    else:
        say(f"The server at {answer['api_url']} is not available: {answer['error']}")
    raise typer.Exit(0 if answer["status"] == "available" else 1)


def _address() -> ServerAddress:
    from prefect.client.http.address import ServerAddress
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    api = settings.server.api
    host = f"[{api.host}]" if ":" in api.host else api.host
    address = ServerAddress.from_settings(settings, settings.api.url or f"http://{host}:{api.port}/api")
    return replace(address, timeout=min(address.timeout, _PATIENCE_SECONDS))


def _look(address: ServerAddress) -> dict[str, Any]:
    """Ask once."""
    import httpx

    from prefect.client.http.connections import Connections
    from prefect.client.http.requests import HttpRequest

    connections = Connections(address)
    try:
        health = connections.sync().send(HttpRequest("GET", "/health"))
        if not health.is_success:
            return _unavailable(address, f"{health.status_code} {health.reason_phrase} {_detail(health)}".strip())
        version = connections.sync().send(HttpRequest("GET", "/admin/version"))
    except httpx.HTTPError as error:
        return _unavailable(address, str(error) or type(error).__name__)
    finally:
        connections.close()
    known = version.json() if version.is_success else None
    return {"status": "available", "api_url": address.url, "server_version": known or "not told to you"}


def _unavailable(address: ServerAddress, error: str) -> dict[str, Any]:
    return {"status": "unavailable", "api_url": address.url, "error": error}


def _detail(response: Any) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
