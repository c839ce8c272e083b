"""What commands about work pools and those about their queues have in common: runs that wait, and runs that hold slots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from prefect.cli.output import print_json, say

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect._contract.responses.work_pools import FlowRunSlotSummary

__all__ = ["Hours", "limit_in_words", "print_preview", "print_slots", "scheduled_runs"]

Hours = Annotated[
    Optional[int], typer.Option("--hours", "-h", metavar="N", min=1, help="How far ahead to look; 1 by default.")
]


def limit_in_words(limit: int | None) -> str:
    """A limit of runs at once, for people."""
    return "unlimited" if limit is None else str(limit)


def scheduled_runs(hours: int | None, pool: str | None, queue: str | None = None) -> list[FlowRun]:
    """
    The runs that are to begin within some hours, the next first. Looking does not count as polling.

    Args:
        hours: How many.
        pool: The work pool; those of all if None.
        queue: The queue of that work pool.
    """
    from prefect._contract.endpoints.flow_runs import read_flow_runs
    from prefect._contract.filters import flow_runs as filters, work_pools
    from prefect._contract.sorting import FlowRunSort
    from prefect._contract.state import StateType
    from prefect.cli.asking import pages
    from prefect.utilities.time import now

    due = filters.FlowRunFilter(
        state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        next_scheduled_start_time=filters.FlowRunFilterNextScheduledStartTime(
            before_=now() + timedelta(hours=hours or 1)
        ),
    )
    selected: dict[str, Any] = {
        "flow_run_filter": due,
        "work_pool_filter": None
        if pool is None
        else work_pools.WorkPoolFilter(name=work_pools.WorkPoolFilterName(any_=[pool])),
        "work_queue_filter": None
        if queue is None
        else work_pools.WorkQueueFilter(name=work_pools.WorkQueueFilterName(any_=[queue])),
    }
    order = FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
    found = pages(lambda most, offset: read_flow_runs(**selected, sort=order, limit=most, offset=offset))
    return [run for run in found if run.work_queue_id is not None]


def print_preview(runs: Sequence[FlowRun], output: str | None) -> None:
    """Write the runs that are to begin."""
    from prefect.cli.moments import ago, clock
    from prefect.cli.tables import Column, print_table

    if output:
        print_json(runs)
        return
    rows = [
        (run.id, run.name, run.deployment_id, moment and clock(moment), ago(moment))
        for run in runs
        for moment in (run.next_scheduled_start_time,)
    ]
    columns: list[Column | str] = [Column("ID", whole=True), "Name", "Deployment", "Scheduled for", "When"]
    print_table(columns, rows, "No runs are due. Look further ahead with --hours.")


def print_slots(title: str, taken: int, limit: int | None, holders: Iterable[tuple[str, FlowRunSlotSummary]]) -> None:
    """
    Write which runs hold slots.

    Args:
        title: What the slots are of.
        taken: How many are held.
        limit: How many there are.
        holders: The runs, each with its queue.
    """
    from prefect.cli.moments import seconds_of
    from prefect.cli.tables import Column, print_table

    say(f"{title}: {taken} of {'any number' if limit is None else limit} slots are taken.")
    rows = [
        (
            run.id,
            queue,
            run.name,
            run.state_name,
            seconds_of(run.time_in_current_state) if run.time_in_current_state is not None else None,
        )
        for queue, run in holders
    ]
    print_table([Column("ID", whole=True), "Queue", "Name", "State", "For"], rows, "No flow run takes a slot.")
