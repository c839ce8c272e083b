"""Workers watch the pods of runs that others have started: real workers, a real server, HTTP to a fake cluster."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import anyio
import pytest

from prefect.client.base import current_transport
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.events.filters import EventFilter, EventNameFilter, EventResourceFilter
from prefect.events.schemas.events import ReceivedEvent, ResourceSpecification
from prefect.exceptions import ConfigurationError, ObjectAlreadyExists
from prefect.runner.claims import Claims
from prefect.settings.context import temporary_settings
from prefect.states import Running
from prefect_kubernetes.cluster import ClusterError, open_cluster
from prefect_kubernetes.credentials import KubernetesClusterConfig
from prefect_kubernetes.jobs_of_runs import create_job
from prefect_kubernetes.observer import Observer
from prefect_kubernetes.pod_events import environment_of, event_of, run_of
from prefect_kubernetes.settings import KubernetesObserverSettings, KubernetesSettings
from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration

if TYPE_CHECKING:
    from conftest import Site

OBSERVER = "PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER"
POD_EVENT = "prefect.kubernetes.pod."
CLAIM_VARIABLE = "PREFECT__FLOW_RUN_CLAIM"


@pytest.fixture(scope="module")
def server_options() -> list[str]:
    """A server does not notice by itself that pods are gone, unless they are processes of its machine, as they are here."""
    return ["--no-services"]


@pytest.fixture
def watched(site: Site) -> Site:
    """A site whose pool says which cluster it uses, so that workers can watch that."""
    template = KubernetesWorker.get_default_base_job_template()
    template["variables"]["properties"]["cluster_config"]["default"] = site.cluster.kubeconfig
    site.client.update_work_pool("pool", WorkPoolUpdate(base_job_template=template))
    with suppress(ObjectAlreadyExists):
        site.client.create_work_queue("none", work_pool_name="pool")
    return site


def watcher(name: str) -> KubernetesWorker:
    """A worker that does not wait long for what others have to say, and takes no runs."""
    worker = KubernetesWorker("pool", work_queues=["none"], name=name)
    worker._grace_seconds = 0.1
    return worker


def watch(site: Site, meanwhile: Callable[[], None], workers: int = 1, begun: int | None = None) -> None:
    """Do something while workers watch, once they have begun so many watches of all pods."""
    awaited = watches(site) + (workers if begun is None else begun)

    def once_they_watch() -> None:
        site.until(lambda: watches(site) >= awaited)
        meanwhile()

    async def both() -> None:
        watching = [watcher(f"watcher-{n}") for n in range(workers)]
        async with anyio.create_task_group() as group:
            for each in watching:
                group.start_soon(each.start)
            try:
                await anyio.to_thread.run_sync(once_they_watch)
            finally:
                for each in watching:
                    if each._supervision is not None:
                        each._supervised.stop()

    anyio.run(both)


def watches(site: Site) -> int:
    """How often a watch of all pods was begun."""
    return len(
        [path for _, path, _ in site.cluster.server.requests if "/api/v1/pods?" in path and "watch=true" in path]
    )


def lists(site: Site) -> int:
    """How often all pods were listed."""
    asked = [path for _, path, _ in site.cluster.server.requests if path.startswith("/api/v1/pods?")]
    return len(asked) - watches(site)


@contextmanager
def worker_process(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that can be killed."""
    variables = {
        "PREFECT_API_URL": site.api,
        "PREFECT_HOME": str(site.folder),
        "PREFECT_WORKER_QUERY_SECONDS": "0.5",
        f"{OBSERVER}_ENABLED": "false",
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "pool"]
    with (site.folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Left:
    """
    A run that somebody has taken and made a Job for, who is gone: as the orchestrator and the cluster know it.

    Args:
        site: The site.
        shows_claim: Whether the pod has the token by which the run was taken, which nobody else may speak for then.
    """

    def __init__(self, site: Site, *, shows_claim: bool = True) -> None:
        self._store = site.cluster.store
        self.run = site.order()
        self.job = f"left-{self.run.id.hex[-6:]}"
        self.pod = f"{self.job}-pod"
        token = anyio.run(_taken, self.run) if shows_claim else None
        if token is None:
            site.client.set_flow_run_state(self.run.id, Running())
        uid = self._store.read("namespaces", "", "kube-system")["metadata"]["uid"]
        site.client.update_flow_run(self.run.id, infrastructure_pid=f"{uid}:default:{self.job}")
        labels = {"prefect.io/flow-run-id": str(self.run.id), "job-name": self.job}
        self._store.create("jobs", {"metadata": {"name": self.job, "namespace": "default"}, "spec": {}, "status": {}})
        own = {"PREFECT__FLOW_RUN_ID": str(self.run.id), **({} if token is None else {CLAIM_VARIABLE: str(token)})}
        self._store.create("pods", a_pod(self.pod, labels, own))
        site.cluster.log_of(self.pod).write_text("the last line\n")

    def fail(self, **status: Any) -> None:
        """The pod fails, and so does the Job."""
        self._store.change("pods", "default", self.pod, {"status": {"phase": "Failed", **status}})
        conditions = [{"type": "Failed", "status": "True"}]
        self._store.change("jobs", "default", self.job, {"status": {"conditions": conditions}})


async def _taken(run: FlowRun) -> UUID | None:
    claims = Claims(current_transport())
    assert await claims.take(run.id)
    return claims.token(run.id)


def a_pod(name: str, labels: dict[str, str], environment: dict[str, str]) -> dict[str, Any]:
    env = [*({"name": key, "value": value} for key, value in environment.items()), {"name": "B", "valueFrom": {}}]
    metadata = {"name": name, "namespace": "default", "labels": labels}
    spec = {"containers": [{"name": "c", "env": env}]}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def of_a_run() -> dict[str, str]:
    return {"prefect.io/flow-run-id": str(uuid4()), "prefect.io/flow-run-name": "a-run"}


KILLED = [{"name": "c", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}]


def told(site: Site, pod: str) -> list[str]:
    """The phases of a pod that were told, in alphabetical order, which is that of time."""
    return [each.event.removeprefix(POD_EVENT) for each in events_about(site, pod)]


def events_about(site: Site, pod: str) -> list[ReceivedEvent]:
    labels = ResourceSpecification({"prefect.resource.name": pod})
    wanted = EventFilter(event=EventNameFilter(prefix=[POD_EVENT]), resource=EventResourceFilter(labels=labels))
    answer = site.client.request("POST", "/events/filter", json={"filter": wanted.model_dump(mode="json")})
    found = [ReceivedEvent.model_validate(each) for each in answer.json()["events"]]
    return sorted(found, key=lambda each: each.event)


def test_the_phases_of_a_pod_are_told_once_by_however_many_watch(watched: Site) -> None:
    store, name, labels = watched.cluster.store, f"pod-{uuid4().hex[:6]}", of_a_run()
    labels |= {f"prefect.io/{role}-id": str(uuid4()) for role in ("deployment", "flow", "work-pool")}
    labels["prefect.io/worker-name"] = "w 1"

    def meanwhile() -> None:
        store.create("pods", a_pod(name, labels, {}))
        for phase in ("Running", "Succeeded"):
            store.change("pods", "default", name, {"status": {"phase": phase}})
        watched.until(lambda: len(told(watched, name)) == 3)

    watch(watched, meanwhile, workers=2)
    # One that comes later tells of what there is. What it has told is stored once it has told of what comes next.
    watch(watched, lambda: until_told(watched, f"{name}-next"))
    assert told(watched, name) == ["pending", "running", "succeeded"]
    events = events_about(watched, name)
    roles = {each.role: each.id for each in events[0].related}
    assert roles["flow-run"] == f"prefect.flow-run.{labels['prefect.io/flow-run-id']}"
    assert set(roles) == {"flow-run", "deployment", "flow", "work-pool", "worker"}
    assert roles["worker"] == "prefect.worker.kubernetes.w-1"
    assert events[0].resource["kubernetes.namespace"] == "default"


def until_told(site: Site, name: str) -> None:
    """Make a pod, and wait until it is told of."""
    site.cluster.store.create("pods", a_pod(name, of_a_run(), {}))
    site.until(lambda: told(site, name))


def test_whatever_each_sees_and_when_a_phase_is_told_once(watched: Site) -> None:
    """Watchers see the phases of a pod from some phase on, again after their watch broke, and in any turn."""
    chance, phases = random.Random(7), ("Pending", "Running", "Succeeded")
    pods = [a_pod(f"mixed-{uuid4().hex[:6]}", of_a_run(), {}) for _ in range(20)]
    for pod in pods:
        pod["metadata"]["uid"] = str(uuid4())

    async def mixed() -> None:
        async with watcher("w") as worker, anyio.create_task_group() as checks:
            for pod in pods:
                seen = [{**pod, "status": {"phase": phase}} for phase in phases]
                observers = [
                    Observer(worker, None, "uid", KubernetesObserverSettings(), checks, 0)  # type: ignore[arg-type]
                    for _ in range(3)
                ]
                left = [list(seen), *(seen[chance.randrange(3) :] for _ in observers[1:])]
                while any(left):
                    which = chance.choice([number for number, rest in enumerate(left) if rest])
                    state = left[which].pop(0)
                    observers[which]._note("MODIFIED", [state])
                    if chance.random() < 0.3:
                        observers[which]._note("LISTED", chance.choice([[], [state]]))

    anyio.run(mixed)
    watched.until(lambda: len(told(watched, pods[-1]["metadata"]["name"])) == 3)  # the others were told before
    for pod in pods:
        assert told(watched, pod["metadata"]["name"]) == ["pending", "running", "succeeded"]


@pytest.mark.slow
def test_a_run_that_its_worker_has_left_crashes_with_its_pod(watched: Site, tmp_path: Path) -> None:
    """With a worker that is killed, and a pod that executes the run."""
    run = watched.order({"waits_for": str(tmp_path / "never")})
    with worker_process(watched):
        pod = watched.until_it_runs(run)
        watched.until(lambda: watched.client.read_flow_run(run.id).infrastructure_pid)

    def meanwhile() -> None:
        watched.cluster._kill(pod)
        watched.until(lambda: watched.state(run).is_crashed())
        watched.until(lambda: "It printed last:" in watched.logs(run))

    watch(watched, meanwhile)
    assert "exit code 137" in watched.state(run).message
    assert "hello from the pod" in watched.logs(run)


def test_what_several_see_is_said_by_one(watched: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{OBSERVER}_STARTUP_EVENT_CONCURRENCY", "1")  # one run after the other
    first, next_one = Left(watched), Left(watched)

    def until_crashed(left: Left) -> None:
        left.fail(containerStatuses=KILLED)
        watched.until(lambda: "It printed last:\nthe last line" in watched.logs(left.run))

    watch(watched, lambda: until_crashed(first), workers=2)
    watch(watched, lambda: until_crashed(next_one))
    assert watched.logs(first.run).count("It printed last:") == 1
    state = watched.state(first.run)
    assert state.is_crashed()
    assert state.message.startswith(f"Pod {first.pod!r} has ended with exit code 137. Worker 'watcher-")


def test_an_evicted_run_that_its_worker_has_left_is_offered_again_once(watched: Site) -> None:
    left = Left(watched)
    why = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Drained"}

    def meanwhile() -> None:
        left.fail(conditions=[why])
        watched.until(lambda: watched.state(left.run).name == "AwaitingRetry")

    watch(watched, meanwhile, workers=2)
    states = watched.client.read_flow_run_states(left.run.id)
    assert [each.name for each in states].count("AwaitingRetry") == 1


def test_a_run_that_another_worker_has_taken_anew_is_left_alone(watched: Site) -> None:
    left, other = Left(watched), Left(watched)
    watched.client.update_flow_run(left.run.id, infrastructure_pid="elsewhere")

    def meanwhile() -> None:
        left.fail(containerStatuses=KILLED)
        other.fail(containerStatuses=KILLED)
        watched.until(lambda: watched.state(other.run).is_crashed())

    with temporary_settings({f"{OBSERVER}_STARTUP_EVENT_CONCURRENCY": "1"}):  # one run after the other
        watch(watched, meanwhile)
    assert watched.state(left.run).is_pending()


def test_a_run_whose_job_went_away_while_nobody_watched_crashes(watched: Site) -> None:
    left = Left(watched, shows_claim=False)
    watched.cluster.store.remove("pods", "default", left.pod)
    watched.cluster.store.remove("jobs", "default", left.job)
    watch(watched, lambda: watched.until(lambda: watched.state(left.run).is_crashed()))
    assert "were deleted" in watched.state(left.run).message


def test_a_watch_goes_on_where_it_was_and_lists_again_only_if_it_must(watched: Site) -> None:
    def meanwhile() -> None:
        before = watches(watched)
        watched.cluster.drop_connections()
        watched.until(lambda: watches(watched) > before)
        assert lists(watched) == 1
        watched.cluster.store.forget_history()
        watched.cluster.drop_connections()
        watched.until(lambda: lists(watched) > 1)
        until_told(watched, f"after-that-{uuid4().hex[:6]}")

    watch(watched, meanwhile)


def test_who_may_not_watch_is_told_what_to_do(watched: Site, caplog: pytest.LogCaptureFixture) -> None:
    watched.cluster.refuse(2, 403)  # what the cluster is, and what pods it has
    watch(watched, lambda: watched.until(lambda: "OBSERVER_NAMESPACES" in caplog.text), begun=0)
    assert "OBSERVER_ENABLED=false" in caplog.text


def test_namespaces_and_labels_can_be_chosen(watched: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {f"{OBSERVER}_NAMESPACES": "red, blue", f"{OBSERVER}_ADDITIONAL_LABEL_FILTERS": "team=a,stage=b"}
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    settings = KubernetesObserverSettings()
    assert settings.namespaces == {"red", "blue"}
    assert settings.additional_label_filters == {"team": "a", "stage": "b"}

    def asked() -> set[str]:
        paths = [path for _, path, _ in watched.cluster.server.requests if "watch=true" in path]
        return {path.split("/")[4] for path in paths if "team%3Da" in path and "stage%3Db" in path}

    watch(watched, lambda: watched.until(lambda: asked() == {"red", "blue"}), begun=0)
    monkeypatch.setenv(f"{OBSERVER}_ADDITIONAL_LABEL_FILTERS", "team")
    with pytest.raises(ConfigurationError, match="LABEL=VALUE"):
        KubernetesObserverSettings()


def test_making_a_job_is_tried_as_often_as_the_settings_say(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    retry = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_CREATE_JOB_RETRY"
    own = {"name": f"job-{uuid4().hex[:5]}"}
    spec = {"template": {"spec": {"containers": [{"name": "c", "image": "i", "command": ["true"]}]}}}
    spec["template"]["spec"]["restartPolicy"] = "Never"
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": own, "spec": spec}
    configuration = KubernetesWorkerJobConfiguration.model_validate({"job_manifest": manifest})

    async def make() -> None:
        async with open_cluster(KubernetesClusterConfig(**site.cluster.kubeconfig)) as cluster:
            await create_job(cluster, configuration, KubernetesSettings().worker, print)

    for name, value in {"DELAY_SECONDS": "0", "JITTER_MAX_SECONDS": "0", "MAX_RETRIES": "1"}.items():
        monkeypatch.setenv(f"{retry}_{name}", value)
    site.cluster.refuse(2, 503)
    with pytest.raises(ClusterError, match="busy"):
        anyio.run(make)
    site.cluster.refuse(1, 503)
    anyio.run(make)
    assert [path for _, path, _ in site.cluster.server.requests].count("/apis/batch/v1/namespaces/default/jobs") == 4


def test_what_a_pod_says() -> None:
    pod = a_pod("p", of_a_run(), {"A": "1"})
    pod["metadata"]["uid"] = "u"
    assert environment_of(pod) == {"A": "1"}
    assert run_of({"metadata": {"labels": {"prefect.io/flow-run-id": "no"}}}) is None
    ended = {"exitCode": 3, "reason": "Error", "finishedAt": "2026-01-01T00:00:00Z"}
    pod["status"] = {"phase": "Failed", "containerStatuses": [{"state": {"terminated": ended}}]}
    event = event_of(pod)
    assert (event["event"], event["occurred"]) == ("prefect.kubernetes.pod.failed", "2026-01-01T00:00:00Z")
    assert event["payload"]["exit_code"] == 3
    assert event["id"] == event_of(pod)["id"]
