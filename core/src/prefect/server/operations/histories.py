"""How many runs were in which state, interval by interval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement

from prefect._contract.responses.runs import HistoryResponse, HistoryResponseState
from prefect.server.database.queries.runs import RunKind, history
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.work import UnitOfWork

__all__ = ["read_history"]

_SHORTEST = timedelta(seconds=1)
_MOST_INTERVALS = 2_000


def _intervals(start: datetime, end: datetime, length: timedelta) -> list[tuple[datetime, datetime]]:
    if length < _SHORTEST:
        raise Refusal(422, "History interval must not be less than 1 second.")
    count = -(-(end - start) // length)
    if count > _MOST_INTERVALS:
        raise Refusal(422, f"A history has at most {_MOST_INTERVALS} intervals, not {count}: ask for longer ones.")
    return [(start + number * length, start + (number + 1) * length) for number in range(count)]


def read_history(
    work: UnitOfWork,
    kind: RunKind,
    conditions: Sequence[ColumnElement[bool]],
    start: datetime,
    end: datetime,
    length: timedelta | float,
) -> list[HistoryResponse]:
    """
    Count runs by state, by the interval in which they were to start.

    Args:
        work: The transaction.
        kind: Of flow runs or of task runs.
        conditions: Which runs.
        start: When the first interval starts.
        end: A moment in the last interval.
        length: How long an interval is; a number is seconds.
    """
    interval = length if isinstance(length, timedelta) else timedelta(seconds=length)
    intervals = _intervals(start, end, interval)
    states: dict[int, list[dict[str, Any]]] = {}
    for number, state_type, state_name, count, running, late in history(
        work.connection, kind, conditions, intervals, work.now
    ):
        values = {
            "state_type": state_type,
            "state_name": state_name,
            "count_runs": count,
            "sum_estimated_run_time": timedelta(seconds=running),
            "sum_estimated_lateness": timedelta(seconds=late),
        }
        states.setdefault(number, []).append(values)
    return [
        HistoryResponse(
            interval_start=first,
            interval_end=last,
            states=[HistoryResponseState.model_validate(values) for values in states.get(number, [])],
        )
        for number, (first, last) in enumerate(intervals)
    ]
