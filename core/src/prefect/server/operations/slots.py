"""
Slots that runs have while they are worked at: of the limits of their tags, or of their deployment.

What is to become of them is decided by the rules. Here their facts are read, and what was decided is done, both in the
transaction of the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select

from prefect._contract.concurrency import ConcurrencyLimitStrategy
from prefect._contract.state import StateType
from prefect._orchestration.transition import AcquireSlots, Decision, ReleaseSlots, SlotFacts, SlotLimit
from prefect.server.database.queries import records, slots as queries
from prefect.server.database.queries.slots import Limit
from prefect.server.database.tables import concurrency_limit, deployment
from prefect.server.operations.slot_events import tell_of_slots
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7

__all__ = [
    "NeededSlots",
    "free_all_of",
    "free_those_not_running",
    "perform",
    "slots_for_flow_run",
    "slots_for_task_run",
]

Row = dict[str, Any]

_TAG = "tag:"

_limit = concurrency_limit.c


@dataclass(frozen=True, slots=True)
class NeededSlots:
    """
    The slots that a run needs to be in a state that is proposed for it, as they are in this transaction.

    Args:
        facts: What the rules are to know of them.
        limits: The limits, none of whose slots anybody else takes before this transaction ends.
        held: The limits of which the run has a slot.
        grace_seconds: How long they are kept for a run that nobody is known to work at; None: until they are given back.
    """

    facts: SlotFacts = field(default_factory=SlotFacts)
    limits: tuple[Limit, ...] = ()
    held: frozenset[UUID] = frozenset()
    grace_seconds: float | None = None


_NONE = NeededSlots()


def slots_for_task_run(work: UnitOfWork, run: Row, proposed: StateType) -> NeededSlots:
    """The slots that a task run needs to be in a state: when it is running, one of each of its tags that has a limit."""
    if proposed is not StateType.RUNNING or not run["tags"]:
        return _NONE
    names = {f"{_TAG}{tag}" for tag in run["tags"]}
    limits = _active(work, _limit.name.in_(names))
    if not limits:
        return _NONE
    from prefect.settings import get_current_settings

    seconds = get_current_settings().server.tasks.tag_concurrency_slot_wait_seconds
    return _needed(work, run, limits, None, wait_seconds=seconds)


def slots_for_flow_run(work: UnitOfWork, run: Row, proposed: StateType) -> NeededSlots:
    """The slots that a flow run needs to be in a state: while it is pending or running, one of its deployment's limit."""
    if run["deployment_id"] is None or proposed not in {StateType.PENDING, StateType.RUNNING}:
        return _NONE
    of = records.read(work.connection, deployment, id=run["deployment_id"])
    if of is None or of["concurrency_limit_id"] is None:
        return _NONE
    limits = _active(work, _limit.id == of["concurrency_limit_id"])
    if not limits:
        return _NONE
    from prefect.settings import get_current_settings

    server = get_current_settings().server
    options = of["concurrency_options"] or {}
    grace = options.get("grace_period_seconds") or server.concurrency.initial_deployment_lease_duration
    return _needed(
        work,
        run,
        limits,
        grace,
        wait_seconds=server.deployments.concurrency_slot_wait_seconds,
        cancels_new=options.get("collision_strategy") == ConcurrencyLimitStrategy.CANCEL_NEW.value,
    )


def _active(work: UnitOfWork, condition: Any) -> tuple[Limit, ...]:
    return tuple(limit for limit in queries.hold(work.connection, work.now, condition) if limit.active)


def _needed(work: UnitOfWork, run: Row, limits: tuple[Limit, ...], grace: float | None, **options: Any) -> NeededSlots:
    held = queries.limits_of_holder(work.connection, run["id"], work.now)
    mine = [held[limit.id] for limit in limits if limit.id in held]
    shown = tuple(
        SlotLimit(limit.id, limit.name.removeprefix(_TAG), limit.size, limit.free > 0, limit.id in held)
        for limit in limits
    )
    facts = SlotFacts(shown, mine[0] if mine else uuid7(), **options)
    return NeededSlots(facts, limits, frozenset(held), grace)


def perform(
    work: UnitOfWork, run_id: UUID, kind: str, decision: Decision, needed: NeededSlots, *, owned: bool = False
) -> None:
    """
    Do with the slots of a run what was decided.

    Args:
        work: The transaction.
        run_id: The run.
        kind: `flow_run` or `task_run`.
        decision: The decision.
        needed: What it was decided by.
        owned: Whether a process holds the run's lease. Then the slots are free when the run ends, by itself or because that
            process is gone, and not before.
    """
    for effect in decision.writes:
        if isinstance(effect, AcquireSlots):
            until = (
                None if owned or needed.grace_seconds is None else work.now + timedelta(seconds=needed.grace_seconds)
            )
            _acquire(work, effect, (kind, run_id), needed, until)
        elif isinstance(effect, ReleaseSlots):
            free_all_of(work, [run_id])


def _acquire(
    work: UnitOfWork, effect: AcquireSlots, holder: tuple[str, UUID], needed: NeededSlots, until: datetime | None
) -> None:
    kept = [identifier for identifier in effect.limit_ids if identifier in needed.held]
    if kept:
        queries.keep(work.connection, kept, holder[1], until)
    missing = [limit for limit in needed.limits if limit.id in effect.limit_ids and limit.id not in needed.held]
    lease_id = effect.lease_id or uuid7()
    taken = queries.take(work.connection, missing, 1, lease_id=lease_id, holder=holder, expires_at=until)
    tell_of_slots(work, "acquired", taken)


def free_all_of(work: UnitOfWork, holders: Iterable[UUID] | Select[Any]) -> None:
    """Free the slots that some runs have, by their ids or by what selects those."""
    tell_of_slots(work, "released", queries.free_all_of(work.connection, holders))


def free_those_not_running(work: UnitOfWork, task_run_ids: Sequence[UUID]) -> None:
    """Free the slots of those of some task runs that have ended, or wait for another time."""
    tell_of_slots(work, "released", queries.free_those_not_running(work.connection, task_run_ids))
