"""How concurrency slots are held."""

from __future__ import annotations

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["ServerConcurrencySettings"]


class ServerConcurrencySettings(PrefectBaseSettings):
    """How concurrency slots are held."""

    model_config = build_settings_config(
        (
            "server",
            "concurrency",
        )
    )

    initial_deployment_lease_duration: float = Field(
        default=300.0,
        gt=0,
        description="Seconds for which a flow run holds its deployment's slot before its process renews it.",
    )
    lease_storage: str = Field(
        default="prefect.server.concurrency.lease_storage.memory",
        description="The module that keeps the leases of concurrency slots. They are kept in the database, whatever it says.",
    )
    maximum_concurrency_slot_wait_seconds: float = Field(
        default=30.0, ge=0, description="The most seconds after which a client is told to ask again for a slot."
    )
