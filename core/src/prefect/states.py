"""Ready-made states, what a returned value means for a run, and how a state gives its result back."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from types import GeneratorType, TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from prefect._contract.base import evolve
from prefect._contract.state import State, StateDetails, StateType
from prefect.exceptions import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    MissingResult,
    PausedRun,
    TerminationSignal,
    UnfinishedRun,
)
from prefect.results import ResultRecord, ResultRecordMetadata
from prefect.utilities.annotations import BaseAnnotation
from prefect.utilities.dual import Run, Sleep, Steps, asynchronous, dual
from prefect.utilities.ids import uuid7
from prefect.utilities.time import now

if TYPE_CHECKING:
    from prefect._contract.actions import StateCreate
    from prefect.results import ResultStore

__all__ = [
    "RESULT_READ_MAXIMUM_ATTEMPTS",
    "RESULT_READ_RETRY_DELAY",
    "AwaitingConcurrencySlot",
    "AwaitingRetry",
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "InfrastructurePending",
    "Late",
    "Paused",
    "Pending",
    "Retrying",
    "Running",
    "Scheduled",
    "State",
    "StateGroup",
    "StateType",
    "Submitting",
    "Suspended",
    "aget_state_exception",
    "araise_state_exception",
    "exception_to_crashed_state",
    "exception_to_failed_state",
    "format_exception",
    "get_state_exception",
    "get_state_result",
    "is_state_iterable",
    "raise_state_exception",
    "return_value_to_state",
    "to_state_create",
]

R = TypeVar("R")

RESULT_READ_MAXIMUM_ATTEMPTS = 10
RESULT_READ_RETRY_DELAY = 0.25


# -- results of states --------------------------------------------------------------------------------------------


@dual
def read_state_result(
    state: State[Any], raise_on_failure: bool = True, retry_result_failure: bool = True
) -> Steps[Any]:
    """
    The value that a finished run returned, or the exception that it ended with.

    Args:
        state: The run's state.
        raise_on_failure: Raise the exception of a failed run rather than return it.
        retry_result_failure: Try again for a while when a stored result cannot be read yet.

    Raises:
        PausedRun: The run is paused.
        UnfinishedRun: The run is not final.
        MissingResult: The run completed, but its result was not kept.
    """
    if state.is_paused():
        raise PausedRun("Run is paused, its result is not available.", state=state)
    if not state.is_final():
        raise UnfinishedRun(f"Run is in {state.name} state, its results are not available.")
    if raise_on_failure and (state.is_crashed() or state.is_failed() or state.is_cancelled()):
        raise (yield from state_exception(state))
    data = stored_metadata(state.data)
    if isinstance(data, ResultRecordMetadata):
        data = yield from _read_record(data, retry_result_failure)
    if isinstance(data, ResultRecord):
        return data.result
    if data is not None:
        return data
    if state.is_completed():
        raise MissingResult(
            "The result of this run was not persisted and is no longer available: set persist_result=True on the "
            "task or flow, or PREFECT_RESULTS_PERSIST_BY_DEFAULT=true, to keep results."
        )
    return (yield from state_exception(state))


def stored_metadata(data: Any) -> Any:
    """A state's data, with what the orchestrator keeps of a stored result as `ResultRecordMetadata`."""
    if isinstance(data, dict) and data.keys() >= {"storage_key", "serializer", "prefect_version"}:
        return ResultRecordMetadata.model_validate(data)
    return data


def _read_record(metadata: ResultRecordMetadata, patient: bool) -> Steps[ResultRecord[Any]]:
    """Read a stored result; a storage that is slow to show what was written is asked again."""
    attempts = RESULT_READ_MAXIMUM_ATTEMPTS if patient else 1
    for attempt in range(1, attempts + 1):
        try:
            return (yield Run(lambda: ResultRecord.from_metadata(metadata)))  # type: ignore[no-any-return]
        except Exception:
            if attempt == attempts:
                raise
            yield Sleep(RESULT_READ_RETRY_DELAY)
    raise AssertionError("unreachable")


async def get_state_result(state: State[R], raise_on_failure: bool = True, retry_result_failure: bool = True) -> R:
    """The result of a state, see `State.result`."""
    return await read_state_result.aio(state, raise_on_failure, retry_result_failure)  # type: ignore[no-any-return]


_EXCEPTIONS: dict[StateType, tuple[type[Exception], str]] = {
    StateType.FAILED: (FailedRun, "Run failed."),
    StateType.CRASHED: (CrashedRun, "Run crashed."),
    StateType.CANCELLED: (CancelledRun, "Run cancelled."),
}


