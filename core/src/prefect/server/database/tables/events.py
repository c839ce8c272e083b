"""Events and automations."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, String, Table, Text, text

from prefect.server.database.tables.columns import metadata, owner, record, required
from prefect.server.database.types import Document, Identifier, Moment

__all__ = [
    "automation",
    "automation_action",
    "automation_bucket",
    "automation_related_resource",
    "event",
    "event_backlog",
    "event_resource",
    "event_unheard",
]

event = Table(
    "events",
    metadata,
    *record(),
    required("occurred", Moment),
    required("event", Text),
    required("resource_id", Text),
    required("resource", Document),
    required("related", Document),
    required("payload", Document),
    required("received", Moment),
    Column("follows", Identifier),
    Index("ix_events__occurred_id", "occurred", "id"),
    Index("ix_events__received_id", "received", "id"),
    Index("ix_events__event_occurred", "event", "occurred"),
    Index("ix_events__resource_id_occurred", "resource_id", "occurred"),
)

event_resource = Table(
    "event_resources",
    metadata,
    owner("event_id", "events.id"),
    required("position", Integer),
    required("occurred", Moment),
    required("resource_id", Text),
    required("resource_role", Text),
    required("resource", Document),
    PrimaryKeyConstraint("event_id", "position"),
    Index("ix_event_resources__resource_id_occurred", "resource_id", "occurred", "event_id"),
)
"""The related resources of an event, one by one."""

event_backlog = Table(
    "event_backlog",
    metadata,
    Column("position", Integer, primary_key=True, nullable=False),
    required("events", Document),
)
"""
Events of processes that are their own orchestrator, in the order in which they were emitted.

Storing an event as others are found takes nine pages of the database, and this takes one. They are taken in when somebody
asks for events, and by servers. Of task runs there are only the ids of the states that they entered.
"""

event_unheard = Table(
    "event_unheard",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, nullable=False),
    owner("event_id", "events.id"),
    Index("uq_event_unheard__event_id", "event_id", unique=True),
)
"""Events that automations have not heard of yet, in the order in which they were stored. Without automations, none."""

automation = Table(
    "automation",
    metadata,
    *record(),
    required("name", String),
    required("description", Text),
    required("enabled", Boolean),
    required("tags", Document),
    required("trigger", Document),
    required("actions", Document),
    required("actions_on_trigger", Document),
    required("actions_on_resolve", Document),
    Index("ix_automation__name", "name"),
    Index("ix_automation__created", "created"),
    Index("ix_automation__enabled", "enabled"),
    Index("ix_automation__updated", "updated"),
)

automation_related_resource = Table(
    "automation_related_resource",
    metadata,
    *record(),
    owner("automation_id", "automation.id"),
    required("resource_id", String),
    required("automation_owned_by_resource", Boolean),
    Index("uq_automation_related_resource__automation_resource", "automation_id", "resource_id", unique=True),
    Index("ix_automation_related_resource__resource_id", "resource_id"),
)

automation_bucket = Table(
    "automation_bucket",
    metadata,
    owner("automation_id", "automation.id"),
    required("trigger_id", Identifier),
    required("bucket_key", Text),
    Column("due", Moment),
    required("bucket", Document),
    PrimaryKeyConstraint("automation_id", "trigger_id", "bucket_key"),
    Index("ix_automation_bucket__due", "due", sqlite_where=text("due IS NOT NULL")),
)
"""What triggers have counted: see `prefect._orchestration.firing.Bucket`. The key is a JSON list of labels' values."""

automation_action = Table(
    "automation_action",
    metadata,
    *record(),
    owner("automation_id", "automation.id"),
    required("is_errand", Boolean),
    required("due", Moment),
    required("attempts", Integer),
    required("action", Document),
    required("firing", Document),
    Index("ix_automation_action__automation_id", "automation_id"),
    Index("ix_automation_action__is_errand_due", "is_errand", "due"),
)
"""What automations have decided to do and have not done. An errand leads outside of the database: a message, a request."""
