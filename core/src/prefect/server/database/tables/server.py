"""What an orchestrator keeps for itself."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table

from prefect.server.database.tables.columns import metadata, record, required
from prefect.server.database.types import Document, Identifier, Moment

__all__ = [
    "answered_request",
    "api_token",
    "audit_entry",
    "configuration",
    "csrf_token",
    "saved_search",
    "schema_version",
    "service_lease",
    "task_worker",
]

answered_request = Table(
    "answered_request",
    metadata,
    Column("key", Identifier, primary_key=True, nullable=False),
    required("created", Moment),
    required("fingerprint", String),
    required("status", Integer),
    required("answer", String),
    Index("ix_answered_request__created", "created"),
)
"""What requests were answered that a client may send again, not knowing that they had their effect."""

configuration = Table(
    "configuration",
    metadata,
    *record(),
    required("key", String),
    required("value", Document),
    Index("uq_configuration__key", "key", unique=True),
)

saved_search = Table(
    "saved_search",
    metadata,
    *record(),
    required("name", String),
    required("filters", Document),
    Index("uq_saved_search__name", "name", unique=True),
)

task_worker = Table(
    "task_worker",
    metadata,
    Column("identifier", String, primary_key=True, nullable=False),
    required("task_keys", Document),
    required("last_heartbeat", Moment),
    Index("ix_task_worker__last_heartbeat", "last_heartbeat"),
)

service_lease = Table(
    "service_lease",
    metadata,
    Column("service", String, primary_key=True, nullable=False),
    required("holder", String),
    required("expires_at", Moment),
    Column("last_tick", Moment),
)
"""Which server runs each of the loops, until when, and when it last did so without an error."""

csrf_token = Table(
    "csrf_token",
    metadata,
    *record(),
    required("token", String),
    required("client", String),
    required("expiration", Moment),
    Index("uq_csrf_token__client", "client", unique=True),
    Index("ix_csrf_token__expiration", "expiration"),
)

api_token = Table(
    "api_token",
    metadata,
    *record(),
    required("name", String),
    required("digest", String),
    required("scopes", Document),
    Column("work_pool_name", String),
    Column("expires_at", Moment),
    Column("last_used", Moment),
    Index("uq_api_token__name", "name", unique=True),
    Index("uq_api_token__digest", "digest", unique=True),
)
"""Who may ask what. Of the secret itself only the digest is kept."""

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", Identifier, primary_key=True, nullable=False),
    required("occurred", Moment),
    required("actor", String),
    required("action", String),
    Column("address", String),
    Column("resource", String),
    Column("details", Document),
    Index("ix_audit_entry__occurred", "occurred"),
    Index("ix_audit_entry__resource", "resource"),
)
"""Who changed what, from where."""

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, nullable=False),
    required("name", String),
    required("applied", Moment),
)
"""One row for each migration that this database has been through."""