def state_exception(state: State[Any]) -> Steps[BaseException]:
    """The steps behind `get_state_exception`."""
    if state.is_paused():
        return PausedRun("Run is paused.", state=state)
    if state.type not in _EXCEPTIONS:
        raise ValueError(f"Expected a failed, crashed or cancelled state, got {state!r}.")
    data = stored_metadata(state.data)
    if isinstance(data, ResultRecordMetadata):
        data = yield from _read_record(data, patient=True)
    if isinstance(data, ResultRecord):
        data = data.result
    wrapper, default_message = _EXCEPTIONS[state.type]
    if isinstance(data, BaseException):
        return data
    if isinstance(data, State):
        return (yield from state_exception(data))
    if is_state_iterable(data):
        for inner in data:
            if inner.is_failed() or inner.is_crashed() or inner.is_cancelled():
                return (yield from state_exception(inner))
    if isinstance(data, str):
        return wrapper(data)
    return wrapper(state.message or default_message)


@dual
def get_state_exception(state: State[Any]) -> Steps[BaseException]:
    """
    The exception of a failed, crashed or cancelled state.

    Raises:
        ValueError: The state is none of these.
    """
    return (yield from state_exception(state))


@dual
def raise_state_exception(state: State[Any]) -> Steps[None]:
    """Raise the exception of a failed, crashed or cancelled state; do nothing for others."""
    if state.is_failed() or state.is_crashed() or state.is_cancelled():
        raise (yield from state_exception(state))


aget_state_exception = asynchronous(get_state_exception)
araise_state_exception = asynchronous(raise_state_exception)


# -- values to states ---------------------------------------------------------------------------------------------


def is_state_iterable(obj: Any) -> bool:
    """Whether this is a list, tuple or set of states, and not empty."""
    if not isinstance(obj, (list, set, tuple)) or isinstance(obj, BaseAnnotation) or not obj:
        return False
    return all(isinstance(o, State) for o in obj)


class StateGroup:
    """Several states, and what they amount to together."""

    def __init__(self, states: list[State[Any]]) -> None:
        self.states = states
        self.type_counts = Counter(state.type for state in states)
        self.total_count = len(states)
        self.cancelled_count = self.type_counts[StateType.CANCELLED]
        self.final_count = sum(state.is_final() for state in states)
        self.not_final_count = self.total_count - self.final_count
        self.paused_count = self.type_counts[StateType.PAUSED]

    @property
    def fail_count(self) -> int:
        """How many failed or crashed."""
        return self.type_counts[StateType.FAILED] + self.type_counts[StateType.CRASHED]

    def all_completed(self) -> bool:
        return self.type_counts[StateType.COMPLETED] == self.total_count

    def any_cancelled(self) -> bool:
        return self.cancelled_count > 0

    def any_failed(self) -> bool:
        return self.fail_count > 0

    def any_paused(self) -> bool:
        return self.paused_count > 0

    def all_final(self) -> bool:
        return self.final_count == self.total_count

    def counts_message(self) -> str:
        """Such as `total=3 'FAILED'=1 'COMPLETED'=2`."""
        parts = [f"total={self.total_count}"]
        if self.not_final_count:
            parts.append(f"not_final={self.not_final_count}")
        parts += [f"{state_type.value!r}={number}" for state_type, number in self.type_counts.items() if number]
        return " ".join(parts)

    def merged(self) -> State[Any]:
        """One state for all: Completed only if all are."""
        if self.all_completed():
            return Completed(message="All states completed.")
        if self.any_cancelled():
            return Cancelled(message=f"{self.cancelled_count}/{self.total_count} states cancelled.")
        if self.any_paused():
            return Paused(message=f"{self.paused_count}/{self.total_count} states paused.")
        if self.any_failed():
            return Failed(message=f"{self.fail_count}/{self.total_count} states failed.")
        return Failed(message=f"{self.not_final_count}/{self.total_count} states are not final.")

    def __iter__(self) -> Iterator[State[Any]]:
        return iter(self.states)


def value_to_state(
    value: Any,
    store: ResultStore,
    key: str | Callable[[], str] | None = None,
    expiration: datetime | None = None,
) -> State[Any]:
    """
    The final state of a run whose code returned `value`, futures already resolved to states.

    A state is that state; a collection of states is Completed if all of them are; anything else is Completed. The value is
    attached as a result record, which nobody has written to storage yet.
    """

    def record(data: Any) -> ResultRecord[Any]:
        return store.create_result_record(data, key() if callable(key) else key, expiration)

    if isinstance(value, State):
        if isinstance(value.data, (ResultRecord, ResultRecordMetadata)):
            return value
        return evolve(value, data=record(value.data))
    if is_state_iterable(value):
        merged = StateGroup(list(value)).merged()
        return merged.model_copy(update={"data": record(value)})
    if isinstance(value, GeneratorType):
        value = list(value)
    if isinstance(value, BaseAnnotation):
        value = value.unwrap()
    return Completed(data=record(value))


