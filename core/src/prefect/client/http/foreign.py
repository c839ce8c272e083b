"""
Servers of Prefect 3, which know neither batches of task runs nor leases.

What our own servers are told at `/_core/` is put into the words that those understand: a task run's states are events, and
whether a run was cancelled is asked. That a process is still there they are not told. The states of a task run that stands
for a subflow, but for its first one, they know by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic_core import to_jsonable_python

from prefect._contract.call import Call
from prefect._contract.endpoints import flow_runs, task_runs
from prefect._contract.filters.flow_runs import FlowRunFilter, FlowRunFilterId
from prefect._contract.filters.task_runs import TaskRunFilter, TaskRunFilterId
from prefect._contract.liveness import LeaseStatus
from prefect.exceptions import ObjectNotFound, ObjectUnsupported
from prefect.utilities.dual import Sleep, Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._contract.objects import TaskRun
    from prefect._contract.recording import TaskRunRecord
    from prefect._contract.state import State, StateType

__all__ = ["ForeignServer"]

_OWN_FIELDS = frozenset({"id", "created", "updated", "state", "state_id", "state_type", "state_name", "flow_run_id"})
"""Fields of a task run that the events say elsewhere."""

_ESTIMATES = frozenset({"estimated_run_time", "estimated_start_time_delta"})

_LOOKS = 100
_SECONDS_BETWEEN_LOOKS = 0.1


class ForeignServer:
    """
    A server of Prefect 3.

    Args:
        ask: The steps of sending a call to it as it is.
    """

    def __init__(self, ask: Callable[[Call[Any]], Steps[Any]]) -> None:
        self._ask = ask
        self._latest: dict[UUID, State[Any]] = {}
        self._stand_ins: set[UUID] = set()
        self._held: dict[UUID, UUID] = {}

    def answer(self, call: Call[Any]) -> Steps[Any]:
        """
        Send what a call of our own contract amounts to.

        Raises:
            prefect.exceptions.ObjectUnsupported: It amounts to nothing that such a server can do.
        """
        if call.path == "/_core/task_runs/record":
            return (yield from self._record(call.body))
        if call.path == "/_core/leases/renew":
            return (yield from self._renew(call.body["tokens"]))
        if call.path == "/_core/waiting/ended_task_runs":
            return (yield from self._ended(call.body["task_run_ids"]))
        if call.path.endswith("/set_state"):
            return (yield from self._propose(call))
        if call.path == "/flow_runs/":
            yield from self._await_task_run(call.body.parent_task_run_id)
            return (yield from self._ask(call))
        raise ObjectUnsupported(None, f"{call.method} {call.path}: a server of Prefect 3 knows nothing of it.")

    # -- states of task runs

    def _record(self, records: Iterable[TaskRunRecord]) -> Steps[None]:
        known = dict(self._latest)
        events = [event for record in records for event in self._events(record, known)]
        if events:
            yield from self._ask(Call("POST", "/events", None, body=events))
        self._latest = {run_id: state for run_id, state in known.items() if not state.is_final()}

    def _events(self, record: TaskRunRecord, known: dict[UUID, State[Any]]) -> Iterator[dict[str, Any]]:
        """One event for each state that a task run has entered; the state gets the id of its event."""
        run = record.task_run
        fields = to_jsonable_python(
            run.model_dump(exclude=set(_OWN_FIELDS | _ESTIMATES), exclude_none=True), timedelta_mode="float"
        )
        for state in record.states:
            if state.state_details.child_flow_run_id is not None:
                self._stand_ins.add(run.id)
            if run.id not in self._stand_ins:
                yield _event(run, fields, state, known.get(run.id))
            known[run.id] = state
            if state.is_final():
                self._stand_ins.discard(run.id)

    def _await_task_run(self, task_run_id: UUID) -> Steps[None]:
        """Wait until the server, which takes its time over events, knows of the task run that stands for a subflow."""
        for _ in range(_LOOKS):
            try:
                yield from self._ask(task_runs.read_task_run(task_run_id))
            except ObjectNotFound:
                yield Sleep(_SECONDS_BETWEEN_LOOKS)
            else:
                return

    def _ended(self, task_run_ids: list[UUID]) -> Steps[list[UUID]]:
        """Which of some task runs have ended, as things stand: such a server does not wait for it."""
        wanted = TaskRunFilter(id=TaskRunFilterId(any_=task_run_ids))
        runs = yield from self._ask(task_runs.read_task_runs(task_run_filter=wanted))
        return [run.id for run in runs if run.state is not None and run.state.is_final()]

    # -- leases

    def _propose(self, call: Call[Any]) -> Steps[Any]:
        body = dict(call.body)
        lease = body.pop("lease")
        self._held[lease.token] = call.path_params["id"]
        plain = Call(call.method, call.path, call.returns, call.path_params, call.query, body, call.key)
        return (yield from self._ask(plain))

    def _renew(self, tokens: list[UUID]) -> Steps[list[LeaseStatus]]:
        """What has become of the flow runs that are executed here: nobody else can have taken them over."""
        self._held = {token: run_id for token, run_id in self._held.items() if token in tokens}
        runs: dict[UUID, StateType | None] = {}
        if self._held:
            chosen = FlowRunFilter(id=FlowRunFilterId(any_=list(set(self._held.values()))))
            found = yield from self._ask(flow_runs.read_flow_runs(flow_run_filter=chosen))
            runs = {run.id: run.state_type for run in found}
        return [_status(token, self._held.get(token), runs) for token in tokens]


def _status(token: UUID, run_id: UUID | None, runs: Mapping[UUID, StateType | None]) -> LeaseStatus:
    """What has become of a flow run: one that was deleted belongs to nobody. Of one just begun nothing is known."""
    if run_id is not None and run_id not in runs:
        return LeaseStatus(None, token, None)
    return LeaseStatus(run_id, token, None if run_id is None else runs[run_id])


def _event(run: TaskRun, fields: dict[str, Any], state: State[Any], previous: State[Any] | None) -> dict[str, Any]:
    moment = state.timestamp.isoformat()
    run_id = f"prefect.task-run.{run.id}"
    related = []
    if run.flow_run_id is not None:
        related.append(
            {"prefect.resource.id": f"prefect.flow-run.{run.flow_run_id}", "prefect.resource.role": "flow-run"}
        )
    return {
        "id": str(state.id),
        "occurred": moment,
        "event": f"prefect.task-run.{state.name}",
        "follows": None if previous is None else str(previous.id),
        "resource": {
            "prefect.resource.id": run_id,
            "prefect.resource.name": run.name,
            "prefect.run-count": str(run.run_count),
            "prefect.state-message": state.message or "",
            "prefect.state-name": state.name or "",
            "prefect.state-timestamp": moment,
            "prefect.state-type": state.type.value,
            "prefect.orchestration": "client",
        },
        "related": related,
        "payload": {
            "intended": {"from": None if previous is None else previous.type.value, "to": state.type.value},
            "initial_state": None if previous is None else _described(previous),
            "validated_state": {**_described(state), "data": to_jsonable_python(state.data, fallback=repr)},
            "task_run": fields,
        },
    }


def _described(state: State[Any]) -> dict[str, Any]:
    details = state.state_details.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    return {"type": state.type.value, "name": state.name, "message": state.message or "", "state_details": details}
