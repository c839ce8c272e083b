"""What pages have in common that change something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from prefect_ui.api import ApiError

__all__ = ["done", "number", "read_form", "read_pairs"]

_MOST_BYTES = 2 * 1024 * 1024


async def read_form(request: Request) -> dict[str, str]:
    """
    The fields of a form; of several with one name, the last.

    Raises:
        HTTPException: It is larger than any form of ours.
    """
    return dict(await read_pairs(request))


async def read_pairs(request: Request) -> list[tuple[str, str]]:
    """
    The names and values of the fields of a form, in its order.

    Raises:
        HTTPException: It is larger than any form of ours.
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, f"A form may have {_MOST_BYTES} bytes.")
    return parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True)


async def done(request: Request, to: str | Callable[[], str], act: Callable[[], Awaitable[str]]) -> Response:
    """
    Do something, and show a page that says so, or why it could not be done.

    Args:
        request: What asks for it.
        to: The path of the page, and its query if it has one; or what tells it, afterwards.
        act: Does it, and returns what to say.
    """
    try:
        said = {"said": await act()}
    except ApiError as error:
        said = {"wrong": error.detail}
    page = to if isinstance(to, str) else to()
    return RedirectResponse(
        f"{request.scope.get('root_path', '')}{page}{'&' if '?' in page else '?'}{urlencode(said)}", 303
    )


def number(request: Request, name: str, default: int = 1) -> int:
    """A query parameter that is a number from 1 on; the default if it is none."""
    text = request.query_params.get(name, "")
    return max(1, int(text)) if text.isdecimal() and len(text) < 10 else default
