"""Which errors of AWS pass by themselves. Nothing of botocore is imported: plugins are asked for it, too."""

from __future__ import annotations

from prefect.exceptions import InfrastructureError

__all__ = ["ExhaustedError", "code_of", "is_transient"]

_PASSING = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServerException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_CONNECTION = frozenset(
    {
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "ConnectionError",
        "EndpointConnectionError",
        "HTTPClientError",
        "ReadTimeoutError",
    }
)


class ExhaustedError(InfrastructureError):
    """A call was repeated as often as the settings say."""


def code_of(error: BaseException | None) -> str:
    """The code of an error of AWS: `ThrottlingException`. Empty for other errors."""
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def is_transient(error: BaseException | None) -> bool:
    """Whether the same request may succeed later: it was throttled, or the service failed or could not be reached."""
    if not type(error).__module__.startswith("botocore"):
        return False
    if not code_of(error):
        return type(error).__name__ in _CONNECTION
    response = getattr(error, "response", {})
    if "Too many concurrent" in response.get("Error", {}).get("Message", ""):
        return True  # somebody else registers a definition of the same family
    return code_of(error) in _PASSING or response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500
