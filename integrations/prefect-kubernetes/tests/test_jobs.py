"""Jobs, pods and other resources from flows: each request by HTTP to a fake cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_asyncio.client import ApiException

from prefect import flow, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.filesystems import LocalFileSystem
from prefect.testing.conformance import BlockContract
from prefect.testing.utilities import prefect_test_harness
from prefect_kubernetes import (
    KubernetesCredentials,
    KubernetesJob,
    custom_objects as custom,
    deployments,
    jobs,
    pods,
    services,
)
from prefect_kubernetes.decorators import kubernetes
from prefect_kubernetes.exceptions import (
    KubernetesJobDefinitionError,
    KubernetesJobFailedError,
    KubernetesJobTimeoutError,
    KubernetesResourceNotFoundError,
)
from prefect_kubernetes.flows import run_namespaced_job, run_namespaced_job_async
from prefect_kubernetes.testing import FakeCluster
from prefect_kubernetes.worker import KubernetesWorker


def manifest(script: str = "echo hello; echo world", name: str = "hello") -> dict[str, Any]:
    container = {"name": "main", "image": "any", "command": ["sh", "-c", script]}
    pod = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    about = {"generateName": f"{name}-"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": {"backoffLimit": 0, "template": pod}}


@pytest.fixture(scope="module")
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster() as cluster:
        yield cluster


@pytest.fixture
def let_in(cluster: FakeCluster) -> KubernetesCredentials:
    return KubernetesCredentials.model_validate({"cluster_config": cluster.kubeconfig})


class TestKubernetesJob(BlockContract):
    slug = "k8s-job"

    @pytest.fixture
    def block(self) -> KubernetesJob:
        return KubernetesJob(v1_job=manifest(), api_kwargs={"dryRun": "All"}, timeout_seconds=3)


def test_a_job_is_run_and_what_it_prints_is_its_result(cluster: FakeCluster, let_in: KubernetesCredentials) -> None:
    lines: list[str] = []
    job = KubernetesJob(v1_job=manifest(), credentials=let_in, interval_seconds=0)
    with prefect_test_harness():
        result = run_namespaced_job(job, lines.append)
        again = asyncio.run(run_namespaced_job_async(job))
    assert (lines, list(result.values())) == (["hello", "world"], ["hello\nworld"])
    assert list(again.values()) == ["hello\nworld"]
    assert cluster.store.find("jobs", "default", {}) == []  # they are deleted


def test_further_arguments_are_those_of_the_api(cluster: FakeCluster, let_in: KubernetesCredentials) -> None:
    kwargs = {"field_manager": "tests", "fieldValidation": "Strict"}
    run = KubernetesJob(v1_job=manifest("true"), credentials=let_in, interval_seconds=0, api_kwargs=kwargs).trigger()
    run.wait_for_completion()
    [path] = [path for method, path, _ in cluster.server.requests if method == "POST" and "tests" in path]
    assert path.endswith("/jobs?fieldManager=tests&fieldValidation=Strict")


def test_what_may_go_wrong(cluster: FakeCluster, let_in: KubernetesCredentials, tmp_path: Path) -> None:
    fails = KubernetesJob(v1_job=manifest("exit 3"), credentials=let_in, interval_seconds=0)
    run = fails.trigger()
    with pytest.raises(KubernetesJobFailedError, match="exit code 3"):
        run.wait_for_completion()
    with pytest.raises(ValueError, match="has no result"):
        run.fetch_result()
    with pytest.raises(KubernetesResourceNotFoundError, match="not there any more"):
        run.wait_for_completion()
    slow = fails.model_copy(update={"v1_job": manifest("sleep 60"), "timeout_seconds": 0})
    run = slow.trigger()
    with pytest.raises(KubernetesJobTimeoutError, match="timeout_seconds"):
        run.wait_for_completion()
    cluster.delete_job("default", run.name)
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(manifest()))
    assert KubernetesJob.from_yaml_file(tmp_path / "job.yaml").v1_job == manifest()
    (tmp_path / "job.yaml").write_text("just a text")
    with pytest.raises(KubernetesJobDefinitionError):
        KubernetesJob.from_yaml_file(tmp_path / "job.yaml")
    with pytest.raises(ValueError, match="kind: Job"):
        KubernetesJob(v1_job={"kind": "Pod"})


LABELS = {"app": "web"}
POD = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "web", "image": "any"}]}}
NEW: dict[str, dict[str, Any]] = {
    "deployment": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": LABELS},
        "spec": {"selector": {"matchLabels": LABELS}, "template": POD},
    },
    "service": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "labels": LABELS},
        "spec": {"selector": LABELS, "ports": [{"port": 80}]},
    },
    "job": {**manifest("sleep 30"), "metadata": {"name": "web", "labels": LABELS}},
    "pod": {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": LABELS},
        "spec": {"containers": [{"name": "main", "image": "any", "command": ["sh", "-c", "echo one; sleep 30"]}]},
    },
}


@pytest.mark.parametrize(
    ("module", "noun"), [(deployments, "deployment"), (jobs, "job"), (pods, "pod"), (services, "service")]
)
def test_resources_are_made_read_changed_and_deleted(module: Any, noun: str, let_in: KubernetesCredentials) -> None:
    def task(verb: str, suffix: str = "") -> Any:
        return getattr(module, f"{verb}_namespaced_{noun}{suffix}")

    named = {f"{noun}_name": "web"}
    new = {**NEW[noun], "metadata": {**NEW[noun]["metadata"], "annotations": {"a": "2"}}}

    @flow
    async def work() -> list[Any]:
        made = await task("create")(let_in, NEW[noun])
        found = await task("list")(let_in, label_selector="app=web")
        changed = await task("patch")(let_in, **named, **{f"{noun}_updates": {"metadata": {"annotations": {"a": "1"}}}})
        replaced = await task("replace")(let_in, **named, **{f"new_{noun}": new})
        read = await task("read", "_status" if noun == "job" else "")(let_in, **named)
        await task("delete")(let_in, **named)
        return [made.metadata.name, [each.metadata.name for each in found.items]] + [
            each.metadata.annotations["a"] for each in (changed, replaced, read)
        ]

    with prefect_test_harness():
        assert asyncio.run(work()) == ["web", ["web"], "1", "2", "2"]


def test_what_pods_print(cluster: FakeCluster, let_in: KubernetesCredentials) -> None:
    container = {"name": "main", "image": "any", "command": ["sh", "-c", "echo one; echo two"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "talks"}, "spec": {"containers": [container]}}
    lines: list[str] = []

    @flow
    async def work() -> Any:
        await pods.create_namespaced_pod(let_in, pod)
        await pods.read_namespaced_pod_log(let_in, "talks", "main", print_func=lines.append)
        return await pods.read_namespaced_pod_log(let_in, "talks", "main")

    with prefect_test_harness():
        assert asyncio.run(work()) == "one\ntwo\n"
    assert [line.rpartition(" ")[2] for line in lines] == ["one", "two"]


def test_custom_objects(let_in: KubernetesCredentials) -> None:
    where = {"kubernetes_credentials": let_in, "group": "stable.example.com", "version": "v1", "plural": "crontabs"}
    body = {"apiVersion": "stable.example.com/v1", "kind": "CronTab", "metadata": {"name": "c", "namespace": "default"}}

    @flow
    async def work() -> list[Any]:
        await custom.create_namespaced_custom_object(**where, body={**body, "spec": {"n": 1}})
        changed = await custom.patch_namespaced_custom_object(**where, name="c", body={"spec": {"n": 2}})
        replaced = await custom.replace_namespaced_custom_object(**where, name="c", body={**body, "spec": {"n": 3}})
        read = await custom.get_namespaced_custom_object(**where, name="c")
        status = await custom.get_namespaced_custom_object_status(**where, name="c")
        listed = await custom.list_namespaced_custom_object(**where)
        await custom.delete_namespaced_custom_object(**where, name="c")
        with pytest.raises(ApiException, match="not found"):
            await custom.get_namespaced_custom_object(**where, name="c")
        return [each["spec"]["n"] for each in (changed, replaced, read, status, *listed["items"])]

    with prefect_test_harness():
        assert asyncio.run(work()) == [2, 3, 3, 3, 3]


@flow
def add(a: int) -> int:
    return a + 1


def test_a_flow_runs_as_a_job_wherever_it_is_called(cluster: FakeCluster, tmp_path: Path) -> None:
    bind = kubernetes("pool", cluster_config=cluster.kubeconfig)
    with prefect_test_harness():
        LocalFileSystem(basepath=str(tmp_path)).save("shared")
        template = KubernetesWorker.get_default_base_job_template()
        with get_client(sync_client=True) as client:
            client.create_work_pool(WorkPoolCreate(name="pool", type="kubernetes", base_job_template=template))
        bound = bind(add.with_options(persist_result=True, result_storage="local-file-system/shared"))
        assert bound.submit(1).result() == 2
    assert [
        job["spec"]["template"]["spec"]["containers"][0]["args"] for job in cluster.store.find("jobs", "default", {})
    ]
