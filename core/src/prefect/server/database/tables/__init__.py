"""
The tables. Their first form is created by `migrations`; a test holds the two together.

Rows refer to each other by foreign keys where the one is nothing without the other. Where a row may come before what it
names (a subflow before its parent's task run, a run before its current state) there is an index and no constraint.
"""

from prefect.server.database.tables.blocks import (
    block_document,
    block_document_reference,
    block_schema,
    block_schema_reference,
    block_type,
)
from prefect.server.database.tables.columns import metadata
from prefect.server.database.tables.deployments import (
    concurrency_lease,
    concurrency_limit,
    deployment,
    deployment_schedule,
    work_pool,
    work_queue,
    worker,
)
from prefect.server.database.tables.events import (
    automation,
    automation_action,
    automation_bucket,
    automation_related_resource,
    event,
    event_backlog,
    event_resource,
    event_unheard,
)
from prefect.server.database.tables.runs import (
    artifact,
    artifact_collection,
    flow,
    flow_run,
    flow_run_input,
    flow_run_lease,
    flow_run_state,
    log,
    task_run,
    task_run_delivery,
    task_run_state,
    variable,
)
from prefect.server.database.tables.server import (
    answered_request,
    api_token,
    audit_entry,
    configuration,
    csrf_token,
    saved_search,
    schema_version,
    service_lease,
    task_worker,
)

__all__ = [
    "answered_request",
    "api_token",
    "artifact",
    "artifact_collection",
    "audit_entry",
    "automation",
    "automation_action",
    "automation_bucket",
    "automation_related_resource",
    "block_document",
    "block_document_reference",
    "block_schema",
    "block_schema_reference",
    "block_type",
    "concurrency_lease",
    "concurrency_limit",
    "configuration",
    "csrf_token",
    "deployment",
    "deployment_schedule",
    "event",
    "event_backlog",
    "event_resource",
    "event_unheard",
    "flow",
    "flow_run",
    "flow_run_input",
    "flow_run_lease",
    "flow_run_state",
    "log",
    "metadata",
    "saved_search",
    "schema_version",
    "service_lease",
    "task_run",
    "task_run_delivery",
    "task_run_state",
    "task_worker",
    "variable",
    "work_pool",
    "work_queue",
    "worker",
]
