"""The worker that executes flow runs as Jobs of a cluster."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any, ClassVar

import anyio

from prefect.exceptions import InfrastructureError, InfrastructureNotAvailable, InfrastructureNotFound
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult
from prefect_kubernetes.cluster import ClusterError, cluster_uid, open_cluster
from prefect_kubernetes.conditions import Condition
from prefect_kubernetes.configuration import (
    KubernetesImagePullPolicy,
    KubernetesWorkerJobConfiguration,
    KubernetesWorkerVariables,
)
from prefect_kubernetes.jobs_of_runs import JobOfRun, create_job, delete_job
from prefect_kubernetes.observer import observe
from prefect_kubernetes.settings import KubernetesSettings

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

    from prefect.client.schemas.objects import FlowRun

__all__ = [
    "KubernetesImagePullPolicy",
    "KubernetesWorker",
    "KubernetesWorkerJobConfiguration",
    "KubernetesWorkerResult",
    "KubernetesWorkerVariables",
]


class KubernetesWorkerResult(BaseWorkerResult):
    """How the Job of a flow run has ended."""


class KubernetesWorker(BaseWorker[KubernetesWorkerJobConfiguration, KubernetesWorkerVariables, KubernetesWorkerResult]):
    """
    Executes flow runs as Jobs of a Kubernetes cluster.

    A run whose pod is evicted, preempted, or lost with its node is offered again. A run whose pod cannot start, or ends
    without a last word, crashes, and the reason is in the message of its state.
    """

    type: ClassVar[str] = "kubernetes"
    job_configuration: ClassVar[builtins.type[BaseJobConfiguration]] = KubernetesWorkerJobConfiguration
    job_configuration_variables: ClassVar[builtins.type[BaseVariables] | None] = KubernetesWorkerVariables

    _description: ClassVar[str] = "Executes flow runs as Jobs of a Kubernetes cluster."

    _grace_seconds: float = 20.0
    """So long another worker that has started a run may take to say how it ended, as it knows best."""

    async def run(
        self,
        flow_run: FlowRun,
        configuration: KubernetesWorkerJobConfiguration,
        task_status: TaskStatus[Any] | None = None,
    ) -> KubernetesWorkerResult:
        """
        Execute a flow run as a Job, and wait until that has ended. If this is cancelled, the Job is deleted.

        Args:
            flow_run: The run.
            configuration: What it is started with.
            task_status: Told the cluster, the namespace and the name of the Job.

        Raises:
            prefect.exceptions.InfrastructureError: The cluster refuses the Job, or its pod cannot start.
        """
        logger, settings = self.get_flow_run_logger(flow_run), KubernetesSettings()
        _set_variables(configuration.container, self.claim_variables(flow_run))
        async with open_cluster(configuration.cluster_config) as cluster:
            uid = await cluster_uid(cluster, settings)
            try:
                job = await create_job(cluster, configuration, settings.worker, logger.info)
            except ClusterError as error:
                raise InfrastructureError(f"The Job of the flow run could not be made: {error}") from error
            identifier = f"{uid}:{job.namespace}:{job.name}"
            if task_status is not None:
                task_status.started(identifier)
            logger.info("Job %r was made in namespace %r.", job.name, job.namespace)
            try:
                condition = await self._ending(flow_run, job, configuration)
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await _end(job)
                raise
            return await self._result(flow_run, job, identifier, condition)

    async def _ending(
        self, flow_run: FlowRun, job: JobOfRun, configuration: KubernetesWorkerJobConfiguration
    ) -> Condition:
        seconds = configuration.job_watch_timeout_seconds
        with anyio.move_on_after(seconds):
            return await job.ending(configuration.pod_watch_timeout_seconds, streams=configuration.stream_output)
        message = f"The Job {job.name!r} had not ended after {seconds} s (job_watch_timeout_seconds), and was ended."
        await self._propose_crashed_state(flow_run, message)
        await _end(job)
        return Condition("failed", message, exit_code=-1)

    async def _result(
        self, flow_run: FlowRun, job: JobOfRun, identifier: str, condition: Condition
    ) -> KubernetesWorkerResult:
        """Say what the Job's ending means for the flow run, unless its own process has said that."""
        if condition.kind == "stuck":
            await _end(job)
            raise InfrastructureError(f"The Job {job.name!r} was deleted, as it does not start: {condition.reason}")
        if condition.kind == "disrupted":
            await _end(job)
            message = f"The pod of the flow run was ended from outside, and it runs again: {condition.reason}"
            await self._offer_again(flow_run, message)
        elif condition.kind == "failed":
            await self._tell_of_failure(flow_run, job, condition)
        code = condition.exit_code
        return KubernetesWorkerResult(identifier=identifier, status_code=-1 if code is None else code)

    async def _tell_of_failure(self, flow_run: FlowRun, job: JobOfRun, condition: Condition) -> None:
        """A run that has not said itself what became of it has crashed: with the reason, and what its pod printed last."""
        if not await self._needs_a_last_word(flow_run):
            return
        settings, printed = KubernetesSettings().observer, ""
        if settings.forward_crashed_run_logs:
            try:
                lines = await job.tail(settings.forward_crashed_run_logs_tail_lines)
            except ClusterError as error:
                lines = [f"(It cannot be read: {error})"]
            printed = "\n".join([" It printed last:", *lines])
        self.get_flow_run_logger(flow_run).error("%s.%s", condition.reason, printed)
        await self._propose_crashed_state(flow_run, f"{condition.reason}.")

    async def _observe(self) -> None:
        settings = KubernetesSettings()
        if settings.observer.enabled:
            await observe(self, settings, self._grace_seconds)

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: KubernetesWorkerJobConfiguration, grace_seconds: int = 30
    ) -> None:
        """
        Delete the Job of a flow run that was cancelled.

        Args:
            infrastructure_pid: The cluster, the namespace and the name of the Job.
            configuration: What it was started with.
            grace_seconds: How long its pod may take to end by itself.

        Raises:
            prefect.exceptions.InfrastructureNotFound: It does not exist any more.
            prefect.exceptions.InfrastructureNotAvailable: It is in another cluster.
        """
        if infrastructure_pid.count(":") < 2:
            raise InfrastructureNotFound(
                f"There is no such Job: {infrastructure_pid!r} is not of the form 'CLUSTER:NAMESPACE:NAME'."
            )
        uid, namespace, name = infrastructure_pid.rsplit(":", 2)
        async with open_cluster(configuration.cluster_config) as cluster:
            here = await cluster_uid(cluster, KubernetesSettings())
            if uid != here:
                raise InfrastructureNotAvailable(
                    f"The Job {name!r} is in cluster {uid!r}, and this worker uses cluster {here!r}."
                )
            try:
                await delete_job(cluster, namespace, name, grace_seconds)
            except ClusterError as error:
                if error.status == 404:
                    raise InfrastructureNotFound(f"There is no Job {name!r} in namespace {namespace!r}.") from error
                raise


def _set_variables(container: dict[str, Any], variables: dict[str, str]) -> None:
    """Set environment variables in the manifest of a container."""
    others = [entry for entry in container.get("env", ()) if entry["name"] not in variables]
    container["env"] = [*others, *({"name": name, "value": value} for name, value in variables.items())]


async def _end(job: JobOfRun) -> None:
    """Delete a Job, if it is still there."""
    try:
        await delete_job(job.cluster, job.namespace, job.name)
    except ClusterError as error:
        if error.status != 404:
            raise
