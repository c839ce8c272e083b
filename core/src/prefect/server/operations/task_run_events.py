"""
Task runs that are reported as events.

Clients of Prefect 3 decide on task runs where they run, as ours do, and report each state as an event that also says what the
task run is then. Recording it is recording the task run: the same event twice has one effect, and of two events the one that
occurred later says what the task run is, whichever comes first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from prefect._contract.objects import TaskRun
from prefect._contract.recording import TaskRunRecord
from prefect._contract.state import State
from prefect.server.database.queries.events import Occurrence
from prefect.server.operations.recording import keep
from prefect.server.operations.work import UnitOfWork

__all__ = ["record_task_run_events"]

_NAME = "prefect.task-run."
_ORCHESTRATION = "prefect.orchestration"
_TASK_RUN = "prefect.task-run."
_FLOW_RUN = "prefect.flow-run."

_logger = logging.getLogger("prefect.server.events")


def record_task_run_events(work: UnitOfWork, events: Iterable[Occurrence]) -> None:
    """Record what events report of task runs. Events about other things are passed over."""
    reports = sorted(filter(_is_report, events), key=lambda event: (event.occurred, event.id))
    records = [record for record in map(_record, reports) if record is not None]
    if records:
        keep(work, records)


def _is_report(event: Occurrence) -> bool:
    """Whether an event reports a state of a task run that was decided on by a client."""
    return event.event.startswith(_NAME) and event.resource.get(_ORCHESTRATION) == "client"


def _record(event: Occurrence) -> TaskRunRecord | None:
    """What an event reports; None, with a warning, if that makes no sense."""
    try:
        run_id = UUID(event.resource["prefect.resource.id"].removeprefix(_TASK_RUN))
        flow_run_id = _flow_run_id(event.related)
        state = _state(event, run_id, flow_run_id)
        told = event.payload["task_run"]
        run = TaskRun.model_validate({**told, "id": run_id, "flow_run_id": flow_run_id, "state": state})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        _logger.warning("Event %s (%s) reports no task run: %s", event.id, event.event, _reason(error))
        return None
    return TaskRunRecord(run, [state])


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return f"its payload has no {error}" if isinstance(error, KeyError) else str(error)


def _flow_run_id(related: Sequence[dict[str, str]]) -> UUID | None:
    for resource in related:
        if resource["prefect.resource.role"] == "flow-run":
            return UUID(resource["prefect.resource.id"].removeprefix(_FLOW_RUN))
    return None


def _state(event: Occurrence, run_id: UUID, flow_run_id: UUID | None) -> State[Any]:
    """The state that was entered. It has the id of the event, and began when that occurred."""
    told = event.payload["validated_state"]
    details = {**(told.get("state_details") or {}), "task_run_id": run_id, "flow_run_id": flow_run_id}
    return State.model_validate({**told, "id": event.id, "timestamp": event.occurred, "state_details": details})
