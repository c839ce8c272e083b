"""
Who may ask: hosts, origins, credentials.

Everything is denied that is not allowed here, before anybody looks at what is asked for. Only whether the server is alive
may be asked by everyone, under exactly these paths.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from prefect.server.api.actors import Actor
from prefect.server.api.answers import Answer, refusal
from prefect.server.api.requests import ASGIReceive, ASGIScope, ASGISend, header

__all__ = ["Gate", "Policy", "respond"]

OPEN = frozenset({b"/api/health", b"/api/ready"})
"""The paths that are answered without credentials."""

_CHANGES_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})
_FAILURES_PER_MINUTE = 10
_MOST_ADDRESSES = 10_000
_LONGEST_CREDENTIALS = 4096


def _no_tokens(secret: str) -> Actor | None:
    return None


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What is allowed.

    Args:
        auth_string: `user:password` that everyone must show; None if nobody needs to.
        find_token: Finds who has an API token.
        has_tokens: Whether there are API tokens: then credentials are needed.
        hosts: The names under which the server may be addressed; None for all.
        origins: Other origins than its own whose pages may ask: `https://example.org`; `*` for all.
        csrf: Whether what changes something needs a token against forgery.
        check_csrf: Whether a token is the one that a client was given.
    """

    auth_string: str | None = None
    find_token: Callable[[str], Actor | None] = _no_tokens
    has_tokens: Callable[[], bool] = lambda: False
    hosts: Collection[str] | None = None
    origins: Collection[str] = ()
    csrf: bool = False
    check_csrf: Callable[[str, str], bool] = lambda client, token: False

    @property
    def is_guarded(self) -> bool:
        """Whether requesters must say who they are."""
        return self.auth_string is not None or self.has_tokens()

    def identify(self, credentials: str | None) -> Actor | None:
        """
        Who shows some credentials; None if these are not good.

        Args:
            credentials: The value of the header `Authorization`.
        """
        if credentials is None or len(credentials) > _LONGEST_CREDENTIALS:
            return None
        scheme, _, value = credentials.partition(" ")
        if scheme.lower() == "bearer":
            return self.identify_secret(value.strip())
        if scheme.lower() != "basic":
            return None
        try:
            shown = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError):
            return None
        _, _, password = shown.decode("latin-1").partition(":")
        return self._compare(shown) or self.find_token(password)

    def identify_secret(self, secret: str) -> Actor | None:
        """Who has a token, or the password in its place, as clients send it in the first message of a websocket."""
        try:
            decoded = base64.b64decode(secret, validate=True)
        except (binascii.Error, ValueError):
            decoded = b""
        return self._compare(secret.encode()) or self._compare(decoded) or self.find_token(secret)

    def _compare(self, shown: bytes) -> Actor | None:
        if self.auth_string is None or not hmac.compare_digest(shown, self.auth_string.encode()):
            return None
        return Actor(self.auth_string.partition(":")[0])


@dataclass(slots=True)
class _Failures:
    """Remembers from where credentials were tried in vain, for a minute."""

    times: dict[str, deque[float]] = field(default_factory=dict)

    def add(self, address: str) -> None:
        if len(self.times) >= _MOST_ADDRESSES:
            self.times.clear()
        self.times.setdefault(address, deque(maxlen=_FAILURES_PER_MINUTE)).append(time.monotonic())

    def are_too_many(self, address: str) -> bool:
        times = self.times.get(address)
        return times is not None and len(times) == _FAILURES_PER_MINUTE and time.monotonic() - times[0] < 60


