"""Deployments of a cluster: each task is one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from prefect.tasks import task
from prefect_kubernetes.credentials import KubernetesCredentials
from prefect_kubernetes.requests import call

if TYPE_CHECKING:
    from kubernetes_asyncio.client.models import V1DeleteOptions, V1Deployment, V1DeploymentList, V1Status

__all__ = [
    "create_namespaced_deployment",
    "delete_namespaced_deployment",
    "list_namespaced_deployment",
    "patch_namespaced_deployment",
    "read_namespaced_deployment",
    "replace_namespaced_deployment",
]


@task
async def create_namespaced_deployment(
    kubernetes_credentials: KubernetesCredentials,
    new_deployment: Union[V1Deployment, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Deployment:
    """
    Make a Deployment.

    Args:
        kubernetes_credentials: How to get at the cluster.
        new_deployment: What to make.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The deployment, as the cluster has made it.
    """
    return await call(
        kubernetes_credentials,
        "apps",
        "create_namespaced_deployment",
        kube_kwargs,
        namespace=namespace,
        body=new_deployment,
    )


@task
async def delete_namespaced_deployment(
    kubernetes_credentials: KubernetesCredentials,
    deployment_name: str,
    delete_options: Optional[V1DeleteOptions] = None,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Status:
    """
    Delete a Deployment.

    Args:
        kubernetes_credentials: How to get at the cluster.
        deployment_name: Its name.
        delete_options: How, for example after how many seconds.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    return await call(
        kubernetes_credentials,
        "apps",
        "delete_namespaced_deployment",
        kube_kwargs,
        namespace=namespace,
        name=deployment_name,
        body=delete_options,
    )


@task
async def list_namespaced_deployment(
    kubernetes_credentials: KubernetesCredentials,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1DeploymentList:
    """
    The Deployments of a namespace.

    Args:
        kubernetes_credentials: How to get at the cluster.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request, such as `label_selector`.
    """
    return await call(kubernetes_credentials, "apps", "list_namespaced_deployment", kube_kwargs, namespace=namespace)


@task
async def patch_namespaced_deployment(
    kubernetes_credentials: KubernetesCredentials,
    deployment_name: str,
    deployment_updates: Union[V1Deployment, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Deployment:
    """
    Change parts of a Deployment.

    Args:
        kubernetes_credentials: How to get at the cluster.
        deployment_name: Its name.
        deployment_updates: The parts, with their new values.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The deployment as it is then.
    """
    return await call(
        kubernetes_credentials,
        "apps",
        "patch_namespaced_deployment",
        kube_kwargs,
        namespace=namespace,
        name=deployment_name,
        body=deployment_updates,
    )


@task
async def read_namespaced_deployment(
    kubernetes_credentials: KubernetesCredentials,
    deployment_name: str,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Deployment:
    """
    Read a Deployment.

    Args:
        kubernetes_credentials: How to get at the cluster.
        deployment_name: Its name.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    return await call(
        kubernetes_credentials,
        "apps",
        "read_namespaced_deployment",
        kube_kwargs,
        namespace=namespace,
        name=deployment_name,
    )


@task
async def replace_namespaced_deployment(
    kubernetes_credentials: KubernetesCredentials,
    deployment_name: str,
    new_deployment: Union[V1Deployment, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Deployment:
    """
    Put a Deployment in the place of another.

    Args:
        kubernetes_credentials: How to get at the cluster.
        deployment_name: Its name.
        new_deployment: What is to be there.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The deployment as it is then.
    """
    return await call(
        kubernetes_credentials,
        "apps",
        "replace_namespaced_deployment",
        kube_kwargs,
        namespace=namespace,
        name=deployment_name,
        body=new_deployment,
    )
