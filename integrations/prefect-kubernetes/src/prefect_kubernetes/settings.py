"""The settings of workers of the type `kubernetes`."""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["KubernetesSettings", "KubernetesWorkerSettings"]


class KubernetesWorkerSettings(PrefectBaseSettings):
    """How secrets get to the Jobs of flow runs. They never are in a Job's manifest."""

    model_config = build_settings_config(("integrations", "kubernetes", "worker"))

    api_key_secret_name: Optional[str] = Field(
        default=None, description="The Secret with the API key; unset: one is made for each Job."
    )
    api_key_secret_key: Optional[str] = Field(default=None, description="Where in that Secret it is; unset: `value`.")
    api_auth_string_secret_name: Optional[str] = Field(
        default=None, description="The Secret with the auth string of the API; unset: one is made for each Job."
    )
    api_auth_string_secret_key: Optional[str] = Field(
        default=None, description="Where in that Secret it is; unset: `value`."
    )
    store_env_as_secret: bool = Field(
        default=False, description="Whether all environment variables go into the Secret of the Job."
    )


class KubernetesSettings(PrefectBaseSettings):
    """The settings of this integration."""

    model_config = build_settings_config(("integrations", "kubernetes"))

    cluster_uid: Optional[str] = Field(
        default=None,
        description="What the cluster is known by; unset: the id of its namespace `kube-system`, or its address.",
    )
    worker: KubernetesWorkerSettings = Field(
        default_factory=KubernetesWorkerSettings, description="Settings of the worker."
    )
