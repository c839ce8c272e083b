"""What is due soon in a work pool, and what occupies its slots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from prefect.cli.output import print_json

if TYPE_CHECKING:
    from prefect._contract.responses.work_pools import FlowRunSlotSummary

__all__ = ["print_slots", "show_scheduled"]


def show_scheduled(pool: str, queue: str | None, hours: int, output: str | None) -> None:
    """Show the scheduled runs of a work pool, or of one of its queues, that are due within some hours."""
    from prefect._contract.endpoints.flow_runs import read_flow_runs
    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.filters.work_pools import WorkPoolFilter, WorkQueueFilter
    from prefect._contract.sorting import FlowRunSort
    from prefect.cli.asking import ask
    from prefect.cli.moments import clock
    from prefect.cli.tables import Column, print_table
    from prefect.utilities.time import now

    wanted = {
        "state": {"type": {"any_": ["SCHEDULED"]}},
        "next_scheduled_start_time": {"before_": now() + timedelta(hours=hours)},
    }
    found = ask(
        read_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate(wanted),
            work_pool_filter=WorkPoolFilter.model_validate({"name": {"any_": [pool]}}),
            work_queue_filter=None if queue is None else WorkQueueFilter.model_validate({"name": {"any_": [queue]}}),
            sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
        )
    )
    if output:
        print_json(found)
        return
    rows = [
        (run.next_scheduled_start_time and clock(run.next_scheduled_start_time), run.id, run.name, run.deployment_id)
        for run in found
    ]
    columns: list[Column | str] = ["Due", Column("ID", whole=True), "Name", "Deployment"]
    print_table(columns, rows, f"No runs are due within {hours} h.")


def print_slots(runs: Sequence[tuple[str, FlowRunSlotSummary]]) -> None:
    """Show runs that occupy slots, each with its queue."""
    from prefect.cli.moments import ago
    from prefect.cli.tables import Column, print_table

    rows = [
        (queue, run.name, run.state_name, run.state_timestamp and ago(run.state_timestamp), run.id)
        for queue, run in runs
    ]
    columns: list[Column | str] = ["Queue", "Flow run", "State", "Since", Column("ID", whole=True)]
    print_table(columns, rows, "No slots are taken.")
