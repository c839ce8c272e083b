"""Automations hear of events, and of time that passes; what they have counted is stored with what follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select

from prefect._contract.triggers import MetricTrigger
from prefect._orchestration.firing import Outcome, begin, expects, hear, let_pass, parts_of
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.database.queries.automations import (
    StoredBuckets,
    due_buckets,
    forget_buckets,
    is_anything_waiting,
    take_unheard,
    write_bucket,
)
from prefect.server.operations.firings import note_firing
from prefect.server.operations.metrics import measure
from prefect.server.operations.work import UnitOfWork

if TYPE_CHECKING:
    from datetime import datetime

    from prefect._contract.automations import Automation
    from prefect._contract.events import ReceivedEvent
    from prefect._contract.triggers import Trigger

__all__ = ["KnownAutomations", "begin_to_count", "hear_of_events", "is_anything_due", "let_time_pass"]


class KnownAutomations:
    """The enabled automations, as models: those that have not changed are made once."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[datetime, Automation]] = {}

    def read(self, work: UnitOfWork) -> list[Automation]:
        """The automations that are enabled now, the oldest first."""
        from prefect._contract.automations import Automation

        automation = tables.automation
        enabled = automation.c.enabled.is_(True)
        selected = work.connection.execute(select(automation.c.id, automation.c.updated).where(enabled))
        moments = {row.id: row.updated for row in selected}
        changed = [id for id, updated in moments.items() if id not in self._known or self._known[id][0] != updated]
        kept = {id: known for id, known in self._known.items() if id in moments}
        if changed:
            rows = records.read_all(work.connection, automation, select(automation).where(automation.c.id.in_(changed)))
            kept |= {row["id"]: (row["updated"], Automation.model_validate(row)) for row in rows}
        self._known = kept
        return [known for _, (_, known) in sorted(kept.items())]


def is_anything_due(work: UnitOfWork) -> bool:
    """Whether there are events that were not heard of, or time has passed that matters."""
    return is_anything_waiting(work.connection, work.now)


def hear_of_events(work: UnitOfWork, known: KnownAutomations, limit: int) -> int:
    """
    Have all automations hear of the oldest events that they have not heard of.

    Returns:
        How many events there were, at most `limit`.
    """
    events = take_unheard(work.connection, limit)
    for automation in known.read(work) if events else ():
        own = f"prefect.automation.{automation.id}"  # what it does itself, it does not react to
        relevant = [event for event in events if event.resource.id != own and expects(automation.trigger, event)]
        if relevant:
            _hear(work, automation, relevant)
    return len(events)


def _hear(work: UnitOfWork, automation: Automation, events: Iterable[ReceivedEvent]) -> None:
    buckets, changed = StoredBuckets(work.connection, automation.id), Outcome({}, [])
    for event in events:
        outcome = hear(automation.trigger, event, buckets)
        buckets.change(outcome.changes)
        changed.changes.update(outcome.changes)
        for firing in outcome.firings:
            acted_on = event if firing.event_id == event.id else _read_event(work, firing.event_id)
            note_firing(work, automation, firing, acted_on)
    _write(work, automation, changed)


def let_time_pass(work: UnitOfWork, known: KnownAutomations, limit: int) -> int:
    """
    Have automations look at what is due although nothing occurred.

    Returns:
        How much was due, at most `limit`.
    """
    due = due_buckets(work.connection, work.now, limit)
    automations = {automation.id: automation for automation in known.read(work)} if due else {}
    for automation_id, keys in due.items():
        automation = automations[automation_id]
        due_ids = {trigger_id for trigger_id, _ in keys}
        measured = {
            part.id: measure(work, part)
            for part in parts_of(automation.trigger)
            if isinstance(part, MetricTrigger) and part.id in due_ids
        }
        known_before = StoredBuckets(work.connection, automation_id)
        outcome = let_pass(automation.trigger, work.now, keys, known_before, measured)
        for firing in outcome.firings:
            note_firing(work, automation, firing, _read_event(work, firing.event_id))
        _write(work, automation, outcome)
    return sum(map(len, due.values()))


def begin_to_count(work: UnitOfWork, automation: Automation, before: Trigger | None = None) -> None:
    """
    Forget what an automation has counted, and begin with what waits from the first moment on.

    Args:
        work: The transaction.
        automation: The automation.
        before: Its trigger before, of which the parts that are the same keep what they know.
    """
    same = set() if before is None else {part.id for part in parts_of(before)}
    kept = [part.id for part in parts_of(automation.trigger) if part.id in same]
    forget_buckets(work.connection, automation.id, kept)
    if automation.enabled:
        begun = {key: bucket for key, bucket in begin(automation.trigger, work.now).items() if key[0] not in kept}
        _write(work, automation, Outcome(dict(begun), []))


def _write(work: UnitOfWork, automation: Automation, outcome: Outcome) -> None:
    triggers = {part.id: part for part in parts_of(automation.trigger)}
    for key, bucket in outcome.changes.items():
        due = None if bucket is None else bucket.due(triggers[key[0]])
        write_bucket(work.connection, automation.id, key, bucket, due)


def _read_event(work: UnitOfWork, id: UUID | None) -> ReceivedEvent | None:
    from prefect._contract.events import ReceivedEvent

    row = None if id is None else records.read(work.connection, tables.event, id=id)
    return None if row is None else ReceivedEvent.model_validate(row)
