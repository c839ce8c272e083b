"""What runners and integrations call of the engine, at `prefect.utilities.engine`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.state import RunType, State
from prefect._engine.inputs import PLAIN_TYPES, inputs_of, resolve_parameters, settled_state
from prefect._engine.proposing import ask_for_state
from prefect._engine.scopes import logs_prints
from prefect._engine.signals import capture_sigterm
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException
from prefect.futures import PrefectFuture
from prefect.states import read_state_result
from prefect.utilities.annotations import quote
from prefect.utilities.collections import StopVisiting
from prefect.utilities.dual import adrive, drive

if TYPE_CHECKING:
    from prefect._contract.objects import RunInput
    from prefect.client.orchestration import PrefectClient, SyncPrefectClient
    from prefect.flows import Flow
    from prefect.tasks import Task

__all__ = [
    "UNTRACKABLE_TYPES",
    "capture_sigterm",
    "check_api_reachable",
    "collect_task_run_inputs",
    "collect_task_run_inputs_sync",
    "get_state_for_result",
    "link_state_to_flow_run_result",
    "link_state_to_result",
    "link_state_to_task_run_result",
    "propose_state",
    "propose_state_sync",
    "resolve_inputs",
    "resolve_inputs_sync",
    "resolve_to_final_result",
    "should_log_prints",
]

UNTRACKABLE_TYPES = PLAIN_TYPES
"""Types whose values cannot be told to be the result of one particular run."""


def collect_task_run_inputs_sync(expr: Any, future_cls: Any = PrefectFuture, max_depth: int = -1) -> set[RunInput]:
    """
    The runs that a value, or what is in it, came from.

    Args:
        expr: The value.
        future_cls: Accepted for compatibility: all futures of runs are found.
        max_depth: How many levels to look into; all with -1.
    """
    context = FlowRunContext.get()
    return inputs_of(expr, context.run_results if context is not None else None, max_depth)


async def collect_task_run_inputs(expr: Any, max_depth: int = -1) -> set[RunInput]:
    """The runs that a value, or what is in it, came from."""
    return collect_task_run_inputs_sync(expr, max_depth=max_depth)


def resolve_inputs_sync(parameters: dict[str, Any], return_data: bool = True, max_depth: int = -1) -> dict[str, Any]:
    """
    Parameters with results in the place of futures and states, which are waited for.

    Args:
        parameters: The parameters.
        return_data: Return the resolved parameters; an empty dict without.
        max_depth: Accepted for compatibility: all levels are resolved.

    Raises:
        UpstreamTaskError: A run whose result is needed did not complete.
    """
    resolved = drive(resolve_parameters(parameters))
    return resolved if return_data else {}


async def resolve_inputs(parameters: dict[str, Any], return_data: bool = True, max_depth: int = -1) -> dict[str, Any]:
    """Like `resolve_inputs_sync`, without blocking the event loop."""
    resolved = await adrive(resolve_parameters(parameters))
    return resolved if return_data else {}


def resolve_to_final_result(expr: Any, context: dict[str, Any]) -> Any:
    """
    A visiting function for `visit_collection`: the result in the place of a future or state.

    Raises:
        UpstreamTaskError: The run did not complete.
    """
    if isinstance(context.get("annotation"), quote):
        raise StopVisiting
    if isinstance(expr, PrefectFuture):
        expr = drive(settled_state(expr))
    if not isinstance(expr, State):
        return expr
    if not expr.is_completed():
        from prefect._engine.inputs import upstream_error

        raise upstream_error(expr)
    return drive(read_state_result.steps(expr))


# -- results and the runs they came from ----------------------------------------------------------------------------


def get_state_for_result(obj: Any) -> tuple[State[Any], RunType] | None:
    """The state of the run of the current flow run that made an object, and what kind of run it was."""
    context = FlowRunContext.get()
    known = context.run_results.get(id(obj)) if context is not None else None
    return None if known is None else known[:2]


def link_state_to_result(state: State[Any], result: Any, run_type: RunType) -> None:
    """Remember in the current flow run that a run made an object."""
    context = FlowRunContext.get()
    if context is not None and type(result) not in PLAIN_TYPES:
        context.run_results.remember(result, state, run_type)


def link_state_to_task_run_result(state: State[Any], result: Any) -> None:
    """Remember in the current flow run that a task run made an object."""
    link_state_to_result(state, result, RunType.TASK_RUN)


def link_state_to_flow_run_result(state: State[Any], result: Any) -> None:
    """Remember in the current flow run that a subflow made an object."""
    link_state_to_result(state, result, RunType.FLOW_RUN)


def should_log_prints(flow_or_task: Flow[..., Any] | Task[..., Any]) -> bool:
    """Whether `print` is logged in runs of a flow or task: by its own option, its flow run's, or the settings."""
    return logs_prints(flow_or_task.log_prints, FlowRunContext.get())


# -- proposing states of flow runs ------------------------------------------------------------------------------------


async def propose_state(client: PrefectClient, state: State[Any], flow_run_id: UUID, force: bool = False) -> State[Any]:
    """
    Propose a state for a flow run, and return the one that it is in afterwards.

    Args:
        client: Not needed: the current orchestrator is asked.
        state: The state.
        flow_run_id: The run.
        force: Skip the rules.

    Raises:
        Abort: The proposer must stop executing the run.
        Pause: The run is paused.
    """
    return await adrive(ask_for_state(flow_run_id, state, force=force))


def propose_state_sync(
    client: SyncPrefectClient, state: State[Any], flow_run_id: UUID, force: bool = False
) -> State[Any]:
    """Like `propose_state`, on this thread."""
    return drive(ask_for_state(flow_run_id, state, force=force))


async def check_api_reachable(client: PrefectClient, fail_message: str) -> None:
    """
    Check that the orchestrator answers.

    Raises:
        RuntimeError: It does not; begins with `fail_message`.
    """
    error = await client.api_healthcheck()
    if error is not None:
        raise RuntimeError(f"{fail_message}. {error}") from (error if isinstance(error, PrefectException) else None)
