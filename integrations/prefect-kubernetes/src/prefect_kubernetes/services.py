"""Services of a cluster: each task is one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from prefect.tasks import task
from prefect_kubernetes.credentials import KubernetesCredentials
from prefect_kubernetes.requests import call

if TYPE_CHECKING:
    from kubernetes_asyncio.client.models import V1DeleteOptions, V1Service, V1ServiceList

__all__ = [
    "create_namespaced_service",
    "delete_namespaced_service",
    "list_namespaced_service",
    "patch_namespaced_service",
    "read_namespaced_service",
    "replace_namespaced_service",
]


@task
async def create_namespaced_service(
    kubernetes_credentials: KubernetesCredentials,
    new_service: Union[V1Service, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Service:
    """
    Make a Service.

    Args:
        kubernetes_credentials: How to get at the cluster.
        new_service: What to make.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The service, as the cluster has made it.
    """
    return await call(
        kubernetes_credentials, "core", "create_namespaced_service", kube_kwargs, namespace=namespace, body=new_service
    )


@task
async def delete_namespaced_service(
    kubernetes_credentials: KubernetesCredentials,
    service_name: str,
    delete_options: Optional[V1DeleteOptions] = None,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Service:
    """
    Delete a Service.

    Args:
        kubernetes_credentials: How to get at the cluster.
        service_name: Its name.
        delete_options: How, for example after how many seconds.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    return await call(
        kubernetes_credentials,
        "core",
        "delete_namespaced_service",
        kube_kwargs,
        namespace=namespace,
        name=service_name,
        body=delete_options,
    )


@task
async def list_namespaced_service(
    kubernetes_credentials: KubernetesCredentials,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1ServiceList:
    """
    The Services of a namespace.

    Args:
        kubernetes_credentials: How to get at the cluster.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request, such as `label_selector`.
    """
    return await call(kubernetes_credentials, "core", "list_namespaced_service", kube_kwargs, namespace=namespace)


@task
async def patch_namespaced_service(
    kubernetes_credentials: KubernetesCredentials,
    service_name: str,
    service_updates: Union[V1Service, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Service:
    """
    Change parts of a Service.

    Args:
        kubernetes_credentials: How to get at the cluster.
        service_name: Its name.
        service_updates: The parts, with their new values.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The service as it is then.
    """
    return await call(
        kubernetes_credentials,
        "core",
        "patch_namespaced_service",
        kube_kwargs,
        namespace=namespace,
        name=service_name,
        body=service_updates,
    )


@task
async def read_namespaced_service(
    kubernetes_credentials: KubernetesCredentials,
    service_name: str,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Service:
    """
    Read a Service.

    Args:
        kubernetes_credentials: How to get at the cluster.
        service_name: Its name.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    return await call(
        kubernetes_credentials, "core", "read_namespaced_service", kube_kwargs, namespace=namespace, name=service_name
    )


@task
async def replace_namespaced_service(
    kubernetes_credentials: KubernetesCredentials,
    service_name: str,
    new_service: Union[V1Service, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Service:
    """
    Put a Service in the place of another.

    Args:
        kubernetes_credentials: How to get at the cluster.
        service_name: Its name.
        new_service: What is to be there.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The service as it is then.
    """
    return await call(
        kubernetes_credentials,
        "core",
        "replace_namespaced_service",
        kube_kwargs,
        namespace=namespace,
        name=service_name,
        body=new_service,
    )
