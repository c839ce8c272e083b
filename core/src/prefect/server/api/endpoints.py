"""Answers requests for the endpoints of the contract."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import to_json

import prefect
from prefect.server.api.actors import Actor, needed_scope
from prefect.server.api.answers import Answer, describe_error, invalid_request, refusal
from prefect.server.api.gate import respond
from prefect.server.api.performance import Performer
from prefect.server.api.requests import (
    ASGIReceive,
    ASGIScope,
    ASGISend,
    BodyTooLargeError,
    ClientGoneError,
    header,
    read_body,
)
from prefect.server.api.routing import Routes
from prefect.server.api.wire import Wire, wires
from prefect.server.operations.administration import SPOKEN_VERSION

if TYPE_CHECKING:
    from prefect._contract.call import Call

__all__ = ["Endpoints"]

_logger = logging.getLogger("prefect.server.api")

MOST_BODY_BYTES = 16 * 1024 * 1024

_OLDEST_VERSION = (0, 8, 0)
_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})")
_SECRET = frozenset({"block_documents"})
_FOR_EVERYONE = frozenset({"health", "ready", "version", "hello"})


class Endpoints:
    """
    An ASGI app that answers what is below `/api`.

    Args:
        performer: Performs the calls.
        most_body_bytes: How large a request may be.
    """

    def __init__(self, performer: Performer, most_body_bytes: int = MOST_BODY_BYTES) -> None:
        self.performer = performer
        self.most_body_bytes = most_body_bytes
        self._routes = Routes(wires().values())

    async def __call__(self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
        try:
            answer = await self._answer(scope, receive)
        except ClientGoneError:
            return
        except Exception:
            _logger.exception("%s %s went wrong.", scope["method"], scope["path"])
            answer = refusal(500, "Something went wrong here. The server's log says what.")
        await respond(answer, send)

    async def _answer(self, scope: ASGIScope, receive: ASGIReceive) -> Answer:
        path = scope["raw_path"].decode("latin-1").partition("?")[0].removeprefix("/api")
        method = scope["method"]
        found = self._routes.find(path, method)
        if found is None:
            return refusal(404, "Not Found")
        wire = found.wires.get(method)
        if wire is None:
            return refusal(405, "Method Not Allowed", Allow=", ".join(sorted(found.wires)))
        if wire.endpoint.name == "read_admin_version" and not _comes_from_us(scope):
            return Answer(200, to_json(SPOKEN_VERSION))
        outdated = _outdated(scope, path)
        if outdated is not None:
            return outdated
        try:
            body = await read_body(scope, receive, self.most_body_bytes)
        except BodyTooLargeError:
            limit = self.most_body_bytes
            return refusal(413, f"The body is too large: at most {limit} bytes are taken. Send it in smaller parts.")
        if body and not _is_json(scope):
            return refusal(415, "The body must be JSON: send it with the header 'Content-Type: application/json'.")
        return await self._respond(scope, path, wire, found.values, body)

    def _not_meant(self, path: str, wire: Wire) -> Answer:
        """What is answered to a path that only looks like one of an endpoint: another one may be there for other verbs."""
        found = self._routes.find(path, None)
        if found is None or found.wires.get(wire.endpoint.method) is wire:
            return refusal(404, "Not Found")
        return refusal(405, "Method Not Allowed", Allow=", ".join(sorted(found.wires)))

    async def _respond(self, scope: ASGIScope, path: str, wire: Wire, values: tuple[str, ...], body: bytes) -> Answer:
        try:
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
            call = wire.call(dict(zip(wire.path_names, values, strict=True)), query, body)
        except LookupError:
            return self._not_meant(path, wire)
        except ValidationError as error:
            is_secret = wire.endpoint.module in _SECRET
            return invalid_request(error, "body" if wire.has_body else "query", body, is_secret=is_secret)
        try:
            call = _named(scope, call)
        except ValueError:
            return refusal(422, "The header 'Idempotency-Key' must be a UUID, a new one for each request.")
        actor: Actor | None = scope.get("prefect.actor")
        needed = needed_scope(wire, call)
        if actor is not None and not actor.may(needed):
            return refusal(
                403, f"This takes a token with the scope {needed.value!r}, which {actor.name!r} does not have."
            )
        try:
            address = (scope.get("client") or (None,))[0]
            return await self.performer.answer(wire, call, actor, address, _api_url(scope))
        except Exception as error:
            described = describe_error(error)
            if described is None:
                raise
            return described


def _named(scope: ASGIScope, call: Call[Any]) -> Call[Any]:
    """
    A call under the name that its sender gave it, to have one effect should it be sent again.

    Raises:
        ValueError: The name is no UUID.
    """
    key = header(scope, b"idempotency-key")
    return call if key is None else replace(call, key=UUID(key))


def _comes_from_us(scope: ASGIScope) -> bool:
    """Whether a client of our own asks. Those of Prefect 3 do not always say what they are."""
    return (header(scope, b"user-agent") or "").startswith(f"prefect/{prefect.__version__.split('.')[0]}.")


def _api_url(scope: ASGIScope) -> str | None:
    """The URL of the API as the requester knows it; None if the request does not say."""
    host = header(scope, b"host")
    return None if host is None else f"{scope['scheme']}://{host}{scope.get('root_path', '')}/api"


def _is_json(scope: ASGIScope) -> bool:
    """Whether a body is JSON. A page of another site cannot say so without asking first, and need not be believed."""
    kind = header(scope, b"content-type")
    if kind is None:
        return header(scope, b"origin") is None
    media = kind.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


def _outdated(scope: ASGIScope, path: str) -> Answer | None:
    """The refusal of a client that is too old to be understood."""
    asked = header(scope, b"x-prefect-api-version")
    if asked is None or path.strip("/") in _FOR_EVERYONE:
        return None
    version = _VERSION.fullmatch(asked)
    if version is None:
        return refusal(400, f"Invalid X-PREFECT-API-VERSION header {asked!r}: it must be like '0.8.4'.")
    if tuple(int(part) for part in version.groups()) < _OLDEST_VERSION:
        oldest = ".".join(map(str, _OLDEST_VERSION))
        return refusal(400, f"The client asks for API version {asked}, and this server has {oldest} or higher.")
    return None
