"""Why an operation does not do what it was asked to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectException

__all__ = ["Refusal", "already_exists", "not_found"]


class Refusal(PrefectException):
    """
    A request cannot be met, and the requester is told why.

    Args:
        status: The HTTP status that says so.
        detail: Why, for people.
        headers: What else the answer says by its HTTP headers: `Retry-After` in seconds, say.
        body: The answer's body, where the contract has a form for it of its own; else it is the detail.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers: Mapping[str, str] = dict(headers or {})
        self.body = body


def not_found(kind: str, **by: Any) -> ObjectNotFound:
    """There is no record of a kind (`flow run`) with these properties."""
    named = " and ".join(f"{name.replace('_', ' ')} {value!s}" for name, value in by.items())
    return ObjectNotFound(None, f"There is no {kind} with {named}.")


def already_exists(kind: str, **by: Any) -> ObjectAlreadyExists:
    """There is a record of a kind (`variable`) with these properties already."""
    named = " and ".join(f"{name.replace('_', ' ')} {value!s}" for name, value in by.items())
    return ObjectAlreadyExists(None, f"There is already a {kind} with {named}.")
