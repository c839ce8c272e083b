"""Runs of deployments: started from anywhere, and waited for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints.flow_runs import read_flow_run
from prefect._engine.flow_execution import SubflowTask, stand_in_task_run
from prefect._engine.parameters import serialize_parameters
from prefect.client.base import ask, through
from prefect.client.orchestration.deployments import (
    create_flow_run_from_deployment,
    read_deployment,
    read_deployment_by_name,
)
from prefect.context import TagsContext
from prefect.futures import resolve_futures_to_results
from prefect.states import Scheduled
from prefect.utilities.dual import Run, Sleep, Steps, asynchronous, dual

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect._contract.responses.deployments import DeploymentResponse
    from prefect.client.orchestration import PrefectClient

__all__ = ["arun_deployment", "run_deployment"]

_QUICKEST_POLL = 0.1


@dual
def run_deployment(
    name: str | UUID,
    client: PrefectClient | None = None,
    parameters: dict[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float | None = 5,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    work_queue_name: str | None = None,
    as_subflow: bool | None = True,
    job_variables: dict[str, Any] | None = None,
) -> Steps[FlowRun]:
    """
    Start a run of a deployment, and wait until it has ended.

    Within a flow or task it is a subflow of that run: a task run stands for it there, and is in the state that it is in.

    Args:
        name: The names of the flow and of the deployment, `greet/nightly`; or the deployment's id.
        client: Asks the orchestrator; the one of the current settings is asked without.
        parameters: What the flow is called with, over the deployment's own parameters. Futures are waited for.
        scheduled_time: When the run is due; now without.
        flow_run_name: The name of the run; a generated one without.
        timeout: Seconds to wait at most: 0 returns at once, None waits for as long as it takes.
        poll_interval: Seconds between looks at the run, at most.
        tags: Tags of the run, beside those of the deployment and of the current run.
        idempotency_key: Names this request, so that repeating it starts no second run.
        work_queue_name: The queue that it waits in; the deployment's without.
        as_subflow: Whether it is a subflow of the current run, if there is one.
        job_variables: Overrides for the work pool's job template, over the deployment's own.

    Returns:
        The run, as it was when it had ended or the time was over.

    Raises:
        ValueError: The timeout or the interval is negative, or `name` is none of a deployment.
        prefect.exceptions.ObjectNotFound: There is no such deployment.
        prefect.exceptions.PrefectHTTPStatusError: The parameters do not fit the flow.
    """
    if timeout is not None and timeout < 0:
        raise ValueError("`timeout` cannot be negative: give seconds, 0 to return at once, or None to wait.")
    if poll_interval is not None and poll_interval < 0:
        raise ValueError("`poll_interval` cannot be negative: give seconds.")
    steps = _run_and_wait(
        name, as_subflow, parameters or {}, timeout, 5 if poll_interval is None else poll_interval,
        state=Scheduled(scheduled_time=scheduled_time),
        name=flow_run_name,
        tags=sorted({*(tags or ()), *TagsContext.get().current_tags}),
        idempotency_key=idempotency_key,
        work_queue_name=work_queue_name,
        job_variables=job_variables,
    )  # fmt: skip
    return (yield from (steps if client is None else through(client.transport, steps)))


arun_deployment = asynchronous(run_deployment)


def _run_and_wait(
    deployment_name: str | UUID,
    as_subflow: bool | None,
    parameters: dict[str, Any],
    timeout: float | None,
    poll_interval: float,
    **request: Any,
) -> Steps[FlowRun]:
    deployment = yield from _deployment(deployment_name)
    stand_in = SubflowTask(deployment.name, f"run_deployment-{deployment.id}", deployment.version)
    parent = stand_in_task_run(stand_in, parameters) if as_subflow else None
    resolved = yield Run(lambda: resolve_futures_to_results(parameters))
    run = yield from create_flow_run_from_deployment(
        deployment.id, parameters=serialize_parameters(resolved), parent_task_run_id=parent, **request
    )
    return (yield from _ended(run, timeout, poll_interval))


def _deployment(name: str | UUID) -> Steps[DeploymentResponse]:
    if isinstance(name, str) and "/" in name:
        return (yield from read_deployment_by_name(name))
    try:
        return (yield from read_deployment(name))
    except ValueError:
        raise ValueError(
            f"Invalid deployment: {name!r}. Give the names of its flow and of itself, as in 'greet/nightly', or its id."
        ) from None


def _ended(run: FlowRun, timeout: float | None, poll_interval: float) -> Steps[FlowRun]:
    """The run once it has ended or the time is over."""
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = min(_QUICKEST_POLL, poll_interval)
    while not (run.state is not None and run.state.is_final()):
        left = pause if deadline is None else min(pause, deadline - time.monotonic())
        if deadline is not None and left <= 0:
            return run
        yield Sleep(left)
        run = yield from ask(read_flow_run(run.id))
        pause = min(pause * 2, poll_interval)
    return run
