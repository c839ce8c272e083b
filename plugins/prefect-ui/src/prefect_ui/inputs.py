"""What is typed into forms, as values for the API; and values as they are written into the fields of forms."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from prefect_ui.api import ApiError
from prefect_ui.pages.forms import read_form

__all__ = ["InputError", "as_text", "decimal", "filled", "json_in", "moment", "text", "whole", "words"]

Fields = Mapping[str, str]
Show = Callable[[dict[str, str], str, int], Awaitable[Response]]


class InputError(ValueError):
    """What was typed into a field is not what belongs there."""


def text(fields: Fields, name: str) -> str | None:
    """A text; None if there is none."""
    return fields.get(name, "").replace("\r\n", "\n").strip() or None


def whole(fields: Fields, name: str, label: str) -> int | None:
    """
    A whole number; None if there is none.

    Raises:
        InputError: It is another text.
    """
    typed = text(fields, name)
    try:
        return None if typed is None else int(typed)
    except ValueError:
        raise InputError(f"{label}: {_shown(typed)} is no whole number.") from None


def decimal(fields: Fields, name: str, label: str) -> float | None:
    """
    A number; None if there is none.

    Raises:
        InputError: It is another text.
    """
    typed = text(fields, name)
    try:
        return None if typed is None else float(typed)
    except ValueError:
        raise InputError(f"{label}: {_shown(typed)} is no number.") from None


def words(fields: Fields, name: str) -> list[str]:
    """What is between commas, such as tags."""
    return [each.strip() for each in fields.get(name, "").split(",") if each.strip()]


def moment(fields: Fields, name: str, label: str) -> str | None:
    """
    A moment, in UTC unless it says otherwise, as the API reads it; None if there is none.

    Raises:
        InputError: It is another text.
    """
    typed = text(fields, name)
    if typed is None:
        return None
    try:
        parsed = datetime.fromisoformat(typed.replace("Z", "+00:00"))
    except ValueError:
        raise InputError(f"{label}: {_shown(typed)} is no date with a time, such as 2031-05-01T09:30.") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)).isoformat()


def json_in(fields: Fields, name: str, label: str, kind: type | None = None) -> Any:
    """
    JSON; None if there is none.

    Args:
        fields: The fields.
        name: The name of one.
        label: What it is called in the form.
        kind: What it must be: `dict` or `list`; anything if None.

    Raises:
        InputError: It is no JSON, or something else.
    """
    typed = text(fields, name)
    if typed is None:
        return None
    try:
        value = json.loads(typed, parse_constant=_no_constant)
    except ValueError as error:
        raise InputError(f"{label}: this is no JSON: {error}.") from None
    except RecursionError:
        raise InputError(f"{label}: this is nested too deeply.") from None
    if kind is not None and not isinstance(value, kind):
        wanted = "a list, as in [1, 2]" if kind is list else 'an object, as in {"a": 1}'
        raise InputError(f"{label}: this must be {wanted}.")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value in JSON")


def as_text(value: Any) -> str:
    """A value as it is written into a field for JSON."""
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _shown(typed: str | None) -> str:
    said = typed or ""
    return repr(said if len(said) <= 40 else said[:39] + "…")


async def filled(request: Request, act: Callable[[dict[str, str]], Awaitable[tuple[str, str]]], show: Show) -> Response:
    """
    Do what a form asks for, and show a page that says so; or the form again, with what was typed and why it could not be done.

    Args:
        request: What sends the form.
        act: Does it, and returns the path of the page and what to say there.
        show: Shows the form, given what was typed, what is wrong with it, and the status of the answer.
    """
    fields = await read_form(request)
    try:
        to, said = await act(fields)
    except InputError as error:
        return await show(fields, str(error), 422)
    except ApiError as error:
        return await show(fields, error.detail, error.status)
    return RedirectResponse(f"{request.scope.get('root_path', '')}{to}?{urlencode({'said': said})}", 303)
