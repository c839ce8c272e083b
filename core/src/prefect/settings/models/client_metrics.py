"""What processes that run flows tell of themselves."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["ClientMetricsSettings"]


class ClientMetricsSettings(PrefectBaseSettings):
    """What processes that run flows tell of themselves."""

    model_config = build_settings_config(
        (
            "client",
            "metrics",
        )
    )

    enabled: bool = Field(
        default=False,
        description="Whether a process that runs flows answers requests of Prometheus.",
        validation_alias=AliasChoices("enabled", "prefect_client_metrics_enabled", "prefect_client_enable_metrics"),
    )
    port: int = Field(default=4201, description="The port that it answers them on.")
