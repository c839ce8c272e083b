"""All endpoints, for those who answer them: the routers of a server, the dispatch in this process, and tests."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

__all__ = ["ENDPOINTS", "Endpoint"]


class Endpoint(NamedTuple):
    """
    What answers to a verb and path.

    Args:
        method: The HTTP verb.
        path: The path template.
        module: Which module of this package makes its calls. The operation that answers is in the module of that name.
        name: The name of the function that does.
        status: The HTTP status of its answer. Where a record may have been there before, 201 says that it was not.
        media_type: What the body of its answer is.
    """

    method: str
    path: str
    module: str
    name: str
    status: int = 200
    media_type: str = "application/json"

    @property
    def route(self) -> tuple[str, str]:
        """Verb and path template: the `route` of its calls."""
        return (self.method, self.path)

    @property
    def function(self) -> Callable[..., Any]:
        """The function that makes its calls."""
        function: Callable[..., Any] = getattr(import_module(f"prefect._contract.endpoints.{self.module}"), self.name)
        return function


ENDPOINTS = (
    Endpoint("POST", "/flows/", "flows", "create_flow"),
    Endpoint("GET", "/flows/{id}", "flows", "read_flow"),
    Endpoint("GET", "/flows/name/{name}", "flows", "read_flow_by_name"),
    Endpoint("PATCH", "/flows/{id}", "flows", "update_flow", 204),
    Endpoint("DELETE", "/flows/{id}", "flows", "delete_flow", 204),
    Endpoint("POST", "/flows/bulk_delete", "flows", "bulk_delete_flows"),
    Endpoint("POST", "/flows/filter", "flows", "read_flows"),
    Endpoint("POST", "/flows/paginate", "flows", "paginate_flows"),
    Endpoint("POST", "/flows/count", "flows", "count_flows"),
    Endpoint("POST", "/flow_runs/", "flow_runs", "create_flow_run"),
    Endpoint("GET", "/flow_runs/{id}", "flow_runs", "read_flow_run"),
    Endpoint("PATCH", "/flow_runs/{id}", "flow_runs", "update_flow_run", 204),
    Endpoint("PATCH", "/flow_runs/{id}/labels", "flow_runs", "update_flow_run_labels", 204),
    Endpoint("DELETE", "/flow_runs/{id}", "flow_runs", "delete_flow_run", 204),
    Endpoint("POST", "/flow_runs/bulk_delete", "flow_runs", "bulk_delete_flow_runs"),
    Endpoint("POST", "/flow_runs/{id}/set_state", "flow_runs", "set_flow_run_state"),
    Endpoint("POST", "/flow_runs/bulk_set_state", "flow_runs", "bulk_set_flow_run_state"),
    Endpoint("POST", "/flow_runs/{id}/resume", "flow_runs", "resume_flow_run"),
    Endpoint("POST", "/flow_runs/filter", "flow_runs", "read_flow_runs"),
    Endpoint("POST", "/flow_runs/paginate", "flow_runs", "paginate_flow_runs"),
    Endpoint("POST", "/flow_runs/count", "flow_runs", "count_flow_runs"),
    Endpoint("POST", "/flow_runs/lateness", "flow_runs", "average_flow_run_lateness"),
    Endpoint("POST", "/flow_runs/history", "flow_runs", "flow_run_history"),
    Endpoint("GET", "/flow_runs/{id}/graph-v2", "flow_runs", "read_flow_run_graph"),
    Endpoint("GET", "/flow_runs/{id}/graph", "flow_runs", "read_flow_run_dependencies"),
    Endpoint("GET", "/flow_runs/{id}/logs/download", "flow_runs", "download_flow_run_logs", media_type="text/csv"),
    Endpoint("POST", "/flow_runs/{id}/input", "flow_run_inputs", "create_flow_run_input", 201),
    Endpoint("POST", "/flow_runs/{id}/input/filter", "flow_run_inputs", "filter_flow_run_input"),
    Endpoint("GET", "/flow_runs/{id}/input/{key}", "flow_run_inputs", "read_flow_run_input", media_type="text/plain"),
    Endpoint("DELETE", "/flow_runs/{id}/input/{key}", "flow_run_inputs", "delete_flow_run_input", 204),
    Endpoint("POST", "/task_runs/", "task_runs", "create_task_run"),
    Endpoint("GET", "/task_runs/{id}", "task_runs", "read_task_run"),
    Endpoint("PATCH", "/task_runs/{id}", "task_runs", "set_task_run_name", 204),
    Endpoint("DELETE", "/task_runs/{id}", "task_runs", "delete_task_run", 204),
    Endpoint("POST", "/task_runs/{id}/set_state", "task_runs", "set_task_run_state"),
    Endpoint("POST", "/task_runs/filter", "task_runs", "read_task_runs"),
    Endpoint("POST", "/task_runs/paginate", "task_runs", "paginate_task_runs"),
    Endpoint("POST", "/task_runs/count", "task_runs", "count_task_runs"),
    Endpoint("POST", "/task_runs/history", "task_runs", "task_run_history"),
    Endpoint("GET", "/flow_run_states/{id}", "states", "read_flow_run_state"),
    Endpoint("GET", "/flow_run_states/", "states", "read_flow_run_states"),
    Endpoint("GET", "/task_run_states/{id}", "states", "read_task_run_state"),
    Endpoint("GET", "/task_run_states/", "states", "read_task_run_states"),
    Endpoint("POST", "/logs/", "logs", "create_logs", 201),
    Endpoint("POST", "/logs/filter", "logs", "read_logs"),
    Endpoint("POST", "/artifacts/", "artifacts", "create_artifact"),
    Endpoint("GET", "/artifacts/{id}", "artifacts", "read_artifact"),
    Endpoint("GET", "/artifacts/{key}/latest", "artifacts", "read_latest_artifact"),
    Endpoint("PATCH", "/artifacts/{id}", "artifacts", "update_artifact", 204),
    Endpoint("DELETE", "/artifacts/{id}", "artifacts", "delete_artifact", 204),
    Endpoint("POST", "/artifacts/filter", "artifacts", "read_artifacts"),
    Endpoint("POST", "/artifacts/latest/filter", "artifacts", "read_latest_artifacts"),
    Endpoint("POST", "/artifacts/count", "artifacts", "count_artifacts"),
    Endpoint("POST", "/artifacts/latest/count", "artifacts", "count_latest_artifacts"),
    Endpoint("POST", "/variables/", "variables", "create_variable", 201),
    Endpoint("GET", "/variables/{id}", "variables", "read_variable"),
    Endpoint("GET", "/variables/name/{name}", "variables", "read_variable_by_name"),
    Endpoint("PATCH", "/variables/{id}", "variables", "update_variable", 204),
    Endpoint("PATCH", "/variables/name/{name}", "variables", "update_variable_by_name", 204),
    Endpoint("DELETE", "/variables/{id}", "variables", "delete_variable", 204),
    Endpoint("DELETE", "/variables/name/{name}", "variables", "delete_variable_by_name", 204),
    Endpoint("POST", "/variables/filter", "variables", "read_variables"),
    Endpoint("POST", "/variables/count", "variables", "count_variables"),
    Endpoint("POST", "/block_types/", "block_types", "create_block_type", 201),
    Endpoint("GET", "/block_types/{id}", "block_types", "read_block_type"),
    Endpoint("GET", "/block_types/slug/{slug}", "block_types", "read_block_type_by_slug"),
    Endpoint("POST", "/block_types/filter", "block_types", "read_block_types"),
    Endpoint("PATCH", "/block_types/{id}", "block_types", "update_block_type", 204),
    Endpoint("DELETE", "/block_types/{id}", "block_types", "delete_block_type", 204),
    Endpoint("GET", "/block_types/slug/{slug}/block_documents", "block_types", "read_block_documents_by_type"),
    Endpoint(
        "GET",
        "/block_types/slug/{slug}/block_documents/name/{block_document_name}",
        "block_types",
        "read_block_document_by_name",
    ),
    Endpoint("POST", "/block_types/install_system_block_types", "block_types", "install_system_block_types"),
    Endpoint("POST", "/block_schemas/", "block_schemas", "create_block_schema", 201),
    Endpoint("GET", "/block_schemas/{id}", "block_schemas", "read_block_schema"),
    Endpoint("GET", "/block_schemas/checksum/{checksum}", "block_schemas", "read_block_schema_by_checksum"),
    Endpoint("POST", "/block_schemas/filter", "block_schemas", "read_block_schemas"),
    Endpoint("DELETE", "/block_schemas/{id}", "block_schemas", "delete_block_schema", 204),
    Endpoint("GET", "/block_capabilities/", "block_schemas", "read_available_block_capabilities"),
    Endpoint("POST", "/block_documents/", "block_documents", "create_block_document", 201),
    Endpoint("GET", "/block_documents/{id}", "block_documents", "read_block_document"),
    Endpoint("PATCH", "/block_documents/{id}", "block_documents", "update_block_document", 204),
    Endpoint("DELETE", "/block_documents/{id}", "block_documents", "delete_block_document", 204),
    Endpoint("POST", "/block_documents/filter", "block_documents", "read_block_documents"),
    Endpoint("POST", "/block_documents/count", "block_documents", "count_block_documents"),
    Endpoint("GET", "/health", "administration", "check_health"),
    Endpoint("GET", "/ready", "administration", "check_readiness"),
    Endpoint("GET", "/hello", "administration", "hello"),
    Endpoint("GET", "/version", "administration", "read_version"),
    Endpoint("GET", "/admin/version", "administration", "read_admin_version"),
    Endpoint("GET", "/admin/settings", "administration", "read_settings"),
    Endpoint("GET", "/admin/storage", "administration", "read_server_default_result_storage"),
    Endpoint("PUT", "/admin/storage", "administration", "update_server_default_result_storage"),
    Endpoint("DELETE", "/admin/storage", "administration", "clear_server_default_result_storage", 204),
    Endpoint("POST", "/concurrency_limits/", "concurrency_limits", "create_concurrency_limit"),
    Endpoint("GET", "/concurrency_limits/{id}", "concurrency_limits", "read_concurrency_limit"),
    Endpoint("GET", "/concurrency_limits/tag/{tag}", "concurrency_limits", "read_concurrency_limit_by_tag"),
    Endpoint("POST", "/concurrency_limits/filter", "concurrency_limits", "read_concurrency_limits"),
    Endpoint("POST", "/concurrency_limits/tag/{tag}/reset", "concurrency_limits", "reset_concurrency_limit_by_tag"),
    Endpoint("DELETE", "/concurrency_limits/{id}", "concurrency_limits", "delete_concurrency_limit"),
    Endpoint("DELETE", "/concurrency_limits/tag/{tag}", "concurrency_limits", "delete_concurrency_limit_by_tag"),
    Endpoint("POST", "/concurrency_limits/increment", "concurrency_limits", "increment_v1_concurrency_slots"),
    Endpoint("POST", "/concurrency_limits/decrement", "concurrency_limits", "decrement_v1_concurrency_slots"),
    Endpoint("POST", "/v2/concurrency_limits/", "global_concurrency_limits", "create_global_concurrency_limit", 201),
    Endpoint(
        "GET", "/v2/concurrency_limits/{id_or_name}", "global_concurrency_limits", "read_global_concurrency_limit"
    ),
    Endpoint("POST", "/v2/concurrency_limits/filter", "global_concurrency_limits", "read_global_concurrency_limits"),
    Endpoint(
        "PATCH",
        "/v2/concurrency_limits/{id_or_name}",
        "global_concurrency_limits",
        "update_global_concurrency_limit",
        204,
    ),
    Endpoint(
        "DELETE",
        "/v2/concurrency_limits/{id_or_name}",
        "global_concurrency_limits",
        "delete_global_concurrency_limit",
        204,
    ),
    Endpoint("POST", "/v2/concurrency_limits/increment", "global_concurrency_limits", "increment_concurrency_slots"),
    Endpoint(
        "POST",
        "/v2/concurrency_limits/increment-with-lease",
        "global_concurrency_limits",
        "increment_concurrency_slots_with_lease",
    ),
    Endpoint(
        "POST",
        "/v2/concurrency_limits/leases/{lease_id}/renew",
        "global_concurrency_limits",
        "renew_concurrency_lease",
        204,
    ),
    Endpoint("POST", "/v2/concurrency_limits/decrement", "global_concurrency_limits", "release_concurrency_slots"),
    Endpoint(
        "POST",
        "/v2/concurrency_limits/decrement-with-lease",
        "global_concurrency_limits",
        "release_concurrency_slots_with_lease",
        204,
    ),
    Endpoint("POST", "/deployments/", "deployments", "create_deployment"),
    Endpoint("GET", "/deployments/{id}", "deployments", "read_deployment"),
    Endpoint("GET", "/deployments/name/{flow_name}/{deployment_name}", "deployments", "read_deployment_by_name"),
    Endpoint("PATCH", "/deployments/{id}", "deployments", "update_deployment", 204),
    Endpoint("DELETE", "/deployments/{id}", "deployments", "delete_deployment", 204),
    Endpoint("POST", "/deployments/bulk_delete", "deployments", "bulk_delete_deployments"),
    Endpoint("POST", "/deployments/filter", "deployments", "read_deployments"),
    Endpoint("POST", "/deployments/paginate", "deployments", "paginate_deployments"),
    Endpoint("POST", "/deployments/count", "deployments", "count_deployments"),
    Endpoint("POST", "/deployments/{id}/pause_deployment", "deployments", "pause_deployment"),
    Endpoint("POST", "/deployments/{id}/resume_deployment", "deployments", "resume_deployment"),
    Endpoint("POST", "/deployments/{id}/create_flow_run", "deployments", "create_flow_run_from_deployment"),
    Endpoint("POST", "/deployments/{id}/create_flow_run/bulk", "deployments", "bulk_create_flow_runs_from_deployment"),
    Endpoint("POST", "/deployments/get_scheduled_flow_runs", "deployments", "get_scheduled_flow_runs_for_deployments"),
    Endpoint("POST", "/deployments/{id}/schedule", "deployments", "schedule_deployment"),
    Endpoint("POST", "/deployments/{id}/backfill", "backfills", "backfill_deployment"),
    Endpoint("GET", "/deployments/{id}/schedules", "deployments", "read_deployment_schedules"),
    Endpoint("POST", "/deployments/{id}/schedules", "deployments", "create_deployment_schedules", 201),
    Endpoint("PATCH", "/deployments/{id}/schedules/{schedule_id}", "deployments", "update_deployment_schedule", 204),
    Endpoint("DELETE", "/deployments/{id}/schedules/{schedule_id}", "deployments", "delete_deployment_schedule", 204),
    Endpoint("GET", "/deployments/{id}/work_queue_check", "deployments", "read_work_queues_of_deployment"),
    Endpoint("POST", "/work_pools/", "work_pools", "create_work_pool", 201),
    Endpoint("GET", "/work_pools/{name}", "work_pools", "read_work_pool"),
    Endpoint("PATCH", "/work_pools/{name}", "work_pools", "update_work_pool", 204),
    Endpoint("DELETE", "/work_pools/{name}", "work_pools", "delete_work_pool", 204),
    Endpoint("POST", "/work_pools/filter", "work_pools", "read_work_pools"),
    Endpoint("POST", "/work_pools/count", "work_pools", "count_work_pools"),
    Endpoint(
        "POST", "/work_pools/{name}/get_scheduled_flow_runs", "work_pools", "get_scheduled_flow_runs_for_work_pool"
    ),
    Endpoint("POST", "/work_pools/{name}/concurrency_status", "work_pools", "read_work_pool_concurrency_status"),
    Endpoint("POST", "/work_pools/{work_pool_name}/workers/heartbeat", "work_pools", "send_worker_heartbeat", 204),
    Endpoint("POST", "/work_pools/{work_pool_name}/workers/filter", "work_pools", "read_workers_for_work_pool"),
    Endpoint("DELETE", "/work_pools/{work_pool_name}/workers/{name}", "work_pools", "delete_worker", 204),
    Endpoint("POST", "/work_pools/{work_pool_name}/queues", "work_queues", "create_work_pool_queue", 201),
    Endpoint("GET", "/work_pools/{work_pool_name}/queues/{name}", "work_queues", "read_work_pool_queue"),
    Endpoint("POST", "/work_pools/{work_pool_name}/queues/filter", "work_queues", "read_work_pool_queues"),
    Endpoint("PATCH", "/work_pools/{work_pool_name}/queues/{name}", "work_queues", "update_work_pool_queue", 204),
    Endpoint("DELETE", "/work_pools/{work_pool_name}/queues/{name}", "work_queues", "delete_work_pool_queue", 204),
    Endpoint("POST", "/work_queues/", "work_queues", "create_work_queue", 201),
    Endpoint("GET", "/work_queues/{id}", "work_queues", "read_work_queue"),
    Endpoint("GET", "/work_queues/name/{name}", "work_queues", "read_work_queue_by_name"),
    Endpoint("PATCH", "/work_queues/{id}", "work_queues", "update_work_queue", 204),
    Endpoint("DELETE", "/work_queues/{id}", "work_queues", "delete_work_queue", 204),
    Endpoint("POST", "/work_queues/filter", "work_queues", "read_work_queues"),
    Endpoint("POST", "/work_queues/{id}/get_runs", "work_queues", "get_runs_in_work_queue"),
    Endpoint("GET", "/work_queues/{id}/status", "work_queues", "read_work_queue_status"),
    Endpoint("POST", "/work_queues/{id}/concurrency_status", "work_queues", "read_work_queue_concurrency_status"),
    Endpoint("POST", "/automations/", "automations", "create_automation", 201),
    Endpoint("GET", "/automations/{id}", "automations", "read_automation"),
    Endpoint("PUT", "/automations/{id}", "automations", "update_automation", 204),
    Endpoint("PATCH", "/automations/{id}", "automations", "patch_automation", 204),
    Endpoint("DELETE", "/automations/{id}", "automations", "delete_automation", 204),
    Endpoint("POST", "/automations/filter", "automations", "read_automations"),
    Endpoint("POST", "/automations/count", "automations", "count_automations"),
    Endpoint("GET", "/automations/related-to/{resource_id}", "automations", "read_resource_related_automations"),
    Endpoint("DELETE", "/automations/owned-by/{resource_id}", "automations", "delete_resource_owned_automations", 202),
    Endpoint("POST", "/automations/templates/validate", "automations", "validate_automation_template"),
    Endpoint("POST", "/events", "events", "create_events", 204),
    Endpoint("POST", "/events/filter", "events", "read_events"),
    Endpoint("GET", "/events/filter/next", "events", "read_events_page"),
    Endpoint("POST", "/events/count-by/{countable}", "events", "count_events"),
    Endpoint("PUT", "/saved_searches/", "saved_searches", "create_saved_search"),
    Endpoint("GET", "/saved_searches/{id}", "saved_searches", "read_saved_search"),
    Endpoint("POST", "/saved_searches/filter", "saved_searches", "read_saved_searches"),
    Endpoint("DELETE", "/saved_searches/{id}", "saved_searches", "delete_saved_search", 204),
    Endpoint("POST", "/task_workers/filter", "task_workers", "read_task_workers"),
    Endpoint("POST", "/ui/flows/count-deployments", "ui_flows", "count_deployments_by_flow"),
    Endpoint("POST", "/ui/flows/next-runs", "ui_flows", "read_next_runs_by_flow"),
    Endpoint("POST", "/ui/flow_runs/count-task-runs", "ui", "count_task_runs_by_flow_run"),
    Endpoint("POST", "/ui/flow_runs/history", "ui", "read_flow_run_points"),
    Endpoint("POST", "/ui/task_runs/count", "ui", "count_task_runs_by_state"),
    Endpoint("POST", "/ui/task_runs/dashboard/counts", "ui", "read_dashboard_task_run_counts"),
    Endpoint("GET", "/ui/task_runs/{id}", "ui", "read_task_run_with_flow_run_name"),
    Endpoint("POST", "/ui/schemas/validate", "ui", "validate_schema_values"),
    Endpoint("GET", "/csrf-token", "administration", "read_csrf_token"),
    Endpoint("GET", "/collections/views/{view}", "administration", "read_collection_view"),
    Endpoint("POST", "/templates/validate", "administration", "validate_template"),
    Endpoint("POST", "/_core/tokens", "tokens", "create_token", 201),
    Endpoint("GET", "/_core/tokens", "tokens", "read_tokens"),
    Endpoint("DELETE", "/_core/tokens/{name}", "tokens", "delete_token", 204),
    Endpoint("POST", "/_core/audit/filter", "tokens", "read_audit_trail"),
    Endpoint("POST", "/_core/task_runs/record", "recording", "record_task_runs", 204),
    Endpoint("POST", "/_core/leases/renew", "liveness", "renew_leases"),
    Endpoint("GET", "/_core/leases", "liveness", "read_leases"),
    Endpoint("POST", "/_core/leases/reap", "liveness", "reap_leases"),
)
