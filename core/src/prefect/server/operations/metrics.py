"""What metric triggers look at: how flow runs fare, measured from their events and records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import and_, select

from prefect._contract.events import Event
from prefect._contract.state import TERMINAL_STATES, StateType
from prefect._contract.triggers import PrefectMetric
from prefect._orchestration.bookkeeping import estimated_start_time_delta
from prefect._orchestration.firing import concerns
from prefect.server.database import tables

if TYPE_CHECKING:
    from prefect._contract.triggers import MetricTrigger
    from prefect.server.operations.work import UnitOfWork

__all__ = ["MOST_EVENTS", "measure"]

MOST_EVENTS = 20_000
"""Of more events than that, only the latest are looked at."""

_HANDFUL = 500
"""How many values one condition lists: databases bound them."""

_FLOW_RUN = "prefect.flow-run."
_ENDED = {kind.value for kind in TERMINAL_STATES}
_JUDGED = {StateType.COMPLETED.value, StateType.FAILED.value, StateType.CRASHED.value}


def measure(work: UnitOfWork, trigger: MetricTrigger) -> float | None:
    """
    Measure what a metric trigger looks at, over its range until now.

    Returns:
        For `successes` the share of runs that completed, between 0 and 1, among those that completed, failed or crashed;
        for `duration` and `lateness` seconds, on average: in Running, of runs that have ended, and after the time for which
        they were scheduled, of all runs. None if there are no such runs.
    """
    latest = _latest_states(work, trigger, work.now - trigger.metric.range)
    name = trigger.metric.name
    if name is PrefectMetric.successes:
        values = [float(kind == StateType.COMPLETED.value) for kind in latest.values() if kind in _JUDGED]
    elif name is PrefectMetric.duration:
        ended = [run_id for run_id, kind in latest.items() if kind in _ENDED]
        values = [run.total_run_time.total_seconds() for run in _read_runs(work, ended)]
    else:
        late = (
            estimated_start_time_delta(run.expected_start_time, run.start_time, StateType(run.state_type), work.now)
            for run in _read_runs(work, list(latest))
        )
        values = [each.total_seconds() for each in late]
    return sum(values) / len(values) if values else None


def _latest_states(work: UnitOfWork, trigger: MetricTrigger, since: datetime) -> dict[UUID, str]:
    """The types of the states that flow runs have entered last since a moment, of those that the trigger means."""
    event = tables.event.c
    columns = (event.id, event.occurred, event.event, event.resource, event.related)
    are_of_runs = and_(event.resource_id.startswith(_FLOW_RUN), event.occurred > since)
    found = work.connection.execute(
        select(*columns).where(are_of_runs).order_by(event.occurred.desc(), event.id.desc()).limit(MOST_EVENTS)
    )
    latest: dict[UUID, str] = {}
    for row in found:
        run_id, kind = _run_id(row.resource), row.resource.get("prefect.state-type")
        if run_id is None or kind is None or run_id in latest:
            continue
        if concerns(trigger, Event.model_validate(dict(row._mapping))):
            latest[run_id] = kind
    return latest


def _run_id(resource: dict[str, str]) -> UUID | None:
    try:
        return UUID(resource["prefect.resource.id"].removeprefix(_FLOW_RUN))
    except ValueError:  # anybody may emit events about anything
        return None


def _read_runs(work: UnitOfWork, ids: list[UUID]) -> Iterator[Any]:
    run = tables.flow_run.c
    columns = (run.expected_start_time, run.start_time, run.state_type, run.total_run_time)
    for first in range(0, len(ids), _HANDFUL):
        chosen = run.id.in_(ids[first : first + _HANDFUL]) & run.state_type.is_not(None)
        yield from work.connection.execute(select(*columns).where(chosen))
