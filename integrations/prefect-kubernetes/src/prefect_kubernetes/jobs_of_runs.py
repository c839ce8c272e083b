"""The Job of a flow run: how it is made, watched and ended."""

from __future__ import annotations

import random
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from prefect_kubernetes.cluster import Cluster, ClusterError
from prefect_kubernetes.conditions import Condition, condition_of, newest
from prefect_kubernetes.secrets import move_secrets, secret_manifest

if TYPE_CHECKING:
    from prefect_kubernetes.configuration import KubernetesWorkerJobConfiguration
    from prefect_kubernetes.settings import KubernetesWorkerCreateJobRetrySettings, KubernetesWorkerSettings

__all__ = ["JobOfRun", "create_job", "delete_job"]

_JOB_SECONDS = 30.0
"""So long after its pod a Job is looked at again and again, as it normally ends at once."""

_LOOK_SECONDS = 0.5
_LOG_SECONDS = 5.0
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


@dataclass
class JobOfRun:
    """
    A Job of the cluster.

    Args:
        cluster: The cluster.
        namespace: Its namespace.
        name: Its name.
        container: The name of the container that executes the flow run.
        say: Told what it waits for.
    """

    cluster: Cluster
    namespace: str
    name: str
    container: str
    say: Callable[[str], None]
    _told: set[str] = field(default_factory=set)
    _pod: str | None = None
    _logged: anyio.Event = field(default_factory=anyio.Event)

    async def ending(self, pod_seconds: float, *, streams: bool) -> Condition:
        """
        Wait until the Job has ended.

        Args:
            pod_seconds: How long the cluster may take to make its first pod.
            streams: Whether what its pods print is shown here.

        Returns:
            How it ended: what was the matter with its last pod, if it did not succeed.
        """
        last = Condition("waiting")
        async with anyio.create_task_group() as beside:
            with anyio.move_on_after(pod_seconds) as first:
                async with aclosing(self.cluster.pods(self.namespace, f"job-name={self.name}")) as snapshots:
                    async for pods in snapshots:
                        pod = newest(pods)
                        if pod is not None:
                            first.deadline = float("inf")
                            last = self._note(pod, beside if streams else None)
                        if last.kind in {"stuck", "disrupted"}:
                            break
                        if last.kind in {"succeeded", "failed"} or (pod is None and self._pod is not None):
                            ended = await self._has_ended(last)
                            if ended is not None:
                                last = ended
                                break
            with anyio.move_on_after(_LOG_SECONDS):
                if streams and self._pod is not None:
                    await self._logged.wait()
            beside.cancel_scope.cancel()
        if first.cancelled_caught:
            return Condition("stuck", f"No pod was made within {pod_seconds:g} s. {await self._events()}".strip())
        return last

    def _note(self, pod: dict[str, Any], beside: anyio.abc.TaskGroup | None) -> Condition:
        condition, name = condition_of(pod), pod["metadata"]["name"]
        if condition.kind == "waiting" and condition.reason not in self._told and condition.reason:
            self._told.add(condition.reason)
            self.say(f"Pod {name!r} waits: {condition.reason}")
        if condition.kind in {"running", "succeeded", "failed"} and name != self._pod:
            self._pod = name
            self._logged = anyio.Event()
            if beside is not None:
                beside.start_soon(self._stream, name, self._logged)
        return condition

    async def _stream(self, pod: str, logged: anyio.Event) -> None:
        try:
            async with aclosing(self.cluster.log_lines(self.namespace, pod, self.container)) as lines:
                async for line in lines:
                    sys.stdout.write(f"{line}\n")
                    sys.stdout.flush()
        except ClusterError as error:
            self.say(f"What pod {pod!r} prints cannot be read: {error}")
        finally:
            logged.set()

    async def _has_ended(self, last: Condition) -> Condition | None:
        """How the Job ended whose pod has; None if that is not said: it may make another pod."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs/{self.name}"
        with anyio.move_on_after(_JOB_SECONDS):
            while last.kind != "succeeded":
                try:
                    status = (await self.cluster.ask("GET", path)).get("status") or {}
                except ClusterError as error:
                    if error.status != 404:
                        raise
                    return last if last.kind == "failed" else Condition("failed", "The Job was deleted", exit_code=-1)
                kinds = {each["type"] for each in status.get("conditions") or () if each.get("status") == "True"}
                if "Complete" in kinds:
                    return Condition("succeeded", exit_code=0)
                if "Failed" in kinds:
                    return last if last.kind == "failed" else Condition("failed", _failure(status))
                await anyio.sleep(_LOOK_SECONDS)
            return last
        return None

    async def tail(self, lines: int) -> list[str]:
        """The last lines that its last pod printed."""
        if self._pod is None:
            return []
        return await self.cluster.log_tail(self.namespace, self._pod, self.container, lines)

    async def _events(self) -> str:
        """What the cluster has to say of the Job."""
        query = {"fieldSelector": f"involvedObject.name={self.name}"}
        try:
            found = await self.cluster.ask("GET", f"/api/v1/namespaces/{self.namespace}/events", query=query)
        except ClusterError as error:
            return f"Its events cannot be read: {error}"
        return " ".join(str(event.get("message")) for event in found["items"])


def _failure(status: dict[str, Any]) -> str:
    for each in status.get("conditions") or ():
        if each.get("type") == "Failed":
            return f"The Job has failed: {each.get('reason')}: {each.get('message')}".rstrip(".")
    return "The Job has failed"


async def create_job(
    cluster: Cluster,
    configuration: KubernetesWorkerJobConfiguration,
    settings: KubernetesWorkerSettings,
    say: Callable[[str], None],
) -> JobOfRun:
    """
    Make the Job of a flow run, and the Secret that it refers to.

    Args:
        cluster: Where.
        configuration: What it is made from.
        settings: Say where secrets are.
        say: Told what the Job waits for.

    Raises:
        prefect_kubernetes.cluster.ClusterError: The cluster refuses it.
    """
    manifest = deepcopy(configuration.job_manifest)
    metadata, namespace = manifest["metadata"], configuration.namespace
    prefix = metadata.pop("generateName", None)
    name = metadata.setdefault("name", f"{prefix}{''.join(secrets.choice(_ALPHABET) for _ in range(5))}")
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    secret_name = f"{name}-environment"
    hidden = move_secrets(container, secret_name, settings, configuration.secret_names)
    made = JobOfRun(cluster, namespace, name, container["name"], say)
    labels = dict(metadata.get("labels") or {})
    at = f"/api/v1/namespaces/{namespace}/secrets"
    if hidden:
        await _create(cluster, at, secret_manifest(secret_name, namespace, labels, hidden), labels)
    pauses = _pauses(settings.create_job_retry)
    try:
        job = await _create(cluster, f"/apis/batch/v1/namespaces/{namespace}/jobs", manifest, labels, pauses)
    except BaseException:
        if hidden:
            with anyio.CancelScope(shield=True):
                await cluster.ask("DELETE", f"{at}/{secret_name}")
        raise
    if hidden:  # from now on the cluster removes it with the Job
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": job["metadata"]["uid"]}
        await cluster.ask("PATCH", f"{at}/{secret_name}", {"metadata": {"ownerReferences": [owner]}})
    return made


def _pauses(settings: KubernetesWorkerCreateJobRetrySettings) -> Iterator[float]:
    """Seconds before each further try to make a Job."""
    for _ in range(settings.max_retries):
        jitter = random.uniform(settings.jitter_min_seconds, settings.jitter_max_seconds)  # noqa: S311 - no secret
        yield settings.delay_seconds + jitter


async def _create(
    cluster: Cluster,
    path: str,
    manifest: dict[str, Any],
    labels: dict[str, str],
    pauses: Iterator[float] | None = None,
) -> dict[str, Any]:
    """Create a resource. If an earlier try got through although its answer did not, that is the one."""
    try:
        created: dict[str, Any] = await cluster.ask("POST", path, manifest, pauses=pauses)
    except ClusterError as error:
        if error.status != 409:
            raise
        created = await cluster.ask("GET", f"{path}/{manifest['metadata']['name']}")
        if (created["metadata"].get("labels") or {}) != labels:
            raise
    return created


async def delete_job(cluster: Cluster, namespace: str, name: str, grace_seconds: int | None = None) -> None:
    """
    Delete a Job and its pods.

    Args:
        cluster: Where.
        namespace: Its namespace.
        name: Its name.
        grace_seconds: How long its pods may take to end by themselves; what their manifest says if None.

    Raises:
        prefect_kubernetes.cluster.ClusterError: It does not exist (404), or may not be deleted.
    """
    if grace_seconds is not None:
        await _delete_pods(cluster, namespace, name, grace_seconds)
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    await cluster.ask("DELETE", f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}", options)


async def _delete_pods(cluster: Cluster, namespace: str, name: str, grace_seconds: int) -> None:
    """Have the pods of a Job end. The Job does not replace them, as it is suspended first."""
    await cluster.ask("PATCH", f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}", {"spec": {"suspend": True}})
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": grace_seconds}
    pods = f"/api/v1/namespaces/{namespace}/pods"
    for pod in (await cluster.ask("GET", pods, query={"labelSelector": f"job-name={name}"}))["items"]:
        try:
            await cluster.ask("DELETE", f"{pods}/{pod['metadata']['name']}", options)
        except ClusterError as error:
            if error.status != 404:
                raise
