"""Transports of httpx that connect to the public network only, for URLs that come from somebody else."""

from __future__ import annotations

import httpx
from anyio.to_thread import run_sync

from prefect.utilities.urls import public_addresses

__all__ = ["SSRFProtectedAsyncHTTPTransport", "SSRFProtectedHTTPTransport"]


def _checked(request: httpx.Request) -> list[str]:
    """The addresses of a request's host. Of its URL no more than that is told: the rest may hold secrets."""
    return public_addresses(f"{request.url.scheme}://{request.url.netloc.decode()}")


def _directed(request: httpx.Request, address: str) -> httpx.Request:
    """The request, to be sent to an address that was checked: a name may mean another one the next moment."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,  # with the host that is meant
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


class SSRFProtectedHTTPTransport(httpx.HTTPTransport):
    """
    Sends requests to public addresses only, those after redirects included.

    Raises:
        ValueError: The host of a request has a private address, or none. Nothing was sent then.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address of its host that takes connections."""
        *others, last = _checked(request)
        for address in others:
            try:
                return super().handle_request(_directed(request, address))
            except httpx.ConnectError:  # nothing was sent
                continue
        return super().handle_request(_directed(request, last))


class SSRFProtectedAsyncHTTPTransport(httpx.AsyncHTTPTransport):
    """
    Sends requests to public addresses only, those after redirects included.

    Raises:
        ValueError: The host of a request has a private address, or none. Nothing was sent then.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address of its host that takes connections."""
        *others, last = await run_sync(_checked, request)
        for address in others:
            try:
                return await super().handle_async_request(_directed(request, address))
            except httpx.ConnectError:  # nothing was sent
                continue
        return await super().handle_async_request(_directed(request, last))
