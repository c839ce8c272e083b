"""What goes into a run: which runs its values came from, and the values themselves once these runs have ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.objects import FlowRunResult, RunInput, TaskRunResult
from prefect._contract.state import RunType, State
from prefect.exceptions import UpstreamTaskError
from prefect.futures import PrefectFlowRunFuture, PrefectFuture
from prefect.states import read_state_result
from prefect.utilities.annotations import allow_failure, quote
from prefect.utilities.collections import StopVisiting, visit_collection
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect.context import FlowRunContext, RunResults

PLAIN_TYPES = frozenset({str, int, float, bool, bytes, type(None)})
"""Values of these types are never the result of one particular run, and hold nothing."""


def collect_inputs(
    parameters: dict[str, Any], wait_for: Any = None, results: RunResults | None = None
) -> dict[str, set[RunInput]]:
    """The runs that the values of parameters came from, by parameter name; `wait_for` under that name."""
    inputs: dict[str, set[RunInput]] = {}
    for name, value in parameters.items():
        if type(value) in PLAIN_TYPES:
            continue
        if found := inputs_of(value, results):
            inputs[name] = found
    if wait_for and (found := inputs_of(wait_for, results)):
        inputs["wait_for"] = found
    return inputs


def inputs_of(value: Any, results: RunResults | None = None, max_depth: int = -1) -> set[RunInput]:
    """The runs that a value, or what is in it, came from: futures, states, and remembered results."""
    found: set[RunInput] = set()

    def visit(item: Any, context: dict[str, Any]) -> Any:
        if type(item) in PLAIN_TYPES:
            return item
        if isinstance(context.get("annotation"), quote):
            raise StopVisiting
        if isinstance(item, PrefectFuture):
            found.add(_future_input(item))
            raise StopVisiting
        if isinstance(item, State):
            if (source := _state_input(item)) is not None:
                found.add(source)
            raise StopVisiting
        if results and (known := results.get(id(item))) is not None:
            state, run_type, _ = known
            if (source := _state_input(state, run_type)) is not None:
                found.add(source)
            raise StopVisiting
        return item

    visit_collection(value, visit_fn=visit, return_data=False, context={}, max_depth=max_depth)
    return found


def _future_input(future: PrefectFuture[Any]) -> RunInput:
    if isinstance(future, PrefectFlowRunFuture):
        return FlowRunResult(id=future.flow_run_id)
    return TaskRunResult(id=future.task_run_id)


def _state_input(state: State[Any], run_type: Any = None) -> RunInput | None:
    details = state.state_details
    if details.task_run_id is not None and run_type is not RunType.FLOW_RUN:
        return TaskRunResult(id=details.task_run_id)
    if details.flow_run_id is not None:
        return FlowRunResult(id=details.flow_run_id)
    return None


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for the run of a future to end."""

    future: PrefectFuture[Any]

    def perform(self) -> None:
        self.future.wait()

    async def aperform(self) -> None:
        import anyio

        await anyio.to_thread.run_sync(self.future.wait, abandon_on_cancel=True)


def settled_state(future: PrefectFuture[Any]) -> Steps[State[Any]]:
    """The final state of a future's run, waited for if need be."""
    if future._final_state is None:
        yield Wait(future)
    return future.state


def resolve_parameters(parameters: dict[str, Any]) -> Steps[dict[str, Any]]:
    """
    Parameters with results in the place of futures and states, and annotations removed.

    Raises:
        UpstreamTaskError: A run whose result is needed did not complete.
    """
    resolved = {}
    for name, value in parameters.items():
        resolved[name] = value if type(value) in PLAIN_TYPES else (yield from _resolve(value))
    return resolved


def _resolve(value: Any) -> Steps[Any]:
    states: dict[int, State[Any]] = {}
    for future in _futures_in(value):
        states[id(future)] = yield from settled_state(future)
    replaced: dict[int, Any] = {}

    def collect(item: Any, context: dict[str, Any]) -> Any:
        if type(item) in PLAIN_TYPES:
            return item
        if isinstance(context.get("annotation"), quote):
            raise StopVisiting
        state = states.get(id(item)) if isinstance(item, PrefectFuture) else item if isinstance(item, State) else None
        if state is None:
            return item
        wanted.append((id(item), state, isinstance(context.get("annotation"), allow_failure)))
        raise StopVisiting

    def replace(item: Any, context: dict[str, Any]) -> Any:
        if type(item) in PLAIN_TYPES:
            return item
        if isinstance(context.get("annotation"), quote):
            raise StopVisiting
        if id(item) in replaced and isinstance(item, (PrefectFuture, State)):
            return replaced[id(item)]
        return item

    wanted: list[tuple[int, State[Any], bool]] = []
    visit_collection(value, visit_fn=collect, return_data=False, context={})
    for identity, state, failure_allowed in wanted:
        if not state.is_completed() and not failure_allowed:
            raise upstream_error(state)
        replaced[identity] = yield from read_state_result.steps(state, raise_on_failure=False)
    return visit_collection(value, visit_fn=replace, return_data=True, context={}, remove_annotations=True)


def upstream_error(state: State[Any]) -> UpstreamTaskError:
    """Says which run was needed and did not complete."""
    run_id: UUID | None = state.state_details.task_run_id or state.state_details.flow_run_id
    return UpstreamTaskError(f"Upstream task run '{run_id}' did not reach a 'COMPLETED' state.")


def wait_for_upstream(wait_for: Any) -> Steps[None]:
    """
    Wait for the runs in `wait_for`.

    Raises:
        UpstreamTaskError: One of them did not complete, and is not in `allow_failure`.
    """
    for item in wait_for if isinstance(wait_for, Iterable) and not isinstance(wait_for, allow_failure) else [wait_for]:
        for future in _futures_in(item):
            state = yield from settled_state(future)
            if not state.is_completed() and not isinstance(item, allow_failure):
                raise upstream_error(state)
        if isinstance(item, State) and not item.is_completed():
            raise upstream_error(item)


def _futures_in(value: Any) -> list[PrefectFuture[Any]]:
    futures: list[PrefectFuture[Any]] = []

    def visit(item: Any, context: dict[str, Any]) -> Any:
        if type(item) in PLAIN_TYPES:
            return item
        if isinstance(context.get("annotation"), quote):
            raise StopVisiting
        if isinstance(item, PrefectFuture):
            futures.append(item)
            raise StopVisiting
        return item

    visit_collection(value, visit_fn=visit, return_data=False, context={})
    return futures


def current_results(context: FlowRunContext | None) -> RunResults | None:
    """The results that the current flow run remembers, None if there are none."""
    return context.run_results if context is not None and context.run_results else None
