"""The exception for a call that an orchestrator refused. In a module of its own, as its base class loads httpx."""

from __future__ import annotations

from typing import Any

from httpx import HTTPStatusError, Request, Response
from typing_extensions import Self

__all__ = ["PrefectHTTPStatusError"]


def _detail(response: Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


def _restore(message: str, method: str, url: str, status_code: int, content: bytes) -> PrefectHTTPStatusError:
    request = Request(method, url)
    return PrefectHTTPStatusError(
        message, request=request, response=Response(status_code, request=request, content=content)
    )


class PrefectHTTPStatusError(HTTPStatusError):
    """
    A call was refused: the answer has a 4xx or 5xx status. The message includes the answer's body.

    `response.status_code` is the status, whether the orchestrator is a server or runs in this process.
    """

    @classmethod
    def from_httpx_error(cls, httpx_error: HTTPStatusError) -> Self:
        """Add the body of the answer to the message of httpx's error."""
        message = f"{httpx_error}\nResponse: {_detail(httpx_error.response)}"
        return cls(message, request=httpx_error.request, response=httpx_error.response)

    @classmethod
    def from_refusal(cls, method: str, path: str, status_code: int, detail: Any) -> Self:
        """
        Describe a refusal by an orchestrator that runs in this process.

        Args:
            method: The verb of the call.
            path: Its path.
            status_code: The status that a server would answer with.
            detail: Why, for people or as JSON values.
        """
        request = Request(method, f"http://ephemeral-prefect{path}")
        response = Response(status_code, request=request, json={"detail": detail})
        return cls(
            f"{method} {path} was refused with status {status_code}: {detail}", request=request, response=response
        )

    def __reduce__(self) -> tuple[Any, ...]:
        request, response = self.request, self.response
        return _restore, (str(self), request.method, str(request.url), response.status_code, response.content)


# Its public home, which is also where pickles look for it.
PrefectHTTPStatusError.__module__ = "prefect.exceptions"
