"""Going on after a pause."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import delete

from prefect._contract.responses.orchestration import (
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateRejectDetails,
)
from prefect._contract.state import State, StateDetails, StateType
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.flow_run_inputs import create_flow_run_input
from prefect.server.operations.json_types import fits
from prefect.server.operations.transitions import propose_for_flow_run
from prefect.server.operations.work import UnitOfWork

__all__ = ["resume"]

Row = dict[str, Any]


def resume(work: UnitOfWork, run: Row, run_input: Row | None) -> OrchestrationResult[Any]:
    """
    Let a paused flow run go on: its process if it waits, else whichever takes it up.

    Args:
        work: The transaction.
        run: The run, as it was read.
        run_input: The values that it waits for.
    """
    paused: State[Any] | None = run["state"]
    if paused is None or not paused.is_paused():
        details = StateAbortDetails(reason="Cannot resume a flow run that is not paused.")
        return OrchestrationResult(state=None, status=SetStateStatus.ABORT, details=details)
    keys = paused.state_details.run_input_keyset
    if keys:
        reason = _objection(work, run, keys, run_input or {})
        if reason is not None:
            return OrchestrationResult(
                state=paused, status=SetStateStatus.REJECT, details=StateRejectDetails(reason=reason)
            )
    answer = propose_for_flow_run(work, run, _continuation(work, run, paused))
    if keys and answer.status == SetStateStatus.ACCEPT:
        _store(work, run, keys["response"], run_input or {})
    return answer


def _continuation(work: UnitOfWork, run: Row, paused: State[Any]) -> State[Any]:
    details = StateDetails(flow_run_id=run["id"])
    if not paused.state_details.pause_reschedule:
        return State(type=StateType.RUNNING, timestamp=work.now, state_details=details)
    details = details.model_copy(update={"scheduled_time": work.now})
    return State(type=StateType.SCHEDULED, name="Resuming", timestamp=work.now, state_details=details)


def _objection(work: UnitOfWork, run: Row, keys: dict[str, str], run_input: Row) -> str | None:
    """Why values are not the input that the run waits for, by its stored schema; None if they are."""
    stored = records.read(work.connection, tables.flow_run_input, flow_run_id=run["id"], key=keys.get("schema", ""))
    schema: Row = {} if stored is None else from_json(stored["value"])
    missing = [name for name in schema.get("required", ()) if name not in run_input]
    if missing:
        return f"Run input is missing {', '.join(repr(name) for name in missing)}."
    for name, value in run_input.items():
        expected = schema.get("properties", {}).get(name)
        if expected is not None and not fits(value, expected, schema):
            wanted = expected.get("type") or "one of its alternatives"
            return f"Run input {name!r} does not fit: {value!r} is not of type {wanted!r}."
    return None


def _store(work: UnitOfWork, run: Row, key: str, run_input: Row) -> None:
    table = tables.flow_run_input
    work.connection.execute(delete(table).where(table.c.flow_run_id == run["id"], table.c.key == key))
    create_flow_run_input(work, run["id"], key, to_json(run_input).decode())
