"""Asks the API, within the server, as whoever asks for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

import prefect

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["Api", "ApiError"]


class ApiError(Exception):
    """
    The API has answered that something is wrong.

    Args:
        status: The status of the answer.
        detail: What is wrong, for people.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Api:
    """
    The API. Paths are those below `/api`, bodies and answers are JSON.

    Args:
        request: The request for a page.
    """

    def __init__(self, request: Request) -> None:
        within = httpx.ASGITransport(request.scope["prefect.api"])
        # Others than ours are told the version of Prefect 3 that we speak.
        named = {"user-agent": f"prefect/{prefect.__version__}"}
        self._client = httpx.AsyncClient(
            transport=within, base_url="http://server/api", headers=named, trust_env=False, timeout=30
        )

    async def get(self, path: str, **query: Any) -> Any:
        """
        Read something.

        Raises:
            ApiError: It is not there, or may not be read.
        """
        return _value(await self._client.get(path, params=query))

    async def post(self, path: str, body: Any = None) -> Any:
        """
        Ask for a list or a number, or have something done.

        Raises:
            ApiError: The API refuses.
        """
        return _value(await self._client.post(path, json={} if body is None else body))

    async def patch(self, path: str, body: Any) -> Any:
        """
        Change something.

        Raises:
            ApiError: The API refuses.
        """
        return _value(await self._client.patch(path, json=body))

    async def put(self, path: str, body: Any) -> Any:
        """
        Replace something.

        Raises:
            ApiError: The API refuses.
        """
        return _value(await self._client.put(path, json=body))

    async def delete(self, path: str) -> None:
        """
        Delete something.

        Raises:
            ApiError: The API refuses.
        """
        _value(await self._client.delete(path))


def _value(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    raise ApiError(answer.status_code, _detail(answer))


def _detail(answer: httpx.Response) -> str:
    """What is wrong, in words."""
    try:
        told = answer.json()
    except ValueError:
        return answer.text
    if isinstance(told, dict) and isinstance(told.get("exception_detail"), list):
        return "; ".join(
            f"{'.'.join(map(str, each.get('loc', ())))}: {each.get('msg')}" for each in told["exception_detail"]
        )
    detail = told.get("detail") or told.get("exception_message") if isinstance(told, dict) else told
    return detail if isinstance(detail, str) else str(detail)
