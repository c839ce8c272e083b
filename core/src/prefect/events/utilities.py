"""Emitting events."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prefect._contract.events import Event, RelatedResource
from prefect.events.worker import EventsWorker, should_emit_events

__all__ = ["TIGHT_TIMING", "emit_event"]

TIGHT_TIMING = timedelta(minutes=5)
"""An event is said to follow another one only if so much time, at most, lies between them."""


def emit_event(
    event: str,
    resource: dict[str, str],
    occurred: datetime | None = None,
    related: list[dict[str, str]] | list[RelatedResource] | None = None,
    payload: dict[str, Any] | None = None,
    id: UUID | None = None,
    follows: Event | None = None,
    **kwargs: dict[str, Any] | None,
) -> Event | None:
    """
    Tell the orchestrator of something that happened. It is sent in the background, with what the current run belongs to.

        emit_event("orders.received", resource={"prefect.resource.id": "orders.17"}, payload={"pieces": 3})

    Args:
        event: What happened.
        resource: Labels of what it happened to; `prefect.resource.id` identifies it.
        occurred: When; now by default.
        related: Labels of what else was involved; `prefect.resource.role` says as what.
        payload: What else is to be said, as JSON values.
        id: Identifies the event, so that telling it twice is telling it once.
        follows: An event that it is known to come after.
        kwargs: Further fields of the event.

    Returns:
        The event, as it is sent but for what the run belongs to.

    Raises:
        pydantic.ValidationError: That is no event.
    """
    if not should_emit_events():
        return None
    given: dict[str, Any] = {"occurred": occurred, "related": related, "payload": payload, "id": id}
    fields = {name: value for name, value in given.items() if value is not None}
    told = Event.model_validate({"event": event, "resource": resource, **fields, **kwargs})
    if follows is not None and -TIGHT_TIMING < told.occurred - follows.occurred < TIGHT_TIMING:
        told.follows = follows.id
    EventsWorker.instance().send(told.model_copy())
    return told
