"""Lists that the API counts and gives in parts, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.requests import Request

from prefect_ui.api import Api
from prefect_ui.pages.forms import number

__all__ = ["Listed", "listed"]

_PAGE = 50


class Listed(NamedTuple):
    """What is on a page of a list, and what the macro `pager` shows of it."""

    items: list[dict[str, Any]]
    paging: dict[str, int]


async def listed(request: Request, api: Api, path: str, asked: Mapping[str, Any], sort: str | None = None) -> Listed:
    """
    The page of a list that a request asks for.

    Args:
        request: Its query parameter `page` says which page.
        api: The API.
        path: What is listed: below it are `/count` and `/filter`.
        asked: The filters.
        sort: The order, in the words of the API; that of the API if None.
    """
    at = number(request, "page")
    part = {**asked, **({} if sort is None else {"sort": sort}), "limit": _PAGE, "offset": (at - 1) * _PAGE}
    count, items = await asyncio.gather(api.post(f"{path}/count", asked), api.post(f"{path}/filter", part))
    return Listed(items, {"count": count, "page": at, "pages": -(-count // _PAGE)})
