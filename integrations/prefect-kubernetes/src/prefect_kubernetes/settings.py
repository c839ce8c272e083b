"""The settings of this integration: `PREFECT_INTEGRATIONS_KUBERNETES_…`."""

from __future__ import annotations

from typing import Annotated, Any, Optional

from pydantic import BeforeValidator, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = [
    "KubernetesObserverSettings",
    "KubernetesSettings",
    "KubernetesWorkerCreateJobRetrySettings",
    "KubernetesWorkerSettings",
]


def _names(value: Any) -> Any:
    if isinstance(value, str):
        return {part.strip() for part in value.split(",") if part.strip()}
    return value


def _pairs(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    wrong = [name for name, sign, _ in pairs if not (sign and name.strip())]
    if wrong:
        raise ValueError(f"{value!r} is not of the form 'LABEL=VALUE,LABEL=VALUE'.")
    return {name.strip(): text.strip() for name, _, text in pairs}


Namespaces = Annotated[set[str], BeforeValidator(_names)]
LabelFilters = Annotated[dict[str, str], BeforeValidator(_pairs)]


class KubernetesObserverSettings(PrefectBaseSettings):
    """What workers watch in their cluster, besides the Jobs that they have made themselves."""

    model_config = build_settings_config(("integrations", "kubernetes", "observer"))

    enabled: bool = Field(
        default=True, description="Whether workers watch the pods of all flow runs, whoever has started them."
    )
    replicate_pod_events: bool = Field(default=True, description="Whether the phases of pods are told as events.")
    namespaces: Namespaces = Field(
        default=set(), description="The namespaces to watch, separated by commas; none: all of the cluster."
    )
    additional_label_filters: LabelFilters = Field(
        default={}, description="Labels that pods must have to be watched, such as `team=red,stage=prod`."
    )
    startup_event_concurrency: int = Field(
        default=5, ge=1, description="How many of the runs that are found at the start are looked at at once."
    )
    forward_crashed_run_logs: bool = Field(
        default=True, description="Whether what the pod of a crashed run printed last goes into the logs of the run."
    )
    forward_crashed_run_logs_tail_lines: int = Field(default=500, ge=1, description="How many lines of it.")


class KubernetesWorkerCreateJobRetrySettings(PrefectBaseSettings):
    """How often workers try to make a Job, if the cluster is busy, and how long they wait meanwhile."""

    model_config = build_settings_config(("integrations", "kubernetes", "worker", "create_job_retry"))

    max_retries: int = Field(default=3, ge=0, description="Attempts to make a Job after the first one.")
    delay_seconds: int = Field(default=1, ge=0, description="Seconds between two attempts.")
    jitter_min_seconds: int = Field(default=0, ge=0, description="The fewest seconds that are added at random.")
    jitter_max_seconds: int = Field(default=3, ge=0, description="The most seconds that are added at random.")


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
    create_job_retry: KubernetesWorkerCreateJobRetrySettings = Field(
        default_factory=KubernetesWorkerCreateJobRetrySettings, description="How often making a Job is tried."
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
    observer: KubernetesObserverSettings = Field(
        default_factory=KubernetesObserverSettings, description="Settings of what workers watch."
    )
