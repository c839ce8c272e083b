"""How blocks send requests: with a limit of time, to the public network only where that is asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from prefect.utilities.guarded_connections import public_connections_only
from prefect.utilities.urls import validate_restricted_url

if TYPE_CHECKING:
    import httpx

__all__ = ["USER_AGENT", "deliver_publicly", "post_json", "require_public", "sync_client", "unlogged"]

USER_AGENT = "Prefect Notifications"
_SECONDS = 30.0
_MOST_SHOWN = 300
_REMEDY = "If it is one that you trust, give the block allow_private_urls=True."

_is_secret: ContextVar[bool] = ContextVar("is_secret", default=False)


def _is_fit_to_be_logged(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO or not _is_secret.get()


@contextmanager
def unlogged() -> Iterator[None]:
    """Within, the packages that send requests do not log which: the URLs are secrets."""
    for name in ("httpx", "urllib3.connectionpool", "apprise"):
        logging.getLogger(name).addFilter(_is_fit_to_be_logged)  # once, however often
    token = _is_secret.set(True)
    try:
        yield
    finally:
        _is_secret.reset(token)


def require_public(url: str) -> None:
    """
    Check that a URL leads to the public network.

    Raises:
        ValueError: It does not. Of the URL only the host is told: the rest may be secret.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"The URL is not valid: {error}.") from None
    try:
        validate_restricted_url(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    except ValueError as error:
        raise ValueError(f"{error} {_REMEDY}") from None


def deliver_publicly(deliver: Callable[[], str | None]) -> str | None:
    """
    Have a package send something that connects by itself: to the public network only, whatever names mean by then.

    Args:
        deliver: Sends it on this thread, and returns what went wrong; None if nothing did.

    Raises:
        ValueError: It was not sent, since that would have led to a private address.
    """
    with public_connections_only() as guard:
        wrong = deliver()
    if wrong is not None and guard.refused:
        raise ValueError(f"The URL resolves to the private address {guard.refused[0]}. {_REMEDY}")
    return wrong


def sync_client(*, allow_private_urls: bool, verify: bool = True, **options: Any) -> httpx.Client:
    """
    A client that does not follow redirects.

    Args:
        allow_private_urls: Whether requests may go to addresses that are not in the public network.
        verify: Whether certificates are checked.
        options: Others of `httpx.Client`.
    """
    import httpx

    if allow_private_urls:
        return httpx.Client(verify=verify, **options)
    from prefect.utilities.urls import SSRFProtectedHTTPTransport

    return httpx.Client(transport=SSRFProtectedHTTPTransport(verify=verify), **options)


def post_json(url: str, content: dict[str, Any], *, allow_private_urls: bool) -> str | None:
    """
    Post a JSON value.

    Returns:
        What went wrong, for people and without the URL, which is a secret; None if it was accepted.

    Raises:
        ValueError: The URL leads to a private address, and may not.
    """
    import httpx

    if not allow_private_urls:
        require_public(url)
    headers = {"User-Agent": USER_AGENT}
    try:
        with (
            unlogged(),
            sync_client(allow_private_urls=allow_private_urls, timeout=_SECONDS, headers=headers) as client,
        ):
            response = client.post(url, json=content)
    except httpx.InvalidURL:
        return "the URL is not valid"
    except httpx.UnsupportedProtocol:
        return "the URL begins neither with http:// nor with https://"
    except httpx.RequestError as error:
        return f"{error.request.url.host} was not reached: {error or type(error).__name__}"
    if response.is_success:
        return None
    said = f": {response.text[:_MOST_SHOWN]}" if response.text else ""
    return f"{response.url.host} answered with status {response.status_code}{said}"
