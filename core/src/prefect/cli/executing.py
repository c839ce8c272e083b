"""Executing a flow run that exists: what a worker starts a process for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.cli.asking import ask
from prefect.cli.errors import CliError

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect.flows import Flow

__all__ = ["execute_flow_run"]


def execute_flow_run(run_id: UUID) -> int:
    """
    Execute a flow run to its end in this process.

    Returns:
        The exit code: 0 if it completed, 130 if it was interrupted, else 1.

    Raises:
        CliError: There is no such run, or its flow cannot be loaded: then the run is Crashed, and says why.
    """
    from prefect._contract.endpoints.flow_runs import read_flow_run
    from prefect._engine.flow_run import execution
    from prefect._engine.lifeline import listen_to_starter
    from prefect.bundles.places import bundled_flow
    from prefect.cli.execution import carry_out
    from prefect.context import hydrated_context
    from prefect.utilities.callables import get_parameter_defaults

    listen_to_starter(run_id)
    run = ask(read_flow_run(run_id), missing=f"Flow run '{run_id}' not found!")
    if run.state is not None and run.state.is_final():
        again = f"Run it again: prefect flow-run retry {run.id}"
        raise CliError(f"Flow run {run.name!r} ({run.id}) has ended already, as {run.state_name}. {again}")
    try:
        flow = _flow_of(run)
    except CliError as error:
        _say_crashed(run_id, str(error))
        raise
    bundled = bundled_flow()
    with hydrated_context(None if bundled is None else bundled[1]):
        return carry_out(execution(flow, {**get_parameter_defaults(flow.fn), **run.parameters}, flow_run=run))


def _flow_of(run: FlowRun) -> Flow[Any, Any]:
    from prefect.bundles.places import bundled_flow
    from prefect.cli.finding import load_flow
    from prefect.exceptions import ObjectNotFound
    from prefect.flow_engine import locate_flow

    try:
        bundled = bundled_flow()
        if bundled is not None:
            return bundled[0]
        where = locate_flow(run)
    except ObjectNotFound:
        raise CliError(
            f"The deployment '{run.deployment_id}' of flow run {run.name!r} does not exist any more."
        ) from None
    except Exception as error:
        from prefect.deployments.steps.core import StepExecutionError

        if isinstance(error, (ValueError, ImportError, StepExecutionError)):
            raise CliError(str(error)) from None
        raise
    return load_flow(where)


def _say_crashed(run_id: UUID, message: str) -> None:
    from prefect._contract.endpoints.flow_runs import set_flow_run_state
    from prefect._contract.state import State, StateType

    crashed: State[Any] = State(type=StateType.CRASHED, message=f"Flow run could not be executed: {message}")
    ask(set_flow_run_state(run_id, crashed))
