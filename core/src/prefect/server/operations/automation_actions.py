"""What automations do, done: in the transaction that says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import ValidationError

from prefect._contract.actions import StateCreate
from prefect._contract.actions.runs import DeploymentFlowRunCreate
from prefect._contract.state import StateDetails, StateType
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.database.queries.automations import take_actions
from prefect.server.operations.firings import Invocation, tell_of_action
from prefect.server.operations.refusals import Refusal
from prefect.server.operations.rendering import TemplateError
from prefect.server.operations.situations import CannotActError, Situation
from prefect.server.operations.work import UnitOfWork

if TYPE_CHECKING:
    from prefect._contract.automations import Automation
    from prefect._contract.responses.orchestration import OrchestrationResult

__all__ = ["FAILURES", "act_on_due", "automation_of", "finish"]

Labels = dict[str, str]
Row = dict[str, Any]
Act = Callable[[Situation, Row], list[Labels]]
"""Does something, and says what else is involved now. The row holds the fields of the action."""

FAILURES = (CannotActError, ObjectAlreadyExists, ObjectNotFound, Refusal, TemplateError, ValidationError)
"""Why an action may not be done. All else is a mistake, or trouble with the database, and is tried again."""

_AGAIN = timedelta(minutes=2)


def act_on_due(work: UnitOfWork, limit: int) -> int:
    """
    Do what automations have decided to do, but for errands.

    Returns:
        How many actions there were, at most `limit`.
    """
    rows = take_actions(work.connection, work.now, limit, errands=False, again_in=_AGAIN)
    for row in rows:
        _do(work, row)
    return len(rows)


def automation_of(work: UnitOfWork, invocation: Invocation) -> Automation:
    """The automation of an action. The action goes with it, so it is there."""
    from prefect.server.operations.automations import read_automation

    return read_automation(work, invocation.automation_id)


def _do(work: UnitOfWork, row: Row) -> None:
    invocation = Invocation.of(row)
    automation = automation_of(work, invocation)
    emitted = len(work.events)
    work.connection.exec_driver_sql("SAVEPOINT action")
    try:
        related = _ACTS[invocation.action["type"]](Situation(work, automation, invocation), invocation.action)
    except FAILURES as error:
        work.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT action")
        del work.events[emitted:]
        finish(work, automation, invocation, failed=reason_of(error))
    else:
        finish(work, automation, invocation, related=related)
    work.connection.exec_driver_sql("RELEASE SAVEPOINT action")


def reason_of(error: Exception) -> str:
    """Why an action was not done, for people."""
    return error.detail if isinstance(error, Refusal) else str(error)


def finish(
    work: UnitOfWork,
    automation: Automation,
    invocation: Invocation,
    *,
    related: list[Labels] | None = None,
    failed: str | None = None,
    **said: Any,
) -> None:
    """Tell that an action was executed, or why it failed. It is not done again."""
    if failed is not None:
        said["reason"] = failed
    tell_of_action(work, automation, invocation, "failed" if failed else "executed", related=related, **said)
    records.remove(work.connection, tables.automation_action, id=invocation.id)


def _target(kind: str, id: UUID) -> list[Labels]:
    return [{"prefect.resource.id": f"prefect.{kind}.{id}", "prefect.resource.role": "target"}]


# -- flow runs


def _propose(situation: Situation, proposed: StateCreate, *, force: bool = False) -> list[Labels]:
    from prefect.server.operations.flow_runs import set_flow_run_state

    id = situation.infer("flow-run")
    return _moved(id, set_flow_run_state(situation.work, id, proposed, force=force))


def _moved(id: UUID, answer: OrchestrationResult[Any]) -> list[Labels]:
    if answer.status.value != "ACCEPT":
        reason = getattr(answer.details, "reason", None) or "It may not enter that state now."
        raise CannotActError(f"The flow run {id} stays as it is: {reason}")
    return _target("flow-run", id)


def _cancel(situation: Situation, action: Row) -> list[Labels]:
    return _propose(situation, StateCreate(type=StateType.CANCELLING, message=_because(situation)))


def _suspend(situation: Situation, action: Row) -> list[Labels]:
    timeout = situation.work.now + timedelta(days=7)
    details = StateDetails(pause_timeout=timeout, pause_reschedule=True)
    state = StateCreate(type=StateType.PAUSED, name="Suspended", message=_because(situation), state_details=details)
    return _propose(situation, state)


def _change_state(situation: Situation, action: Row) -> list[Labels]:
    message = action.get("message") or _because(situation)
    state = StateCreate(type=action["state"], name=action.get("name"), message=message)
    return _propose(situation, state, force=bool(action.get("force")))


def _resume_run(situation: Situation, action: Row) -> list[Labels]:
    from prefect.server.operations.flow_runs import resume_flow_run

    id = situation.infer("flow-run")
    return _moved(id, resume_flow_run(situation.work, id))


def _delete_run(situation: Situation, action: Row) -> list[Labels]:
    from prefect.server.operations.flow_runs import delete_flow_run

    id = situation.infer("flow-run")
    delete_flow_run(situation.work, id)
    return _target("flow-run", id)


def _because(situation: Situation) -> str:
    return f"Asked for by the automation {situation.automation.name!r}."


# -- deployments, work pools, work queues, automations


def _chosen(situation: Situation, action: Row, kind: str) -> UUID:
    """The record that an action says it is about, or the one that the event names."""
    if action.get("source") == "inferred":
        return situation.infer(kind)
    return UUID(str(action[f"{kind.replace('-', '_')}_id"]))


def _run(situation: Situation, action: Row) -> list[Labels]:
    from prefect.server.operations.deployments import create_flow_run_from_deployment

    id = _chosen(situation, action, "deployment")
    start = situation.work.now + timedelta(seconds=float(action.get("schedule_after") or 0))
    asked = DeploymentFlowRunCreate(
        state=StateCreate(type=StateType.SCHEDULED, state_details=StateDetails(scheduled_time=start)),
        parameters=situation.fill_in_all(action.get("parameters") or {}),
        job_variables=action.get("job_variables"),
        idempotency_key=f"automation-action:{situation.invocation.id}",
    )
    run = create_flow_run_from_deployment(situation.work, id, asked)
    made = {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.role": "flow-run"}
    return [*_target("deployment", id), {**made, "prefect.resource.name": run.name}]


def _switch_deployment(*, paused: bool) -> Act:
    def switch(situation: Situation, action: Row) -> list[Labels]:
        from prefect.server.operations.deployments import pause_deployment, resume_deployment

        id = _chosen(situation, action, "deployment")
        (pause_deployment if paused else resume_deployment)(situation.work, id)
        return _target("deployment", id)

    return switch


def _switch_pool(*, paused: bool) -> Act:
    def switch(situation: Situation, action: Row) -> list[Labels]:
        from prefect._contract.actions import WorkPoolUpdate
        from prefect.server.operations.work_pools import update_work_pool

        id = _chosen(situation, action, "work-pool")
        pool = records.read(situation.work.connection, tables.work_pool, id=id)
        if pool is None:
            raise CannotActError(f"There is no work pool with the id {id}.")
        update_work_pool(situation.work, pool["name"], WorkPoolUpdate(is_paused=paused))
        return _target("work-pool", id)

    return switch


def _switch_queue(*, paused: bool) -> Act:
    def switch(situation: Situation, action: Row) -> list[Labels]:
        from prefect._contract.actions import WorkQueueUpdate
        from prefect.server.operations.work_queues import update_work_queue

        id = _chosen(situation, action, "work-queue")
        update_work_queue(situation.work, id, WorkQueueUpdate(is_paused=paused))
        return _target("work-queue", id)

    return switch


def _switch_automation(*, paused: bool) -> Act:
    def switch(situation: Situation, action: Row) -> list[Labels]:
        from prefect._contract.automations import AutomationPartialUpdate
        from prefect.server.operations.automations import patch_automation

        id = _chosen(situation, action, "automation")
        patch_automation(situation.work, id, AutomationPartialUpdate(enabled=not paused))
        return _target("automation", id)

    return switch


def _nothing(situation: Situation, action: Row) -> list[Labels]:
    return []


_ACTS: Mapping[str, Act] = {
    "do-nothing": _nothing,
    "cancel-flow-run": _cancel,
    "change-flow-run-state": _change_state,
    "delete-flow-run": _delete_run,
    "resume-flow-run": _resume_run,
    "suspend-flow-run": _suspend,
    "run-deployment": _run,
    "pause-deployment": _switch_deployment(paused=True),
    "resume-deployment": _switch_deployment(paused=False),
    "pause-work-pool": _switch_pool(paused=True),
    "resume-work-pool": _switch_pool(paused=False),
    "pause-work-queue": _switch_queue(paused=True),
    "resume-work-queue": _switch_queue(paused=False),
    "pause-automation": _switch_automation(paused=True),
    "resume-automation": _switch_automation(paused=False),
}
