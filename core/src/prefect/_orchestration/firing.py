"""
When automations act: decided from the events that occur, the time that passes, and what is known from before.

Nothing here reads a clock or writes anything. What is to be remembered comes back as changes; with the same events and
the same moments, in the same order, there are the same firings.

A reactive trigger counts the events that it expects. With `within`, counting lasts for so long from the first of them,
and it acts once in that time; without, it acts at each `threshold`th. With `after`, counting begins with such an event,
and ends when it acts. A proactive trigger acts when that time is over and too few have occurred: with `after` once for
each such event; without, again and again, or for what it counts apart once until it is heard of again.

A metric trigger is looked at each minute, with what was measured then. It acts when its metric was out of bounds for long
enough, and once until it is within them again. While nothing can be measured, because no runs ended say, all stays as it is.

What has acted may be resolved: a metric trigger when its metric is within bounds again; a proactive one when what it missed
has occurred.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from prefect._contract.events import Event, ResourceSpecification, matches
from prefect._contract.triggers import (
    CompositeTrigger,
    CompoundTrigger,
    EventTrigger,
    MetricTrigger,
    MetricTriggerOperator,
    Posture,
    ResourceTrigger,
    SequenceTrigger,
    Trigger,
)

__all__ = ["Bucket", "BucketKey", "Firing", "Outcome", "begin", "concerns", "expects", "hear", "let_pass", "parts_of"]

BucketKey = tuple[UUID, tuple[str, ...]]
"""The id of a trigger, and the values of the labels that it counts apart."""

_KEPT_LONGER = timedelta(minutes=1)
"""How long what is over is known, for events that are heard of late."""

_RESOLVABLE = timedelta(days=1)
"""How long it is known of what is waited for once that it was missed, so that being heard of resolves that."""

_MEASURED_EVERY = timedelta(minutes=1)

_IS_OUT_OF_BOUNDS = {
    MetricTriggerOperator.LT: operator.lt,
    MetricTriggerOperator.LTE: operator.le,
    MetricTriggerOperator.GT: operator.gt,
    MetricTriggerOperator.GTE: operator.ge,
}


@dataclass(frozen=True, slots=True)
class Firing:
    """
    A trigger acts, or is resolved.

    Args:
        trigger_id: Which.
        moment: When: that of the last event, or the end of the time in which too little occurred.
        labels: What it counts apart, and for which of them it acts.
        event_id: The event that it acts on; None if it acts because nothing occurred.
        resolved: Whether it is resolved, and does not act.
        value: What was measured, if it is a metric trigger.
    """

    trigger_id: UUID
    moment: datetime
    labels: dict[str, str]
    event_id: UUID | None
    resolved: bool = False
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """
    What is known of a trigger, for one of the things that it counts apart.

    Args:
        start: Since when; for a metric trigger since when its metric is where it is.
        end: Until when events are counted, or when a metric is measured again; None for no limit.
        count: How many have occurred; 1 if a metric is out of bounds.
        acted: Whether the trigger has acted already.
        labels: The labels that it counts apart, with their values.
        event_id: The event with which it began, or that was counted last.
        parts: Of a trigger that is made of others, which of these have acted, and how.
    """

    start: datetime
    end: datetime | None = None
    count: int = 0
    acted: bool = False
    labels: dict[str, str] | None = None
    event_id: UUID | None = None
    parts: tuple[tuple[int, Firing], ...] = ()

    def due(self, trigger: Trigger) -> datetime | None:
        """When to look at it again although nothing occurs; None for never."""
        if self.end is None:
            return None
        is_punctual = _is_proactive(trigger) or isinstance(trigger, MetricTrigger)
        return self.end if is_punctual else self.end + _KEPT_LONGER


class Outcome(NamedTuple):
    """
    What an event, or time, leads to.

    Args:
        changes: What is known now; None for what is known no longer.
        firings: What acts, in order.
    """

    changes: dict[BucketKey, Bucket | None]
    firings: list[Firing]


def hear(trigger: Trigger, event: Event, known: Mapping[BucketKey, Bucket]) -> Outcome:
    """
    What an event leads to.

    Args:
        trigger: A trigger of any kind, with all that it is made of.
        event: The event.
        known: What is known from before.
    """
    thought = _Thought(known)
    firings = thought.hear(trigger, event)
    return Outcome(thought.changes, firings)


def let_pass(
    trigger: Trigger,
    now: datetime,
    due: Collection[BucketKey],
    known: Mapping[BucketKey, Bucket],
    measured: Mapping[UUID, float | None] | None = None,
) -> Outcome:
    """
    What the time leads to.

    Args:
        trigger: A trigger of any kind, with all that it is made of.
        now: The moment.
        due: Of what is known, that which is due.
        known: What is known from before.
        measured: For each metric trigger that is due what was measured now; None if nothing could be.
    """
    thought = _Thought(known, measured)
    firings = thought.let_pass(trigger, now, due)
    return Outcome(thought.changes, firings)


def begin(trigger: Trigger, now: datetime) -> dict[BucketKey, Bucket]:
    """What is known of a trigger before anything has occurred: what waits from the first moment on."""
    begun: dict[BucketKey, Bucket] = {}
    for part in parts_of(trigger):
        if isinstance(part, MetricTrigger):
            begun[part.id, ()] = Bucket(now, now)
        elif isinstance(part, EventTrigger) and _is_proactive(part) and not part.after and not part.for_each:
            begun[part.id, ()] = Bucket(now, now + part.within)
    return begun


def parts_of(trigger: Trigger) -> Iterable[Trigger]:
    """A trigger, and all that it is made of."""
    yield trigger
    if isinstance(trigger, CompositeTrigger):
        for part in trigger.triggers:
            yield from parts_of(part)


def expects(trigger: Trigger, event: Event) -> bool:
    """Whether an event may matter to a trigger, by its name and its resources."""
    return any(isinstance(part, EventTrigger) and _matters(part, event) for part in parts_of(trigger))


def _is_proactive(trigger: Trigger) -> bool:
    return isinstance(trigger, EventTrigger) and trigger.posture == Posture.Proactive


def _is_named(names: set[str], event: Event) -> bool:
    return event.event in names or any(matches(name, event.event) for name in names)


def _acts_once(trigger: EventTrigger) -> bool:
    """Whether a proactive trigger acts once for what it waits for, and not again and again."""
    return bool(trigger.after or trigger.for_each)


def _is_expected(trigger: EventTrigger, event: Event) -> bool:
    return not trigger.expect or _is_named(trigger.expect, event)


def _matters(trigger: EventTrigger, event: Event) -> bool:
    if not (_is_expected(trigger, event) or _is_named(trigger.after, event)):
        return False
    return concerns(trigger, event)


def concerns(trigger: ResourceTrigger, event: Event) -> bool:
    """Whether an event is about resources that a trigger looks at."""
    if not _specification(trigger.match).includes([event.resource]):
        return False
    related = trigger.match_related if isinstance(trigger.match_related, list) else [trigger.match_related]
    return all(_specification(each).includes(event.related) for each in related)


def _specification(given: ResourceSpecification | dict[str, str | list[str]]) -> ResourceSpecification:
    return given if isinstance(given, ResourceSpecification) else ResourceSpecification(given)


def _labels(trigger: EventTrigger, event: Event) -> dict[str, str]:
    return {label: event.find_resource_label(label) or "" for label in sorted(trigger.for_each)}


class _Thought:
    """One event, or moment, thought through: what was known, and what has changed."""

    def __init__(self, known: Mapping[BucketKey, Bucket], measured: Mapping[UUID, float | None] | None = None) -> None:
        self.changes: dict[BucketKey, Bucket | None] = {}
        self._known = known
        self._measured = measured or {}

    def _get(self, key: BucketKey) -> Bucket | None:
        return self.changes[key] if key in self.changes else self._known.get(key)

    def hear(self, trigger: Trigger, event: Event) -> list[Firing]:
        if isinstance(trigger, EventTrigger):
            return self._count(trigger, event) if _matters(trigger, event) else []
        return self._gather_from(trigger, lambda part: self.hear(part, event))

    def let_pass(self, trigger: Trigger, now: datetime, due: Collection[BucketKey]) -> list[Firing]:
        own = [key for key in due if key[0] == trigger.id]
        if isinstance(trigger, EventTrigger):
            return [firing for key in own for firing in self._end(trigger, key, now)]
        if isinstance(trigger, MetricTrigger):
            return [firing for key in own for firing in self._look(trigger, key, now)]
        for key in own:
            self.changes[key] = None
        return self._gather_from(trigger, lambda part: self.let_pass(part, now, due))

    # -- event triggers

    def _count(self, trigger: EventTrigger, event: Event) -> list[Firing]:
        labels = _labels(trigger, event)
        key = (trigger.id, tuple(labels.values()))
        if _is_proactive(trigger):
            return [*self._end(trigger, key, event.occurred), *self._wait(trigger, key, labels, event)]
        known = self._get(key)
        if known is not None and known.end is not None and known.end < event.occurred:
            known = None
        if known is None and trigger.after and not _is_named(trigger.after, event):
            return []
        if known is None:
            known = self._open(trigger, labels, event)
            if trigger.after:
                self.changes[key] = known
                return []
        if not _is_expected(trigger, event):
            return []
        counted = replace(known, count=known.count + 1, event_id=event.id)
        acts = counted.count >= trigger.threshold and not counted.acted
        is_over = acts and (trigger.after or counted.end is None)
        self.changes[key] = None if is_over else replace(counted, acted=counted.acted or acts)
        return [Firing(trigger.id, event.occurred, labels, event.id)] if acts else []

    @staticmethod
    def _open(trigger: EventTrigger, labels: dict[str, str], event: Event) -> Bucket:
        end = event.occurred + trigger.within if trigger.within else None
        return Bucket(event.occurred, end, labels=labels, event_id=event.id)

    def _wait(self, trigger: EventTrigger, key: BucketKey, labels: dict[str, str], event: Event) -> list[Firing]:
        """Count an event whose absence a proactive trigger waits for."""
        known = self._get(key)
        begins = not trigger.after or _is_named(trigger.after, event)
        if known is None or (known.acted and trigger.after and begins):
            if begins:
                self.changes[key] = self._open(trigger, labels, event)
        elif _is_expected(trigger, event):
            counted = replace(known, count=known.count + 1)
            if counted.count >= trigger.threshold or (known.acted and _acts_once(trigger)):
                self.changes[key] = None if trigger.after else self._open(trigger, labels, event)
                if known.acted:
                    return [Firing(trigger.id, event.occurred, labels, event.id, resolved=True)]
            else:
                self.changes[key] = counted
        return []

    def _end(self, trigger: EventTrigger, key: BucketKey, now: datetime) -> list[Firing]:
        """End what is over. What waits for nothing in particular begins again."""
        known = self._get(key)
        if known is None or known.end is None or known.end >= now:
            return []
        if not _is_proactive(trigger):
            if known.end + _KEPT_LONGER < now:
                self.changes[key] = None
            return []
        if known.acted and _acts_once(trigger):
            self.changes[key] = None
            return []
        if _acts_once(trigger):
            again = Bucket(known.end, known.end + _RESOLVABLE, acted=True, labels=known.labels)
        else:
            passed = (now - known.end) // trigger.within
            start = known.end + passed * trigger.within
            again = Bucket(start, start + trigger.within, acted=True)
        self.changes[key] = again
        event_id = known.event_id if trigger.after else None
        return [Firing(trigger.id, known.end, known.labels or {}, event_id)]

    # -- metric triggers

    def _look(self, trigger: MetricTrigger, key: BucketKey, now: datetime) -> list[Firing]:
        """Heed what was measured. Times in which nobody looked say nothing of how long the metric was out of bounds."""
        known, value, query = self._get(key), self._measured.get(trigger.id), trigger.metric
        if known is None or known.end is None:
            return []
        again = now + _MEASURED_EVERY
        if value is None:
            self.changes[key] = replace(known, end=again)
            return []
        if not _IS_OUT_OF_BOUNDS[query.operator](value, query.threshold):
            self.changes[key] = Bucket(now, again)
            return [Firing(trigger.id, now, {}, None, resolved=True, value=value)] if known.acted else []
        was_out = known.count > 0 and now - known.end < query.firing_for
        since = known.start if was_out else now
        acts = not known.acted and now - since >= query.firing_for
        self.changes[key] = Bucket(since, again, 1, acted=known.acted or acts)
        return [Firing(trigger.id, now, {}, None, value=value)] if acts else []

    # -- triggers that are made of others

    def _gather_from(self, trigger: Trigger, ask: Callable[[Trigger], list[Firing]]) -> list[Firing]:
        if not isinstance(trigger, CompositeTrigger):
            return []
        numbered, is_sequence = list(enumerate(trigger.triggers)), isinstance(trigger, SequenceTrigger)
        if is_sequence:
            numbered.reverse()  # so that one event is one step
        fired = [(number, firing) for number, part in numbered for firing in ask(part) if not firing.resolved]
        acts: list[Firing] = []
        for number, firing in fired:
            acts += self._gather(trigger, number, firing)
            if acts and is_sequence:
                break  # the last step of one sequence is not the first of the next
        return acts

    def _gather(self, trigger: CompositeTrigger, number: int, firing: Firing) -> list[Firing]:
        """Note that a part has acted, and act if that is enough."""
        key = (trigger.id, ())
        known = self._get(key)
        oldest = None if trigger.within is None else firing.moment - trigger.within
        parts = dict(known.parts) if known is not None else {}
        if isinstance(trigger, SequenceTrigger):
            parts = _in_sequence(parts, number, firing, oldest)
            needed = len(trigger.triggers)
        else:
            parts = {part: each for part, each in parts.items() if oldest is None or each.moment >= oldest}
            parts[number] = firing
            needed = _needed(trigger)
        acts = len(parts) >= needed
        self.changes[key] = None if acts or not parts else self._gathered(trigger, parts)
        return [replace(firing, trigger_id=trigger.id)] if acts else []

    @staticmethod
    def _gathered(trigger: CompositeTrigger, parts: dict[int, Firing]) -> Bucket:
        first, last = (choose(each.moment for each in parts.values()) for choose in (min, max))
        end = None if trigger.within is None else last + trigger.within
        return Bucket(first, end, len(parts), parts=tuple(sorted(parts.items())))


def _needed(trigger: CompositeTrigger) -> int:
    require = trigger.require if isinstance(trigger, CompoundTrigger) else "all"
    if isinstance(require, int):
        return require
    return 1 if require == "any" else len(trigger.triggers)


def _in_sequence(parts: dict[int, Firing], number: int, firing: Firing, oldest: datetime | None) -> dict[int, Firing]:
    """The steps that were taken, with another one if it is the next."""
    if parts and oldest is not None and parts[0].moment < oldest:
        parts = {}
    if number == len(parts) or (number == 0 and len(parts) == 1):
        return {**parts, number: firing}
    return parts
