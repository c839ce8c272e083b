"""How the server is reached, and by whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Optional

from pydantic import AliasChoices, Field, SecretStr

from prefect.settings.base import PrefectBaseSettings, build_settings_config
from prefect.types import SecondsTimeDelta

__all__ = ["ServerAPISettings"]


class ServerAPISettings(PrefectBaseSettings):
    """How the server is reached, and by whom."""

    model_config = build_settings_config(
        (
            "server",
            "api",
        )
    )

    auth_string: Optional[SecretStr] = Field(
        default=None,
        description="User and password that clients have to send: `user:password`. Unset: no user and password are asked for.",
    )
    base_path: Optional[str] = Field(default=None, description="The path that a proxy serves the API below.")
    cors_allowed_headers: str = Field(
        default="*",
        description="Headers that pages of other origins may send, separated by commas.",
        validation_alias=AliasChoices(
            "cors_allowed_headers", "prefect_server_api_cors_allowed_headers", "prefect_server_cors_allowed_headers"
        ),
    )
    cors_allowed_methods: str = Field(
        default="*",
        description="Methods that pages of other origins may use, separated by commas.",
        validation_alias=AliasChoices(
            "cors_allowed_methods", "prefect_server_api_cors_allowed_methods", "prefect_server_cors_allowed_methods"
        ),
    )
    cors_allowed_origins: str = Field(
        default="",
        description="Origins whose pages may send requests, separated by commas; `*`: any. Effective only when set.",
        validation_alias=AliasChoices(
            "cors_allowed_origins", "prefect_server_api_cors_allowed_origins", "prefect_server_cors_allowed_origins"
        ),
    )
    csrf_protection_enabled: bool = Field(
        default=False,
        description="Whether requests that change something need a token against forged requests.",
        validation_alias=AliasChoices(
            "csrf_protection_enabled",
            "prefect_server_api_csrf_protection_enabled",
            "prefect_server_csrf_protection_enabled",
        ),
    )
    csrf_token_expiration: SecondsTimeDelta = Field(
        default=timedelta(hours=1),
        description="How long such a token is valid, in seconds or in ISO 8601.",
        validation_alias=AliasChoices(
            "csrf_token_expiration", "prefect_server_api_csrf_token_expiration", "prefect_server_csrf_token_expiration"
        ),
    )
    default_limit: int = Field(
        default=200,
        gt=0,
        description="The most records of one answer, and how many there are if a request names no limit.",
        validation_alias=AliasChoices("default_limit", "prefect_server_api_default_limit", "prefect_api_default_limit"),
    )
    host: str = Field(default="127.0.0.1", description="The address that the server listens on.")
    keepalive_timeout: int = Field(
        default=5, ge=0, description="Seconds after which a connection without requests is closed."
    )
    max_parameter_size: int = Field(default=524288, ge=0, description="The most bytes of a flow run's parameters.")
    port: int = Field(default=4200, description="The port that the server listens on.")
    websocket_ping_interval: float = Field(
        default=20.0, gt=0, description="Seconds between two signs of life on a websocket."
    )
    websocket_ping_timeout: float = Field(
        default=20.0, gt=0, description="Seconds without an answer to one after which a websocket is closed."
    )
