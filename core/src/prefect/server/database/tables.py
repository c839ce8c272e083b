"""
The tables. Their first form is created by `migrations`; a test holds the two together.

Rows refer to each other by foreign keys where the one is nothing without the other. Where a row may come before what it
names (a subflow before its parent's task run, a run before its current state) there is an index and no constraint.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text, func, text

from prefect.server.database.types import Document, Identifier, Moment, Seconds

__all__ = [
    "artifact",
    "artifact_collection",
    "block_document",
    "block_document_reference",
    "block_schema",
    "block_schema_reference",
    "block_type",
    "configuration",
    "flow",
    "flow_run",
    "flow_run_input",
    "flow_run_lease",
    "flow_run_state",
    "log",
    "metadata",
    "schema_version",
    "task_run",
    "task_run_state",
    "variable",
]

metadata = MetaData()


def _required(name: str, kind: Any, *rest: Any, **options: Any) -> Column[Any]:
    return Column(name, kind, *rest, nullable=False, **options)


def _owner(name: str, target: str) -> Column[Any]:
    """A reference to the row that this one belongs to and goes with."""
    return Column(name, Identifier, ForeignKey(target, ondelete="CASCADE"), nullable=False)


def _record() -> tuple[Column[Any], ...]:
    """What every record has."""
    return (
        Column("id", Identifier, primary_key=True, nullable=False),
        _required("created", Moment),
        _required("updated", Moment),
    )


def _run() -> tuple[Column[Any], ...]:
    """What flow runs and task runs have in common: where they stand."""
    return (
        _required("name", String),
        _required("empirical_policy", Document),
        _required("tags", Document),
        Column("labels", Document),
        Column("state_id", Identifier),
        Column("state_type", String),
        Column("state_name", String),
        Column("state_timestamp", Moment),
        _required("run_count", Integer),
        Column("expected_start_time", Moment),
        Column("next_scheduled_start_time", Moment),
        Column("start_time", Moment),
        Column("end_time", Moment),
        _required("total_run_time", Seconds),
    )


def _state() -> tuple[Column[Any], ...]:
    return (
        _required("type", String),
        _required("timestamp", Moment),
        _required("name", String),
        Column("message", Text),
        _required("state_details", Document),
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
    *_record(),
    _required("name", String),
    _required("tags", Document),
    Column("labels", Document),
    Index("uq_flow__name", "name", unique=True),
    Index("ix_flow__created", "created"),
    Index("ix_flow__updated", "updated"),
)

flow_run = Table(
    "flow_run",
    metadata,
    *_record(),
    *_run(),
    _owner("flow_id", "flow.id"),
    Column("deployment_id", Identifier),
    Column("work_queue_name", String),
    Column("flow_version", String),
    Column("deployment_version", String),
    _required("parameters", Document),
    Column("idempotency_key", String),
    _required("context", Document),
    Column("created_by", Document),
    Column("infrastructure_pid", String),
    Column("job_variables", Document),
    Column("infrastructure_document_id", Identifier),
    Column("parent_task_run_id", Identifier),
    _required("auto_scheduled", Boolean),
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
    *_record(),
    _owner("flow_run_id", "flow_run.id"),
    *_state(),
    Index("ix_flow_run_state__flow_run_id_timestamp", "flow_run_id", "timestamp"),
)

flow_run_input = Table(
    "flow_run_input",
    metadata,
    *_record(),
    _owner("flow_run_id", "flow_run.id"),
    _required("key", String),
    _required("value", Text),
    Column("sender", String),
    Index("uq_flow_run_input__flow_run_id_key", "flow_run_id", "key", unique=True),
)

flow_run_lease = Table(
    "flow_run_lease",
    metadata,
    Column("flow_run_id", Identifier, ForeignKey("flow_run.id", ondelete="CASCADE"), primary_key=True, nullable=False),
    _required("token", Identifier),
    _required("host", String),
    _required("pid", Integer),
    _required("process_started", String),
    _required("boot_id", String),
    _required("pid_namespace", String),
    _required("acquired", Moment),
    _required("expires_at", Moment),
    _required("suspended", Boolean),
    Index("uq_flow_run_lease__token", "token", unique=True),
)
"""Which process owns the live attempt of a flow run, and until when it has promised to renew that."""

task_run = Table(
    "task_run",
    metadata,
    *_record(),
    *_run(),
    Column("flow_run_id", Identifier, ForeignKey("flow_run.id", ondelete="CASCADE")),
    _required("task_key", String),
    _required("dynamic_key", String),
    Column("cache_key", String),
    Column("cache_expiration", Moment),
    Column("task_version", String),
    _required("flow_run_run_count", Integer),
    _required("task_inputs", Document),
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
    *_record(),
    _owner("task_run_id", "task_run.id"),
    *_state(),
    Index("ix_task_run_state__task_run_id_timestamp", "task_run_id", "timestamp"),
)

log = Table(
    "log",
    metadata,
    *_record(),
    _required("name", String),
    _required("level", Integer),
    Column("flow_run_id", Identifier),
    Column("task_run_id", Identifier),
    _required("message", Text),
    _required("timestamp", Moment),
    Index("ix_log__flow_run_id_timestamp", "flow_run_id", "timestamp"),
    Index("ix_log__task_run_id_timestamp", "task_run_id", "timestamp", sqlite_where=text("task_run_id IS NOT NULL")),
    Index("ix_log__timestamp", "timestamp"),
)

artifact = Table(
    "artifact",
    metadata,
    *_record(),
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
    *_record(),
    _required("key", String),
    _required("latest_id", Identifier),
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
    *_record(),
    _required("name", String),
    Column("value", Document),
    _required("tags", Document),
    Index("uq_variable__name", "name", unique=True),
)

block_type = Table(
    "block_type",
    metadata,
    *_record(),
    _required("name", String),
    _required("slug", String),
    Column("logo_url", String),
    Column("documentation_url", String),
    Column("description", Text),
    Column("code_example", Text),
    _required("is_protected", Boolean),
    Index("uq_block_type__slug", "slug", unique=True),
)

block_schema = Table(
    "block_schema",
    metadata,
    *_record(),
    _required("checksum", String),
    _required("fields", Document),
    _required("capabilities", Document),
    _required("version", String),
    _owner("block_type_id", "block_type.id"),
    Index("uq_block_schema__checksum_version", "checksum", "version", unique=True),
    Index("ix_block_schema__block_type_id", "block_type_id"),
)

block_schema_reference = Table(
    "block_schema_reference",
    metadata,
    *_record(),
    _required("name", String),
    _owner("parent_block_schema_id", "block_schema.id"),
    _owner("reference_block_schema_id", "block_schema.id"),
    Index(
        "uq_block_schema_reference__parent_name",
        "parent_block_schema_id",
        "name",
        "reference_block_schema_id",
        unique=True,
    ),
    Index("ix_block_schema_reference__reference", "reference_block_schema_id"),
)

block_document = Table(
    "block_document",
    metadata,
    *_record(),
    _required("name", String),
    _required("data", Document),
    _required("is_anonymous", Boolean),
    Column("block_type_name", String),
    _owner("block_type_id", "block_type.id"),
    _owner("block_schema_id", "block_schema.id"),
    Index("uq_block_document__block_type_id_name", "block_type_id", "name", unique=True),
    Index("ix_block_document__name", "name"),
    Index("ix_block_document__block_schema_id", "block_schema_id"),
)

block_document_reference = Table(
    "block_document_reference",
    metadata,
    *_record(),
    _required("name", String),
    _owner("parent_block_document_id", "block_document.id"),
    _owner("reference_block_document_id", "block_document.id"),
    Index("uq_block_document_reference__parent_name", "parent_block_document_id", "name", unique=True),
    Index("ix_block_document_reference__reference", "reference_block_document_id"),
)

configuration = Table(
    "configuration",
    metadata,
    *_record(),
    _required("key", String),
    _required("value", Document),
    Index("uq_configuration__key", "key", unique=True),
)

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, nullable=False),
    _required("name", String),
    _required("applied", Moment),
)
"""One row for each migration that this database has been through."""
