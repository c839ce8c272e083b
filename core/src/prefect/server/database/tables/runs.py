"""Flows, their runs, task runs, and what those leave behind."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, func, text

from prefect.server.database.tables.columns import metadata, owner, record, required
from prefect.server.database.types import Document, Identifier, Moment, Seconds

__all__ = [
    "artifact",
    "artifact_collection",
    "flow",
    "flow_run",
    "flow_run_input",
    "flow_run_lease",
    "flow_run_state",
    "log",
    "task_run",
    "task_run_delivery",
    "task_run_state",
    "variable",
]


def _run() -> tuple[Column[Any], ...]:
    """What flow runs and task runs have in common: where they stand."""
    return (
        required("name", String),
        required("empirical_policy", Document),
        required("tags", Document),
        Column("labels", Document),
        Column("state_id", Identifier),
        Column("state_type", String),
        Column("state_name", String),
        Column("state_timestamp", Moment),
        required("run_count", Integer),
        Column("expected_start_time", Moment),
        Column("next_scheduled_start_time", Moment),
        Column("start_time", Moment),
        Column("end_time", Moment),
        required("total_run_time", Seconds),
    )


def _state() -> tuple[Column[Any], ...]:
    return (
        required("type", String),
        required("timestamp", Moment),
        required("name", String),
        Column("message", Text),
        required("state_details", Document),
        Column("data", Document),
        Column("result_artifact_id", Identifier),
    )


def _artifact() -> tuple[Column[Any], ...]:
    return (
        Column("task_run_id", Identifier),
        Column("flow_run_id", Identifier),
        Column("type", String),
        Column("data", Document),
        Column("description", Text),
        Column("metadata_", Document),
    )


flow = Table(
    "flow",
    metadata,
    *record(),
    required("name", String),
    required("tags", Document),
    Column("labels", Document),
    Index("uq_flow__name", "name", unique=True),
    Index("ix_flow__created", "created"),
    Index("ix_flow__updated", "updated"),
)

flow_run = Table(
    "flow_run",
    metadata,
    *record(),
    *_run(),
    owner("flow_id", "flow.id"),
    Column("deployment_id", Identifier),
    Column("work_queue_name", String),
    Column("flow_version", String),
    Column("deployment_version", String),
    required("parameters", Document),
    Column("idempotency_key", String),
    required("context", Document),
    Column("created_by", Document),
    Column("infrastructure_pid", String),
    Column("job_variables", Document),
    Column("infrastructure_document_id", Identifier),
    Column("parent_task_run_id", Identifier),
    required("auto_scheduled", Boolean),
    Column("work_queue_id", Identifier),
)
Index("uq_flow_run__flow_id_idempotency_key", flow_run.c.flow_id, flow_run.c.idempotency_key, unique=True)
Index("ix_flow_run__flow_id_state_type", flow_run.c.flow_id, flow_run.c.state_type)
Index("ix_flow_run__idempotency_key", flow_run.c.idempotency_key, sqlite_where=flow_run.c.idempotency_key.is_not(None))
Index(
    "ix_flow_run__parent_task_run_id",
    flow_run.c.parent_task_run_id,
    sqlite_where=flow_run.c.parent_task_run_id.is_not(None),
)
Index("ix_flow_run__deployment_id", flow_run.c.deployment_id, sqlite_where=flow_run.c.deployment_id.is_not(None))
Index(
    "ix_flow_run__deployment_id_state_type",
    flow_run.c.deployment_id,
    flow_run.c.state_type,
    flow_run.c.next_scheduled_start_time,
    sqlite_where=flow_run.c.deployment_id.is_not(None),
)
Index(
    "ix_flow_run__work_queue_id_state_type",
    flow_run.c.work_queue_id,
    flow_run.c.state_type,
    flow_run.c.next_scheduled_start_time,
    sqlite_where=flow_run.c.work_queue_id.is_not(None),
)
Index("ix_flow_run__state_type_id", flow_run.c.state_type, flow_run.c.id)
Index("ix_flow_run__state_type_expected", flow_run.c.state_type, flow_run.c.expected_start_time, flow_run.c.id)
Index("ix_flow_run__state_name_id", flow_run.c.state_name, flow_run.c.id)
Index("ix_flow_run__name_id", flow_run.c.name, flow_run.c.id)
Index("ix_flow_run__expected_start_time", flow_run.c.expected_start_time)
Index("ix_flow_run__next_scheduled_start_time_id", flow_run.c.next_scheduled_start_time, flow_run.c.id)
Index("ix_flow_run__end_time", flow_run.c.end_time)
Index("ix_flow_run__started", func.coalesce(flow_run.c.start_time, flow_run.c.expected_start_time), flow_run.c.id)
Index(
    "ix_flow_run__state_type_started",
    flow_run.c.state_type,
    func.coalesce(flow_run.c.start_time, flow_run.c.expected_start_time),
    flow_run.c.id,
)

flow_run_state = Table(
    "flow_run_state",
    metadata,
    *record(),
    owner("flow_run_id", "flow_run.id"),
    *_state(),
    Index("ix_flow_run_state__flow_run_id_timestamp", "flow_run_id", "timestamp"),
)

flow_run_input = Table(
    "flow_run_input",
    metadata,
    *record(),
    owner("flow_run_id", "flow_run.id"),
    required("key", String),
    required("value", Text),
    Column("sender", String),
    Index("uq_flow_run_input__flow_run_id_key", "flow_run_id", "key", unique=True),
)

flow_run_lease = Table(
    "flow_run_lease",
    metadata,
    Column("flow_run_id", Identifier, ForeignKey("flow_run.id", ondelete="CASCADE"), primary_key=True, nullable=False),
    required("token", Identifier),
    required("host", String),
    required("pid", Integer),
    required("process_started", String),
    required("boot_id", String),
    required("pid_namespace", String),
    required("acquired", Moment),
    required("expires_at", Moment),
    required("suspended", Boolean),
    Index("uq_flow_run_lease__token", "token", unique=True),
)
"""Which process owns the live attempt of a flow run, and until when it has promised to renew that."""

task_run = Table(
    "task_run",
    metadata,
    *record(),
    *_run(),
    Column("flow_run_id", Identifier, ForeignKey("flow_run.id", ondelete="CASCADE")),
    required("task_key", String),
    required("dynamic_key", String),
    Column("cache_key", String),
    Column("cache_expiration", Moment),
    Column("task_version", String),
    required("flow_run_run_count", Integer),
    required("task_inputs", Document),
)
Index("ix_task_run__flow_run_id_id", task_run.c.flow_run_id, task_run.c.id)
Index("ix_task_run__state_type_id", task_run.c.state_type, task_run.c.id)
Index("ix_task_run__state_name_id", task_run.c.state_name, task_run.c.id)
Index("ix_task_run__name_id", task_run.c.name, task_run.c.id)
Index("ix_task_run__expected_start_time", task_run.c.expected_start_time)
Index("ix_task_run__started", func.coalesce(task_run.c.start_time, task_run.c.expected_start_time))
Index("ix_task_run__end_time", task_run.c.end_time)
Index(
    "ix_task_run__next_scheduled_start_time",
    task_run.c.next_scheduled_start_time,
    sqlite_where=task_run.c.next_scheduled_start_time.is_not(None),
)

task_run_state = Table(
    "task_run_state",
    metadata,
    *record(),
    owner("task_run_id", "task_run.id"),
    *_state(),
    Index("ix_task_run_state__task_run_id_timestamp", "task_run_id", "timestamp"),
)

task_run_delivery = Table(
    "task_run_delivery",
    metadata,
    Column("task_run_id", Identifier, ForeignKey("task_run.id", ondelete="CASCADE"), primary_key=True, nullable=False),
    required("task_key", String),
    required("available_at", Moment),
    Column("client_id", String),
    Column("claimed_until", Moment),
    required("deliveries", Integer),
    Index("ix_task_run_delivery__task_key_available_at", "task_key", "available_at"),
)
"""Background task runs that wait for a task worker, or were delivered to one and have not begun to run yet."""

log = Table(
    "log",
    metadata,
    *record(),
    required("name", String),
    required("level", Integer),
    Column("flow_run_id", Identifier),
    Column("task_run_id", Identifier),
    required("message", Text),
    required("timestamp", Moment),
    Index("ix_log__flow_run_id_timestamp", "flow_run_id", "timestamp"),
    Index("ix_log__task_run_id_timestamp", "task_run_id", "timestamp", sqlite_where=text("task_run_id IS NOT NULL")),
    Index("ix_log__timestamp", "timestamp"),
)

artifact = Table(
    "artifact",
    metadata,
    *record(),
    Column("key", String),
    *_artifact(),
    Index("ix_artifact__key_created", "key", "created"),
    Index("ix_artifact__flow_run_id", "flow_run_id"),
    Index("ix_artifact__task_run_id", "task_run_id", sqlite_where=text("task_run_id IS NOT NULL")),
    Index("ix_artifact__type", "type"),
    Index("ix_artifact__created", "created"),
    Index("ix_artifact__updated", "updated"),
)

artifact_collection = Table(
    "artifact_collection",
    metadata,
    *record(),
    required("key", String),
    required("latest_id", Identifier),
    *_artifact(),
    Index("uq_artifact_collection__key", "key", unique=True),
    Index("ix_artifact_collection__latest_id", "latest_id"),
    Index("ix_artifact_collection__flow_run_id", "flow_run_id"),
    Index("ix_artifact_collection__task_run_id", "task_run_id"),
    Index("ix_artifact_collection__created", "created"),
    Index("ix_artifact_collection__updated", "updated"),
)
"""The newest artifact of each key, as a copy: listing them needs no search."""

variable = Table(
    "variable",
    metadata,
    *record(),
    required("name", String),
    Column("value", Document),
    required("tags", Document),
    Index("uq_variable__name", "name", unique=True),
)
