"""Where a server is, and how it wants to be asked: read from the settings, checked, and nothing else."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from prefect.client.constants import SERVER_API_VERSION
from prefect.exceptions import ConfigurationError

if TYPE_CHECKING:
    from prefect.settings import Settings

__all__ = ["ServerAddress"]

_PROTECTED = frozenset(
    {
        "authorization",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "prefect-csrf-client",
        "prefect-csrf-token",
        "user-agent",
        "x-prefect-api-version",
    }
)
"""Headers that the client sets itself, and that a setting cannot change."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """
    A server, and how it wants to be asked. Two with the same values are the same server.

    Args:
        url: The address of its API, without a slash at the end.
        key: The key that it knows its clients by.
        auth_string: User and password, for a server with basic authentication.
        verify: Whether its certificate is checked.
        certificates: A file with the certificates of the authorities to trust; the usual ones without.
        http2: Whether HTTP/2 is used where the server can.
        timeout: Seconds to wait for an answer.
        max_retries: How often a request is sent again.
        jitter: How much the time between two tries varies, as a part of it.
        extra_codes: Further statuses after which a request is sent again.
        csrf: Whether to get a token against forged requests where the server wants one.
        custom_headers: Headers that are added to each request.
        api_version: The version of the REST contract that is asked for.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    auth_string: str | None = field(default=None, repr=False)
    verify: bool = True
    certificates: str | None = None
    http2: bool = False
    timeout: float = 60.0
    max_retries: int = 5
    jitter: float = 0.2
    extra_codes: frozenset[int] = frozenset()
    csrf: bool = True
    custom_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    api_version: str = SERVER_API_VERSION

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        url: str | None = None,
        *,
        auth_string: str | None = None,
        key: str | None = None,
        api_version: str | None = None,
    ) -> ServerAddress:
        """
        The server that the settings name.

        Args:
            settings: The settings.
            url: Another server, to be asked in the same way.
            auth_string: User and password, instead of those in the settings.
            key: The key, instead of the one in the settings.
            api_version: The version of the REST contract to ask for.

        Raises:
            prefect.exceptions.ConfigurationError: A setting does not fit.
        """
        api, client = settings.api, settings.client
        return cls(
            url=checked_url(url or api.url or "", "PREFECT_API_URL" if url is None else "the client's address"),
            key=key or (api.key.get_secret_value() if api.key is not None else None),
            auth_string=auth_string or (api.auth_string.get_secret_value() if api.auth_string is not None else None),
            verify=not api.tls_insecure_skip_verify,
            certificates=api.ssl_cert_file,
            http2=api.enable_http2,
            timeout=api.request_timeout,
            max_retries=client.max_retries,
            jitter=client.retry_jitter_factor,
            extra_codes=frozenset(cast("set[int]", client.retry_extra_codes or ())),
            csrf=client.csrf_support_enabled,
            custom_headers=_checked_headers(client.custom_headers),
            api_version=api_version or SERVER_API_VERSION,
        )

    @property
    def headers(self) -> dict[str, str]:
        """What each request says of its sender."""
        import prefect

        headers = dict(self.custom_headers)
        headers["User-Agent"] = f"prefect/{prefect.__version__} (API {SERVER_API_VERSION})"
        headers["X-PREFECT-API-VERSION"] = self.api_version
        if self.auth_string is not None:
            headers["Authorization"] = f"Basic {b64encode(self.auth_string.encode()).decode()}"
        elif self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        return headers

    @property
    def name(self) -> str:
        """A name of the server that can be one of a folder."""
        host = urlsplit(self.url).hostname or "server"
        readable = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in host)
        return f"{readable}-{sha256(self.url.encode()).hexdigest()[:12]}"


def checked_url(url: str, place: str) -> str:
    """
    The address of a server without what does not matter.

    Args:
        url: What was given.
        place: Where it was given.

    Raises:
        prefect.exceptions.ConfigurationError: It is no address of a server.
    """
    remedy = "It must be the address of a server's API, such as http://127.0.0.1:4200/api."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{place} is {url!r}, which is no address: {error}. {remedy}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ConfigurationError(f"{place} is {url!r}, which is no address of a server. {remedy}")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{place} is {url!r}, and must have nothing after its path. {remedy}")
    return url.rstrip("/")


def _checked_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    for name in headers:
        if name.lower() in _PROTECTED:
            message = f"PREFECT_CLIENT_CUSTOM_HEADERS names {name!r}, which the client sets itself. Remove it" + (
                " and use PREFECT_API_KEY or PREFECT_API_AUTH_STRING." if name.lower() == "authorization" else "."
            )
            raise ConfigurationError(message)
    return tuple((name, str(value)) for name, value in headers.items())
