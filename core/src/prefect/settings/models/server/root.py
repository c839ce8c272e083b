"""The settings of the orchestrator itself, in this process or as a server."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.settings.models.server.database import ServerDatabaseSettings
from prefect.types import LogLevel

__all__ = ["ServerSettings"]


class ServerSettings(PrefectBaseSettings):
    """The settings of the orchestrator itself, in this process or as a server."""

    model_config = build_settings_config(("server",))

    logging_level: LogLevel = Field(
        default="WARNING",
        description="The level from which on the orchestrator's own records are shown.",
        validation_alias=AliasChoices("logging_level", "prefect_server_logging_level", "prefect_logging_server_level"),
    )
    database: ServerDatabaseSettings = Field(default_factory=ServerDatabaseSettings)
