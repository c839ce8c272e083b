"""What concerns the product's own working."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.types import LogLevel

__all__ = ["InternalSettings"]


class InternalSettings(PrefectBaseSettings):
    """What concerns the product's own working."""

    model_config = build_settings_config(("internal",))

    logging_level: LogLevel = Field(
        default="ERROR",
        description="The level of the product's log about itself. DEBUG when PREFECT_DEBUG_MODE is on.",
        validation_alias=AliasChoices(
            "logging_level", "prefect_internal_logging_level", "prefect_logging_internal_level"
        ),
    )
