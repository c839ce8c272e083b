"""
Connections to the public network only, for packages that connect by themselves.

What a name means may be another address the next moment, and a redirect may lead anywhere. So what is looked at is the address
that a socket is about to be connected to, whoever does it: Python tells of that before it happens.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from prefect.utilities.urls import is_public_address

__all__ = ["Guard", "PrivateAddressError", "public_connections_only"]


class PrivateAddressError(OSError):
    """A connection was not made, since it would have led to an address that is not in the public network."""


@dataclass(slots=True)
class Guard:
    """
    What connections are made.

    Args:
        trusted: Addresses that may be private.
        refused: Those that were asked for, and are private.
    """

    trusted: frozenset[str]
    refused: list[str] = field(default_factory=list)


_guard: ContextVar[Guard | None] = ContextVar("public_connections_only", default=None)


@contextmanager
def public_connections_only(trusted: frozenset[str] = frozenset()) -> Iterator[Guard]:
    """
    Let the code inside, on this thread, connect to public addresses only, and to the proxies of this process.

    Args:
        trusted: Further addresses that it may connect to.

    Yields:
        Which addresses were refused. The code itself gets a `PrivateAddressError`, and may hide it.
    """
    _watch()
    token = _guard.set(Guard(trusted | _proxies()))
    try:
        guard = _guard.get()
        assert guard is not None
        yield guard
    finally:
        _guard.reset(token)


@cache
def _watch() -> None:
    """Hear of connections, from now on and once for all: Python takes no such hook back."""
    sys.addaudithook(_heed)


def _heed(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    guard = _guard.get()
    if guard is None:
        return
    address = arguments[1]
    host = str(address[0]) if isinstance(address, tuple) and address else str(address)
    if host in guard.trusted or is_public_address(host):
        return
    guard.refused.append(host)
    raise PrivateAddressError(f"{host} is not an address in the public network.")


def _proxies() -> frozenset[str]:
    """The addresses of the proxies that the environment names. Who has set them up trusts them."""
    found: set[str] = set()
    for name, url in getproxies().items():
        host = None if name == "no" else urlsplit(url if "//" in url else f"//{url}").hostname
        if host:
            found |= _addresses(host)
    return frozenset(found)


def _addresses(host: str) -> set[str]:
    try:
        return {str(address[0]) for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()  # then nobody reaches the proxy either
