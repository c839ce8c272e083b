"""How far a flow run is: its task runs by state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from prefect.cli.asking import ask

if TYPE_CHECKING:
    from uuid import UUID

    from prefect._contract.filters.flow_runs import FlowRunFilter
    from prefect._contract.objects import FlowRun

__all__ = ["names_of_running", "task_counts", "words_for"]

_ORDER = ("Running", "Retrying", "Pending", "Completed", "Cached", "Failed", "Crashed", "Cancelled")


def _only(flow_run_id: UUID) -> FlowRunFilter:
    from prefect._contract.filters.flow_runs import FlowRunFilter, FlowRunFilterId

    return FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))


def task_counts(run: FlowRun, since: datetime | None = None) -> dict[str, int]:
    """
    How many task runs of a flow run are in which state, by the states' names.

    Args:
        run: The flow run.
        since: Leave out those that were to start before: those of earlier attempts.
    """
    from prefect._contract.endpoints.task_runs import task_run_history
    from prefect.utilities.time import now

    start = since or (run.created or run.start_time or now()) - timedelta(days=1)
    end = now() + timedelta(days=1)
    counts: dict[str, int] = {}
    # One interval that holds them all: the orchestrator counts, and not a single run is sent.
    for interval in ask(task_run_history(start, end, end - start, flow_run_filter=_only(run.id))):
        for state in interval.states:
            counts[state.state_name] = counts.get(state.state_name, 0) + state.count_runs
    return counts


def names_of_running(flow_run_id: UUID, most: int) -> list[str]:
    """The names of those task runs of a flow run that have been running for longest."""
    from prefect._contract.endpoints.task_runs import read_task_runs
    from prefect._contract.filters import task_runs as filters
    from prefect._contract.sorting import TaskRunSort
    from prefect._contract.state import StateType

    running = filters.TaskRunFilterState(type=filters.TaskRunFilterStateType(any_=[StateType.RUNNING]))
    chosen = filters.TaskRunFilter(state=running, flow_run_id=filters.TaskRunFilterFlowRunId(any_=[flow_run_id]))
    oldest = TaskRunSort.EXPECTED_START_TIME_ASC
    found: list[Any] = ask(read_task_runs(task_run_filter=chosen, sort=oldest, limit=most))
    return [run.name for run in found]


def words_for(counts: Mapping[str, int]) -> str:
    """Counts in words: `3 running, 40 completed`; empty if there is nothing to count."""
    known = [name for name in _ORDER if counts.get(name)]
    others = sorted(name for name in counts if name not in _ORDER and counts[name])
    return ", ".join(f"{counts[name]} {name.lower()}" for name in (*known, *others))
