"""The settings of the orchestrator itself, in this process or as a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config, expanded, later, later_field
from prefect.settings.models._home import in_home
from prefect.settings.models.server.database import ServerDatabaseSettings
from prefect.types import LogLevel

__all__ = ["ServerSettings"]


def _later(target: str, *prefixes: str) -> Any:
    return later(f"prefect.settings.models.server.{target}", *prefixes)


if TYPE_CHECKING:
    from prefect.settings.models.server.api import ServerAPISettings
    from prefect.settings.models.server.concurrency import ServerConcurrencySettings
    from prefect.settings.models.server.deployments import ServerDeploymentsSettings
    from prefect.settings.models.server.docket import ServerDocketSettings
    from prefect.settings.models.server.ephemeral import ServerEphemeralSettings
    from prefect.settings.models.server.events import ServerEventsSettings
    from prefect.settings.models.server.flow_run_graph import ServerFlowRunGraphSettings
    from prefect.settings.models.server.logs import ServerLogsSettings
    from prefect.settings.models.server.services import ServerServicesSettings
    from prefect.settings.models.server.tasks import ServerTasksSettings
    from prefect.settings.models.server.ui import ServerUISettings
    from prefect.settings.models.server.worker_channel import ServerWorkerChannelSettings
else:
    ServerAPISettings = _later(
        "api:ServerAPISettings",
        "PREFECT_SERVER_API_",
        "PREFECT_API_DEFAULT_LIMIT",
        "PREFECT_SERVER_CORS_",
        "PREFECT_SERVER_CSRF_",
    )
    ServerConcurrencySettings = _later("concurrency:ServerConcurrencySettings", "PREFECT_SERVER_CONCURRENCY_")
    ServerDeploymentsSettings = _later(
        "deployments:ServerDeploymentsSettings", "PREFECT_SERVER_DEPLOYMENTS_", "PREFECT_DEPLOYMENT_CONCURRENCY_"
    )
    ServerDocketSettings = _later("docket:ServerDocketSettings", "PREFECT_SERVER_DOCKET_")
    ServerEphemeralSettings = _later(
        "ephemeral:ServerEphemeralSettings", "PREFECT_SERVER_EPHEMERAL_", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"
    )
    ServerEventsSettings = _later(
        "events:ServerEventsSettings",
        "PREFECT_SERVER_EVENTS_",
        "PREFECT_EVENTS_",
        "PREFECT_API_EVENTS_",
        "PREFECT_MESSAGING_",
    )
    ServerFlowRunGraphSettings = _later(
        "flow_run_graph:ServerFlowRunGraphSettings", "PREFECT_SERVER_FLOW_RUN_GRAPH_", "PREFECT_API_MAX_FLOW_RUN_GRAPH_"
    )
    ServerLogsSettings = _later("logs:ServerLogsSettings", "PREFECT_SERVER_LOGS_")
    ServerServicesSettings = _later(
        "services:ServerServicesSettings", "PREFECT_SERVER_SERVICES_", "PREFECT_API_SERVICES_"
    )
    ServerTasksSettings = _later(
        "tasks:ServerTasksSettings",
        "PREFECT_SERVER_TASKS_",
        "PREFECT_API_TASK_CACHE_KEY_",
        "PREFECT_TASK_SCHEDULING_",
        "PREFECT_TASK_RUN_TAG_",
    )
    ServerUISettings = _later("ui:ServerUISettings", "PREFECT_SERVER_UI_", "PREFECT_UI_")
    ServerWorkerChannelSettings = _later("worker_channel:ServerWorkerChannelSettings", "PREFECT_SERVER_WORKER_CHANNEL_")


def _aliases(name: str, older: str) -> AliasChoices:
    return AliasChoices(name, f"prefect_server_{name}", older)


class ServerSettings(PrefectBaseSettings):
    """The settings of the orchestrator itself, in this process or as a server."""

    model_config = build_settings_config(("server",))

    logging_level: LogLevel = Field(
        default="WARNING",
        description="The level from which on the orchestrator's own records are shown.",
        validation_alias=_aliases("logging_level", "prefect_logging_server_level"),
    )
    analytics_enabled: bool = Field(
        default=True, description="Whether the server may report its use. This one reports nothing to anybody."
    )
    metrics_enabled: bool = Field(
        default=False,
        description="Whether the server answers requests of Prometheus.",
        validation_alias=_aliases("metrics_enabled", "prefect_api_enable_metrics"),
    )
    log_retryable_errors: bool = Field(
        default=False,
        description="Whether errors of the database that are tried again are logged.",
        validation_alias=_aliases("log_retryable_errors", "prefect_api_log_retryable_errors"),
    )
    register_blocks_on_start: bool = Field(
        default=True,
        description="Whether the server makes the types of all installed blocks known when it starts.",
        validation_alias=_aliases("register_blocks_on_start", "prefect_api_blocks_register_on_start"),
    )
    memoize_block_auto_registration: bool = Field(
        default=True,
        description="Whether it skips that when they are the same as at its last start.",
        validation_alias=_aliases("memoize_block_auto_registration", "prefect_memoize_block_auto_registration"),
    )
    memo_store_path: Annotated[Path, AfterValidator(expanded)] = Field(
        default_factory=lambda: in_home("memo_store.toml"),
        description="The file in which that is remembered.",
        validation_alias=_aliases("memo_store_path", "prefect_memo_store_path"),
    )
    deployment_schedule_max_scheduled_runs: int = Field(
        default=50,
        description="The most flow runs of a deployment that one request may schedule.",
        validation_alias=_aliases(
            "deployment_schedule_max_scheduled_runs", "prefect_deployment_schedule_max_scheduled_runs"
        ),
    )
    database: ServerDatabaseSettings = Field(
        default_factory=ServerDatabaseSettings, description="The orchestrator's database."
    )
    api: ServerAPISettings = later_field("How the server is reached, and by whom.")
    concurrency: ServerConcurrencySettings = later_field("How concurrency slots are held.")
    deployments: ServerDeploymentsSettings = later_field("How runs of deployments wait for each other.")
    docket: ServerDocketSettings = later_field("How servers share their background work.")
    ephemeral: ServerEphemeralSettings = later_field("A server that lives no longer than the process that needs it.")
    events: ServerEventsSettings = later_field("Which events are taken, and how long they are kept.")
    flow_run_graph: ServerFlowRunGraphSettings = later_field("How large the graph of a flow run may be.")
    logs: ServerLogsSettings = later_field("Who is told of logs as they come in.")
    services: ServerServicesSettings = later_field("What the server does on its own.")
    tasks: ServerTasksSettings = later_field("How the server deals with task runs.")
    ui: ServerUISettings = later_field("The pages of the server.")
    worker_channel: ServerWorkerChannelSettings = later_field("How workers are told what to clean up.")
