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
    """

    method: str
    path: str
    module: str
    name: str

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
    Endpoint("PATCH", "/flows/{id}", "flows", "update_flow"),
    Endpoint("DELETE", "/flows/{id}", "flows", "delete_flow"),
    Endpoint("POST", "/flows/bulk_delete", "flows", "bulk_delete_flows"),
    Endpoint("POST", "/flows/filter", "flows", "read_flows"),
    Endpoint("POST", "/flows/paginate", "flows", "paginate_flows"),
    Endpoint("POST", "/flows/count", "flows", "count_flows"),
    Endpoint("POST", "/flow_runs/", "flow_runs", "create_flow_run"),
    Endpoint("GET", "/flow_runs/{id}", "flow_runs", "read_flow_run"),
    Endpoint("PATCH", "/flow_runs/{id}", "flow_runs", "update_flow_run"),
    Endpoint("PATCH", "/flow_runs/{id}/labels", "flow_runs", "update_flow_run_labels"),
    Endpoint("DELETE", "/flow_runs/{id}", "flow_runs", "delete_flow_run"),
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
    Endpoint("GET", "/flow_runs/{id}/logs/download", "flow_runs", "download_flow_run_logs"),
    Endpoint("POST", "/flow_runs/{id}/input", "flow_run_inputs", "create_flow_run_input"),
    Endpoint("POST", "/flow_runs/{id}/input/filter", "flow_run_inputs", "filter_flow_run_input"),
    Endpoint("GET", "/flow_runs/{id}/input/{key}", "flow_run_inputs", "read_flow_run_input"),
    Endpoint("DELETE", "/flow_runs/{id}/input/{key}", "flow_run_inputs", "delete_flow_run_input"),
    Endpoint("POST", "/task_runs/", "task_runs", "create_task_run"),
    Endpoint("GET", "/task_runs/{id}", "task_runs", "read_task_run"),
    Endpoint("PATCH", "/task_runs/{id}", "task_runs", "set_task_run_name"),
    Endpoint("DELETE", "/task_runs/{id}", "task_runs", "delete_task_run"),
    Endpoint("POST", "/task_runs/{id}/set_state", "task_runs", "set_task_run_state"),
    Endpoint("POST", "/task_runs/filter", "task_runs", "read_task_runs"),
    Endpoint("POST", "/task_runs/paginate", "task_runs", "paginate_task_runs"),
    Endpoint("POST", "/task_runs/count", "task_runs", "count_task_runs"),
    Endpoint("POST", "/task_runs/history", "task_runs", "task_run_history"),
    Endpoint("GET", "/flow_run_states/{id}", "states", "read_flow_run_state"),
    Endpoint("GET", "/flow_run_states/", "states", "read_flow_run_states"),
    Endpoint("GET", "/task_run_states/{id}", "states", "read_task_run_state"),
    Endpoint("GET", "/task_run_states/", "states", "read_task_run_states"),
    Endpoint("POST", "/logs/", "logs", "create_logs"),
    Endpoint("POST", "/logs/filter", "logs", "read_logs"),
    Endpoint("POST", "/artifacts/", "artifacts", "create_artifact"),
    Endpoint("GET", "/artifacts/{id}", "artifacts", "read_artifact"),
    Endpoint("GET", "/artifacts/{key}/latest", "artifacts", "read_latest_artifact"),
    Endpoint("PATCH", "/artifacts/{id}", "artifacts", "update_artifact"),
    Endpoint("DELETE", "/artifacts/{id}", "artifacts", "delete_artifact"),
    Endpoint("POST", "/artifacts/filter", "artifacts", "read_artifacts"),
    Endpoint("POST", "/artifacts/latest/filter", "artifacts", "read_latest_artifacts"),
    Endpoint("POST", "/artifacts/count", "artifacts", "count_artifacts"),
    Endpoint("POST", "/artifacts/latest/count", "artifacts", "count_latest_artifacts"),
    Endpoint("POST", "/variables/", "variables", "create_variable"),
    Endpoint("GET", "/variables/{id}", "variables", "read_variable"),
    Endpoint("GET", "/variables/name/{name}", "variables", "read_variable_by_name"),
    Endpoint("PATCH", "/variables/{id}", "variables", "update_variable"),
    Endpoint("PATCH", "/variables/name/{name}", "variables", "update_variable_by_name"),
    Endpoint("DELETE", "/variables/{id}", "variables", "delete_variable"),
    Endpoint("DELETE", "/variables/name/{name}", "variables", "delete_variable_by_name"),
    Endpoint("POST", "/variables/filter", "variables", "read_variables"),
    Endpoint("POST", "/variables/count", "variables", "count_variables"),
    Endpoint("POST", "/block_types/", "block_types", "create_block_type"),
    Endpoint("GET", "/block_types/{id}", "block_types", "read_block_type"),
    Endpoint("GET", "/block_types/slug/{slug}", "block_types", "read_block_type_by_slug"),
    Endpoint("POST", "/block_types/filter", "block_types", "read_block_types"),
    Endpoint("PATCH", "/block_types/{id}", "block_types", "update_block_type"),
    Endpoint("DELETE", "/block_types/{id}", "block_types", "delete_block_type"),
    Endpoint("GET", "/block_types/slug/{slug}/block_documents", "block_types", "read_block_documents_by_type"),
    Endpoint(
        "GET",
        "/block_types/slug/{slug}/block_documents/name/{block_document_name}",
        "block_types",
        "read_block_document_by_name",
    ),
    Endpoint("POST", "/block_types/install_system_block_types", "block_types", "install_system_block_types"),
    Endpoint("POST", "/block_schemas/", "block_schemas", "create_block_schema"),
    Endpoint("GET", "/block_schemas/{id}", "block_schemas", "read_block_schema"),
    Endpoint("GET", "/block_schemas/checksum/{checksum}", "block_schemas", "read_block_schema_by_checksum"),
    Endpoint("POST", "/block_schemas/filter", "block_schemas", "read_block_schemas"),
    Endpoint("DELETE", "/block_schemas/{id}", "block_schemas", "delete_block_schema"),
    Endpoint("GET", "/block_capabilities/", "block_schemas", "read_available_block_capabilities"),
    Endpoint("POST", "/block_documents/", "block_documents", "create_block_document"),
    Endpoint("GET", "/block_documents/{id}", "block_documents", "read_block_document"),
    Endpoint("PATCH", "/block_documents/{id}", "block_documents", "update_block_document"),
    Endpoint("DELETE", "/block_documents/{id}", "block_documents", "delete_block_document"),
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
    Endpoint("DELETE", "/admin/storage", "administration", "clear_server_default_result_storage"),
    Endpoint("POST", "/_core/task_runs/record", "recording", "record_task_runs"),
    Endpoint("POST", "/_core/leases/renew", "liveness", "renew_leases"),
    Endpoint("GET", "/_core/leases", "liveness", "read_leases"),
    Endpoint("POST", "/_core/leases/reap", "liveness", "reap_leases"),
)
