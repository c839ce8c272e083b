"""How to reach an orchestrator that is a server."""

from __future__ import annotations

from typing import Optional

from pydantic import Field, SecretStr

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["APISettings"]


class APISettings(PrefectBaseSettings):
    """How to reach an orchestrator that is a server."""

    model_config = build_settings_config(("api",))

    url: Optional[str] = Field(
        default=None,
        description="The URL of the server's API, such as http://127.0.0.1:4200/api. Without it the orchestrator runs "
        "in this process, on a local database.",
    )
    auth_string: Optional[SecretStr] = Field(
        default=None, description="User and password for a server with basic authentication: `user:password`."
    )
    key: Optional[SecretStr] = Field(default=None, description="The key that the server knows its clients by.")
    tls_insecure_skip_verify: bool = Field(
        default=False, description="Whether to accept any certificate of the server. Insecure: for tests only."
    )
    ssl_cert_file: Optional[str] = Field(
        default=None, description="A file with the certificates of the authorities to trust, instead of the usual ones."
    )
    enable_http2: bool = Field(default=False, description="Whether to use HTTP/2 if the server can.")
    request_timeout: float = Field(default=60.0, description="Seconds to wait for an answer.")
