"""Lists stay quick when tables are large: what is asked for often is found by an index, never by reading a whole table."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.integration.operations.listings import FAILED, LISTS, NOW, name_of

from prefect._contract.call import Call
from prefect._contract.endpoints import deployments, flow_runs, work_pools, work_queues
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


SMALL = r"SCAN (anon_\d+|event_backlog)"
"""What an inner statement found, whose own steps are looked at too; a table of which the first row is read."""


@pytest.mark.parametrize("call", LISTS, ids=name_of)
def test_a_list_is_found_by_an_index(plan: Any, call: Call[Any]) -> None:
    steps = plan(call)
    whole_tables = [
        step
        for step in steps
        if step.startswith("SCAN")
        and " USING " not in step
        and "CONSTANT" not in step
        and not re.fullmatch(SMALL, step)
    ]
    assert whole_tables == []


def test_a_page_of_runs_is_looked_up_after_it_was_found(plan: Any) -> None:
    steps = plan(
        flow_runs.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, flow_run_filter=FlowRunFilter(state=FAILED))
    )
    found = steps[steps.index("LIST SUBQUERY 1") :] if "LIST SUBQUERY 1" in steps else steps
    assert any("INDEX ix_flow_run__state_type_started" in step for step in found), steps


def test_what_waits_for_a_worker_is_found_by_an_index(plan: Any, orchestrator: Any) -> None:
    from prefect._contract.actions.deployments import DeploymentCreate
    from prefect._contract.actions.settings import WorkPoolCreate

    pool = orchestrator.send(work_pools.create_work_pool(WorkPoolCreate(name="p", type="process", concurrency_limit=9)))
    flow = orchestrator.flow()
    created = deployments.create_deployment(DeploymentCreate(name="d", flow_id=flow, work_pool_name="p"))
    deployment = orchestrator.send(created).id
    by_queue = "SEARCH flow_run USING COVERING INDEX ix_flow_run__work_queue_id_state_type"
    by_deployment = "SEARCH flow_run USING COVERING INDEX ix_flow_run__deployment_id_state_type"
    for call, index in (
        (work_pools.get_scheduled_flow_runs_for_work_pool("p", scheduled_before=NOW), by_queue),
        (work_pools.read_work_pool_concurrency_status("p"), by_queue),
        (work_pools.read_work_pool("p"), by_queue),
        (work_queues.get_runs_in_work_queue(pool.default_queue_id, 10, NOW), by_queue),
        (work_queues.read_work_queue_status(pool.default_queue_id), by_queue),
        (deployments.get_scheduled_flow_runs_for_deployments([deployment], NOW), by_deployment),
    ):
        steps = plan(call)
        assert any(step.startswith((index, index.replace(" COVERING", ""))) for step in steps), steps
        assert not [step for step in steps if step.startswith("SCAN flow_run")], steps


def test_schedules_that_have_too_few_runs_are_found_by_an_index(plan: Any, orchestrator: Any) -> None:
    from sqlalchemy import select
    from sqlalchemy.dialects import sqlite

    from prefect.server.database.tables import deployment_schedule as schedule

    statement = select(schedule).where(schedule.c.insert_at <= NOW).order_by(schedule.c.insert_at).limit(100)
    sql = str(statement.compile(dialect=sqlite.dialect()))
    look = lambda connection: connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (str(NOW), 100, 0)).all()
    steps = [row[3] for row in orchestrator.transport.database.transaction(look, write=False)]
    assert steps == ["SEARCH deployment_schedule USING INDEX ix_deployment_schedule__insert_at (insert_at<?)"]