class Gate:
    """
    Lets those through who may ask.

    Args:
        app: Answers them.
        policy: What is allowed.
    """

    def __init__(self, app: Callable[..., Any], policy: Policy) -> None:
        self._app = app
        self._policy = policy
        self._failures = _Failures()

    async def __call__(self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
        """Answer, or hand on."""
        if scope["type"] == "websocket":
            if self._foreign(scope) is None:
                await self._app(scope, receive, send)  # the first message says who it is
            else:
                await _close(receive, send)
            return
        refused = self._check(scope)
        if refused is None:
            await self._app(scope, receive, self._with_headers(scope, send))
            return
        await respond(refused, self._with_headers(scope, send))

    def _check(self, scope: ASGIScope) -> Answer | None:
        if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None:
            return self._preflight(scope)
        return self._foreign(scope) or self._unknown(scope) or self._forged(scope)

    def _foreign(self, scope: ASGIScope) -> Answer | None:
        """The refusal of what a page of another site has sent, or what came by a name that is not ours."""
        policy, host = self._policy, header(scope, b"host") or ""
        if policy.hosts is not None and _host_name(host) not in policy.hosts:
            return refusal(
                421, f"This server is not {host!r}. Names it may be addressed by: {', '.join(policy.hosts)}."
            )
        origin = header(scope, b"origin")
        if origin is None or (scope["type"] == "http" and scope["method"] in _CHANGES_NOTHING):
            return None
        if origin.partition("://")[2] == host or self._allows(origin):
            return None
        return refusal(403, f"Pages of {origin!r} may not ask. Allow it with PREFECT_SERVER_CORS_ALLOWED_ORIGINS.")

    def _allows(self, origin: str) -> bool:
        return "*" in self._policy.origins or origin in self._policy.origins

    def _unknown(self, scope: ASGIScope) -> Answer | None:
        """The refusal of somebody without good credentials."""
        policy = self._policy
        if not policy.is_guarded or (scope["raw_path"] in OPEN and scope["method"] == "GET"):
            return None
        address = (scope.get("client") or ("",))[0]
        if self._failures.are_too_many(address):
            return refusal(429, "Too many attempts with wrong credentials. Try again in a minute.", Retry_After="60")
        actor = policy.identify(header(scope, b"authorization"))
        if actor is None:
            if header(scope, b"authorization") is not None:
                self._failures.add(address)
            return refusal(401, "Unauthorized", WWW_Authenticate='Basic realm="Prefect", charset="UTF-8"')
        scope["prefect.actor"] = actor
        return None

    def _forged(self, scope: ASGIScope) -> Answer | None:
        """The refusal of a change without the token that its client was given; a page's form must come from a page of ours."""
        if not self._policy.csrf or scope["method"] in _CHANGES_NOTHING:
            return None
        if not scope["path"].startswith("/api/") and header(scope, b"origin") is not None:
            return None  # which is not another site's: see `_foreign`
        client, token = header(scope, b"prefect-csrf-client"), header(scope, b"prefect-csrf-token")
        if not client:
            return refusal(403, "Missing client header.")
        if not token:
            return refusal(403, "Missing CSRF token.")
        return (
            None if self._policy.check_csrf(client, token) else refusal(403, "Invalid CSRF token or client identifier.")
        )

    def _preflight(self, scope: ASGIScope) -> Answer:
        origin = header(scope, b"origin") or ""
        if not self._allows(origin):
            return refusal(403, f"Pages of {origin!r} may not ask.")
        return Answer(204, headers=self._cors(scope))

    def _cors(self, scope: ASGIScope) -> dict[str, str]:
        origin = header(scope, b"origin")
        if origin is None or not self._allows(origin):
            return {}
        asked = header(scope, b"access-control-request-headers") or ""
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "DELETE, GET, PATCH, POST, PUT",
            "Access-Control-Allow-Headers": asked,
            "Vary": "Origin",
        }

    def _with_headers(self, scope: ASGIScope, send: ASGISend) -> ASGISend:
        further = Answer(204, headers=self._cors(scope)).raw_headers
        if not further:
            return send

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *further]
            await send(message)

        return sending


def _host_name(host: str) -> str:
    """The name in a header `Host`: without the port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].lower()


async def respond(answer: Answer, send: ASGISend) -> None:
    """Send an answer."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.raw_headers})
    await send({"type": "http.response.body", "body": answer.content})


async def _close(receive: ASGIReceive, send: ASGISend) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})
