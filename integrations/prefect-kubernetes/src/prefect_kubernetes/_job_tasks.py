"""Jobs of a cluster: each task is one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from prefect.tasks import task
from prefect_kubernetes.credentials import KubernetesCredentials
from prefect_kubernetes.requests import call

if TYPE_CHECKING:
    from kubernetes_asyncio.client.models import V1DeleteOptions, V1Job, V1JobList, V1Status

__all__ = [
    "create_namespaced_job",
    "delete_namespaced_job",
    "list_namespaced_job",
    "patch_namespaced_job",
    "read_namespaced_job",
    "read_namespaced_job_status",
    "replace_namespaced_job",
]


@task
async def create_namespaced_job(
    kubernetes_credentials: KubernetesCredentials,
    new_job: Union[V1Job, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Job:
    """
    Make a Job.

    Args:
        kubernetes_credentials: How to get at the cluster.
        new_job: What to make.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The job, as the cluster has made it.
    """
    return await call(
        kubernetes_credentials, "batch", "create_namespaced_job", kube_kwargs, namespace=namespace, body=new_job
    )


@task
async def delete_namespaced_job(
    kubernetes_credentials: KubernetesCredentials,
    job_name: str,
    delete_options: Optional[V1DeleteOptions] = None,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Status:
    """
    Delete a Job.

    Args:
        kubernetes_credentials: How to get at the cluster.
        job_name: Its name.
        delete_options: How, for example after how many seconds.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    return await call(
        kubernetes_credentials,
        "batch",
        "delete_namespaced_job",
        kube_kwargs,
        namespace=namespace,
        name=job_name,
        body=delete_options,
    )


@task
async def list_namespaced_job(
    kubernetes_credentials: KubernetesCredentials,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1JobList:
    """
    The Jobs of a namespace.

    Args:
        kubernetes_credentials: How to get at the cluster.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request, such as `label_selector`.
    """
    return await call(kubernetes_credentials, "batch", "list_namespaced_job", kube_kwargs, namespace=namespace)


@task
async def patch_namespaced_job(
    kubernetes_credentials: KubernetesCredentials,
    job_name: str,
    job_updates: Union[V1Job, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Job:
    """
    Change parts of a Job.

    Args:
        kubernetes_credentials: How to get at the cluster.
        job_name: Its name.
        job_updates: The parts, with their new values.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The job as it is then.
    """
    return await call(
        kubernetes_credentials,
        "batch",
        "patch_namespaced_job",
        kube_kwargs,
        namespace=namespace,
        name=job_name,
        body=job_updates,
    )


@task
async def read_namespaced_job(
    kubernetes_credentials: KubernetesCredentials,
    job_name: str,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Job:
    """
    Read a Job.

    Args:
        kubernetes_credentials: How to get at the cluster.
        job_name: Its name.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    return await call(
        kubernetes_credentials, "batch", "read_namespaced_job", kube_kwargs, namespace=namespace, name=job_name
    )


@task
async def read_namespaced_job_status(
    kubernetes_credentials: KubernetesCredentials,
    job_name: str,
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Job:
    """
    Read a Job with its status.

    Args:
        kubernetes_credentials: How to get at the cluster.
        job_name: Its name.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.
    """
    return await call(
        kubernetes_credentials, "batch", "read_namespaced_job_status", kube_kwargs, namespace=namespace, name=job_name
    )


@task
async def replace_namespaced_job(
    kubernetes_credentials: KubernetesCredentials,
    job_name: str,
    new_job: Union[V1Job, Dict[str, Any]],
    namespace: Optional[str] = "default",
    **kube_kwargs: Any,
) -> V1Job:
    """
    Put a Job in the place of another.

    Args:
        kubernetes_credentials: How to get at the cluster.
        job_name: Its name.
        new_job: What is to be there.
        namespace: The namespace.
        kube_kwargs: Further arguments of the request.

    Returns:
        The job as it is then.
    """
    return await call(
        kubernetes_credentials,
        "batch",
        "replace_namespaced_job",
        kube_kwargs,
        namespace=namespace,
        name=job_name,
        body=new_job,
    )
