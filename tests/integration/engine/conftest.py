"""Runs in these tests are real: an engine, an SQLite file, threads and processes. Each test has a home of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from prefect._contract.endpoints import flow_runs, logs, task_runs
from prefect.client.base import current_transport
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(autouse=True)
def home() -> Iterator[None]:
    with prefect_test_harness():
        yield


class Records:
    """What the orchestrator knows."""

    def flow_runs(self) -> list[Any]:
        runs = current_transport().send(flow_runs.read_flow_runs())
        return sorted(runs, key=lambda run: run.id)

    def task_runs(self) -> list[Any]:
        runs = current_transport().send(task_runs.read_task_runs())
        return sorted(runs, key=lambda run: run.id)

    def history_of_task(self, task_run_id: Any) -> list[Any]:
        from prefect._contract.endpoints.states import read_task_run_states

        return sorted(current_transport().send(read_task_run_states(task_run_id)), key=lambda state: state.timestamp)

    def states_of_task(self, task_run_id: Any) -> list[str]:
        return [state.name for state in self.history_of_task(task_run_id)]

    def states_of_flow(self, flow_run_id: Any) -> list[str]:
        from prefect._contract.endpoints.states import read_flow_run_states

        states = current_transport().send(read_flow_run_states(flow_run_id))
        return [state.name for state in sorted(states, key=lambda state: state.timestamp)]

    def logs(self) -> list[str]:
        return [log.message for log in current_transport().send(logs.read_logs())]


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def arun() -> Any:
    return asyncio.run
