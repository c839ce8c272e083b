"""The secrets of a flow run's environment: references in the manifest of its Job, to a Secret of the cluster."""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import Any

from prefect_kubernetes.settings import KubernetesWorkerSettings

__all__ = ["move_secrets", "secret_manifest"]

_VARIABLES = {
    "PREFECT_API_KEY": "api_key",
    "PREFECT_API_AUTH_STRING": "api_auth_string",
    "PREFECT_SERVER_API_AUTH_STRING": None,
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": None,
    "PREFECT_SERVER_DATABASE_PASSWORD": None,
    "PREFECT_API_DATABASE_CONNECTION_URL": None,
    "PREFECT_API_DATABASE_PASSWORD": None,
}
"""The variables that hold secrets, and the settings that say in which Secret each already is."""


def move_secrets(
    container: dict[str, Any],
    secret_name: str,
    settings: KubernetesWorkerSettings,
    more: Collection[str] = (),
) -> dict[str, str]:
    """
    Make references of the secrets in a container's environment.

    Args:
        container: The container of the manifest; it is changed.
        secret_name: The Secret that is made for what is in no other.
        settings: Say which is in another.
        more: Further variables that hold secrets.

    Returns:
        What has to be in the Secret that is made, by variable.
    """
    found: dict[str, str] = {}
    for entry in container.get("env", ()):
        name = entry["name"]
        if "value" not in entry or not (name in _VARIABLES or name in more or settings.store_env_as_secret):
            continue
        value, kind = str(entry.pop("value")), _VARIABLES.get(name)
        existing = getattr(settings, f"{kind}_secret_name") if kind else None
        if existing:
            reference = {"name": existing, "key": getattr(settings, f"{kind}_secret_key") or "value"}
        else:
            reference = {"name": secret_name, "key": name}
            found[name] = value
        entry["valueFrom"] = {"secretKeyRef": reference}
    return found


def secret_manifest(name: str, namespace: str, labels: dict[str, str], values: dict[str, str]) -> dict[str, Any]:
    """The manifest of a Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }
