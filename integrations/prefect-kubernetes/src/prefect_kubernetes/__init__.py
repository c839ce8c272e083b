"""Flow runs as Jobs of a Kubernetes cluster, and blocks for its API."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect_kubernetes.credentials import KubernetesClusterConfig, KubernetesCredentials
    from prefect_kubernetes.jobs import KubernetesJob
    from prefect_kubernetes.worker import KubernetesWorker

__all__ = ["KubernetesClusterConfig", "KubernetesCredentials", "KubernetesJob", "KubernetesWorker"]

_MODULES = {
    "KubernetesClusterConfig": "credentials",
    "KubernetesCredentials": "credentials",
    "KubernetesJob": "jobs",
    "KubernetesWorker": "worker",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"prefect_kubernetes.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
