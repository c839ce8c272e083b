"""Workers watch the pods of runs that others have started: real workers, a real server, HTTP to a fake cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import anyio
import pytest

from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ConfigurationError, ObjectAlreadyExists
from prefect_kubernetes.cluster import ClusterError, open_cluster
from prefect_kubernetes.credentials import KubernetesClusterConfig
from prefect_kubernetes.jobs_of_runs import create_job
from prefect_kubernetes.pod_events import environment_of, event_of, run_of
from prefect_kubernetes.settings import KubernetesObserverSettings, KubernetesSettings
from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration

if TYPE_CHECKING:
    from conftest import Site

OBSERVER = "PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER"


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


def watch(meanwhile: Callable[[], None], workers: int = 1) -> None:
    """Do something while workers watch. They take no runs of this pool's queues."""

    async def both() -> None:
        watching = [KubernetesWorker("pool", work_queues=["none"], name=f"watcher-{n}") for n in range(workers)]
        for each in watching:
            each._grace_seconds = 0.3
        async with anyio.create_task_group() as group:
            for each in watching:
                group.start_soon(each.start)
            try:
                await anyio.to_thread.run_sync(meanwhile)
            finally:
                for each in watching:
                    if each._supervision is not None:
                        each._supervised.stop()

    anyio.run(both)


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


def left_alone(site: Site, parameters: dict[str, Any]) -> tuple[FlowRun, str]:
    """A run in a pod whose worker is gone, and the name of that pod."""
    run = site.order(parameters)
    with worker_process(site):
        pod = site.until_it_runs(run)
        site.until(lambda: site.client.read_flow_run(run.id).infrastructure_pid)
    return run, pod


def told(site: Site, pod: str) -> list[Any]:
    """The events about a pod, by its name."""
    from prefect.events.filters import EventFilter, EventNameFilter

    wanted = EventFilter(event=EventNameFilter(prefix=["prefect.kubernetes.pod."]))
    found = anyio.run(_events, wanted)
    return sorted((each for each in found if each.resource.name == pod), key=lambda each: each.event)


async def _events(wanted: Any) -> list[Any]:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        answer = await client.request("POST", "/events/filter", json={"filter": wanted.model_dump(mode="json")})
    from prefect.events.schemas.events import ReceivedEvent

    return [ReceivedEvent.model_validate(each) for each in answer.json()["events"]]


def test_the_phases_of_a_pod_are_told_once_by_however_many_watch(watched: Site, tmp_path: Path) -> None:
    run = watched.order({"waits_for": str(tmp_path / "go")})

    def meanwhile() -> None:
        with worker_process(watched):
            pod = watched.until_it_runs(run)
            (tmp_path / "go").touch()
            watched.until(lambda: watched.state(run).is_completed())
            watched.until(lambda: [each for each in told(watched, pod) if each.event.endswith("succeeded")])

    watch(meanwhile, workers=2)
    events = told(watched, watched.pods()[-1]["metadata"]["name"])
    assert [each.event.rpartition(".")[2] for each in events] == ["pending", "running", "succeeded"]
    roles = {each.role: each.id for each in events[0].related}
    assert roles["flow-run"] == f"prefect.flow-run.{run.id}"
    assert {"deployment", "flow", "work-pool", "worker"} <= set(roles)
    assert events[0].resource["kubernetes.namespace"] == "default"


def test_a_run_that_its_worker_has_left_crashes_with_its_pod(watched: Site, tmp_path: Path) -> None:
    run, pod = left_alone(watched, {"waits_for": str(tmp_path / "never")})

    def meanwhile() -> None:
        watched.cluster._kill(pod)
        watched.until(lambda: watched.state(run).is_crashed())
        watched.until(lambda: "It printed last:" in watched.logs(run))

    watch(meanwhile)
    assert "exit code 137" in watched.state(run).message
    assert watched.logs(run).count("It printed last:") == 1


def test_an_evicted_run_that_its_worker_has_left_is_offered_again(watched: Site, tmp_path: Path) -> None:
    run, pod = left_alone(watched, {"waits_for": str(tmp_path / "go")})

    def meanwhile() -> None:
        watched.cluster.evict(pod)
        watched.until(lambda: watched.state(run).name == "AwaitingRetry")

    watch(meanwhile)
    (tmp_path / "go").touch()
    watched.work()
    assert watched.state(run).is_completed()


def test_a_run_whose_job_went_away_while_nobody_watched_crashes(watched: Site, tmp_path: Path) -> None:
    run, pod = left_alone(watched, {"waits_for": str(tmp_path / "never")})
    job = str(watched.client.read_flow_run(run.id).infrastructure_pid).rpartition(":")[2]
    os.killpg(watched.cluster._processes[pod].pid, signal.SIGKILL)
    watched.cluster.delete_job("default", job)
    watched.until(lambda: not watched.cluster.store.find("pods", "default", {"job-name": job}))
    watch(lambda: watched.until(lambda: watched.state(run).is_crashed()))
    assert "were deleted" in watched.state(run).message


def test_a_watch_goes_on_where_it_was_and_lists_again_only_if_it_must(watched: Site) -> None:
    def lists() -> int:
        asked = [path for method, path, _ in watched.cluster.server.requests if path.startswith("/api/v1/pods?")]
        return len([path for path in asked if "watch=true" not in path])

    def watches() -> int:
        return len([path for _, path, _ in watched.cluster.server.requests if "/api/v1/pods?" in path]) - lists()

    def meanwhile() -> None:
        watched.until(watches)
        before = watches()
        watched.cluster.drop_connections()
        watched.until(lambda: watches() > before)
        assert lists() == 1
        watched.cluster.store.forget_history()
        watched.cluster.drop_connections()
        watched.until(lambda: lists() > 1)
        pod = watched.cluster.store.create("pods", _pod(watched, "after-that"))
        watched.until(lambda: told(watched, pod["metadata"]["name"]))
        watched.cluster.store.remove("pods", "default", "after-that")

    watch(meanwhile)


def _pod(site: Site, name: str) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {}}]}]}
    labels = {"prefect.io/flow-run-id": str(uuid4()), "prefect.io/flow-run-name": "a-run"}
    metadata = {"name": name, "namespace": "default", "labels": labels}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Pending"}}


def test_who_may_not_watch_is_told_what_to_do(watched: Site, caplog: pytest.LogCaptureFixture) -> None:
    watched.cluster.refuse(2, 403)  # what the cluster is, and what pods it has
    watch(lambda: watched.until(lambda: "OBSERVER_NAMESPACES" in caplog.text))
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

    watch(lambda: watched.until(lambda: asked() == {"red", "blue"}))
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
    pod = _pod(None, "p")  # type: ignore[arg-type]
    pod["metadata"]["uid"] = "u"
    assert environment_of(pod) == {"A": "1"}
    assert run_of({"metadata": {"labels": {"prefect.io/flow-run-id": "no"}}}) is None
    ended = {"exitCode": 3, "reason": "Error", "finishedAt": "2026-01-01T00:00:00Z"}
    pod["status"] = {"phase": "Failed", "containerStatuses": [{"state": {"terminated": ended}}]}
    event = event_of(pod)
    assert (event["event"], event["occurred"]) == ("prefect.kubernetes.pod.failed", "2026-01-01T00:00:00Z")
    assert event["payload"]["exit_code"] == 3
    assert event["id"] == event_of(pod)["id"]
