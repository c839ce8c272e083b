"""URLs: which may be called from a server on behalf of somebody else, and the names of kinds of objects in them."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.client.urls import url_for  # noqa: TC004 - lazy
    from prefect.utilities.guarded_transports import (  # noqa: TC004 - lazy
        SSRFProtectedAsyncHTTPTransport,
        SSRFProtectedHTTPTransport,
    )

__all__ = [
    "SSRFProtectedAsyncHTTPTransport",
    "SSRFProtectedHTTPTransport",
    "convert_class_to_name",
    "is_public_address",
    "public_addresses",
    "url_for",
    "validate_restricted_url",
]

_GUARDED = "prefect.utilities.guarded_transports"  # they load httpx
lazy.install(
    globals(),
    {
        "SSRFProtectedAsyncHTTPTransport": _GUARDED,
        "SSRFProtectedHTTPTransport": _GUARDED,
        "url_for": "prefect.client.urls",
    },
)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of version 6 that stand for one of version 4 behind a translator."""


def validate_restricted_url(url: str) -> None:
    """
    Check that a URL leads to the public network, so that it does no harm to call it for somebody else.

    Raises:
        ValueError: It is not one of HTTP or HTTPS, it cannot be resolved, or leads to a private address.
    """
    public_addresses(url)


def public_addresses(url: str) -> list[str]:
    """
    The addresses of a URL's host, which are all in the public network.

    Raises:
        ValueError: It is not one of HTTP or HTTPS, it cannot be resolved, or leads to a private address.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        message = f"{url!r} is not a valid URL.  {error}"
        raise ValueError(message) from error
    if parts.scheme not in {"http", "https"}:
        message = f"{url!r} is not a valid URL.  Only HTTP and HTTPS URLs are allowed."
        raise ValueError(message)
    if not parts.hostname:
        message = f"{url!r} is not a valid URL.  It names no host."
        raise ValueError(message)
    try:
        found = socket.getaddrinfo(parts.hostname, None, type=socket.SOCK_STREAM)
    except OSError as error:
        message = f"{url!r} is not a valid URL.  It could not be resolved."
        raise ValueError(message) from error
    addresses = list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))
    for address in addresses:
        _require_public(url, address)
    return addresses


def _require_public(url: str, address: str) -> None:
    if not is_public_address(address):
        message = f"{url!r} is not a valid URL.  It resolves to the private address {address}."
        raise ValueError(message)


def is_public_address(text: str) -> bool:
    """Whether an address, in figures, is in the public network; nothing else is."""
    try:
        address: Any = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    meant = [getattr(address, "ipv4_mapped", None) or address, getattr(address, "sixtofour", None)]
    if address in _NAT64:
        meant.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return all(each.is_global and not each.is_multicast for each in meant if each is not None)


def convert_class_to_name(obj: Any) -> str:
    """The kind of an object as in URLs: `flow-run` for an instance of `FlowRun`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", type(obj).__name__).lower()
