"""Lists stay quick when tables are large: what is asked for often is found by an index, never by reading a whole table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from prefect._contract.call import Call
from prefect._contract.endpoints import artifacts, flow_runs, flows, logs, states, task_runs, variables
from prefect._contract.filters import FlowFilter, FlowRunFilter, LogFilter, TaskRunFilter
from prefect._contract.sorting import FlowRunSort, FlowSort, TaskRunSort
from prefect.utilities.ids import uuid7
from prefect.utilities.time import UTC

NOW, ID = datetime(2031, 1, 1, tzinfo=UTC), uuid7()
FAILED = {"type": {"any_": ["FAILED"]}}


@pytest.fixture
def plan(orchestrator: Any, file: Path) -> Callable[[Call[Any]], list[str]]:
    """Answers with SQLite's plans for the statements of a call."""
    orchestrator.flow()
    database = orchestrator.transport.database
    statements: list[tuple[str, Any]] = []
    listen = lambda _, __, sql, parameters, *___: statements.append((sql, parameters))
    event.listen(database._engine, "before_cursor_execute", listen)
    database.close()

    def look(call: Call[Any]) -> list[str]:
        statements.clear()
        orchestrator.send(call)
        connection = sqlite3.connect(file)
        steps = [
            row[3]
            for sql, parameters in list(statements)
            if sql.startswith("SELECT")
            for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        ]
        connection.close()
        assert steps
        return steps

    return look


@pytest.mark.parametrize(
    "call",
    [
        *(flow_runs.read_flow_runs(sort=sort) for sort in FlowRunSort),
        *(flow_runs.read_flow_runs(sort=sort, flow_run_filter=FlowRunFilter(state=FAILED)) for sort in FlowRunSort),
        flow_runs.read_flow_runs(flow_filter=FlowFilter(name={"any_": ["f"]})),
        flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(id={"any_": [ID]})),
        flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["n"]})),
        flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(state={"name": {"any_": ["Late"]}})),
        flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(start_time={"after_": NOW})),
        flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(end_time={"after_": NOW})),
        flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(expected_start_time={"after_": NOW})),
        flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(parent_flow_run_id={"any_": [ID]})),
        flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(deployment_id={"any_": [ID]})),
        flow_runs.read_flow_runs(flow_run_filter=FlowRunFilter(idempotency_key={"any_": ["k"]})),
        flow_runs.read_flow_runs(task_run_filter=TaskRunFilter(id={"any_": [ID]})),
        flow_runs.paginate_flow_runs(page=3),
        flow_runs.flow_run_history(NOW, NOW + timedelta(hours=3), timedelta(hours=1)),
        *(
            task_runs.read_task_runs(sort=sort)
            for sort in TaskRunSort
            if sort
            != TaskRunSort.NEXT_SCHEDULED_START_TIME_ASC  # so few are scheduled that an index of all does not pay
        ),
        task_runs.read_task_runs(flow_run_filter=FlowRunFilter(id={"any_": [ID]})),
        task_runs.read_task_runs(task_run_filter=TaskRunFilter(flow_run_id={"any_": [ID]})),
        task_runs.read_task_runs(task_run_filter=TaskRunFilter(state=FAILED)),
        task_runs.read_task_runs(task_run_filter=TaskRunFilter(start_time={"after_": NOW})),
        task_runs.read_task_runs(flow_filter=FlowFilter(name={"any_": ["f"]})),
        task_runs.count_task_runs(task_run_filter=TaskRunFilter(state=FAILED)),
        states.read_flow_run_states(ID),
        states.read_task_run_states(ID),
        logs.read_logs(LogFilter(flow_run_id={"any_": [ID]})),
        logs.read_logs(LogFilter(task_run_id={"any_": [ID]})),
        logs.read_logs(),
        artifacts.read_artifacts(),
        artifacts.read_latest_artifacts(),
        variables.read_variables(),
        *(flows.read_flows(sort=sort) for sort in FlowSort),
    ],
    ids=lambda call: f"{call.path} {call.body}"[:80],
)
def test_a_list_is_found_by_an_index(plan: Any, call: Call[Any]) -> None:
    steps = plan(call)
    whole_tables = [
        step for step in steps if step.startswith("SCAN") and " USING " not in step and "CONSTANT" not in step
    ]
    assert whole_tables == []


def test_a_page_of_runs_is_looked_up_after_it_was_found(plan: Any) -> None:
    steps = plan(
        flow_runs.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, flow_run_filter=FlowRunFilter(state=FAILED))
    )
    found = steps[steps.index("LIST SUBQUERY 1") :] if "LIST SUBQUERY 1" in steps else steps
    assert any("INDEX ix_flow_run__state_type_started" in step for step in found), steps
