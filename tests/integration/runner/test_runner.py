"""Runners serve deployments: they take their runs, execute each in a process, and see to their ends."""

from __future__ import annotations

import re
import signal
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.integration.runner.conftest import Stage, is_alive
from tests.ports import free_port

from prefect._contract.actions.deployments import DeploymentScheduleCreate
from prefect._contract.endpoints import deployments
from prefect._contract.schedules import IntervalSchedule
from prefect._contract.state import StateType
from prefect.utilities.time import now

pytestmark = pytest.mark.slow


@pytest.fixture(params=["stage", "stage_alone"])
def anywhere(request: pytest.FixtureRequest) -> Any:
    """A stage with a server, and one without."""
    return request.getfixturevalue(request.param)


def test_a_runner_executes_what_is_ordered_while_it_serves(anywhere: Stage) -> None:
    runner = anywhere.start()
    run = anywhere.order()
    anywhere.until(lambda: anywhere.state(run).is_final())
    assert anywhere.state(run).type is StateType.COMPLETED
    runner.send_signal(signal.SIGTERM)
    output, _ = runner.communicate(timeout=30)
    assert runner.returncode == 0, output


def test_a_run_is_begun_soon_after_it_is_ordered(anywhere: Stage) -> None:
    """By far sooner than the runner looks by itself."""
    anywhere.start(PREFECT_RUNNER_POLL_FREQUENCY="100")
    first = anywhere.order()
    anywhere.until(lambda: anywhere.state(first).is_final())
    run = anywhere.order()
    anywhere.until(lambda: anywhere.state(run).type is not StateType.SCHEDULED, 15)


def test_a_run_with_retries_left_is_tried_again_when_its_process_dies(anywhere: Stage) -> None:
    anywhere.start()
    run = anywhere.order("again")
    anywhere.until(lambda: anywhere.state(run).is_final())
    assert anywhere.state(run).type is StateType.COMPLETED
    assert anywhere.notes() == ["again", "again"]
    assert anywhere.read(run).run_count == 2


@pytest.mark.parametrize("how", ["spins", "swallows", "in-c", "holds-gil", "subflow", "task"])
def test_a_cancelled_run_ends_whatever_it_does(stage: Stage, how: str) -> None:
    stage.start()
    run = stage.order(how=how)
    stage.until(stage.pids)
    stage.cancel(run)
    assert stage.until(lambda: stage.state(run).is_final(), 20) <= 15
    assert stage.state(run).type is StateType.CANCELLED
    stage.until(lambda: f"cancelled {run.name} CANCELLED" in stage.notes())
    stage.until(lambda: not is_alive(stage.pids()[0]))
    assert [line for line in stage.notes() if run.name in line] == [f"cancelled {run.name} CANCELLED"]


def test_a_run_of_an_async_flow_is_cancelled(stage: Stage) -> None:
    stage.start()
    run = stage.order("waits")
    stage.until(stage.pids)
    stage.cancel(run)
    stage.until(lambda: stage.state(run).is_final(), 15)
    assert stage.state(run).type is StateType.CANCELLED
    stage.until(lambda: f"cancelled {run.name} CANCELLED" in stage.notes())


def test_processes_do_not_outlive_their_runner(anywhere: Stage) -> None:
    runner = anywhere.start()
    runs = [anywhere.order(seconds=60) for _ in range(3)]
    anywhere.until(lambda: len(anywhere.pids()) == 3)
    runner.kill()
    anywhere.until(lambda: not any(is_alive(pid) for pid in anywhere.pids()), 30)
    anywhere.until(lambda: all(anywhere.state(run).type is StateType.CRASHED for run in runs))
    crashed = lambda: sorted(line for line in anywhere.notes() if line.startswith("crashed"))
    anywhere.until(lambda: len(crashed()) >= 3)
    assert crashed() == sorted(f"crashed {run.name} CRASHED" for run in runs)


def test_a_second_signal_ends_what_is_under_way(anywhere: Stage) -> None:
    runner = anywhere.start(PREFECT_FLOWS_SIGTERM_BEHAVIOR="reschedule")
    run = anywhere.order(seconds=60)
    anywhere.until(anywhere.pids)
    runner.send_signal(signal.SIGTERM)
    anywhere.until(lambda: "Stops when" in (runner.stdout.readline() if runner.stdout else ""))
    runner.send_signal(signal.SIGTERM)
    output, _ = runner.communicate(timeout=30)
    assert runner.returncode == 0, output
    assert anywhere.state(run).name == "AwaitingRetry"


def test_schedules_are_kept_without_a_server(stage_alone: Stage) -> None:
    stage_alone.start()
    schedule = DeploymentScheduleCreate(schedule=IntervalSchedule(interval=timedelta(seconds=1)))
    stage_alone.send(deployments.create_deployment_schedules(stage_alone.deployment(), [schedule]))
    stage_alone.until(lambda: len(stage_alone.pids()) >= 3)


def test_what_is_served_is_paused_in_between(stage: Stage) -> None:
    for _ in range(2):
        began = now()
        runner = stage.start()

        def is_served(began: datetime = began) -> bool:
            found = stage.send(deployments.read_deployment(stage.deployment()))
            return not found.paused and found.last_polled is not None and found.last_polled > began

        stage.until(is_served)
        runner.send_signal(signal.SIGINT)
        runner.communicate(timeout=30)
        assert runner.returncode == 0
        assert stage.send(deployments.read_deployment(stage.deployment())).paused


def test_a_runner_tells_whether_it_is_healthy(stage: Stage) -> None:
    port = free_port()
    runner = stage.start("web", PREFECT_RUNNER_SERVER_PORT=str(port))
    with httpx.Client(base_url=f"http://localhost:{port}", timeout=60, trust_env=False) as client:

        def answers() -> bool:
            try:
                return client.get("/health").json() == {"message": "OK"}
            except httpx.TransportError:
                return False

        stage.until(answers)
        assert client.get("/run_count").json() == 0
        assert client.post("/shutdown", headers={"Origin": "http://elsewhere"}).status_code == 403
        assert client.post("/shutdown").json() == {"message": "Stopping"}
    runner.communicate(timeout=30)
    assert runner.returncode == 0


def test_a_process_that_dies_is_noticed_at_once_and_its_hook_runs_once(anywhere: Stage) -> None:
    anywhere.start()
    run = anywhere.order(how="dies")
    anywhere.until(lambda: anywhere.state(run).is_final())
    state = anywhere.state(run)
    assert state.type is StateType.CRASHED
    # The runner sees it end. Where the orchestrator looks just then, it has seen before that there is no process.
    assert re.search(r"exit code -9|^The process that ran this flow is gone", state.message or "")
    anywhere.until(lambda: f"crashed {run.name} CRASHED" in anywhere.notes())
    assert [line for line in anywhere.notes() if line.startswith("crashed")] == [f"crashed {run.name} CRASHED"]
