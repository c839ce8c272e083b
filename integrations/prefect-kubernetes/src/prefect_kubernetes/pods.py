"""Pods of a cluster: each task is one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from prefect.tasks import task
from prefect_kubernetes.credentials import KubernetesCredentials
from prefect_kubernetes.requests import call

if TYPE_CHECKING:
    from kubernetes_asyncio.client.models import V1DeleteOptions, V1Pod, V1PodList

__all__ = [
    "create_namespaced_pod",
    "delete_namespaced_pod",
    "list_namespaced_pod",
    "patch_namespaced_pod",
    "read_namespaced_pod",
    "read_namespaced_pod_log",
    "replace_namespaced_pod",
]


@task
async def create_namespaced_pod(
    kubernetes_credentials: KubernetesCredentials,
    new_pod: Union[V1Pod, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Pod:
    """
    Make a pod.

    Args:
        kubernetes_credentials: How to get at the cluster.
        new_pod: What to make.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The pod, as the cluster has made it.
    """
    return await call(
        kubernetes_credentials, "core", "create_namespaced_pod", kube_kwargs, namespace=namespace, body=new_pod
    )


@task
async def delete_namespaced_pod(
    kubernetes_credentials: KubernetesCredentials,
    pod_name: str,
    delete_options: Optional[V1DeleteOptions] = None,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Pod:
    """
    Delete a pod.

    Args:
        kubernetes_credentials: How to get at the cluster.
        pod_name: Its name.
        delete_options: How, for example after how many seconds.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    return await call(
        kubernetes_credentials,
        "core",
        "delete_namespaced_pod",
        kube_kwargs,
        namespace=namespace,
        name=pod_name,
        body=delete_options,
    )


@task
async def list_namespaced_pod(
    kubernetes_credentials: KubernetesCredentials,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1PodList:
    """
    The Pods of a namespace.

    Args:
        kubernetes_credentials: How to get at the cluster.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request, such as `label_selector`.
    """
    return await call(kubernetes_credentials, "core", "list_namespaced_pod", kube_kwargs, namespace=namespace)


@task
async def patch_namespaced_pod(
    kubernetes_credentials: KubernetesCredentials,
    pod_name: str,
    pod_updates: Union[V1Pod, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Pod:
    """
    Change parts of a pod.

    Args:
        kubernetes_credentials: How to get at the cluster.
        pod_name: Its name.
        pod_updates: The parts, with their new values.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The pod as it is then.
    """
    return await call(
        kubernetes_credentials,
        "core",
        "patch_namespaced_pod",
        kube_kwargs,
        namespace=namespace,
        name=pod_name,
        body=pod_updates,
    )


@task
async def read_namespaced_pod(
    kubernetes_credentials: KubernetesCredentials,
    pod_name: str,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Pod:
    """
    Read a pod.

    Args:
        kubernetes_credentials: How to get at the cluster.
        pod_name: Its name.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    return await call(
        kubernetes_credentials, "core", "read_namespaced_pod", kube_kwargs, namespace=namespace, name=pod_name
    )


@task
async def read_namespaced_pod_log(
    kubernetes_credentials: KubernetesCredentials,
    pod_name: str,
    container: str,
    namespace: Optional[str] = "default",
    print_func: Optional[Callable[[str], Any]] = None,
    **kube_kwargs: Any,
) -> Optional[str]:
    """
    Read what a container of a pod has printed.

    Args:
        kubernetes_credentials: How to get at the cluster.
        pod_name: The pod.
        container: The container.
        namespace: The namespace.
        print_func: Called with each line as it comes, until the container has ended.
        kube_kwargs: Further arguments of the request.

    Returns:
        All that it has printed; None if `print_func` was given the lines.
    """
    about = {"name": pod_name, "container": container, "namespace": namespace}
    if print_func is None:
        text: str = await call(kubernetes_credentials, "core", "read_namespaced_pod_log", kube_kwargs, **about)
        return text
    async with kubernetes_credentials.get_client("core") as client:
        answer = await client.read_namespaced_pod_log(follow=True, _preload_content=False, **about, **kube_kwargs)
        async for line in answer.content:
            print_func(line.decode(errors="replace").rstrip("\n"))
    return None


@task
async def replace_namespaced_pod(
    kubernetes_credentials: KubernetesCredentials,
    pod_name: str,
    new_pod: Union[V1Pod, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Pod:
    """
    Put a pod in the place of another.

    Args:
        kubernetes_credentials: How to get at the cluster.
        pod_name: Its name.
        new_pod: What is to be there.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The pod as it is then.
    """
    return await call(
        kubernetes_credentials,
        "core",
        "replace_namespaced_pod",
        kube_kwargs,
        namespace=namespace,
        name=pod_name,
        body=new_pod,
    )
