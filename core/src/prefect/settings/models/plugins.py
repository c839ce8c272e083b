"""Which plugins are used."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from pydantic import AliasChoices, BeforeValidator, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.types._parsing import without_blanks

__all__ = ["PluginsSettings"]


def _names(value: Any) -> Any:
    parts = without_blanks(value)
    return set(parts) if isinstance(parts, list) else parts


def _aliases(name: str) -> AliasChoices:
    return AliasChoices(name, f"prefect_plugins_{name}", f"prefect_experiments_plugins_{name}")


class PluginsSettings(PrefectBaseSettings):
    """Which plugins are used."""

    model_config = build_settings_config(("plugins",))

    enabled: bool = Field(
        default=False,
        description="Whether plugins may prepare the environment of this process.",
        validation_alias=_aliases("enabled"),
    )
    allow: Annotated[Optional[set[str]], BeforeValidator(_names)] = Field(
        default=None,
        description="The only plugins to use, separated by commas; unset: all that are installed.",
        validation_alias=_aliases("allow"),
    )
    deny: Annotated[Optional[set[str]], BeforeValidator(_names)] = Field(
        default=None,
        description="Plugins that are not used, separated by commas.",
        validation_alias=_aliases("deny"),
    )
    setup_timeout_seconds: float = Field(
        default=20.0,
        description="How long all plugins together may take to prepare the environment.",
        validation_alias=_aliases("setup_timeout_seconds"),
    )
    strict: bool = Field(
        default=False,
        description="Whether a plugin that fails to prepare the environment ends the process.",
        validation_alias=_aliases("strict"),
    )
    safe_mode: bool = Field(
        default=False,
        description="Whether plugins are found but not called, to see if one of them is the trouble.",
        validation_alias=_aliases("safe_mode"),
    )
