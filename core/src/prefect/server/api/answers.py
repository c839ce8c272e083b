"""What is sent back: JSON that is made without detours, and what went wrong, each with its status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from prefect.exceptions import (
    ConfigurationError,
    ObjectAlreadyExists,
    ObjectLimitReached,
    ObjectNotFound,
    ObjectUnsupported,
    ProtectedBlockError,
    SerializationError,
)
from prefect.server.database.errors import ConstraintViolation, DatabaseError, TooMuchAskedError, UnstorableValueError
from prefect.server.operations.refusals import Refusal

__all__ = ["Answer", "describe_error", "invalid_request", "refusal"]

JSON = "application/json"

_LARGEST_ECHO = 64 * 1024
"""Bytes of an invalid body that are sent back with what is wrong about it."""

_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (ObjectNotFound, 404),
    (ObjectAlreadyExists, 409),
    (ConstraintViolation, 409),
    (ObjectLimitReached, 403),
    (ProtectedBlockError, 403),
    (ObjectUnsupported, 422),
    (TooMuchAskedError, 422),
    (UnstorableValueError, 422),
    (SerializationError, 422),
)

_SOON, _LATER = "2", "30"
"""After how many seconds to try again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a request is answered with.

    Args:
        status: The HTTP status.
        content: The body.
        media_type: What the body is.
        headers: Further headers.
    """

    status: int
    content: bytes = b""
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """All headers as ASGI has them."""
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        if self.status != 204:
            headers.append((b"content-type", self.media_type.encode("latin-1")))
            headers.append((b"content-length", b"%d" % len(self.content)))
        return headers


def refusal(status: int, detail: Any, **headers: str) -> Answer:
    """An answer that says why there is no other."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, to_json({"detail": detail}), headers=named)


def invalid_request(error: ValidationError, place: str, body: bytes = b"", *, is_secret: bool = False) -> Answer:
    """
    An answer that says what in a request cannot be understood.

    Args:
        error: What is wrong.
        place: Where: `body` or `query`.
        body: The body that was sent.
        is_secret: Whether secrets may be in it. It is not repeated then, as clients log what is wrong.
    """
    if is_secret:
        body = b""
    try:
        problems = from_json(error.json(include_url=False, include_input=not is_secret, include_context=not is_secret))
    except ValueError:  # what was sent cannot be repeated in JSON
        problems = from_json(error.json(include_url=False, include_input=False, include_context=False))
    for problem in problems:
        problem["loc"] = [place, *problem["loc"]]
    return _invalid(problems, _echo(body))


def _invalid(problems: list[dict[str, Any]], body: Any) -> Answer:
    content = {
        "exception_message": "Invalid request received.",
        "exception_detail": problems,
        "request_body": body,
    }
    return Answer(422, to_json(content))


def _echo(body: bytes) -> Any:
    if not body or len(body) > _LARGEST_ECHO:
        return None
    try:
        return from_json(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def describe_error(error: Exception) -> Answer | None:
    """The answer that an operation's error means; None if the error is a mistake of ours."""
    if isinstance(error, Refusal):
        content = {"detail": error.detail, **(error.body or {})}
        return Answer(error.status, to_json(content), headers={"Prefect-Error": "Refusal", **error.headers})
    for kind, status in _STATUSES:
        if isinstance(error, kind):
            return refusal(status, str(error), Prefect_Error=kind.__name__)
    if isinstance(error, ValidationError):
        return invalid_request(error, "body")
    if isinstance(error, DatabaseError):
        return refusal(503, str(error), Retry_After=_SOON if error.is_transient else _LATER)
    if isinstance(error, ConfigurationError):  # somebody has to mend it, and nothing is lost if it is tried again
        return refusal(503, str(error), Retry_After=_LATER)
    return None
