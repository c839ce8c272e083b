"""How the client behaves towards a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config, later, later_field
from prefect.types import ClientRetryExtraCodes, JsonStringOrDict

if TYPE_CHECKING:
    from prefect.settings.models.client_metrics import ClientMetricsSettings
else:
    ClientMetricsSettings = later(
        "prefect.settings.models.client_metrics:ClientMetricsSettings",
        "PREFECT_CLIENT_METRICS_",
        "PREFECT_CLIENT_ENABLE_METRICS",
    )

__all__ = ["ClientSettings"]


class ClientSettings(PrefectBaseSettings):
    """How the client behaves towards a server."""

    model_config = build_settings_config(("client",))

    max_retries: int = Field(default=5, ge=0, description="How often a failed request is sent again.")
    retry_jitter_factor: float = Field(
        default=0.2, ge=0.0, description="How much the time between two tries varies, as a part of it."
    )
    retry_extra_codes: ClientRetryExtraCodes = Field(
        default=set(),
        description="Further HTTP status codes after which a request is sent again, separated by commas.",
    )
    csrf_support_enabled: bool = Field(
        default=True, description="Whether to get a token against forged requests where the server wants one."
    )
    custom_headers: JsonStringOrDict = Field(default={}, description="Headers to add to each request, as JSON.")
    server_version_check_enabled: bool = Field(
        default=True, description="Whether to warn when the server's version does not fit the client's."
    )
    metrics: ClientMetricsSettings = later_field("What processes that run flows tell of themselves.")
