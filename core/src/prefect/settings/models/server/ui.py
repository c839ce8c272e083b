"""The pages of the server."""

from __future__ import annotations

from typing import Optional

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["ServerUISettings"]


class ServerUISettings(PrefectBaseSettings):
    """The pages of the server."""

    model_config = build_settings_config(
        (
            "server",
            "ui",
        )
    )

    api_url: Optional[str] = Field(
        default=None,
        description="The URL at which browsers reach the API. Unset: PREFECT_API_URL, else the server's own address.",
        validation_alias=AliasChoices("api_url", "prefect_server_ui_api_url", "prefect_ui_api_url"),
    )
    enabled: bool = Field(
        default=True,
        description="Whether the server shows its pages.",
        validation_alias=AliasChoices("enabled", "prefect_server_ui_enabled", "prefect_ui_enabled"),
    )
    serve_base: str = Field(
        default="/",
        description="The path that the pages are below.",
        validation_alias=AliasChoices("serve_base", "prefect_server_ui_serve_base", "prefect_ui_serve_base"),
    )
    show_promotional_content: bool = Field(
        default=True, description="Whether the pages may show advertisements. They have none."
    )
    static_directory: Optional[str] = Field(
        default=None,
        description="The directory that the files of the pages are put into.",
        validation_alias=AliasChoices(
            "static_directory", "prefect_server_ui_static_directory", "prefect_ui_static_directory"
        ),
    )
    v2_enabled: bool = Field(default=True, description="Whether the newer pages are shown.")
