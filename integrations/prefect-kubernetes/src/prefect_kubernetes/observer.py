"""
What a worker watches of its cluster: the pods of all flow runs, whoever has started them.

Their phases are told as events. A run whose pod has failed or is gone, and that nobody speaks for, since its worker is gone,
has crashed. Several workers may watch the same pods: the same phase has the same event, and a run is spoken for once.
"""

from __future__ import annotations

from contextlib import aclosing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc

from prefect.client.schemas.objects import StateType
from prefect.events.utilities import emit_event
from prefect_kubernetes.cluster import Change, Cluster, ClusterError, cluster_uid, open_cluster
from prefect_kubernetes.conditions import Condition, condition_of
from prefect_kubernetes.pod_events import FLOW_RUN, environment_of, event_of, run_of

if TYPE_CHECKING:
    from uuid import UUID

    from prefect_kubernetes.settings import KubernetesObserverSettings, KubernetesSettings
    from prefect_kubernetes.worker import KubernetesWorker

__all__ = ["Observer", "observe"]

Pod = dict[str, Any]

_AGAIN_SECONDS = 60.0


async def observe(worker: KubernetesWorker, settings: KubernetesSettings, grace_seconds: float) -> None:
    """
    Watch the cluster of a worker's pool until cancelled. What goes wrong is logged, and tried again after a minute.

    Args:
        worker: The worker.
        settings: Say what to watch.
        grace_seconds: How long other workers may take to say how their runs ended.
    """
    logger = worker._logger
    while True:
        try:
            template = worker.work_pool.base_job_template
            configuration = await worker.job_configuration.from_template_and_values(template, {}, worker.client)
            async with open_cluster(configuration.cluster_config) as cluster:  # type: ignore[attr-defined]
                uid = await cluster_uid(cluster, settings)
                async with anyio.create_task_group() as checks:
                    observer = Observer(worker, cluster, uid, settings.observer, checks, grace_seconds)
                    places: list[str | None] = [*sorted(settings.observer.namespaces)] or [None]
                    for namespace in places:
                        checks.start_soon(observer.watch, namespace)
                return
        except Exception as error:
            logger.warning("The pods of flow runs cannot be watched: %s: %s", type(error).__name__, error)
            logger.debug("How it came to that:", exc_info=True)
        await anyio.sleep(_AGAIN_SECONDS)


