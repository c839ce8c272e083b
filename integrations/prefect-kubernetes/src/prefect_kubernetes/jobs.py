"""Jobs of a cluster: the block that runs one and waits for it, and tasks, each of which is one request."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Optional, Union

import yaml
from pydantic import Field, field_validator

from prefect.blocks.abstract import JobBlock, JobRun
from prefect.tasks import task
from prefect.utilities.asyncutils import run_coro_as_sync
from prefect.utilities.dual import Sleep, Steps, dual
from prefect_kubernetes.cluster import Cluster, ClusterError, open_cluster
from prefect_kubernetes.conditions import condition_of
from prefect_kubernetes.credentials import KubernetesCredentials
from prefect_kubernetes.exceptions import (
    KubernetesJobDefinitionError,
    KubernetesJobFailedError,
    KubernetesJobTimeoutError,
    KubernetesResourceNotFoundError,
)
from prefect_kubernetes.requests import call

if TYPE_CHECKING:
    from kubernetes_asyncio.client.models import V1DeleteOptions, V1Job, V1JobList, V1Status

__all__ = [
    "KubernetesJob",
    "KubernetesJobRun",
    "create_namespaced_job",
    "delete_namespaced_job",
    "list_namespaced_job",
    "patch_namespaced_job",
    "read_namespaced_job",
    "read_namespaced_job_status",
    "replace_namespaced_job",
]

_LINES = 10_000
"""The most lines of a pod that are kept."""


@dataclass(frozen=True)
class _Ask:
    """Do something with a connection to the cluster, in either colour."""

    credentials: KubernetesCredentials
    what: Callable[[Cluster], Awaitable[Any]]

    async def aperform(self) -> Any:
        async with open_cluster(self.credentials.cluster_config) as cluster:
            return await self.what(cluster)

    def perform(self) -> Any:
        return run_coro_as_sync(self.aperform())


class KubernetesJobRun(JobRun[Dict[str, Any]]):
    """
    A Job that was started.

    Args:
        kubernetes_job: What it was started from.
        name: Its name.
    """

    def __init__(self, kubernetes_job: KubernetesJob, name: str) -> None:
        self._job = kubernetes_job
        self._name = name
        self._printed: dict[str, list[str]] = {}
        self._has_succeeded = False

    @property
    def name(self) -> str:
        """The name of the Job."""
        return self._name

    async def _look(self, cluster: Cluster) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        namespace = self._job.namespace
        try:
            job = await cluster.ask("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs/{self._name}")
        except ClusterError as error:
            if error.status == 404:
                raise KubernetesResourceNotFoundError(
                    f"The Job {self._name!r} in namespace {namespace!r} is not there any more."
                ) from error
            raise
        query = {"labelSelector": f"job-name={self._name}"}
        pods = (await cluster.ask("GET", f"/api/v1/namespaces/{namespace}/pods", query=query))["items"]
        return job, pods

    async def _read(self, cluster: Cluster, *, pods: list[dict[str, Any]]) -> list[str]:
        """What the pods have printed since they were last read."""
        fresh: list[str] = []
        for pod in pods:
            if condition_of(pod).kind in {"waiting", "stuck"}:
                continue
            name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]["name"]
            try:
                lines = await cluster.log_tail(self._job.namespace, name, container, _LINES)
            except ClusterError:
                continue  # it has not started, or is gone
            fresh += lines[len(self._printed.get(name, ())) :]
            self._printed[name] = lines
        return fresh

    async def _delete(self, cluster: Cluster) -> None:
        place = f"/apis/batch/v1/namespaces/{self._job.namespace}/jobs/{self._name}"
        await cluster.ask("DELETE", place, {"propagationPolicy": "Background"})

    def _wait_for_completion(self, print_func: Callable[[str], Any] | None = None) -> Steps[None]:
        """
        Wait until the Job has ended. It is deleted then, if its block says so.

        Args:
            print_func: Called with each line that its pods print.

        Raises:
            KubernetesJobTimeoutError: It had not ended after the block's `timeout_seconds`.
            KubernetesJobFailedError: It has failed.
            KubernetesResourceNotFoundError: Somebody has deleted it.
        """
        job, began = self._job, time.monotonic()
        ask = partial(_Ask, job.credentials)
        while True:
            found, pods = yield ask(self._look)
            for line in (yield ask(partial(self._read, pods=pods))):
                if print_func is not None:
                    print_func(line)
            conditions = (found.get("status") or {}).get("conditions") or ()
            ended = {each["type"]: each for each in conditions if each.get("status") == "True"}
            if "Complete" in ended or "Failed" in ended:
                break
            if job.timeout_seconds is not None and time.monotonic() - began > job.timeout_seconds:
                raise KubernetesJobTimeoutError(
                    f"The Job {self._name!r} had not ended after {job.timeout_seconds} s (timeout_seconds). It goes on."
                )
            yield Sleep(job.interval_seconds)
        if job.delete_after_completion:
            yield ask(self._delete)
        if "Failed" in ended:
            why = [condition_of(pod).reason for pod in pods] or [ended["Failed"].get("message", "")]
            raise KubernetesJobFailedError(f"The Job {self._name!r} has failed: {'; '.join(filter(None, why))}")
        self._has_succeeded = True

    def _fetch_result(self) -> Steps[Dict[str, Any]]:
        """
        What the pods of the Job have printed: the text of each, by its name.

        Raises:
            ValueError: The Job has not been waited for, or did not succeed.
        """
        if not self._has_succeeded:
            raise ValueError(
                f"The Job {self._name!r} has no result: call `wait_for_completion` first, which says whether it succeeded."
            )
        return {name: "\n".join(lines) for name, lines in self._printed.items()}
        yield  # pragma: no cover - it is a step function that has nothing to ask

    wait_for_completion: ClassVar[Any] = dual(_wait_for_completion)
    fetch_result: ClassVar[Any] = dual(_fetch_result)


def _in_api(name: str) -> str:
    """The name of an argument in the API: `dryRun` for `dry_run`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class KubernetesJob(JobBlock[Dict[str, Any]]):
    """
    A Job of a cluster, to be run from flows.

    Attributes:
        v1_job: Its manifest.
        api_kwargs: Further arguments of the request that makes it: `{"dry_run": "All"}`, or as the API has it, `dryRun`.
        credentials: How to get at the cluster.
        delete_after_completion: Whether it is deleted when it has ended and was waited for.
        interval_seconds: Seconds between looks at it.
        namespace: Its namespace.
        timeout_seconds: Seconds after which waiting for it fails.

    Examples:
        ```python
        from prefect_kubernetes import KubernetesJob

        run = KubernetesJob.load("clean-up").trigger()
        run.wait_for_completion(print)
        ```
    """

    _block_type_name: ClassVar[Optional[str]] = "Kubernetes Job"
    _block_type_slug: ClassVar[Optional[str]] = "k8s-job"

    v1_job: Dict[str, Any] = Field(title="Job Manifest", description="The manifest of the Job.")
    api_kwargs: Dict[str, Any] = Field(
        default_factory=dict, title="Additional API Arguments", description="Further arguments of the request."
    )
    credentials: KubernetesCredentials = Field(
        default_factory=KubernetesCredentials, description="How to get at the cluster."
    )
    delete_after_completion: bool = Field(
        default=True, description="Whether the Job is deleted when it has ended and was waited for."
    )
    interval_seconds: int = Field(default=5, description="Seconds between looks at the Job.")
    namespace: str = Field(default="default", description="The namespace of the Job.")
    timeout_seconds: Optional[int] = Field(default=None, description="Seconds after which waiting for the Job fails.")

    @field_validator("v1_job")
    @classmethod
    def _require_a_job(cls, value: Dict[str, Any]) -> Dict[str, Any]:
        if value.get("kind") != "Job":
            raise ValueError(f"The manifest must be of `kind: Job`, not {value.get('kind')!r}.")
        return value

    @classmethod
    def from_yaml_file(cls, manifest_path: Union[Path, str], **kwargs: Any) -> KubernetesJob:
        """
        A block for the manifest in a file.

        Args:
            manifest_path: The file.
            kwargs: The other fields.

        Raises:
            KubernetesJobDefinitionError: The file holds no manifest.
        """
        content = yaml.safe_load(Path(manifest_path).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise KubernetesJobDefinitionError(f"{str(manifest_path)!r} holds no manifest of a Job.")
        return cls(v1_job=content, **kwargs)

    def _trigger(self) -> Steps[KubernetesJobRun]:
        """Make the Job. It is not waited for."""
        query = {_in_api(name): str(value) for name, value in self.api_kwargs.items()}
        place = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        made = yield _Ask(self.credentials, lambda cluster: cluster.ask("POST", place, self.v1_job, query))
        name = str(made["metadata"]["name"])
        self.logger.info("The Job %r was made in namespace %r.", name, self.namespace)
        return KubernetesJobRun(self, name)

    trigger: ClassVar[Any] = dual(_trigger)

    async def atrigger(self) -> KubernetesJobRun:
        """Make the Job, from async code."""
        run: KubernetesJobRun = await self.trigger.aio()
        return run


# Tasks: each is one request.


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
