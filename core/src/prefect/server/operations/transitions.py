"""
How a run gets into another state: facts are read, the rules decide, and what they decided is written.

All of it happens in the transaction of the operation: a state and what changes in its run are stored both or neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from prefect._contract.actions.runs import StateCreate
from prefect._contract.liveness import Lease, LeaseRequest
from prefect._contract.objects import FlowRunPolicy, TaskRunPolicy
from prefect._contract.responses.orchestration import (
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateAcceptDetails,
    StateRejectDetails,
    StateWaitDetails,
)
from prefect._contract.state import TERMINAL_STATES, State, StateDetails, StateType
from prefect._orchestration import bookkeeping
from prefect._orchestration.decide import decide
from prefect._orchestration.slot_rules import waits_in_its_process
from prefect._orchestration.transition import Decision, RunFacts, Transition
from prefect.server.database import tables
from prefect.server.database.queries import deliveries, leases, records
from prefect.server.database.queries.runs import FLOW_RUNS, TASK_RUNS, RunKind, add_states, add_states_of
from prefect.server.operations import slots
from prefect.server.operations.run_events import tell_of_flow_run
from prefect.server.operations.task_run_telling import tell_of_decisions
from prefect.server.operations.work import UnitOfWork

__all__ = [
    "begin",
    "enter",
    "make_pending",
    "make_state",
    "propose_for_flow_run",
    "propose_for_task_run",
    "retry_delay",
]

Row = dict[str, Any]

_NOBODY = UUID(int=0)
"""The token of a task run that waits for a worker: nobody has it."""


def make_state(work: UnitOfWork, proposal: StateCreate | State[Any], **details: UUID | None) -> State[Any]:
    """The state that a proposal asks for, entered now, with the ids of its run in the details."""
    return State(
        type=proposal.type,
        name=proposal.name,
        message=proposal.message,
        timestamp=work.now,
        state_details=proposal.state_details.model_copy(update=details),
        data=proposal.data,
    )


def advance(work: UnitOfWork, run: Row, transition: Transition, state: State[Any]) -> Row:
    """
    Change a run that was read as entering a state changes it, without storing anything.

    Returns:
        The columns whose values are others now. Only those are written, since each costs the indexes it is in.
    """
    changes = bookkeeping.apply(SimpleNamespace(**run), transition, state)
    changes |= {
        "state_type": state.type.value,
        "state_id": state.id,
        "state_timestamp": state.timestamp,
        "updated": work.now,
    }
    changed = {name: value for name, value in changes.items() if run.get(name) != value}
    run.update(changed)
    run["state"] = state
    return changed


def enter(work: UnitOfWork, kind: RunKind, run: Row, transition: Transition, state: State[Any], **further: Any) -> None:
    """
    Store that a run enters a state, and what that changes in it; `run` is changed in the same way.

    Args:
        work: The transaction.
        kind: Of flow runs or of task runs.
        run: The run as it was read.
        transition: What was proposed.
        state: The state that is entered, as it was decided.
        **further: Other columns that change with it.
    """
    changed = advance(work, run, transition, state)
    add_states(work.connection, kind, run["id"], [state], work.now)
    records.revise(work.connection, kind.table, run["id"], **changed, **further)
    if kind is TASK_RUNS:
        _settle_delivery(work, run, state)
        tell_of_decisions(work, [(run, transition.initial)])
    else:
        tell_of_flow_run(work, run, transition.initial, state)


def make_pending(work: UnitOfWork, runs: Iterable[tuple[Row, UUID]]) -> None:
    """
    Propose Pending for task runs that were claimed for a worker in this transaction, in few statements for all.

    Args:
        work: The transaction.
        runs: The runs as they were read, changed in the same way; and what names the claim of each.
    """
    entering: list[tuple[Row, dict[str, Any], State[Any] | None]] = []
    for run, token in runs:
        details = StateDetails(
            flow_run_id=run["flow_run_id"],
            task_run_id=run["id"],
            deferred=True,
            task_parameters_id=run["state"].state_details.task_parameters_id,
        )
        state: State[Any] = State(type=StateType.PENDING, timestamp=work.now, state_details=details)
        facts = RunFacts(
            kind="task", run_id=run["id"], run_count=run["run_count"], lease_token=token, proposer_token=token
        )
        transition = Transition(facts, run["state"], state, work.now)
        entered = decide(transition).entered(transition)
        if entered is not None:
            entering.append((run, advance(work, run, transition, entered), transition.initial))
    add_states_of(work.connection, TASK_RUNS, [(run["id"], run["state"]) for run, *_ in entering], work.now)
    records.revise_all(work.connection, TASK_RUNS.table, [(run["id"], changed) for run, changed, _ in entering])
    tell_of_decisions(work, [(run, initial) for run, _, initial in entering])


def _settle_delivery(work: UnitOfWork, run: Row, entered: State[Any]) -> None:
    """Let a background task run wait for a task worker while it is scheduled, and no longer once it has begun."""
    if entered.type is StateType.SCHEDULED and entered.state_details.deferred:
        deliveries.offer(work.connection, run["id"], run["task_key"], entered.state_details.scheduled_time or work.now)
    elif entered.type in TERMINAL_STATES:
        deliveries.withdraw(work.connection, [run["id"]])
    elif entered.type is StateType.RUNNING:
        deliveries.withdraw_begun(work.connection, run["id"])


def begin(work: UnitOfWork, kind: RunKind, run: Row, state: State[Any]) -> None:
    """Store a new run that is in its first state, whatever that is; `run` is changed in the same way."""
    facts = RunFacts(kind="flow" if kind is FLOW_RUNS else "task", run_id=run["id"])
    stored = dict(run)
    advance(work, stored, Transition(facts, None, state, work.now, force=True), state)
    run.update(stored)
    del stored["state"]
    records.create(work.connection, kind.table, stored)
    add_states(work.connection, kind, run["id"], [state], work.now)
    if kind is FLOW_RUNS:
        tell_of_flow_run(work, run, None, state)
        return
    if state.type is StateType.SCHEDULED:
        _settle_delivery(work, run, state)
    tell_of_decisions(work, [(run, None)])


def _answer(decision: Decision, current: State[Any] | None) -> OrchestrationResult[Any]:
    """What the proposer is told. The state that the run is in, unless it must ask again or stop."""
    details: StateAcceptDetails | StateRejectDetails | StateWaitDetails | StateAbortDetails
    if decision.verdict == "ACCEPT":
        details = StateAcceptDetails()
    elif decision.verdict == "REJECT":
        details = StateRejectDetails(reason=decision.reason)
    elif decision.verdict == "WAIT":
        details = StateWaitDetails(delay_seconds=decision.delay_seconds, reason=decision.reason)
    else:
        details = StateAbortDetails(reason=decision.reason)
    state = current if decision.state is None else decision.state
    return OrchestrationResult(state=state, status=SetStateStatus(decision.verdict), details=details)


def propose_for_flow_run(
    work: UnitOfWork, run: Row, proposed: State[Any], *, force: bool = False, lease: LeaseRequest | None = None
) -> OrchestrationResult[Any]:
    """
    Propose a state for a flow run that was read in this transaction.

    Args:
        work: The transaction.
        run: The run, as `read_run` answers; afterwards as it is then.
        proposed: The state.
        force: Whether the rules are skipped.
        lease: Shown by the process that runs it; stored if the run is to be worked at.
    """
    policy = FlowRunPolicy.model_validate(run["empirical_policy"])
    holder = leases.read_lease(work.connection, run["id"])
    needed = slots.slots_for_flow_run(work, run, proposed.type)
    facts = RunFacts(
        kind="flow",
        run_id=run["id"],
        run_count=run["run_count"],
        retries=policy.max_retries if policy.retries is None else policy.retries,
        retry_delay=policy.retry_delay_seconds if policy.retry_delay is None else policy.retry_delay,
        pause_keys=frozenset(policy.pause_keys or ()),
        resuming=bool(policy.resuming),
        has_deployment=run["deployment_id"] is not None,
        retry_type=policy.retry_type,
        lease_token=None if holder is None else _live_token(work, holder, lease),
        proposer_token=None if lease is None else lease.token,
        is_subflow=run["parent_task_run_id"] is not None,
        slots=needed.facts,
    )
    transition = Transition(facts, run["state"], proposed, work.now, force)
    decision = decide(transition)
    entered = decision.entered(transition)
    if entered is not None:
        written = {}
        changed = bookkeeping.apply_writes(policy, decision.writes)
        if changed is not policy:
            written["empirical_policy"] = policy = changed
        enter(work, FLOW_RUNS, run, transition, entered, **written)
        was_pending = transition.initial is not None and transition.initial.is_pending()
        _settle_lease(work, run, policy, holder, lease, was_pending=was_pending)
        slots.perform(work, run["id"], "flow_run", decision, needed, owned=lease is not None or holder is not None)
    return _answer(decision, transition.initial)


def _live_token(work: UnitOfWork, holder: leases.Holder, shown: LeaseRequest | None) -> UUID | None:
    """The token of the attempt that owns the run. Who shows it is there, so it need not be looked for."""
    if holder.suspended:
        return None
    is_its_owner = shown is not None and shown.token == holder.token
    return holder.token if is_its_owner or holder.is_live(work.now) else None


def _settle_lease(
    work: UnitOfWork,
    run: Row,
    policy: FlowRunPolicy,
    holder: leases.Holder | None,
    request: LeaseRequest | None,
    *,
    was_pending: bool,
) -> None:
    """Give the lease of a run to who works at it, and take it from who no longer does."""
    entered: State[Any] = run["state"]
    kind = entered.type
    if kind in {StateType.PENDING, StateType.RUNNING}:
        if request is not None:
            expires_at = work.now + timedelta(seconds=request.ttl_seconds)
            leases.grant(work.connection, Lease(run["id"], request.token, request.owner, expires_at), work.now)
        elif kind is StateType.RUNNING and was_pending and holder is not None:
            leases.release(work.connection, run["id"])  # it is begun by somebody who does not renew leases
        return
    if kind is StateType.CANCELLING or holder is None:
        return
    if waits_in_its_process(entered, policy.retry_type):
        leases.suspend(work.connection, run["id"])
    else:
        leases.release(work.connection, run["id"])


def propose_for_task_run(
    work: UnitOfWork, run: Row, proposed: State[Any], *, force: bool = False, lease_token: UUID | None = None
) -> OrchestrationResult[Any]:
    """
    Propose a state for a task run that was read in this transaction.

    Args:
        work: The transaction.
        run: The run, as `read_run` answers; afterwards as it is then.
        proposed: The state.
        force: Whether the rules are skipped.
        lease_token: Names the attempt to run its flow that asks; None: nobody in particular.
    """
    policy = TaskRunPolicy.model_validate(run["empirical_policy"])
    owner, live_token = _owner(work, run, lease_token)
    needed = slots.slots_for_task_run(work, run, proposed.type)
    facts = RunFacts(
        kind="task",
        run_id=run["id"],
        run_count=run["run_count"],
        retries=policy.max_retries if policy.retries is None else policy.retries,
        retry_delay=_delay(policy, run["run_count"]),
        flow_run_state=None if owner is None or owner["state_type"] is None else StateType(owner["state_type"]),
        flow_run_run_count=None if owner is None else owner["run_count"],
        lease_token=live_token,
        proposer_token=lease_token,
        slots=needed.facts,
    )
    transition = Transition(facts, run["state"], proposed, work.now, force)
    decision = decide(transition)
    entered = decision.entered(transition)
    if entered is not None:
        enter(work, TASK_RUNS, run, transition, entered)
        slots.perform(work, run["id"], "task_run", decision, needed)
    return _answer(decision, transition.initial)


def _owner(work: UnitOfWork, run: Row, shown: UUID | None) -> tuple[Row | None, UUID | None]:
    """
    The flow run without which a task run cannot go on, and the token of the attempt that owns it.

    A background task run goes on without the flow run that it was called in, and belongs to the worker that has it.
    """
    flow_run_id = run["flow_run_id"]
    if flow_run_id is None and shown is None:
        return None, None
    claimed = deliveries.claimants(work.connection, [run["id"]])
    if run["id"] in claimed:
        return None, deliveries.token_of(claimed[run["id"]]) or _NOBODY
    if flow_run_id is None:
        return None, None
    holder = None if shown is None else leases.read_lease(work.connection, flow_run_id)
    owner = records.read(work.connection, tables.flow_run, id=flow_run_id)
    return owner, None if holder is None else holder.token


def retry_delay(run: Row) -> float:
    """Seconds that a task run waits at least until it is tried again after the attempt that it has had last."""
    return _delay(TaskRunPolicy.model_validate(run["empirical_policy"]), run["run_count"])


def _delay(policy: TaskRunPolicy, attempt: int) -> float:
    """Seconds until the attempt after this one. Of a list of delays the last one holds for all further attempts."""
    delay = policy.retry_delay_seconds if policy.retry_delay is None else policy.retry_delay
    if isinstance(delay, list):
        return delay[min(max(attempt - 1, 0), len(delay) - 1)] if delay else 0
    return delay
