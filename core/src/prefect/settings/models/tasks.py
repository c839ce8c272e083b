"""What holds for tasks that do not say otherwise."""

from __future__ import annotations

from typing import Optional

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.types import TaskRetryDelaySeconds

__all__ = ["TasksRunnerSettings", "TasksSchedulingSettings", "TasksSettings"]


class TasksRunnerSettings(PrefectBaseSettings):
    """How many tasks run at the same time."""

    model_config = build_settings_config(("tasks", "runner"))

    thread_pool_max_workers: Optional[int] = Field(
        default=None,
        gt=0,
        description="The most threads of a ThreadPoolTaskRunner that says nothing about it.",
        validation_alias=AliasChoices(
            "thread_pool_max_workers",
            "prefect_tasks_runner_thread_pool_max_workers",
            "prefect_task_runner_thread_pool_max_workers",
        ),
    )
    process_pool_max_workers: Optional[int] = Field(
        default=None,
        gt=0,
        description="The most processes of a ProcessPoolTaskRunner that says nothing about it; unset: one per "
        "processor.",
    )


class TasksSchedulingSettings(PrefectBaseSettings):
    """How tasks are handed to other processes."""

    model_config = build_settings_config(("tasks", "scheduling"))

    default_storage_block: Optional[str] = Field(
        default=None,
        description="The block that the parameters of delayed tasks are stored with: `block-type-slug/name`.",
        validation_alias=AliasChoices(
            "default_storage_block",
            "prefect_tasks_scheduling_default_storage_block",
            "prefect_task_scheduling_default_storage_block",
        ),
    )
    delete_failed_submissions: bool = Field(
        default=True,
        description="Whether a delayed task run that could not be handed over is deleted.",
        validation_alias=AliasChoices(
            "delete_failed_submissions",
            "prefect_tasks_scheduling_delete_failed_submissions",
            "prefect_task_scheduling_delete_failed_submissions",
        ),
    )


class TasksSettings(PrefectBaseSettings):
    """What holds for tasks that do not say otherwise."""

    model_config = build_settings_config(("tasks",))

    refresh_cache: bool = Field(
        default=False, description="Whether tasks run although their result is cached, and the cache is renewed."
    )
    default_no_cache: bool = Field(default=False, description="Whether tasks without a cache policy are not cached.")
    disable_caching: bool = Field(default=False, description="Whether no task is cached at all.")
    default_retries: int = Field(
        default=0,
        ge=0,
        description="How often a failed task run is tried again.",
        validation_alias=AliasChoices(
            "default_retries", "prefect_tasks_default_retries", "prefect_task_default_retries"
        ),
    )
    default_retry_delay_seconds: TaskRetryDelaySeconds = Field(
        default=0,
        description="Seconds between two tries of a task run: one number, or one for each, separated by commas.",
        validation_alias=AliasChoices(
            "default_retry_delay_seconds",
            "prefect_tasks_default_retry_delay_seconds",
            "prefect_task_default_retry_delay_seconds",
        ),
    )
    default_persist_result: Optional[bool] = Field(
        default=None,
        description="Whether results of tasks that say nothing about it are stored; unset: as PREFECT_RESULTS_PERSIST_"
        "BY_DEFAULT and the flow say.",
    )
    runner: TasksRunnerSettings = Field(default_factory=TasksRunnerSettings)
    scheduling: TasksSchedulingSettings = Field(default_factory=TasksSchedulingSettings)
