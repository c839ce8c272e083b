"""
What can go wrong, as one tree.

All errors of the product descend from `PrefectException`, but for those that a user's `except Exception` must not catch
(signals) and those that must be what another package knows:

    BaseException
    ├── ExternalSignal                      from outside of this process
    │   └── TerminationSignal
    ├── PrefectSignal                       from the orchestrator
    │   ├── Abort
    │   └── Pause
    └── Exception
        ├── httpx.HTTPStatusError
        │   └── PrefectHTTPStatusError      a call was refused
        ├── httpx.ConnectError
        │   └── ServerUnreachableError      a server does not answer
        ├── ImportError
        │   └── PrefectImportError
        └── PrefectException
            ├── CrashedRun, FailedRun, CancelledRun, PausedRun, UnfinishedRun      a run's result was asked for
            ├── MissingFlowError, UnspecifiedFlowError, ScriptError                no flow where one should be
            ├── MissingResult, SerializationError, HashError                       data
            ├── ParameterTypeError, ParameterBindError, SignatureMismatchError,    arguments
            │   ReservedArgumentError, InvalidNameError, MappingLengthMismatch, MappingMissingIterable
            ├── ObjectNotFound, ObjectAlreadyExists, ObjectLimitReached, ObjectUnsupported
            ├── UpstreamTaskError, NotPausedError, FlowPauseTimeout, FlowRunWaitTimeout, FlowRunWatchError
            ├── MissingContextError, MissingProfileError, ProfileSettingsValidationError, ConfigurationError
            ├── BlockMissingCapabilities, ProtectedBlockError, InvalidRepositoryURLError, EventTooLarge
            └── InfrastructureError, InfrastructureNotFound, InfrastructureNotAvailable
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import ValidationError

    from prefect.exceptions.http_status import PrefectHTTPStatusError, ServerUnreachableError
    from prefect.states import State

__all__ = [
    "Abort",
    "BlockMissingCapabilities",
    "CancelledRun",
    "ConfigurationError",
    "CrashedRun",
    "EventTooLarge",
    "ExternalSignal",
    "FailedRun",
    "FlowPauseTimeout",
    "FlowRunWaitTimeout",
    "FlowRunWatchError",
    "HashError",
    "InfrastructureError",
    "InfrastructureNotAvailable",
    "InfrastructureNotFound",
    "InvalidNameError",
    "InvalidRepositoryURLError",
    "MappingLengthMismatch",
    "MappingMissingIterable",
    "MissingContextError",
    "MissingFlowError",
    "MissingProfileError",
    "MissingResult",
    "NotPausedError",
    "ObjectAlreadyExists",
    "ObjectLimitReached",
    "ObjectNotFound",
    "ObjectUnsupported",
    "ParameterBindError",
    "ParameterTypeError",
    "Pause",
    "PausedRun",
    "PrefectException",
    "PrefectHTTPStatusError",
    "PrefectImportError",
    "PrefectSignal",
    "ProfileSettingsValidationError",
    "ProtectedBlockError",
    "ReservedArgumentError",
    "ScriptError",
    "SerializationError",
    "ServerUnreachableError",
    "SignatureMismatchError",
    "TerminationSignal",
    "UnfinishedRun",
    "UnspecifiedFlowError",
    "UpstreamTaskError",
    "exception_traceback",
]


def __getattr__(name: str) -> Any:
    if name in {
        "PrefectHTTPStatusError",
        "ServerUnreachableError",
    }:  # of classes of httpx, which embedded use does not load
        from prefect.exceptions import http_status

        found = globals()[name] = getattr(http_status, name)
        return found
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def exception_traceback(exc: Exception) -> str:
    """The traceback of an exception as text, as Python would print it."""
    import traceback

    return "".join(traceback.format_exception(type(exc), exc, exc.__traceback__))


class PrefectException(Exception):
    """The base of the product's errors."""


class CrashedRun(PrefectException):
    """The result of a run was asked for that crashed: its process or its infrastructure ended it."""


class FailedRun(PrefectException):
    """The result of a run was asked for that failed, and its exception is not known."""


class CancelledRun(PrefectException):
    """The result of a run was asked for that was cancelled."""


