"""What holds for deployments that do not say otherwise."""

from __future__ import annotations

from typing import Optional

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["DeploymentsSettings"]


class DeploymentsSettings(PrefectBaseSettings):
    """What holds for deployments that do not say otherwise."""

    model_config = build_settings_config(("deployments",))

    default_docker_build_namespace: Optional[str] = Field(
        default=None,
        description="What the names of built images without a registry begin with, such as `ghcr.io/acme`.",
        validation_alias=AliasChoices(
            "default_docker_build_namespace",
            "prefect_deployments_default_docker_build_namespace",
            "prefect_default_docker_build_namespace",
        ),
    )
    default_work_pool_name: Optional[str] = Field(
        default=None,
        description="The work pool of deployments that name none.",
        validation_alias=AliasChoices(
            "default_work_pool_name", "prefect_deployments_default_work_pool_name", "prefect_default_work_pool_name"
        ),
    )
