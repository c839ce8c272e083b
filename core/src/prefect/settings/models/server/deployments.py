"""How runs of deployments wait for each other."""

from __future__ import annotations

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["ServerDeploymentsSettings"]


class ServerDeploymentsSettings(PrefectBaseSettings):
    """How runs of deployments wait for each other."""

    model_config = build_settings_config(
        (
            "server",
            "deployments",
        )
    )

    concurrency_slot_wait_seconds: float = Field(
        default=30.0,
        ge=0,
        description="Seconds after which a flow run asks again for a slot of its deployment.",
        validation_alias=AliasChoices(
            "concurrency_slot_wait_seconds",
            "prefect_server_deployments_concurrency_slot_wait_seconds",
            "prefect_deployment_concurrency_slot_wait_seconds",
        ),
    )
