"""Custom objects of a cluster: each task is one request."""

from __future__ import annotations

from typing import Any, Dict, Optional

from prefect.tasks import task
from prefect_kubernetes.credentials import KubernetesCredentials
from prefect_kubernetes.requests import call

__all__ = [
    "create_namespaced_custom_object",
    "delete_namespaced_custom_object",
    "get_namespaced_custom_object",
    "get_namespaced_custom_object_status",
    "list_namespaced_custom_object",
    "patch_namespaced_custom_object",
    "replace_namespaced_custom_object",
]


@task
async def create_namespaced_custom_object(
    kubernetes_credentials: KubernetesCredentials,
    group: str,
    version: str,
    plural: str,
    body: Dict[str, Any],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> Dict[str, Any]:
    """
    Make a custom object.

    Args:
        kubernetes_credentials: How to get at the cluster.
        group: The API group, such as `stable.example.com`.
        version: The version of the API.
        plural: The kind, in the plural: `crontabs`.
        body: The object.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    found: Dict[str, Any] = await call(
        kubernetes_credentials,
        "custom_objects",
        "create_namespaced_custom_object",
        kube_kwargs,
        group=group,
        version=version,
        plural=plural,
        namespace=namespace,
        body=body,
    )
    return found


@task
async def delete_namespaced_custom_object(
    kubernetes_credentials: KubernetesCredentials,
    group: str,
    version: str,
    plural: str,
    name: str,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> Dict[str, Any]:
    """
    Delete a custom object.

    Args:
        kubernetes_credentials: How to get at the cluster.
        group: The API group, such as `stable.example.com`.
        version: The version of the API.
        plural: The kind, in the plural: `crontabs`.
        name: Its name.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    found: Dict[str, Any] = await call(
        kubernetes_credentials,
        "custom_objects",
        "delete_namespaced_custom_object",
        kube_kwargs,
        group=group,
        version=version,
        plural=plural,
        namespace=namespace,
        name=name,
    )
    return found


@task
async def get_namespaced_custom_object(
    kubernetes_credentials: KubernetesCredentials,
    group: str,
    version: str,
    plural: str,
    name: str,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> Dict[str, Any]:
    """
    Read a custom object.

    Args:
        kubernetes_credentials: How to get at the cluster.
        group: The API group, such as `stable.example.com`.
        version: The version of the API.
        plural: The kind, in the plural: `crontabs`.
        name: Its name.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    found: Dict[str, Any] = await call(
        kubernetes_credentials,
        "custom_objects",
        "get_namespaced_custom_object",
        kube_kwargs,
        group=group,
        version=version,
        plural=plural,
        namespace=namespace,
        name=name,
    )
    return found


@task
async def get_namespaced_custom_object_status(
    kubernetes_credentials: KubernetesCredentials,
    group: str,
    version: str,
    plural: str,
    name: str,
    namespace: str = "default",
    **kube_kwargs: Any,
) -> Dict[str, Any]:
    """
    Read a custom object with its status.

    Args:
        kubernetes_credentials: How to get at the cluster.
        group: The API group, such as `stable.example.com`.
        version: The version of the API.
        plural: The kind, in the plural: `crontabs`.
        name: Its name.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    found: Dict[str, Any] = await call(
        kubernetes_credentials,
        "custom_objects",
        "get_namespaced_custom_object_status",
        kube_kwargs,
        group=group,
        version=version,
        plural=plural,
        namespace=namespace,
        name=name,
    )
    return found


@task
async def list_namespaced_custom_object(
    kubernetes_credentials: KubernetesCredentials,
    group: str,
    version: str,
    plural: str,
    namespace: str = "default",
    **kube_kwargs: Any,
) -> Dict[str, Any]:
    """
    The custom objects of a kind.

    Args:
        kubernetes_credentials: How to get at the cluster.
        group: The API group, such as `stable.example.com`.
        version: The version of the API.
        plural: The kind, in the plural: `crontabs`.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    found: Dict[str, Any] = await call(
        kubernetes_credentials,
        "custom_objects",
        "list_namespaced_custom_object",
        kube_kwargs,
        group=group,
        version=version,
        plural=plural,
        namespace=namespace,
    )
    return found


@task
async def patch_namespaced_custom_object(
    kubernetes_credentials: KubernetesCredentials,
    group: str,
    version: str,
    plural: str,
    name: str,
    body: Dict[str, Any],
    namespace: str = "default",
    **kube_kwargs: Any,
) -> Dict[str, Any]:
    """
    Change parts of a custom object.

    Args:
        kubernetes_credentials: How to get at the cluster.
        group: The API group, such as `stable.example.com`.
        version: The version of the API.
        plural: The kind, in the plural: `crontabs`.
        name: Its name.
        body: What to change, with the new values.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    found: Dict[str, Any] = await call(
        kubernetes_credentials,
        "custom_objects",
        "patch_namespaced_custom_object",
        kube_kwargs,
        group=group,
        version=version,
        plural=plural,
        namespace=namespace,
        name=name,
        body=body,
    )
    return found


@task
async def replace_namespaced_custom_object(
    kubernetes_credentials: KubernetesCredentials,
    group: str,
    version: str,
    plural: str,
    name: str,
    body: Dict[str, Any],
    namespace: str = "default",
    **kube_kwargs: Any,
) -> Dict[str, Any]:
    """
    Put a custom object in the place of another.

    Args:
        kubernetes_credentials: How to get at the cluster.
        group: The API group, such as `stable.example.com`.
        version: The version of the API.
        plural: The kind, in the plural: `crontabs`.
        name: Its name.
        body: The object.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    found: Dict[str, Any] = await call(
        kubernetes_credentials,
        "custom_objects",
        "replace_namespaced_custom_object",
        kube_kwargs,
        group=group,
        version=version,
        plural=plural,
        namespace=namespace,
        name=name,
        body=body,
    )
    return found
