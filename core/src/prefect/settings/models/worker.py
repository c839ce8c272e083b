"""How workers look for flow runs."""

from __future__ import annotations

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["WorkerSettings", "WorkerWebserverSettings"]


class WorkerWebserverSettings(PrefectBaseSettings):
    """What a worker tells of itself over HTTP."""

    model_config = build_settings_config(
        (
            "worker",
            "webserver",
        )
    )

    host: str = Field(default="0.0.0.0", description="The address that the health check of a worker listens on.")  # noqa: S104 - as in Prefect 3
    port: int = Field(default=8080, description="The port that it listens on.")


class WorkerSettings(PrefectBaseSettings):
    """How workers look for flow runs."""

    model_config = build_settings_config(("worker",))

    cancellation_poll_seconds: float = Field(
        default=120.0, gt=0, description="Seconds between two looks for flow runs that are cancelled."
    )
    debug_mode: bool = Field(default=False, description="Whether a worker logs from level DEBUG on.")
    enable_cancellation: bool = Field(
        default=False, description="Whether a worker ends the infrastructure of flow runs that are cancelled."
    )
    heartbeat_seconds: float = Field(default=30.0, gt=0, description="Seconds between two signs of life of a worker.")
    prefetch_seconds: float = Field(
        default=10.0, ge=0, description="How many seconds before its time a flow run is submitted."
    )
    query_seconds: float = Field(
        default=10.0, gt=0, description="Seconds between two looks for flow runs that are due."
    )
    webserver: WorkerWebserverSettings = Field(
        default_factory=WorkerWebserverSettings, description="What a worker tells of itself over HTTP."
    )
