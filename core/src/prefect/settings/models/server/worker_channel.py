"""How workers are told what to clean up."""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["ServerWorkerChannelSettings"]


class ServerWorkerChannelSettings(PrefectBaseSettings):
    """How workers are told what to clean up."""

    model_config = build_settings_config(
        (
            "server",
            "worker_channel",
        )
    )

    cleanup_completed_idempotency_retention_seconds: Optional[float] = Field(
        default=None,
        description="Seconds for which a clean-up that was done is remembered; unset: as long as the server thinks right.",
    )
    cleanup_lease_seconds: float = Field(
        default=30.0,
        gt=0,
        description="Seconds for which a worker that took on the clean-up of infrastructure is left to it.",
    )
    cleanup_max_delivery_attempts: int = Field(
        default=3, gt=0, description="How often a clean-up is offered to workers."
    )
    cleanup_queue_storage: str = Field(
        default="prefect.server.worker_communication.cleanup_queue.memory",
        description="The module that keeps clean-ups. They are kept in the database, whatever it says.",
    )
