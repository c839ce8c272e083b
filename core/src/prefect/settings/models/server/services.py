"""What the server does on its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Union

from pydantic import AliasChoices, BeforeValidator, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.types import SecondsTimeDelta
from prefect.types._parsing import without_blanks

__all__ = [
    "ServerServicesCancellationCleanupSettings",
    "ServerServicesCleanupReconcilerSettings",
    "ServerServicesDBVacuumSettings",
    "ServerServicesEventLoggerSettings",
    "ServerServicesEventPersisterSettings",
    "ServerServicesForemanSettings",
    "ServerServicesLateRunsSettings",
    "ServerServicesPauseExpirationsSettings",
    "ServerServicesRepossessorSettings",
    "ServerServicesSchedulerSettings",
    "ServerServicesSettings",
    "ServerServicesTaskRunRecorderSettings",
    "ServerServicesTriggersSettings",
]


_SWITCHES = {
    "": False,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
}


def _switch_or_names(value: Any) -> Any:
    """`true`, `false`, or names separated by commas."""
    if not isinstance(value, str):
        return value
    switch = _SWITCHES.get(value.strip().lower())
    return set(without_blanks(value)) if switch is None else switch


class ServerServicesCancellationCleanupSettings(PrefectBaseSettings):
    """Completes the cancellation of flow runs."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "cancellation_cleanup",
        )
    )

    cancelling_timeout_seconds: float = Field(
        default=300.0,
        ge=0,
        description="Seconds after which a flow run that is being cancelled, and that nobody cancels, is taken to be cancelled.",
    )
    enabled: bool = Field(
        default=True,
        description="Whether the server completes the cancellation of flow runs: of their task runs and subflows.",
        validation_alias=AliasChoices(
            "enabled",
            "prefect_server_services_cancellation_cleanup_enabled",
            "prefect_api_services_cancellation_cleanup_enabled",
        ),
    )
    loop_seconds: float = Field(
        default=20.0,
        gt=0,
        description="Seconds between two rounds.",
        validation_alias=AliasChoices(
            "loop_seconds",
            "prefect_server_services_cancellation_cleanup_loop_seconds",
            "prefect_api_services_cancellation_cleanup_loop_seconds",
        ),
    )


class ServerServicesCleanupReconcilerSettings(PrefectBaseSettings):
    """Has the infrastructure of ended flow runs cleaned up."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "cleanup_reconciler",
        )
    )

    batch_size: int = Field(default=100, gt=0, description="The most flow runs of a round.")
    enabled: bool = Field(
        default=True, description="Whether the server has infrastructure of ended flow runs cleaned up by workers."
    )
    loop_seconds: float = Field(default=5.0, gt=0, description="Seconds between two rounds.")
    pending_after_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Seconds after which a flow run that a worker took, and never began, is offered again.",
    )


class ServerServicesDBVacuumSettings(PrefectBaseSettings):
    """Deletes what was kept long enough."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "db_vacuum",
        )
    )

    batch_size: int = Field(default=200, gt=0, description="The most rows that are deleted at once.")
    enabled: Annotated[Union[set[str], bool, None], BeforeValidator(_switch_or_names)] = Field(
        default=True,
        description="What is deleted in time: `events`, `flow_runs`, `task_runs`, `logs`, `artifacts`, `audit`, separated by "
        "commas; `true`: all; `false`: nothing.",
    )
    event_retention_overrides: dict[str, timedelta] = Field(
        default_factory=lambda: {"prefect.flow-run.heartbeat": timedelta(days=7)},
        description="How long events of certain names are kept: names and durations, as JSON.",
    )
    loop_seconds: float = Field(default=3600.0, gt=0, description="Seconds between two rounds.")
    orphan_cleanup_loop_seconds: float = Field(
        default=86400.0, gt=0, description="Seconds between two looks for rows that belong to nothing."
    )
    retention_period: SecondsTimeDelta = Field(
        default=timedelta(days=90),
        gt=timedelta(hours=1),
        description="How long flow runs that have ended are kept, with all that belongs to them, in seconds or in ISO 8601.",
    )
    task_runs_retention_period: SecondsTimeDelta = Field(
        default=timedelta(days=90),
        gt=timedelta(0),
        description="How long task runs without a flow run are kept that have ended.",
    )
    logs_retention_period: SecondsTimeDelta = Field(
        default=timedelta(days=90), gt=timedelta(0), description="How long logs are kept."
    )
    artifacts_retention_period: SecondsTimeDelta = Field(
        default=timedelta(days=365),
        gt=timedelta(0),
        description="How long artifacts are kept. The latest one of each key stays.",
    )
    audit_retention_period: SecondsTimeDelta = Field(
        default=timedelta(days=365), gt=timedelta(0), description="How long it is kept who changed what."
    )


