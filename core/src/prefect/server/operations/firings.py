"""What becomes of the firings of automations: they are told of, and what is to be done is noted, to be done once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from pydantic_core import to_jsonable_python

from prefect._contract.automation_actions import CallWebhook, SendNotification
from prefect._contract.events import ReceivedEvent
from prefect._contract.triggers import EventTrigger, MetricTrigger
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.database.queries.events import Occurrence
from prefect.server.operations.work import UnitOfWork
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.automations import Automation
    from prefect._orchestration.firing import Firing

__all__ = ["Invocation", "note_firing", "tell_of_action"]

Labels = dict[str, str]
Row = dict[str, Any]

_ERRANDS = (CallWebhook, SendNotification)


class Invocation(NamedTuple):
    """
    One action to be done for one firing.

    Args:
        id: Identifies it.
        automation_id: The automation.
        place: That of the action among those of the automation, from 0.
        action: The action.
        labels: What the trigger counts apart, and for which of them it acted.
        moment: When it acted, in ISO 8601.
        event: The event that it acted on; None if it acted because nothing occurred.
        metric: The name, operator, threshold and value of what was measured, if it is a metric trigger.
        triggered_id: The event that told of the firing.
        told_id: The event that told of the action.
    """

    id: UUID
    automation_id: UUID
    place: int
    action: Row
    labels: Labels
    moment: str
    event: Row | None
    metric: Row | None
    triggered_id: UUID
    told_id: UUID

    @classmethod
    def of(cls, row: Row) -> Invocation:
        """The invocation that a row keeps."""
        kept: Any = row["firing"]
        ids = {name: UUID(kept[name]) for name in ("triggered_id", "told_id")}
        own = {"id": row["id"], "automation_id": row["automation_id"], "action": row["action"]}
        return cls(**{"metric": None, **kept, **ids, **own})


def note_firing(work: UnitOfWork, automation: Automation, firing: Firing, event: ReceivedEvent | None) -> None:
    """
    Tell that a trigger has acted or is resolved, and note what is to be done.

    Args:
        work: The transaction.
        automation: The automation.
        firing: How its trigger acted, or was resolved.
        event: The event that it acted on.
    """
    triggered_id, told = uuid7(), None if event is None else to_jsonable_python(event)
    related = [] if event is None else [_event(event.id, "triggering-event")]
    payload: Row = {"triggering_labels": firing.labels, "triggering_event": told}
    if (metric := _measured(automation, firing)) is not None:
        payload["metric"] = metric
    what, actions = "triggered", [*automation.actions, *automation.actions_on_trigger]
    if firing.resolved:
        what, actions = "resolved", automation.actions_on_resolve
    resource = _resource(automation, typed=False)
    work.emit(Occurrence(triggered_id, work.now, f"prefect.automation.{what}", resource, related, payload))
    rows = []
    for place, action in enumerate(actions):
        invocation = Invocation(
            uuid7(),
            automation.id,
            place,
            action.model_dump(mode="json"),
            firing.labels,
            firing.moment.isoformat(),
            told,
            metric,
            triggered_id,
            uuid7(),
        )
        follows = None if event is None else event.id
        tell_of_action(work, automation, invocation, "triggered", id=invocation.told_id, follows=follows)
        rows.append(_row(work, invocation, is_errand=isinstance(action, _ERRANDS)))
    records.create(work.connection, tables.automation_action, *rows)


def _measured(automation: Automation, firing: Firing) -> Row | None:
    """What was measured, if the automation looks at a metric."""
    if firing.value is None or not isinstance(automation.trigger, MetricTrigger):
        return None
    query = automation.trigger.metric.model_dump(mode="json", include={"name", "operator", "threshold"})
    return {**query, "value": firing.value}


def _row(work: UnitOfWork, invocation: Invocation, *, is_errand: bool) -> Row:
    kept = {name: getattr(invocation, name) for name in ("place", "labels", "moment", "event", "metric")}
    ids = {name: str(getattr(invocation, name)) for name in ("triggered_id", "told_id")}
    return {
        "id": invocation.id,
        "created": work.now,
        "updated": work.now,
        "automation_id": invocation.automation_id,
        "is_errand": is_errand,
        "due": work.now,
        "attempts": 0,
        "action": invocation.action,
        "firing": {**kept, **ids},
    }


def tell_of_action(
    work: UnitOfWork,
    automation: Automation,
    invocation: Invocation,
    what: str,
    *,
    id: UUID | None = None,
    follows: UUID | None = None,
    related: list[Labels] | None = None,
    **said: Any,
) -> None:
    """
    Emit that an action is `triggered`, `executed` or `failed`.

    Args:
        work: The transaction.
        automation: The automation.
        invocation: The action.
        what: What became of it.
        id: Identifies the event.
        follows: The event that it comes after; by default the one that told that the action was triggered.
        related: What else was involved.
        said: What else is to be said.
    """
    involved = [_event(invocation.triggered_id, "automation-triggered-event")]
    if invocation.event is not None:
        involved.append(_event(invocation.event["id"], "triggering-event"))
    payload = {
        "action_index": invocation.place,
        "action_type": invocation.action["type"],
        "invocation": str(invocation.id),
        **said,
    }
    event, resource = f"prefect.automation.action.{what}", _resource(automation, typed=True)
    after = follows if what == "triggered" else invocation.told_id
    work.emit(Occurrence(id or uuid7(), work.now, event, resource, [*involved, *(related or [])], payload, after))


def _event(id: object, role: str) -> Labels:
    return {"prefect.resource.id": f"prefect.event.{id}", "prefect.resource.role": role}


def _resource(automation: Automation, *, typed: bool) -> Labels:
    labels = {"prefect.resource.id": f"prefect.automation.{automation.id}", "prefect.resource.name": automation.name}
    if typed:
        labels["prefect.trigger-type"] = automation.trigger.type
    if isinstance(automation.trigger, (EventTrigger, MetricTrigger)):
        labels["prefect.posture"] = automation.trigger.posture.value
    return labels
