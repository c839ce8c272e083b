"""Running flow runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.cli.asking import ask
from prefect.cli.errors import CliError
from prefect.cli.output import say

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect.flows import Flow

__all__ = ["retry_flow_run"]

ENTRYPOINT_LABEL = "prefect.flow.entrypoint"
"""The label under which the engine records where the flow of a run is."""


def retry_flow_run(run: FlowRun, entrypoint: str | None) -> int:
    """
    Run a flow run again: in this process, or, if it belongs to a deployment, by a worker.

    Args:
        run: The flow run.
        entrypoint: Where its flow is; None for where the run says.

    Returns:
        The exit code.

    Raises:
        CliError: It cannot be run again now, or its flow cannot be found.
    """
    from prefect.cli.parameters import check_parameters

    _check(run)
    if run.deployment_id is not None and entrypoint is None:
        _schedule(run, force=False)
        say(f"Flow run {run.name!r} ({run.id}) is scheduled to be run again by a worker.")
        return 0
    flow = _flow_of(run, entrypoint)
    check_parameters(flow, run.parameters)
    again = _schedule(run, force=True) if run.state is not None and run.state.is_final() else run
    from prefect._engine.flow_run import execution
    from prefect.cli.execution import carry_out
    from prefect.utilities.callables import get_parameter_defaults

    parameters = {**get_parameter_defaults(flow.fn), **again.parameters}
    return carry_out(execution(flow, parameters, flow_run=again))


def _check(run: FlowRun) -> None:
    state = run.state
    if state is None or state.is_final() or state.is_scheduled():
        return
    remedy = "Resume it instead." if state.is_paused() else f"Cancel it first: prefect flow-run cancel {run.id}"
    raise CliError(f"Flow run {run.name!r} ({run.id}) is {state.name} and has not ended. {remedy}")


def _flow_of(run: FlowRun, entrypoint: str | None) -> Flow[Any, Any]:
    from prefect.cli.finding import load_flow

    where = entrypoint or run.labels.get(ENTRYPOINT_LABEL)
    example = f"prefect flow-run retry {run.id} --entrypoint path/to/file.py:flow"
    if where is None:
        raise CliError(f"Flow run {run.name!r} ({run.id}) does not say where its flow is. Say it: {example}")
    try:
        return load_flow(str(where))
    except CliError as error:
        if entrypoint is not None:
            raise
        raise CliError(f"The flow of run {run.name!r} is not where it was. {error} Say where: {example}") from None


def _schedule(run: FlowRun, force: bool) -> FlowRun:
    """
    Schedule a run that has ended, and return it as it is then.

    Without a deployment the rules let nobody do so, since nothing would start the run: here this process does.
    """
    from prefect._contract.endpoints.flow_runs import read_flow_run, set_flow_run_state
    from prefect._contract.state import State, StateType

    proposal: State[Any] = State(
        type=StateType.SCHEDULED, name="AwaitingRetry", message="Retried from the command line."
    )
    result = ask(set_flow_run_state(run.id, proposal, force=force), missing=f"Flow run '{run.id}' not found!")
    if result.state is None or not result.state.is_scheduled():
        reason = getattr(result.details, "reason", None) or "the orchestrator refuses."
        raise CliError(f"Flow run {run.name!r} ({run.id}) cannot be run again: {reason}")
    return ask(read_flow_run(run.id))
