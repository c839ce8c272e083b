"""Runs whose process is told to terminate while somebody cancels them."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from prefect import flow
from prefect._contract.actions.deployments import DeploymentCreate
from prefect._contract.actions.runs import DeploymentFlowRunCreate, FlowCreate
from prefect._contract.endpoints import deployments, flow_runs, flows
from prefect.client.base import current_transport
from prefect.exceptions import TerminationSignal
from prefect.flow_engine import run_flow
from prefect.runtime import flow_run as here
from prefect.settings.context import temporary_settings
from prefect.states import Cancelling, Pending


def run_of(name: str) -> Any:
    """A run of a deployment."""
    send = current_transport().send
    flow_id = send(flows.create_flow(FlowCreate(name=name))).id
    made = send(deployments.create_deployment(DeploymentCreate(name="d", flow_id=flow_id)))
    return send(deployments.create_flow_run_from_deployment(made.id, DeploymentFlowRunCreate()))


def test_a_run_that_has_not_begun_is_left_to_others(records: Any) -> None:
    def name() -> str:
        raise TerminationSignal(signal=signal.SIGINT)

    run = run_of("told")
    current_transport().send(flow_runs.set_flow_run_state(run.id, Pending()))
    run = current_transport().send(flow_runs.read_flow_run(run.id))
    with pytest.raises(TerminationSignal):
        run_flow(flow(lambda: None, name="told", flow_run_name=name), flow_run=run)
    assert records.states_of_flow(run.id) == ["Scheduled", "Pending", "AwaitingRetry"]


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_a_run_that_is_being_cancelled_is_not_executed_elsewhere(records: Any, is_cancelled: bool) -> None:
    send = current_transport().send

    @flow
    def told() -> None:
        if is_cancelled:
            send(flow_runs.set_flow_run_state(here.id, Cancelling()))
        raise TerminationSignal(signal=signal.SIGINT)

    run = run_of("told")
    with temporary_settings({"PREFECT_FLOWS_SIGTERM_BEHAVIOR": "reschedule"}), pytest.raises(TerminationSignal):
        run_flow(told, flow_run=run)
    expected = (
        ["Scheduled", "Running", "Cancelling", "Cancelled"]
        if is_cancelled
        else ["Scheduled", "Running", "AwaitingRetry"]
    )
    assert records.states_of_flow(run.id) == expected
