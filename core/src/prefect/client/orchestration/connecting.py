"""What a client is made with: the way to its orchestrator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from prefect.client.base import EPHEMERAL_URL, ServerType, Transport, server_type_of
from prefect.exceptions import ConfigurationError

if TYPE_CHECKING:
    from prefect.client.http import HttpTransport

__all__ = ["ASGIApp", "compares_versions", "connect", "place_of"]

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


def connect(
    api: str | Transport | ASGIApp,
    *,
    auth_string: str | None = None,
    api_key: str | None = None,
    api_version: str | None = None,
    httpx_settings: dict[str, Any] | None = None,
) -> Transport:
    """
    The transport that a client is made with.

    Args:
        api: The address of a server, a transport, or an ASGI app.
        auth_string: User and password, instead of those in the settings.
        api_key: The key, instead of the one in the settings.
        api_version: The version of the REST contract to ask for.
        httpx_settings: Parameters of httpx's clients.

    Raises:
        prefect.exceptions.ConfigurationError: There is no way to what is named.
    """
    if hasattr(api, "asend"):
        return _beside(cast("Transport", api), httpx_settings)
    from prefect.client import http
    from prefect.settings import get_current_settings

    if not isinstance(api, str) and not callable(api):
        raise ConfigurationError(f"A client is made with the address of a server or an ASGI app; {api!r} is neither.")
    url = api if isinstance(api, str) else EPHEMERAL_URL
    address = http.ServerAddress.from_settings(
        get_current_settings(), url, auth_string=auth_string, key=api_key, api_version=api_version
    )
    if isinstance(api, str):
        return _beside(http.transport_to(address), httpx_settings)
    from httpx import ASGITransport

    here = {"transport": ASGITransport(api), "headers": {"Host": "127.0.0.1"}}
    return http.HttpTransport(address, {**here, **(httpx_settings or {})})


def _beside(transport: Transport, httpx_settings: dict[str, Any] | None) -> Transport:
    """The same way to the same orchestrator, with a connection of its own if that is to be another one."""
    if not httpx_settings or transport.url == EPHEMERAL_URL:
        return transport
    from prefect.client.http import HttpTransport

    known = cast("HttpTransport", transport)
    return HttpTransport(known.address, {**known.httpx_settings, **httpx_settings}, beside=known)


def place_of(transport: Transport) -> ServerType:
    """Where the orchestrator is that a transport leads to."""
    return server_type_of(None if transport.url == EPHEMERAL_URL else transport.url)


def compares_versions() -> bool:
    """Whether the settings ask to make sure that a server's version fits."""
    from prefect.settings import get_current_settings

    return get_current_settings().client.server_version_check_enabled