async def return_value_to_state(
    retval: R,
    result_store: ResultStore,
    key: str | None = None,
    expiration: datetime | None = None,
    write_result: bool = False,
) -> State[R]:
    """
    The final state of a run whose code returned a value.

    Args:
        retval: The value; futures are to be resolved beforehand.
        result_store: Where results go.
        key: The result's storage key; made by the store without one.
        expiration: When the result is no longer valid.
        write_result: Write the result to storage now.
    """
    state = value_to_state(retval, result_store, key, expiration)
    if write_result and isinstance(state.data, ResultRecord):
        await result_store.apersist_result_record(state.data)
    return state


# -- exceptions to states -----------------------------------------------------------------------------------------


def format_exception(exc: BaseException, tb: TracebackType | None = None) -> str:
    """An exception as text, with its traceback if `tb` is given."""
    if tb is not None:
        return "".join(traceback.format_exception(type(exc), exc, tb))
    return "".join(traceback.format_exception_only(type(exc), exc)).rstrip("\n").splitlines()[0]


def failed_state(exc: BaseException, store: ResultStore | None = None, **fields: Any) -> State[Any]:
    """A Failed state that holds an exception; `fields` go to the state, `message` is put before the exception's own text."""
    message = " ".join(filter(None, (fields.pop("message", None), format_exception(exc))))
    data: Any = store.create_result_record(exc) if store is not None else exc
    return Failed(data=data, message=message, **fields)


def crashed_state(exc: BaseException, store: ResultStore | None = None) -> State[Any]:
    """A Crashed state that says in a sentence what happened."""
    data: Any = store.create_result_record(exc) if store is not None else exc
    return Crashed(message=_crash_message(exc), data=data)


def _crash_message(exc: BaseException) -> str:
    import asyncio

    if isinstance(exc, asyncio.CancelledError):
        return "Execution was cancelled by the runtime environment."
    if isinstance(exc, KeyboardInterrupt):
        return "Execution was aborted by an interrupt signal (Ctrl-C)."
    if isinstance(exc, TerminationSignal):
        return "Execution was aborted by a termination signal."
    if isinstance(exc, SystemExit):
        return f"Execution was aborted by a Python system exit call with code {exc.code!r}."
    return f"Execution was interrupted by an unexpected exception: {format_exception(exc)}"


async def exception_to_crashed_state(exc: BaseException, result_store: ResultStore | None = None) -> State[Any]:
    """A Crashed state for an exception that did not come from the user's code, or that ended the process."""
    state = crashed_state(exc, result_store)
    if result_store is not None and isinstance(state.data, ResultRecord):
        await result_store.apersist_result_record(state.data)
    return state


async def exception_to_failed_state(
    exc: BaseException | None = None,
    result_store: ResultStore | None = None,
    write_result: bool = False,
    **kwargs: Any,
) -> State[Any]:
    """
    A Failed state for an exception; without one, for the exception that is being handled.

    Raises:
        ValueError: There is none.
    """
    if exc is None:
        import sys

        exc = sys.exc_info()[1]
        if exc is None:
            raise ValueError("Exception was not passed and no active exception could be found.")
    state = failed_state(exc, result_store, **kwargs)
    if write_result and result_store is not None and isinstance(state.data, ResultRecord):
        await result_store.apersist_result_record(state.data)
    return state


def to_state_create(state: State[Any]) -> StateCreate:
    """What is sent to the orchestrator of a state: its result's metadata if it is stored, never the value itself."""
    from prefect._contract.actions import StateCreate

    return StateCreate(
        type=state.type,
        name=state.name,
        message=state.message,
        data=wire_data(state.data),
        state_details=state.state_details,
    )


def wire_data(data: Any) -> Any:
    """The part of a state's data that may leave this process."""
    if isinstance(data, ResultRecord):
        return data.metadata if data.is_persisted else None
    if isinstance(data, ResultRecordMetadata):
        return data
    return None


# -- ready-made states --------------------------------------------------------------------------------------------


_PLAIN_FIELDS = frozenset({"data", "message", "name"})
_templates: dict[StateType, State[Any]] = {}


def _make(cls: type[State[R]], kind: StateType, fields: dict[str, Any]) -> State[R]:
    """A state of a type. Runs make thousands of plain ones, which are copied from a template rather than validated."""
    message = fields.get("message")
    if cls is not State or not fields.keys() <= _PLAIN_FIELDS or not (message is None or type(message) is str):
        return cls(type=kind, **fields)
    template = _templates.get(kind)
    if template is None:
        template = _templates[kind] = State(type=kind)
    return evolve(template, id=uuid7(), timestamp=now(), **fields)


