"""Executing a flow run that exists: what a worker starts a process for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.cli.asking import ask
from prefect.cli.errors import CliError

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect._contract.responses.deployments import DeploymentResponse
    from prefect.flows import Flow

__all__ = ["execute_flow_run"]

_LOCAL_STEPS = frozenset(
    {"prefect.deployments.steps.set_working_directory", "prefect.deployments.steps.utility.set_working_directory"}
)


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
    from prefect.cli.execution import carry_out
    from prefect.utilities.callables import get_parameter_defaults

    run = ask(read_flow_run(run_id), missing=f"Flow run '{run_id}' not found!")
    try:
        flow = _flow_of(run)
    except CliError as error:
        _say_crashed(run_id, str(error))
        raise
    return carry_out(execution(flow, {**get_parameter_defaults(flow.fn), **run.parameters}, flow_run=run))


def _flow_of(run: FlowRun) -> Flow[Any, Any]:
    from prefect._contract.endpoints.deployments import read_deployment
    from prefect.cli.finding import load_flow
    from prefect.cli.retrying import ENTRYPOINT_LABEL

    entrypoint = os.environ.get("PREFECT__FLOW_ENTRYPOINT")
    if entrypoint is None and run.deployment_id is not None:
        deployment = ask(read_deployment(run.deployment_id), missing=f"Deployment '{run.deployment_id}' not found!")
        _go_to_code(deployment)
        entrypoint = deployment.entrypoint
    entrypoint = entrypoint or str(run.labels.get(ENTRYPOINT_LABEL) or "")
    if not entrypoint:
        raise CliError(
            f"Flow run {run.name!r} ({run.id}) does not say where its flow is. Set PREFECT__FLOW_ENTRYPOINT to "
            "'path/to/file.py:flow'."
        )
    return load_flow(entrypoint)


def _go_to_code(deployment: DeploymentResponse) -> None:
    """Go to the directory that the entrypoint of a deployment is relative to."""
    place = deployment.path
    for step in deployment.pull_steps or ():
        for name, inputs in step.items():
            if name not in _LOCAL_STEPS:
                raise CliError(
                    f"Deployment {deployment.name!r} gets its code by the step {name!r}, which is not part of this version yet."
                )
            place = (inputs or {}).get("directory", place)
    if not place:
        return
    if not Path(place).is_dir():
        raise CliError(
            f"The code of deployment {deployment.name!r} should be in {place!r}, which is no directory here."
        )
    os.chdir(place)
    sys.path.insert(0, str(Path(place).absolute()))


def _say_crashed(run_id: UUID, message: str) -> None:
    from prefect._contract.endpoints.flow_runs import set_flow_run_state
    from prefect._contract.state import State, StateType

    crashed: State[Any] = State(type=StateType.CRASHED, message=f"Flow run could not be executed: {message}")
    ask(set_flow_run_state(run_id, crashed))