class PausedRun(PrefectException):
    """
    The result of a run was asked for that is paused.

    Args:
        args: The message.
        state: The state that the run is in.
    """

    def __init__(self, *args: Any, state: State[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = state


class UnfinishedRun(PrefectException):
    """The result of a run was asked for that has none yet."""


class MissingFlowError(PrefectException):
    """A script holds no flow of the name that was asked for."""


class UnspecifiedFlowError(PrefectException):
    """A script holds several flows, and it was not said which one is meant."""


class MissingResult(PrefectException):
    """The result of a run is not stored anywhere."""


class ScriptError(PrefectException):
    """
    A script that should hold a flow raised an exception while it was loaded.

    Args:
        user_exc: The exception.
        path: The path of the script.
    """

    def __init__(self, user_exc: Exception, path: str) -> None:
        super().__init__(user_exc, path)
        self.user_exc = user_exc
        self.path = path

    def __str__(self) -> str:
        return f"Script at {str(self.path)!r} encountered an exception: {self.user_exc!r}"


class ParameterTypeError(PrefectException):
    """A flow was called with parameters that are not of the types it declares."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)

    @classmethod
    def from_validation_error(cls, exc: ValidationError) -> Self:
        """Say for each parameter what is wrong with it."""
        lines = [f"{'.'.join(str(step) for step in error['loc'])}: {error['msg']}" for error in exc.errors()]
        return cls("Flow run received invalid parameters:\n - " + "\n - ".join(lines))


class ParameterBindError(TypeError, PrefectException):
    """A flow or task was called with arguments that its signature does not accept."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)

    @classmethod
    def from_bind_failure(
        cls, fn: Callable[..., Any], exc: TypeError, call_args: tuple[Any, ...], call_kwargs: dict[str, Any]
    ) -> Self:
        """Show the signature beside what it was called with."""
        import inspect

        name = getattr(fn, "__name__", repr(fn))
        return cls(
            f"Error binding parameters for function {name!r}: {exc}.\n"
            f"Function {name!r} has signature {str(inspect.signature(fn))!r} "
            f"but received args: {call_args} and kwargs: {list(call_kwargs)}."
        )


class SignatureMismatchError(PrefectException, TypeError):
    """The parameters given do not fit the function's."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)

    @classmethod
    def from_bad_params(cls, expected_params: list[str], provided_params: list[str]) -> Self:
        """Show both lists of names."""
        return cls(f"Function expects parameters {expected_params} but was provided with parameters {provided_params}")


class _AnsweredError(PrefectException):
    """
    An orchestrator's refusal that has a name of its own.

    Args:
        http_exc: The exception of the HTTP client, if a server refused.
        args: The message.
    """

    def __init__(self, http_exc: Exception | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.http_exc = http_exc

    def __reduce__(self) -> tuple[Any, ...]:
        cause = self.http_exc
        if cause is not None and type(cause).__name__ == "HTTPStatusError":  # pickles of httpx's cannot be read back
            from prefect.exceptions.http_status import PrefectHTTPStatusError

            cause = PrefectHTTPStatusError.from_httpx_error(cause)  # type: ignore[arg-type]
        return type(self), (cause, *self.args)

    def __str__(self) -> str:
        if not self.args:
            return "" if self.http_exc is None else str(self.http_exc)
        return super().__str__()


class ObjectNotFound(_AnsweredError):
    """
    What was asked for does not exist.

    Args:
        http_exc: The exception of the HTTP client, if a server said so.
        help_message: What is missing, and what to do.
    """

    def __init__(
        self, http_exc: Exception | None = None, help_message: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(http_exc, *(() if help_message is None else (help_message,)), *args, **kwargs)
        self.help_message = help_message


class ObjectAlreadyExists(_AnsweredError):
    """What was to be created exists."""


class ObjectLimitReached(_AnsweredError):
    """There are as many of these as the orchestrator allows."""


class ObjectUnsupported(_AnsweredError):
    """The orchestrator has no objects of this kind."""


class UpstreamTaskError(PrefectException):
    """A task did not run because another one, on whose result it depends, did not complete."""


class MissingContextError(PrefectException, RuntimeError):
    """Something was asked for that there is only inside of a flow run or task run."""


class MissingProfileError(PrefectException, ValueError):
    """There is no settings profile of that name."""


class ReservedArgumentError(PrefectException, TypeError):
    """A function has a parameter whose name the product needs for itself."""


class InvalidNameError(PrefectException, ValueError):
    """A name has characters that are not allowed."""


class PrefectSignal(BaseException):
    """The base of what the orchestrator tells a run; no `except Exception` catches it."""


class Abort(PrefectSignal):
    """The orchestrator told the run to stop without entering another state."""


class Pause(PrefectSignal):
    """
    The run is to be paused.

    Args:
        args: The message.
        state: The state that the run is in.
    """

    def __init__(self, *args: Any, state: State[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.state = state


class ExternalSignal(BaseException):
    """The base of what comes from outside of this process."""


class TerminationSignal(ExternalSignal):
    """
    The operating system told this process to end.

    Args:
        signal: The signal's number.
    """

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class MappingLengthMismatch(PrefectException):
    """`Task.map` was given iterables of different lengths."""


class MappingMissingIterable(PrefectException):
    """`Task.map` was given nothing to map over."""


class BlockMissingCapabilities(PrefectException):
    """A block cannot do what it is needed for."""


class ProtectedBlockError(PrefectException):
    """A block belongs to the product and cannot be changed or deleted."""


class InvalidRepositoryURLError(PrefectException):
    """A repository was named by something else than a URL of one."""


class InfrastructureError(PrefectException):
    """The infrastructure that a flow run needs could not be had or went wrong."""


class InfrastructureNotFound(PrefectException):
    """The infrastructure of a flow run is not there (any more)."""


class InfrastructureNotAvailable(PrefectException):
    """The infrastructure of a flow run cannot be reached from here."""


class NotPausedError(PrefectException):
    """A run that is not paused was to be resumed."""


class FlowPauseTimeout(PrefectException):
    """A paused flow run was not resumed in time."""


class FlowRunWaitTimeout(PrefectException):
    """A flow run that was waited for did not end in time."""


class FlowRunWatchError(PrefectException):
    """A flow run cannot be watched."""


class PrefectImportError(ImportError):
    """Something of the product, or a package that it needs here, cannot be imported."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class SerializationError(PrefectException):
    """A value cannot be turned into bytes or back."""


class ConfigurationError(PrefectException):
    """The settings, or what was declared in code, contradict each other."""


class EventTooLarge(PrefectException):
    """
    An event is too large to be sent.

    Args:
        size: Its size in bytes.
        maximum: The size allowed, in bytes.
    """

    def __init__(self, size: int, maximum: int) -> None:
        super().__init__(size, maximum)
        self.size = size
        self.maximum = maximum

    def __str__(self) -> str:
        return f"Event is too large to emit ({self.size} > {self.maximum} bytes)"


class ProfileSettingsValidationError(PrefectException):
    """
    A profile holds values that its settings do not accept.

    Args:
        errors: A setting and what is wrong with its value, for each.
    """

    def __init__(self, errors: list[tuple[Any, ValidationError]]) -> None:
        super().__init__(errors)
        self.errors = errors


class HashError(PrefectException):
    """A value cannot be hashed."""