class Observer:
    """
    Watches pods.

    Args:
        worker: Speaks for runs.
        cluster: The cluster.
        uid: What it is known by.
        settings: Say what to watch.
        checks: Where runs are looked at, each beside the others.
        grace_seconds: How long other workers may take to say how their runs ended.
    """

    def __init__(
        self,
        worker: KubernetesWorker,
        cluster: Cluster,
        uid: str,
        settings: KubernetesObserverSettings,
        checks: anyio.abc.TaskGroup,
        grace_seconds: float,
    ) -> None:
        self._worker = worker
        self._cluster = cluster
        self._uid = uid
        self._settings = settings
        self._checks = checks
        self._grace_seconds = grace_seconds
        self._at_once = anyio.CapacityLimiter(settings.startup_event_concurrency)
        self._told: dict[str, tuple[str, Any]] = {}
        self._checked: set[str] = set()

    async def watch(self, namespace: str | None) -> None:
        """
        Watch the pods of a namespace, or of all, until cancelled.

        Args:
            namespace: The namespace.
        """
        path = "/api/v1/pods" if namespace is None else f"/api/v1/namespaces/{namespace}/pods"
        filters = [f"{name}={value}" for name, value in sorted(self._settings.additional_label_filters.items())]
        while True:
            try:
                async with aclosing(self._cluster.follow(path, ",".join([FLOW_RUN, *filters]))) as changes:
                    async for kind, pods in changes:
                        self._note(kind, pods)
                        if kind == "LISTED" and not filters:
                            await self._look_for_lost_jobs(namespace, pods)
            except ClusterError as error:
                if error.status in {401, 403}:
                    self._worker._logger.warning(
                        "The pods of flow runs are not watched, as this worker may not: %s. Let it list and watch them, name "
                        "namespaces where it may (PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_NAMESPACES), or say that it shall "
                        "not (PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_ENABLED=false).",
                        error,
                    )
                    return
                self._worker._logger.warning("The pods of flow runs cannot be watched now: %s", error)
                await anyio.sleep(_AGAIN_SECONDS)

    def _note(self, kind: Change, pods: list[Pod]) -> None:
        if kind == "LISTED":  # what is not there any more is not heard of again
            there = {pod["metadata"]["uid"] for pod in pods}
            self._told = {uid: told for uid, told in self._told.items() if uid in there}
            self._checked &= there
        for pod in pods:
            self._tell(pod)
            self._check(pod, is_gone=kind == "DELETED")
            if kind == "DELETED":
                self._told.pop(pod["metadata"]["uid"], None)
                self._checked.discard(pod["metadata"]["uid"])

    def _tell(self, pod: Pod) -> None:
        """Emit an event for the phase of a pod, unless this has been done."""
        uid, phase = pod["metadata"]["uid"], (pod.get("status") or {}).get("phase")
        last = self._told.get(uid)
        if not self._settings.replicate_pod_events or phase is None or (last is not None and last[0] == phase):
            return
        self._told[uid] = (phase, emit_event(**event_of(pod), follows=None if last is None else last[1]))

    # -- runs that nobody speaks for

    def _check(self, pod: Pod, *, is_gone: bool) -> None:
        """Look, after a while, at the run of a pod that has not ended well."""
        run_id, condition, metadata = run_of(pod), condition_of(pod), pod["metadata"]
        job = (metadata.get("labels") or {}).get("job-name")
        has_failed = condition.kind in {"failed", "disrupted"}
        is_lost = is_gone and condition.kind != "succeeded"
        if run_id is None or job is None or metadata["uid"] in self._checked or not (has_failed or is_lost):
            return
        self._checked.add(metadata["uid"])
        if not has_failed:
            condition = Condition("failed", f"Pod {metadata['name']!r} was deleted")
        self._checks.start_soon(self._settle, run_id, metadata["namespace"], job, condition, pod)

    async def _look_for_lost_jobs(self, namespace: str | None, pods: list[Pod]) -> None:
        """Runs whose Jobs went away while nobody was watching have no pods that could tell."""
        there = {(each["metadata"]["namespace"], each["metadata"]["labels"].get("job-name")) for each in pods}
        try:  # also those that have just begun: each is looked at after a while, but none is found later
            runs = await self._worker._pool_runs.left([StateType.PENDING, StateType.RUNNING], timedelta(0))
        except Exception as error:
            self._worker._logger.warning("The runs of the pool cannot be asked for: %s", error)
            return
        for run in runs:
            uid, _, place = str(run.infrastructure_pid).rpartition(":")[0].rpartition(":")
            job = str(run.infrastructure_pid).rpartition(":")[2]
            if uid == self._uid and namespace in {None, place} and (place, job) not in there:
                condition = Condition("failed", f"The Job {job!r} and its pods were deleted")
                self._checks.start_soon(self._settle, run.id, place, job, condition, None)

    async def _settle(self, run_id: UUID, namespace: str, job: str, condition: Condition, pod: Pod | None) -> None:
        """Say what became of a run, unless somebody has, or its Job goes on."""
        await anyio.sleep(self._grace_seconds)
        async with self._at_once:
            try:
                if not await self._has_failed(namespace, job):
                    return
                is_said = await self._worker._pool_runs.settle_left(
                    run_id,
                    f"{self._uid}:{namespace}:{job}",
                    f"{condition.reason}.",
                    {} if pod is None else environment_of(pod),
                    reschedules=condition.kind == "disrupted",
                )
                if is_said and pod is not None and self._settings.forward_crashed_run_logs:
                    await self._forward_logs(run_id, condition, pod)
            except Exception as error:
                self._worker._logger.warning("Flow run %s may have crashed, which cannot be said: %s", run_id, error)

    async def _has_failed(self, namespace: str, job: str) -> bool:
        """Whether a Job has failed, or is gone. One that goes on makes another pod, which is heard of."""
        try:
            found = await self._cluster.ask("GET", f"/apis/batch/v1/namespaces/{namespace}/jobs/{job}")
        except ClusterError as error:
            if error.status != 404:
                raise
            return True
        conditions = (found.get("status") or {}).get("conditions") or ()
        return "Failed" in {each["type"] for each in conditions if each.get("status") == "True"}

    async def _forward_logs(self, run_id: UUID, condition: Condition, pod: Pod) -> None:
        metadata, lines = pod["metadata"], self._settings.forward_crashed_run_logs_tail_lines
        container = pod["spec"]["containers"][0]["name"]
        try:
            printed = await self._cluster.log_tail(metadata["namespace"], metadata["name"], container, lines)
        except ClusterError as error:
            printed = [f"(It cannot be read: {error})"]
        run = await self._worker.client.read_flow_run(run_id)
        logger = self._worker.get_flow_run_logger(run)
        logger.error("%s. It printed last:\n%s", condition.reason, "\n".join(printed))
