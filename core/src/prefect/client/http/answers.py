"""What a server answers, as values or as the exceptions that the orchestrator in this process raises too."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from prefect import exceptions
from prefect.exceptions import ConfigurationError, ObjectAlreadyExists, ObjectNotFound, PrefectHTTPStatusError

if TYPE_CHECKING:
    import httpx

__all__ = ["is_json", "read_answer", "refusal_of"]

_NAMED_ERRORS = frozenset({"ObjectAlreadyExists", "ObjectLimitReached", "ObjectNotFound", "ObjectUnsupported"})
_HEADER = "Prefect-Error"
"""Names the exception that a refusal is, where its status says less. Our own servers send it."""


@lru_cache(maxsize=512)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def is_json(response: httpx.Response) -> bool:
    """Whether a server answers as one of the API would."""
    return "json" in response.headers.get("content-type", "")


def read_answer(response: httpx.Response, returns: Any) -> Any:
    """
    The value of an answer that is no refusal.

    Args:
        response: The answer.
        returns: What it is to be; None when nothing is expected.

    Raises:
        prefect.exceptions.ConfigurationError: It is something else.
    """
    if returns is None:
        return None
    if returns is str and not is_json(response):
        return response.text
    try:
        if isinstance(returns, type) and issubclass(returns, BaseModel):
            return returns.model_validate_json(response.content)
        return _adapter(returns).validate_json(response.content)
    except ValidationError as error:
        message = (
            f"The answer of {response.url} is not what this client understands. Are server and client of versions that "
            f"fit together? {error}"
        )
        raise ConfigurationError(message) from error


def refusal_of(response: httpx.Response, method: str, path: str) -> Exception:
    """
    The exception that a refusal is.

    Args:
        response: The refusal.
        method: The verb of the request.
        path: Its path.
    """
    status = response.status_code
    detail = _detail(response)
    if status == 401:
        detail = f"{detail}. Set PREFECT_API_AUTH_STRING (`user:password`) or PREFECT_API_KEY to what the server wants."
    message = f"{method} {path} was refused by {response.url.host} with status {status}: {detail}"
    error = PrefectHTTPStatusError(message, request=response.request, response=response)
    name = response.headers.get(_HEADER, "")
    if name in _NAMED_ERRORS:
        kind: Any = getattr(exceptions, name)
        return kind(error, str(detail))  # type: ignore[no-any-return]
    if _HEADER in response.headers:
        return error
    if status == 404:
        return ObjectNotFound(error, str(detail))
    if status == 409:
        return ObjectAlreadyExists(error, str(detail))
    return error


def _detail(response: httpx.Response) -> Any:
    try:
        content = response.json()
    except ValueError:
        return response.text[:500] or response.reason_phrase
    if isinstance(content, dict):
        for name in ("detail", "exception_detail", "exception_message"):
            if content.get(name):
                return content[name]
    return content
