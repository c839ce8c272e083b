"""How servers share their background work."""

from __future__ import annotations

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["ServerDocketSettings"]


class ServerDocketSettings(PrefectBaseSettings):
    """How servers share their background work."""

    model_config = build_settings_config(
        (
            "server",
            "docket",
        )
    )

    name: str = Field(
        default="prefect-server",
        description="The name under which servers share their background work. They share it through the database.",
    )
    url: str = Field(
        default="memory://", description="Where that work is kept. It is kept in the database, whatever it says."
    )
