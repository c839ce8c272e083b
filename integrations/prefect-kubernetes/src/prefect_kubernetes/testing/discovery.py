"""What a fake cluster says about itself: clients such as `kubectl` ask for it before anything else."""

from __future__ import annotations

from typing import Any

__all__ = ["described"]

_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
_RESOURCES: dict[str, list[tuple[str, str]]] = {
    "v1": [("events", "Event"), ("pods", "Pod"), ("pods/log", "Pod"), ("secrets", "Secret"), ("services", "Service")],
    "apps/v1": [("deployments", "Deployment")],
    "batch/v1": [("jobs", "Job")],
}


def described(path: str, version: str) -> dict[str, Any] | None:
    """
    The answer at a path; None if it describes nothing.

    Args:
        path: The path of the request.
        version: The version of Kubernetes.
    """
    path = path.rstrip("/")
    if path == "/version":
        major, minor = version.split(".")[:2]
        return {"major": major, "minor": minor, "gitVersion": f"v{version}.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group("apps"), _group("batch")]}
    place = path.removeprefix("/apis/").removeprefix("/api/")
    if place not in _RESOURCES:
        return None
    resources = [
        {"name": name, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": _VERBS}
        for name, kind in _RESOURCES[place]
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": place, "resources": resources}


def _group(name: str) -> dict[str, Any]:
    only = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [only], "preferredVersion": only}