class ServerServicesEventLoggerSettings(PrefectBaseSettings):
    """Logs events."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "event_logger",
        )
    )

    enabled: bool = Field(
        default=False,
        description="Whether the server logs the events that it receives.",
        validation_alias=AliasChoices(
            "enabled", "prefect_server_services_event_logger_enabled", "prefect_api_services_event_logger_enabled"
        ),
    )


class ServerServicesEventPersisterSettings(PrefectBaseSettings):
    """Stores events."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "event_persister",
        )
    )

    batch_size: int = Field(
        default=20,
        gt=0,
        description="How many of their transactions are taken in at once.",
        validation_alias=AliasChoices(
            "batch_size",
            "prefect_server_services_event_persister_batch_size",
            "prefect_api_services_event_persister_batch_size",
        ),
    )
    enabled: bool = Field(
        default=True,
        description="Whether the server takes in the events of processes that use its database without it.",
        validation_alias=AliasChoices(
            "enabled", "prefect_server_services_event_persister_enabled", "prefect_api_services_event_persister_enabled"
        ),
    )
    flush_interval: float = Field(
        default=5.0,
        gt=0,
        description="Seconds between two looks for them.",
        validation_alias=AliasChoices(
            "flush_interval",
            "prefect_server_services_event_persister_flush_interval",
            "prefect_api_services_event_persister_flush_interval",
        ),
    )
    max_flush_retries: int = Field(default=5, ge=0, description="How often storing events is tried again.")
    queue_max_size: int = Field(default=50000, gt=0, description="The most events that wait to be stored.")
    read_batch_size: int = Field(
        default=1,
        gt=0,
        description="How many events are taken from the queue at once.",
        validation_alias=AliasChoices(
            "read_batch_size",
            "prefect_server_services_event_persister_read_batch_size",
            "prefect_api_services_event_persister_read_batch_size",
        ),
    )


class ServerServicesForemanSettings(PrefectBaseSettings):
    """Watches over workers, work pools and work queues."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "foreman",
        )
    )

    deployment_last_polled_timeout_seconds: int = Field(
        default=60,
        description="Seconds without a look for its runs after which a deployment is not ready.",
        validation_alias=AliasChoices(
            "deployment_last_polled_timeout_seconds",
            "prefect_server_services_foreman_deployment_last_polled_timeout_seconds",
            "prefect_api_services_foreman_deployment_last_polled_timeout_seconds",
        ),
    )
    enabled: bool = Field(
        default=True,
        description="Whether the server watches over workers, work pools and work queues.",
        validation_alias=AliasChoices(
            "enabled", "prefect_server_services_foreman_enabled", "prefect_api_services_foreman_enabled"
        ),
    )
    fallback_heartbeat_interval_seconds: int = Field(
        default=30,
        ge=0,
        description="Seconds between two signs of life of a worker that does not say them.",
        validation_alias=AliasChoices(
            "fallback_heartbeat_interval_seconds",
            "prefect_server_services_foreman_fallback_heartbeat_interval_seconds",
            "prefect_api_services_foreman_fallback_heartbeat_interval_seconds",
        ),
    )
    inactivity_heartbeat_multiple: int = Field(
        default=3,
        ge=0,
        description="After how many missed signs of life a worker is offline.",
        validation_alias=AliasChoices(
            "inactivity_heartbeat_multiple",
            "prefect_server_services_foreman_inactivity_heartbeat_multiple",
            "prefect_api_services_foreman_inactivity_heartbeat_multiple",
        ),
    )
    loop_seconds: float = Field(
        default=15.0,
        gt=0,
        description="Seconds between two rounds.",
        validation_alias=AliasChoices(
            "loop_seconds", "prefect_server_services_foreman_loop_seconds", "prefect_api_services_foreman_loop_seconds"
        ),
    )
    work_queue_last_polled_timeout_seconds: int = Field(
        default=60,
        description="Seconds without a look for its runs after which a work queue is not ready.",
        validation_alias=AliasChoices(
            "work_queue_last_polled_timeout_seconds",
            "prefect_server_services_foreman_work_queue_last_polled_timeout_seconds",
            "prefect_api_services_foreman_work_queue_last_polled_timeout_seconds",
        ),
    )


class ServerServicesLateRunsSettings(PrefectBaseSettings):
    """Marks flow runs that are late."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "late_runs",
        )
    )

    after_seconds: SecondsTimeDelta = Field(
        default=timedelta(seconds=15),
        description="How long after its time a flow run is late, in seconds or in ISO 8601.",
        validation_alias=AliasChoices(
            "after_seconds",
            "prefect_server_services_late_runs_after_seconds",
            "prefect_api_services_late_runs_after_seconds",
        ),
    )
    enabled: bool = Field(
        default=True,
        description="Whether the server marks flow runs that nobody starts as late.",
        validation_alias=AliasChoices(
            "enabled", "prefect_server_services_late_runs_enabled", "prefect_api_services_late_runs_enabled"
        ),
    )
    loop_seconds: float = Field(
        default=5.0,
        gt=0,
        description="Seconds between two rounds.",
        validation_alias=AliasChoices(
            "loop_seconds",
            "prefect_server_services_late_runs_loop_seconds",
            "prefect_api_services_late_runs_loop_seconds",
        ),
    )


