"""What goes wrong between a client and an orchestrator. In a module of its own, as the base classes load httpx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from httpx import ConnectError, HTTPStatusError, Request, Response
from typing_extensions import Self

__all__ = ["PrefectHTTPStatusError", "ServerUnreachableError"]

_TRANSIENT = frozenset({429, 502, 503, 504})


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
    def from_refusal(
        cls, method: str, path: str, status_code: int, detail: Any, headers: Mapping[str, str] | None = None
    ) -> Self:
        """
        Describe a refusal by an orchestrator that runs in this process.

        Args:
            method: The verb of the call.
            path: Its path.
            status_code: The status that a server would answer with.
            detail: Why, for people or as JSON values.
            headers: What else the answer of a server would say by its headers.
        """
        request = Request(method, f"http://ephemeral-prefect{path}")
        response = Response(status_code, headers=headers, request=request, json={"detail": detail})
        return cls(
            f"{method} {path} was refused with status {status_code}: {detail}", request=request, response=response
        )

    @property
    def is_transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self.response.status_code in _TRANSIENT

    def __reduce__(self) -> tuple[Any, ...]:
        request, response = self.request, self.response
        return _restore, (str(self), request.method, str(request.url), response.status_code, response.content)


class ServerUnreachableError(ConnectError):
    """
    A server did not answer, for as long as it was worth asking.

    Args:
        message: Which server, what went wrong, and what to do.
    """

    is_transient = True
    """The same call may succeed later."""

    def __init__(self, message: str, **_: Any) -> None:
        super().__init__(message)


# Their public home, which is also where pickles look for them.
PrefectHTTPStatusError.__module__ = "prefect.exceptions"
ServerUnreachableError.__module__ = "prefect.exceptions"
