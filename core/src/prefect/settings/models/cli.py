"""How the command line looks."""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["CLISettings"]


class CLISettings(PrefectBaseSettings):
    """How the command line looks."""

    model_config = build_settings_config(("cli",))

    colors: bool = Field(default=True, description="Whether the output is coloured.")
    prompt: Optional[bool] = Field(
        default=None, description="Whether commands may ask questions; unset: if they are on a terminal."
    )
    wrap_lines: bool = Field(default=True, description="Whether long lines are wrapped at the terminal's width.")
