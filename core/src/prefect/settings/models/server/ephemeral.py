"""A server that lives no longer than the process that needs it."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["ServerEphemeralSettings"]


class ServerEphemeralSettings(PrefectBaseSettings):
    """A server that lives no longer than the process that needs it."""

    model_config = build_settings_config(
        (
            "server",
            "ephemeral",
        )
    )

    enabled: bool = Field(
        default=False,
        description="Whether processes without PREFECT_API_URL start a server. None is needed: each is its own orchestrator.",
        validation_alias=AliasChoices(
            "enabled", "prefect_server_ephemeral_enabled", "prefect_server_allow_ephemeral_mode"
        ),
    )
    startup_timeout_seconds: int = Field(default=20, description="Seconds that such a server may take to start.")
