"""Requests that no method of the clients makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote

from prefect.client.base import Transport
from prefect.exceptions import ConfigurationError
from prefect.utilities.dual import Steps, adrive, drive

if TYPE_CHECKING:
    import httpx

    from prefect.client.http import HttpTransport

__all__ = ["HTTP_METHODS", "BaseAsyncClient", "BaseClient"]

HTTP_METHODS = Literal["GET", "POST", "PUT", "DELETE", "PATCH"]


def _request(
    transport: Transport,
    method: str,
    path: str,
    params: dict[str, Any] | None,
    path_params: dict[str, Any] | None,
    options: dict[str, Any],
) -> Steps[httpx.Response]:
    if not hasattr(transport, "request"):
        raise ConfigurationError(
            f"{method} {path}: the orchestrator in this process takes no HTTP requests. Use the methods of the client, "
            "or start a server (`prefect server start`) and set PREFECT_API_URL."
        )
    quoted = {name: quote(str(value), safe="") for name, value in (path_params or {}).items()}
    target = path.format_map(quoted) if quoted else path
    if params is not None:
        options = {**options, "params": params}
    return (yield from cast("HttpTransport", transport).request(method, target, **options))


class BaseClient:
    """Any request, for sync code."""

    transport: Transport

    def request(
        self,
        method: HTTP_METHODS,
        path: str,
        params: dict[str, Any] | None = None,
        path_params: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> httpx.Response:
        """
        Send any request to the server.

        Args:
            method: The verb.
            path: The path below the address of the API, with names in braces for `path_params`.
            params: Query parameters.
            path_params: What stands in the path where it has names.
            **kwargs: `json`, `content` and `headers`, as for httpx.

        Raises:
            prefect.exceptions.ObjectNotFound: What was asked for does not exist.
            prefect.exceptions.PrefectHTTPStatusError: The request was refused.
            prefect.exceptions.ConfigurationError: The orchestrator runs in this process, and takes no requests.
        """
        return drive(_request(self.transport, method, path, params, path_params, kwargs))


class BaseAsyncClient:
    """Any request, for async code."""

    transport: Transport

    async def request(
        self,
        method: HTTP_METHODS,
        path: str,
        params: dict[str, Any] | None = None,
        path_params: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> httpx.Response:
        """
        Send any request to the server.

        Args:
            method: The verb.
            path: The path below the address of the API, with names in braces for `path_params`.
            params: Query parameters.
            path_params: What stands in the path where it has names.
            **kwargs: `json`, `content` and `headers`, as for httpx.

        Raises:
            prefect.exceptions.ObjectNotFound: What was asked for does not exist.
            prefect.exceptions.PrefectHTTPStatusError: The request was refused.
            prefect.exceptions.ConfigurationError: The orchestrator runs in this process, and takes no requests.
        """
        return await adrive(_request(self.transport, method, path, params, path_params, kwargs))
