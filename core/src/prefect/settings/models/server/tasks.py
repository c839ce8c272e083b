"""How the server deals with task runs."""

from __future__ import annotations

from datetime import timedelta

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.types import SecondsTimeDelta

__all__ = ["ServerTasksSchedulingSettings", "ServerTasksSettings"]


class ServerTasksSchedulingSettings(PrefectBaseSettings):
    """The queues of delayed task runs."""

    model_config = build_settings_config(
        (
            "server",
            "tasks",
            "scheduling",
        )
    )

    max_retry_queue_size: int = Field(
        default=100,
        gt=0,
        description="The most delayed task runs that wait in a queue to be tried again.",
        validation_alias=AliasChoices(
            "max_retry_queue_size",
            "prefect_server_tasks_scheduling_max_retry_queue_size",
            "prefect_task_scheduling_max_retry_queue_size",
        ),
    )
    max_scheduled_queue_size: int = Field(
        default=1000,
        gt=0,
        description="The most delayed task runs that wait in a queue.",
        validation_alias=AliasChoices(
            "max_scheduled_queue_size",
            "prefect_server_tasks_scheduling_max_scheduled_queue_size",
            "prefect_task_scheduling_max_scheduled_queue_size",
        ),
    )
    pending_task_timeout: SecondsTimeDelta = Field(
        default=timedelta(seconds=0),
        description="How long a delayed task run may be pending before it is offered again, in seconds or ISO 8601; 0: any time.",
        validation_alias=AliasChoices(
            "pending_task_timeout",
            "prefect_server_tasks_scheduling_pending_task_timeout",
            "prefect_task_scheduling_pending_task_timeout",
        ),
    )


class ServerTasksSettings(PrefectBaseSettings):
    """How the server deals with task runs."""

    model_config = build_settings_config(
        (
            "server",
            "tasks",
        )
    )

    max_cache_key_length: int = Field(
        default=2000,
        gt=0,
        description="The most characters of a task run's cache key.",
        validation_alias=AliasChoices(
            "max_cache_key_length", "prefect_server_tasks_max_cache_key_length", "prefect_api_task_cache_key_max_length"
        ),
    )
    tag_concurrency_slot_wait_seconds: float = Field(
        default=10.0,
        ge=0,
        description="Seconds after which a task run asks again for a slot of its tags.",
        validation_alias=AliasChoices(
            "tag_concurrency_slot_wait_seconds",
            "prefect_server_tasks_tag_concurrency_slot_wait_seconds",
            "prefect_task_run_tag_concurrency_slot_wait_seconds",
        ),
    )
    scheduling: ServerTasksSchedulingSettings = Field(
        default_factory=ServerTasksSchedulingSettings, description="The queues of delayed task runs."
    )
