"""Lists stay quick when tables are large: what is asked for often is found by an index, never by reading a whole table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.integration.operations.listings import FAILED, LISTS, name_of

from prefect._contract.call import Call
from prefect._contract.endpoints import flow_runs
from prefect._contract.filters import FlowRunFilter
from prefect._contract.sorting import FlowRunSort


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


@pytest.mark.parametrize("call", LISTS, ids=name_of)
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
