"""Flow runs as Jobs: a real worker, a real server, HTTP to a fake cluster, pods that are processes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from prefect.exceptions import InfrastructureNotAvailable, InfrastructureNotFound
from prefect.settings.context import temporary_settings
from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration

if TYPE_CHECKING:
    from conftest import Site

POD = {"template": {"spec": {"containers": [{"name": "prefect-job"}]}}}
MANIFEST = {"apiVersion": "batch/v1", "kind": "Job", "spec": POD}


def test_a_run_is_executed_as_a_job(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    run = site.order(env={"GREETING": "hello"}, memory_limit="1Gi", finished_job_ttl=60, service_account_name="flows")
    site.work()
    assert site.state(run).is_completed()
    assert "hello from the pod" in capsys.readouterr().out
    uid, namespace, name = str(site.client.read_flow_run(run.id).infrastructure_pid).split(":")
    job = site.cluster.store.read("jobs", namespace, name)
    assert uid == site.cluster.store.read("namespaces", "", "kube-system")["metadata"]["uid"]
    assert job["metadata"]["labels"]["prefect.io/flow-run-id"] == str(run.id)
    assert job["spec"]["ttlSecondsAfterFinished"] == 60
    pod = job["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "flows"
    assert pod["containers"][0]["resources"] == {"limits": {"memory": "1Gi"}}
    assert {"name": "GREETING", "value": "hello"} in pod["containers"][0]["env"]


def test_a_busy_cluster_is_asked_again(site: Site) -> None:
    run = site.order()
    site.cluster.refuse(3)
    site.work()
    assert site.state(run).is_completed()


def test_watches_that_break_or_know_too_little_are_taken_up_again(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = site.order({"waits_for": str(tmp_path / "go")})

    def disturb() -> None:
        site.until_it_runs(run)
        site.cluster.drop_connections()
        site.cluster.store.forget_history()
        (tmp_path / "go").touch()

    site.work(disturb)
    assert site.state(run).is_completed()
    assert capsys.readouterr().out.count("hello from the pod") == 1


def test_an_evicted_run_is_executed_again(site: Site, tmp_path: Path) -> None:
    run = site.order({"waits_for": str(tmp_path / "go")})
    site.work(lambda: site.cluster.evict(site.until_it_runs(run)))
    state = site.state(run)
    assert (state.name, "The node is drained" in state.message) == ("AwaitingRetry", True)
    (tmp_path / "go").touch()
    site.work()
    assert site.state(run).is_completed()
    assert site.client.read_flow_run(run.id).run_count == 2


def test_a_pod_that_dies_is_a_crash_that_says_why(site: Site) -> None:
    run = site.order({"dies": True})
    site.work()
    state = site.state(run)
    assert state.is_crashed()
    assert "exit code 137" in state.message


def test_a_cancelled_run_is_ended_with_its_job(site: Site, tmp_path: Path) -> None:
    run = site.order({"waits_for": str(tmp_path / "never")})

    def cancel() -> None:
        from prefect.states import Cancelling

        site.until_it_runs(run)
        site.client.set_flow_run_state(run.id, Cancelling())

    site.work(cancel)
    assert site.state(run).is_cancelled()
    name = str(site.client.read_flow_run(run.id).infrastructure_pid).rpartition(":")[2]
    site.until(lambda: not site.cluster.store.find("pods", "default", {"job-name": name}))
    assert not [job for job in site.cluster.store.find("jobs", "default", {}) if job["metadata"]["name"] == name]


@pytest.mark.parametrize("reason", ["ImagePullBackOff", "InvalidImageName"])
def test_an_image_that_cannot_be_pulled_is_named(site: Site, reason: str) -> None:
    site.cluster.fail_image("registry.example.com/missing:1", reason)
    run = site.order(image="registry.example.com/missing:1")
    site.work()
    state = site.state(run)
    assert state.is_crashed()
    assert reason in state.message
    assert "registry.example.com/missing:1" in state.message


def test_a_job_without_a_pod_crashes_its_run(site: Site) -> None:
    site.cluster.makes_no_pods = True
    run = site.order(pod_watch_timeout_seconds=1)
    site.work()
    assert "No pod was made within 1 s" in site.state(run).message


def test_a_job_that_takes_too_long_is_ended(site: Site, tmp_path: Path) -> None:
    run = site.order({"waits_for": str(tmp_path / "never")}, job_watch_timeout_seconds=4)
    site.work()
    state = site.state(run)
    assert state.is_crashed()
    assert "job_watch_timeout_seconds" in state.message


def test_a_manifest_that_the_cluster_refuses_crashes_the_run_and_leaves_no_secret(site: Site) -> None:
    before = site.cluster.store.find("secrets", "default", {})
    with temporary_settings({"PREFECT_API_KEY": "key-that-nobody-sees"}):
        run = site.order(env=[{"name": "TOKEN", "valueFrom": {"nobody": "knows"}}])
        site.work()
    state = site.state(run)
    assert state.is_crashed()
    assert "Job is invalid" in state.message
    assert site.cluster.store.find("secrets", "default", {}) == before


def test_secrets_are_references(site: Site) -> None:
    with temporary_settings({"PREFECT_API_KEY": "key-that-nobody-sees"}):
        run = site.order()
        site.work()
    assert site.state(run).is_completed()
    jobs = [body for method, path, body in site.cluster.server.requests if method == "POST" and path.endswith("/jobs")]
    assert "key-that-nobody-sees" not in str(jobs)
    [entry] = [each for each in _environment(jobs[0]) if each["name"] == "PREFECT_API_KEY"]
    reference = entry["valueFrom"]["secretKeyRef"]
    secret = site.cluster.store.read("secrets", "default", reference["name"])
    assert secret["metadata"]["ownerReferences"][0]["name"] == jobs[0]["metadata"]["name"]


def _environment(job: dict[str, Any]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = job["spec"]["template"]["spec"]["containers"][0]["env"]
    return entries


def test_a_worker_that_is_stopped_ends_its_jobs(site: Site, tmp_path: Path) -> None:
    run = site.order({"waits_for": str(tmp_path / "never")})

    async def both() -> None:
        worker = KubernetesWorker("pool", name="w")
        async with anyio.create_task_group() as group:
            group.start_soon(partial(worker.start, run_once=True, printer=lambda text: None))
            await anyio.to_thread.run_sync(site.until_it_runs, run)
            worker._supervised.end_runs()  # what a second Ctrl-C does

    anyio.run(both)
    name = str(site.client.read_flow_run(run.id).infrastructure_pid).rpartition(":")[2]
    assert site.state(run).is_crashed()
    site.until(lambda: not site.cluster.store.find("pods", "default", {"job-name": name}))
    assert not [job for job in site.cluster.store.find("jobs", "default", {}) if job["metadata"]["name"] == name]


def test_another_worker_ends_the_job_of_a_cancelled_run(site: Site, tmp_path: Path) -> None:
    run = site.order({"waits_for": str(tmp_path / "never")})
    found: list[BaseException] = []

    def kill_as_another_worker() -> None:
        site.until_it_runs(run)
        flow_run = site.client.read_flow_run(run.id)

        async def kill() -> None:
            configuration = KubernetesWorkerJobConfiguration.model_validate(
                {"job_manifest": MANIFEST, "cluster_config": site.cluster.kubeconfig}
            )
            worker = KubernetesWorker("pool", name="another")
            pid = str(flow_run.infrastructure_pid)
            with pytest.raises(InfrastructureNotAvailable, match="in cluster 'elsewhere'"):
                await worker.kill_infrastructure(f"elsewhere:{pid.partition(':')[2]}", configuration)
            await worker.kill_infrastructure(pid, configuration, grace_seconds=1)
            with pytest.raises(InfrastructureNotFound):
                await worker.kill_infrastructure(pid, configuration, grace_seconds=1)

        try:
            anyio.run(kill)
        except BaseException as error:
            found.append(error)

    site.work(kill_as_another_worker)
    assert found == []
    assert site.state(run).is_crashed()
