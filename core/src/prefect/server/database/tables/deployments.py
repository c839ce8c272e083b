"""Deployments, the work pools that their runs wait in, and limits of how many may run."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text, text

from prefect.server.database.tables.columns import metadata, owner, record, required
from prefect.server.database.types import Document, Identifier, Moment

__all__ = [
    "concurrency_lease",
    "concurrency_limit",
    "deployment",
    "deployment_schedule",
    "work_pool",
    "work_queue",
    "worker",
]

concurrency_limit = Table(
    "concurrency_limit_v2",
    metadata,
    *record(),
    required("name", String),
    required("active", Boolean),
    required("limit", Integer),
    required("slot_decay_per_second", Float),
    required("denied_slots", Integer),
    required("avg_slot_occupancy_seconds", Float),
    required("decaying_slots", Float),
    Column("decaying_since", Moment),
    Index("uq_concurrency_limit_v2__name", "name", unique=True),
)
"""
Numbers of slots. A limit of a tag is one whose name is `tag:` and the tag.

How many slots are in use is the sum of its leases, and of what is left of `decaying_slots` since `decaying_since`.
"""

concurrency_lease = Table(
    "concurrency_lease",
    metadata,
    *record(),
    required("lease_id", Identifier),
    owner("concurrency_limit_id", "concurrency_limit_v2.id"),
    required("slots", Integer),
    required("mode", String),
    Column("holder_type", String),
    Column("holder_id", Identifier),
    Column("expires_at", Moment),
    Index("ix_concurrency_lease__concurrency_limit_id", "concurrency_limit_id"),
    Index("ix_concurrency_lease__lease_id", "lease_id"),
    Index("ix_concurrency_lease__holder_id", "holder_id"),
    Index("ix_concurrency_lease__expires_at", "expires_at"),
)
"""Slots in use: one row for each limit that a lease takes slots of. Without `expires_at` until they are given back."""

work_pool = Table(
    "work_pool",
    metadata,
    *record(),
    required("name", String),
    Column("description", Text),
    required("type", String),
    required("base_job_template", Document),
    required("is_paused", Boolean),
    Column("concurrency_limit", Integer),
    Column("default_queue_id", Identifier),
    required("status", String),
    Column("last_transitioned_status_at", Moment),
    Column("last_status_event_id", Identifier),
    required("storage_configuration", Document),
    Index("uq_work_pool__name", "name", unique=True),
    Index("ix_work_pool__type", "type"),
)

work_queue = Table(
    "work_queue",
    metadata,
    *record(),
    required("name", String),
    Column("filter", Document),
    required("description", Text),
    required("is_paused", Boolean),
    Column("concurrency_limit", Integer),
    required("priority", Integer),
    Column("last_polled", Moment),
    required("status", String),
    owner("work_pool_id", "work_pool.id"),
    Index("uq_work_queue__work_pool_id_name", "work_pool_id", "name", unique=True),
    Index("ix_work_queue__name", "name"),
)

worker = Table(
    "worker",
    metadata,
    *record(),
    required("name", String),
    owner("work_pool_id", "work_pool.id"),
    required("last_heartbeat_time", Moment),
    Column("heartbeat_interval_seconds", Integer),
    required("online_until", Moment),
    Column("metadata_", Document),
    Index("uq_worker__work_pool_id_name", "work_pool_id", "name", unique=True),
    Index("ix_worker__work_pool_id_online_until", "work_pool_id", "online_until"),
    Index("ix_worker__last_heartbeat_time", "last_heartbeat_time"),
)
"""Processes that take runs from a pool. Each is online until `online_until`, unless it is heard of again."""

deployment = Table(
    "deployment",
    metadata,
    *record(),
    required("name", String),
    Column("version", String),
    Column("version_id", Identifier),
    Column("version_info", Document),
    Column("description", Text),
    owner("flow_id", "flow.id"),
    Column("work_queue_name", String),
    Column("work_queue_id", Identifier, ForeignKey("work_queue.id", ondelete="SET NULL")),
    required("job_variables", Document),
    Column("path", String),
    Column("entrypoint", String),
    Column("last_polled", Moment),
    required("status", String),
    required("paused", Boolean),
    Column("concurrency_limit_id", Identifier, ForeignKey("concurrency_limit_v2.id", ondelete="SET NULL")),
    Column("concurrency_options", Document),
    required("tags", Document),
    Column("labels", Document),
    required("parameters", Document),
    Column("pull_steps", Document),
    Column("parameter_openapi_schema", Document),
    required("enforce_parameter_schema", Boolean),
    Column("created_by", Document),
    Column("updated_by", Document),
    Column("infrastructure_document_id", Identifier),
    Column("storage_document_id", Identifier),
    Index("uq_deployment__flow_id_name", "flow_id", "name", unique=True),
    Index("ix_deployment__name", "name"),
    Index("ix_deployment__work_queue_id", "work_queue_id"),
    Index("ix_deployment__created", "created"),
    Index("ix_deployment__updated", "updated"),
)

deployment_schedule = Table(
    "deployment_schedule",
    metadata,
    *record(),
    owner("deployment_id", "deployment.id"),
    required("schedule", Document),
    required("active", Boolean),
    Column("max_scheduled_runs", Integer),
    required("parameters", Document),
    Column("slug", String),
    Column("declared_active", Boolean),
    Column("insert_at", Moment),
    required("catchup", String, server_default="none"),
    Index("ix_deployment_schedule__deployment_id", "deployment_id"),
    Index("uq_deployment_schedule__deployment_id_slug", "deployment_id", "slug", unique=True),
    Index("ix_deployment_schedule__insert_at", "insert_at", sqlite_where=text("insert_at IS NOT NULL")),
)
"""
When a deployment runs.

`insert_at` is when more of its runs are to be inserted; never while it is paused, nor after its last run. `declared_active`
is what was said when it was deployed: what an operator changed since then stays until something else is said.
`catchup` says which of the times that passed while nobody looked give runs.
"""
