"""The settings of this integration: `PREFECT_INTEGRATIONS_AWS_…`."""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = [
    "AwsSettings",
    "EcsObserverSettings",
    "EcsObserverSqsSettings",
    "EcsSettings",
    "EcsWorkerSettings",
    "RdsIAMSettings",
    "RdsSettings",
]


class EcsObserverSqsSettings(PrefectBaseSettings):
    """The queue in which the changes of tasks are."""

    model_config = build_settings_config(("integrations", "aws", "ecs", "observer", "sqs"))

    queue_name: str = Field(default="prefect-ecs-tasks-events", min_length=1, description="The name of the queue.")
    queue_region: Optional[str] = Field(
        default=None, description="Its region; unset: that of the credentials of the work pool."
    )


class EcsObserverSettings(PrefectBaseSettings):
    """What workers of the type `ecs` watch, besides the tasks that they have started themselves."""

    model_config = build_settings_config(("integrations", "aws", "ecs", "observer"))

    enabled: bool = Field(
        default=True, description="Whether workers watch the tasks of all flow runs, whoever has started them."
    )
    sqs: EcsObserverSqsSettings = Field(default_factory=EcsObserverSqsSettings, description="Where they hear of them.")
    forward_crashed_run_logs: bool = Field(
        default=True,
        description="Whether what the container of a crashed run printed last goes into the logs of the run.",
    )
    forward_crashed_run_logs_max_events: int = Field(default=500, ge=1, description="How many lines of it.")


class EcsWorkerSettings(PrefectBaseSettings):
    """How often workers of the type `ecs` try what fails for a moment, and how long they wait meanwhile."""

    model_config = build_settings_config(("integrations", "aws", "ecs", "worker"))

    create_task_run_max_attempts: int = Field(default=3, ge=1, description="Attempts to start a task.")
    create_task_run_min_delay_seconds: int = Field(default=1, ge=0, description="Seconds between two such attempts.")
    create_task_run_min_delay_jitter_seconds: int = Field(
        default=0, ge=0, description="The fewest seconds that are added to them at random."
    )
    create_task_run_max_delay_jitter_seconds: int = Field(
        default=3, ge=0, description="The most seconds that are added to them at random."
    )
    register_task_definition_max_attempts: int = Field(
        default=3, ge=1, description="Attempts to register a task definition."
    )
    register_task_definition_initial_delay_seconds: float = Field(
        default=1.0, ge=0, description="Seconds before the second attempt; twice as long before each further one."
    )
    register_task_definition_max_delay_seconds: float = Field(
        default=10.0, ge=0, description="The most seconds between two attempts."
    )


class EcsSettings(PrefectBaseSettings):
    """Settings of Elastic Container Service."""

    model_config = build_settings_config(("integrations", "aws", "ecs"))

    observer: EcsObserverSettings = Field(
        default_factory=EcsObserverSettings, description="Settings of what workers watch."
    )
    worker: EcsWorkerSettings = Field(default_factory=EcsWorkerSettings, description="Settings of workers.")


class RdsIAMSettings(PrefectBaseSettings):
    """How a server logs in to a database of RDS."""

    model_config = build_settings_config(("integrations", "aws", "rds", "iam"))

    enabled: bool = Field(
        default=False, description="Whether the server logs in to its PostgreSQL database with IAM, not a password."
    )
    region_name: Optional[str] = Field(
        default=None, description="The region of the database; unset: as boto3 finds it in the environment."
    )


class RdsSettings(PrefectBaseSettings):
    """Settings of Relational Database Service."""

    model_config = build_settings_config(("integrations", "aws", "rds"))

    iam: RdsIAMSettings = Field(default_factory=RdsIAMSettings, description="Settings of IAM authentication.")


class AwsSettings(PrefectBaseSettings):
    """The settings of this integration."""

    model_config = build_settings_config(("integrations", "aws"))

    ecs: EcsSettings = Field(default_factory=EcsSettings, description="Settings of Elastic Container Service.")
    rds: RdsSettings = Field(default_factory=RdsSettings, description="Settings of Relational Database Service.")
