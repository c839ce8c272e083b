"""Who is told of logs as they come in."""

from __future__ import annotations

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["ServerLogsSettings"]


class ServerLogsSettings(PrefectBaseSettings):
    """Who is told of logs as they come in."""

    model_config = build_settings_config(
        (
            "server",
            "logs",
        )
    )

    stream_out_enabled: bool = Field(default=False, description="Whether clients can subscribe to logs.")
    stream_publishing_enabled: bool = Field(default=False, description="Whether logs are handed to subscribers.")