class ServerServicesPauseExpirationsSettings(PrefectBaseSettings):
    """Fails paused flow runs that were not resumed in time."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "pause_expirations",
        )
    )

    enabled: bool = Field(
        default=True,
        description="Whether the server fails paused flow runs whose time to be resumed is over.",
        validation_alias=AliasChoices(
            "enabled",
            "prefect_server_services_pause_expirations_enabled",
            "prefect_api_services_pause_expirations_enabled",
        ),
    )
    loop_seconds: float = Field(
        default=5.0,
        gt=0,
        description="Seconds between two rounds.",
        validation_alias=AliasChoices(
            "loop_seconds",
            "prefect_server_services_pause_expirations_loop_seconds",
            "prefect_api_services_pause_expirations_loop_seconds",
        ),
    )


class ServerServicesRepossessorSettings(PrefectBaseSettings):
    """Gives back concurrency slots that nobody holds any more."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "repossessor",
        )
    )

    enabled: bool = Field(
        default=True, description="Whether the server gives back concurrency slots whose lease has expired."
    )
    loop_seconds: float = Field(default=15.0, gt=0, description="Seconds between two rounds.")


class ServerServicesSchedulerSettings(PrefectBaseSettings):
    """Makes the flow runs of schedules."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "scheduler",
        )
    )

    deployment_batch_size: int = Field(
        default=100,
        gt=0,
        description="How many deployments are scheduled at once.",
        validation_alias=AliasChoices(
            "deployment_batch_size",
            "prefect_server_services_scheduler_deployment_batch_size",
            "prefect_api_services_scheduler_deployment_batch_size",
        ),
    )
    enabled: bool = Field(
        default=True,
        description="Whether the server makes the flow runs of schedules.",
        validation_alias=AliasChoices(
            "enabled", "prefect_server_services_scheduler_enabled", "prefect_api_services_scheduler_enabled"
        ),
    )
    insert_batch_size: int = Field(
        default=500,
        gt=0,
        description="How many flow runs are made at once.",
        validation_alias=AliasChoices(
            "insert_batch_size",
            "prefect_server_services_scheduler_insert_batch_size",
            "prefect_api_services_scheduler_insert_batch_size",
        ),
    )
    loop_seconds: float = Field(
        default=60.0,
        gt=0,
        description="Seconds between two rounds.",
        validation_alias=AliasChoices(
            "loop_seconds",
            "prefect_server_services_scheduler_loop_seconds",
            "prefect_api_services_scheduler_loop_seconds",
        ),
    )
    max_runs: int = Field(
        default=100,
        gt=0,
        description="The most flow runs of a schedule that are made ahead.",
        validation_alias=AliasChoices(
            "max_runs", "prefect_server_services_scheduler_max_runs", "prefect_api_services_scheduler_max_runs"
        ),
    )
    max_scheduled_time: SecondsTimeDelta = Field(
        default=timedelta(days=100),
        description="How far ahead flow runs are made at most, in seconds or in ISO 8601.",
        validation_alias=AliasChoices(
            "max_scheduled_time",
            "prefect_server_services_scheduler_max_scheduled_time",
            "prefect_api_services_scheduler_max_scheduled_time",
        ),
    )
    min_runs: int = Field(
        default=3,
        ge=0,
        description="The fewest flow runs of a schedule that are made ahead.",
        validation_alias=AliasChoices(
            "min_runs", "prefect_server_services_scheduler_min_runs", "prefect_api_services_scheduler_min_runs"
        ),
    )
    min_scheduled_time: SecondsTimeDelta = Field(
        default=timedelta(hours=1),
        description="How far ahead flow runs are made at least, in seconds or in ISO 8601.",
        validation_alias=AliasChoices(
            "min_scheduled_time",
            "prefect_server_services_scheduler_min_scheduled_time",
            "prefect_api_services_scheduler_min_scheduled_time",
        ),
    )
    recent_deployments_loop_seconds: float = Field(
        default=5.0, gt=0, description="Seconds between two rounds for deployments that were changed just now."
    )


class ServerServicesTaskRunRecorderSettings(PrefectBaseSettings):
    """Records task runs that are reported as events."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "task_run_recorder",
        )
    )

    batch_size: int = Field(default=1, gt=0, description="How many of them are recorded at once.")
    enabled: bool = Field(
        default=True,
        description="Whether the server records the task runs that clients report as events.",
        validation_alias=AliasChoices(
            "enabled",
            "prefect_server_services_task_run_recorder_enabled",
            "prefect_api_services_task_run_recorder_enabled",
        ),
    )
    flush_interval: float = Field(default=5.0, gt=0, description="The most seconds that one waits to be recorded.")
    read_batch_size: int = Field(
        default=1, gt=0, description="How many of these events are taken from the queue at once."
    )