def Scheduled(  # noqa: N802 - states are named like types
    cls: type[State[R]] = State, scheduled_time: datetime | None = None, **kwargs: Any
) -> State[R]:
    """
    A state of type SCHEDULED.

    Args:
        cls: The state class.
        scheduled_time: When the run is to begin; now without one.
        kwargs: Further fields of the state.

    Raises:
        ValueError: The time is given here and in `state_details`.
    """
    details = StateDetails.model_validate(kwargs.pop("state_details", {}))
    if details.scheduled_time is not None and scheduled_time is not None:
        raise ValueError("An extra scheduled_time was provided in state_details.")
    details = details.model_copy(update={"scheduled_time": scheduled_time or details.scheduled_time or now()})
    return cls(type=StateType.SCHEDULED, state_details=details, **kwargs)


def Completed(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A state of type COMPLETED."""
    return _make(cls, StateType.COMPLETED, kwargs)


def Running(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A state of type RUNNING."""
    return _make(cls, StateType.RUNNING, kwargs)


def Failed(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A state of type FAILED."""
    return _make(cls, StateType.FAILED, kwargs)


def Crashed(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A state of type CRASHED."""
    return _make(cls, StateType.CRASHED, kwargs)


def Cancelling(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A state of type CANCELLING."""
    return _make(cls, StateType.CANCELLING, kwargs)


def Cancelled(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A state of type CANCELLED."""
    return _make(cls, StateType.CANCELLED, kwargs)


def Pending(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A state of type PENDING."""
    return _make(cls, StateType.PENDING, kwargs)


def Paused(  # noqa: N802
    cls: type[State[R]] = State,
    timeout_seconds: int | None = None,
    pause_expiration_time: datetime | None = None,
    reschedule: bool = False,
    pause_key: str | None = None,
    **kwargs: Any,
) -> State[R]:
    """
    A state of type PAUSED.

    Args:
        cls: The state class.
        timeout_seconds: How long the pause may last.
        pause_expiration_time: Until when it may last; not together with `timeout_seconds`.
        reschedule: Whether the process ends and the run is scheduled again when it is resumed.
        pause_key: Names the pause, so that it is passed once only.
        kwargs: Further fields of the state.

    Raises:
        ValueError: Both limits are given.
    """
    if pause_expiration_time is not None and timeout_seconds is not None:
        raise ValueError("Cannot supply both of pause_expiration_time and timeout_seconds.")
    expires = pause_expiration_time
    if timeout_seconds is not None:
        expires = now() + timedelta(seconds=timeout_seconds)
    details = StateDetails.model_validate(kwargs.pop("state_details", {})).model_copy(
        update={"pause_timeout": expires, "pause_reschedule": reschedule, "pause_key": pause_key}
    )
    return cls(type=StateType.PAUSED, state_details=details, **kwargs)


def Suspended(  # noqa: N802
    cls: type[State[R]] = State,
    timeout_seconds: int | None = None,
    pause_expiration_time: datetime | None = None,
    pause_key: str | None = None,
    **kwargs: Any,
) -> State[R]:
    """A PAUSED state named Suspended: the process ends, the run is scheduled again when it is resumed."""
    return Paused(
        cls,
        timeout_seconds=timeout_seconds,
        pause_expiration_time=pause_expiration_time,
        reschedule=True,
        pause_key=pause_key,
        name="Suspended",
        **kwargs,
    )


def AwaitingRetry(  # noqa: N802
    cls: type[State[R]] = State, scheduled_time: datetime | None = None, **kwargs: Any
) -> State[R]:
    """A SCHEDULED state named AwaitingRetry."""
    return Scheduled(cls, scheduled_time=scheduled_time, name="AwaitingRetry", **kwargs)


def AwaitingConcurrencySlot(  # noqa: N802
    cls: type[State[R]] = State, scheduled_time: datetime | None = None, **kwargs: Any
) -> State[R]:
    """A SCHEDULED state named AwaitingConcurrencySlot."""
    return Scheduled(cls, scheduled_time=scheduled_time, name="AwaitingConcurrencySlot", **kwargs)


def Late(cls: type[State[R]] = State, scheduled_time: datetime | None = None, **kwargs: Any) -> State[R]:  # noqa: N802
    """A SCHEDULED state named Late."""
    return Scheduled(cls, scheduled_time=scheduled_time, name="Late", **kwargs)


def Submitting(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A PENDING state named Submitting."""
    return cls(type=StateType.PENDING, name="Submitting", **kwargs)


def InfrastructurePending(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A PENDING state named InfrastructurePending."""
    return cls(type=StateType.PENDING, name="InfrastructurePending", **kwargs)


def Retrying(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:  # noqa: N802
    """A RUNNING state named Retrying."""
    return _make(cls, StateType.RUNNING, {"name": "Retrying", **kwargs})


def states_in(value: Any) -> Iterable[State[Any]]:
    """The states directly in a value: itself, or its members when it is a collection of states."""
    if isinstance(value, State):
        return (value,)
    return value if is_state_iterable(value) else ()
