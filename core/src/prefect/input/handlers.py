"""Take the inputs of a flow run as they come."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Generic, Optional, Set, Type, TypeVar, cast
from uuid import UUID

from prefect.input.actions import ensure_flow_run_id, filter_flow_run_input
from prefect.utilities.dual import Sleep, Steps, adrive, asynchronous, drive, dual

if TYPE_CHECKING:
    from prefect._contract.artifacts import FlowRunInput
    from prefect.input.run_input import AutomaticRunInput, RunInput

__all__ = ["PATIENCE", "POLL", "GetAutomaticInputHandler", "GetInputHandler"]

R = TypeVar("R", bound="RunInput")
T = TypeVar("T")

PATIENCE = 3600
"""Seconds to wait for an input by default."""

POLL = 10
"""Seconds between looking for one by default."""


class _Handler:
    """Takes the inputs of a flow run that have a key prefix, each once, in order."""

    def __init__(
        self,
        run_input_cls: Any,
        key_prefix: str,
        timeout: Optional[float],
        poll_interval: float,
        raise_timeout_error: bool,
        exclude_keys: Optional[Set[str]],
        flow_run_id: Optional[UUID],
    ) -> None:
        self.run_input_cls = run_input_cls
        self.key_prefix = key_prefix
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.raise_timeout_error = raise_timeout_error
        self.exclude_keys = set(exclude_keys or ())
        self.flow_run_id = ensure_flow_run_id(flow_run_id)

    def to_instance(self, flow_run_input: FlowRunInput) -> Any:
        """What is handed out for an input."""
        return self.run_input_cls.load_from_flow_run_input(flow_run_input)

    def _filter_steps(self) -> Steps[list[FlowRunInput]]:
        found = yield from filter_flow_run_input.steps(self.key_prefix, 1, self.exclude_keys, self.flow_run_id)
        self.exclude_keys.update(each.key for each in found)
        return found

    async def filter_for_inputs(self) -> list[FlowRunInput]:
        """The next input that was not taken yet, in a list that is empty if there is none."""
        return await adrive(self._filter_steps())

    def filter_for_inputs_sync(self) -> list[FlowRunInput]:
        """The next input that was not taken yet, in a list that is empty if there is none."""
        return drive(self._filter_steps())

    def _next_steps(self) -> Steps[Any]:
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        while True:
            found = yield from self._filter_steps()
            if found:
                return self.to_instance(found[0])
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"No input '{self.key_prefix}' came within {self.timeout} seconds.")
            left = self.poll_interval if deadline is None else deadline - time.monotonic()
            yield Sleep(max(0.0, min(self.poll_interval, left)))


class GetInputHandler(_Handler, Generic[R]):
    """
    Takes the inputs of a flow run that have a key prefix, each once, in order.

    Args:
        run_input_cls: The class of the inputs.
        key_prefix: How their keys begin.
        timeout: Seconds to wait for each at most; None to wait for ever.
        poll_interval: Seconds between looking.
        raise_timeout_error: Whether iteration that waited in vain raises TimeoutError rather than ending.
        exclude_keys: Inputs that are left out.
        flow_run_id: The run; the current one by default.
    """

    def __init__(
        self,
        run_input_cls: Type[R],
        key_prefix: str,
        timeout: float | None = PATIENCE,
        poll_interval: float = POLL,
        raise_timeout_error: bool = False,
        exclude_keys: Optional[Set[str]] = None,
        flow_run_id: Optional[UUID] = None,
    ) -> None:
        super().__init__(
            run_input_cls, key_prefix, timeout, poll_interval, raise_timeout_error, exclude_keys, flow_run_id
        )

    def __iter__(self) -> Iterator[R]:
        """Inputs as they come."""
        return self

    def __next__(self) -> R:
        """The next input."""
        try:
            return cast("R", drive(self._next_steps()))
        except TimeoutError:
            if self.raise_timeout_error:
                raise
            raise StopIteration from None

    def __aiter__(self) -> AsyncIterator[R]:
        """Inputs as they come."""
        return self

    async def __anext__(self) -> R:
        """The next input."""
        try:
            return cast("R", await adrive(self._next_steps()))
        except TimeoutError:
            if self.raise_timeout_error:
                raise
            raise StopAsyncIteration from None

    next = dual(_Handler._next_steps)
    anext = asynchronous(next)  # noqa: A003


class GetAutomaticInputHandler(_Handler, Generic[T]):
    """
    Takes values that were sent to a flow run under a key prefix, each once, in order.

    Args:
        run_input_cls: The class that carries the values.
        key_prefix: How their keys begin.
        timeout: Seconds to wait for each at most; None to wait for ever.
        poll_interval: Seconds between looking.
        raise_timeout_error: Whether iteration that waited in vain raises TimeoutError rather than ending.
        exclude_keys: Inputs that are left out.
        flow_run_id: The run; the current one by default.
        with_metadata: Whether to give the inputs themselves, with `value` and `metadata`.
    """

    def __init__(
        self,
        run_input_cls: Type[AutomaticRunInput[T]],
        key_prefix: str,
        timeout: float | None = PATIENCE,
        poll_interval: float = POLL,
        raise_timeout_error: bool = False,
        exclude_keys: Optional[Set[str]] = None,
        flow_run_id: Optional[UUID] = None,
        with_metadata: bool = False,
    ) -> None:
        super().__init__(
            run_input_cls, key_prefix, timeout, poll_interval, raise_timeout_error, exclude_keys, flow_run_id
        )
        self.with_metadata = with_metadata

    def to_instance(self, flow_run_input: FlowRunInput) -> Any:
        """The value; with `with_metadata` the input itself."""
        instance = super().to_instance(flow_run_input)
        return instance if self.with_metadata else instance.value

    def __iter__(self) -> Iterator[Any]:
        """Values as they come."""
        return self

    def __next__(self) -> Any:
        """The next value."""
        try:
            return drive(self._next_steps())
        except TimeoutError:
            if self.raise_timeout_error:
                raise
            raise StopIteration from None

    def __aiter__(self) -> AsyncIterator[Any]:
        """Values as they come."""
        return self

    async def __anext__(self) -> Any:
        """The next value."""
        try:
            return await adrive(self._next_steps())
        except TimeoutError:
            if self.raise_timeout_error:
                raise
            raise StopAsyncIteration from None

    next = dual(_Handler._next_steps)
    anext = asynchronous(next)  # noqa: A003
