"""How commands end that cannot do what they are asked: one line on stderr, and an exit code; no traceback."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["CliError", "explain", "first_reason", "reasons"]


class CliError(Exception):
    """
    A command cannot do what it is asked.

    Args:
        message: Value, place and remedy, for people.
        exit_code: The exit code of the process.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def explain(error: Exception) -> str | None:
    """What to tell people of an error; None when it is one that nobody expected, whose traceback is wanted."""
    from prefect.exceptions import PrefectException

    if isinstance(error, (CliError, PrefectException)):
        return str(error)
    # What a refusal descends from is not loaded unless there was one.
    refusals = sys.modules.get("prefect.exceptions.http_status")
    if refusals is not None and isinstance(error, refusals.PrefectHTTPStatusError):
        return _refusal(error)
    if refusals is not None and isinstance(error, refusals.ServerUnreachableError):
        return str(error)
    return None


def _refusal(error: Any) -> str:
    if error.response.status_code == 401:
        return str(error)  # it says what to set
    try:
        detail = error.response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return str(error)
    return detail if isinstance(detail, str) else str(error)


def first_reason(error: ValidationError) -> str:
    """What is wrong with a value that does not have the type that it needs, without a full stop."""
    message = str(error.errors(include_url=False, include_input=False)[0]["msg"])
    return message.removeprefix("Value error, ").rstrip(".")


def reasons(error: ValidationError) -> str:
    """What is wrong with a value that has several parts, with the place of each, without a full stop."""
    found = []
    for each in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, each["loc"]))
        message = each["msg"].removeprefix("Value error, ").rstrip(".")
        found.append(f"{place}: {message}" if place else message)
    return "; ".join(found)