class ServerServicesTriggersSettings(PrefectBaseSettings):
    """Fires automations."""

    model_config = build_settings_config(
        (
            "server",
            "services",
            "triggers",
        )
    )

    enabled: bool = Field(
        default=True,
        description="Whether the server fires automations.",
        validation_alias=AliasChoices(
            "enabled", "prefect_server_services_triggers_enabled", "prefect_api_services_triggers_enabled"
        ),
    )
    pg_notify_heartbeat_interval_seconds: int = Field(
        default=5, gt=0, description="Seconds between two checks of that connection."
    )
    pg_notify_reconnect_interval_seconds: int = Field(
        default=10, gt=0, description="Seconds after which a lost connection for Postgres notifications is made again."
    )
    read_batch_size: int = Field(default=1, gt=0, description="How many events are taken from the queue at once.")


class ServerServicesSettings(PrefectBaseSettings):
    """What the server does on its own."""

    model_config = build_settings_config(
        (
            "server",
            "services",
        )
    )

    cancellation_cleanup: ServerServicesCancellationCleanupSettings = Field(
        default_factory=ServerServicesCancellationCleanupSettings,
        description="Completes the cancellation of flow runs.",
    )
    cleanup_reconciler: ServerServicesCleanupReconcilerSettings = Field(
        default_factory=ServerServicesCleanupReconcilerSettings,
        description="Has the infrastructure of ended flow runs cleaned up.",
    )
    db_vacuum: ServerServicesDBVacuumSettings = Field(
        default_factory=ServerServicesDBVacuumSettings, description="Deletes what was kept long enough."
    )
    event_logger: ServerServicesEventLoggerSettings = Field(
        default_factory=ServerServicesEventLoggerSettings, description="Logs events."
    )
    event_persister: ServerServicesEventPersisterSettings = Field(
        default_factory=ServerServicesEventPersisterSettings, description="Stores events."
    )
    foreman: ServerServicesForemanSettings = Field(
        default_factory=ServerServicesForemanSettings, description="Watches over workers, work pools and work queues."
    )
    late_runs: ServerServicesLateRunsSettings = Field(
        default_factory=ServerServicesLateRunsSettings, description="Marks flow runs that are late."
    )
    pause_expirations: ServerServicesPauseExpirationsSettings = Field(
        default_factory=ServerServicesPauseExpirationsSettings,
        description="Fails paused flow runs that were not resumed in time.",
    )
    repossessor: ServerServicesRepossessorSettings = Field(
        default_factory=ServerServicesRepossessorSettings,
        description="Gives back concurrency slots that nobody holds any more.",
    )
    scheduler: ServerServicesSchedulerSettings = Field(
        default_factory=ServerServicesSchedulerSettings, description="Makes the flow runs of schedules."
    )
    task_run_recorder: ServerServicesTaskRunRecorderSettings = Field(
        default_factory=ServerServicesTaskRunRecorderSettings,
        description="Records task runs that are reported as events.",
    )
    triggers: ServerServicesTriggersSettings = Field(
        default_factory=ServerServicesTriggersSettings, description="Fires automations."
    )
