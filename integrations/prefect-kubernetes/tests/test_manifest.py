"""What job variables make of a manifest, and what the state of a pod means."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import anyio
import kubernetes_validate
import pytest

from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import InfrastructureError
from prefect.plugins import JobContext, SecretRef
from prefect.settings.context import temporary_settings
from prefect_kubernetes.cluster import ClusterError
from prefect_kubernetes.conditions import condition_of
from prefect_kubernetes.names import label_key, label_value, resource_name
from prefect_kubernetes.plugin import prefect_classify_infrastructure_failure
from prefect_kubernetes.secrets import move_secrets
from prefect_kubernetes.settings import KubernetesWorkerSettings
from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration


def prepared(**variables: Any) -> KubernetesWorkerJobConfiguration:
    template = KubernetesWorker.get_default_base_job_template()

    async def fill() -> KubernetesWorkerJobConfiguration:
        return await KubernetesWorkerJobConfiguration.from_template_and_values(template, variables)

    made = anyio.run(fill)
    made.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4(), name="Blue Müller!"))
    kubernetes_validate.validate(made.job_manifest, "1.31", strict=True)
    return made


def test_defaults_make_a_manifest() -> None:
    made = prepared()
    assert made.job_manifest["metadata"]["generateName"] == "blue-muller-"
    assert made.job_manifest["metadata"]["namespace"] == "default"
    assert made.job_manifest["spec"]["backoffLimit"] == 0
    assert made.container["args"] == ["prefect", "flow-run", "execute"]
    assert made.container["image"].startswith("prefecthq/prefect:")
    assert "resources" not in made.container


def test_variables_are_in_the_manifest() -> None:
    made = prepared(
        name="etl", namespace="data", image="etl:2", labels={"Team Of": "Müller & Co"}, annotations={"a": "b"}
    )
    metadata = made.job_manifest["metadata"]
    assert (metadata["generateName"], metadata["namespace"], made.container["image"]) == ("etl-", "data", "etl:2")
    assert metadata["labels"]["Team-Of"] == "M-ller-Co"
    assert made.job_manifest["spec"]["template"]["metadata"]["annotations"] == {"a": "b"}


def test_an_environment_may_refer_to_secrets() -> None:
    reference = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "tokens", "key": "etl"}}}
    made = prepared(env=[{"name": "MODE", "value": "fast"}, reference])
    environment = made.container["env"]
    assert {"name": "MODE", "value": "fast"} in environment
    assert reference in environment
    assert any(entry["name"] == "PREFECT__FLOW_RUN_ID" for entry in environment)


def test_secrets_that_exist_are_referred_to() -> None:
    container = {"env": [{"name": "PREFECT_API_KEY", "value": "k"}, {"name": "MODE", "value": "fast"}]}
    assert move_secrets(container, "made", KubernetesWorkerSettings(api_key_secret_name="mine")) == {}
    assert container["env"][0]["valueFrom"] == {"secretKeyRef": {"name": "mine", "key": "value"}}
    assert move_secrets(container, "made", KubernetesWorkerSettings(store_env_as_secret=True)) == {"MODE": "fast"}


def test_secrets_of_plugins_are_referred_to() -> None:
    made = prepared()

    async def take() -> None:
        with temporary_settings({"PREFECT_API_KEY": "k"}):
            await made.take_secrets({"TOKEN": SecretRef("setting", "PREFECT_API_KEY")}, None)

    anyio.run(take)
    container = {"env": [{"name": "TOKEN", "value": "k"}]}
    assert move_secrets(container, "made", KubernetesWorkerSettings(), made.secret_names) == {"TOKEN": "k"}


def test_a_busy_cluster_comes_back_and_one_that_refuses_does_not() -> None:
    def verdict(worker_type: str, status: int | None) -> str | None:
        error = InfrastructureError("The Job could not be made")
        error.__cause__ = ClusterError("no", status)
        found = prefect_classify_infrastructure_failure(JobContext(worker_type), error)
        return None if found is None else found.kind

    assert [verdict("kubernetes", status) for status in (429, 503, None)] == ["transient"] * 3
    assert verdict("kubernetes", 403) == "crashed"
    assert verdict("process", 503) is None


def test_a_manifest_without_a_container_is_refused() -> None:
    with pytest.raises(ValueError, match="has no container"):
        KubernetesWorkerJobConfiguration(job_manifest={"apiVersion": "batch/v1", "kind": "Job", "spec": {}})


def test_names_and_labels_are_what_a_cluster_allows() -> None:
    assert len(resource_name("x" * 100)) == 57
    assert label_key("prefect.io/flow run") == "prefect.io/flow-run"
    assert label_value("-" + "x" * 70) == "x" * 62


def pod(phase: str, state: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    containers = [{"name": "prefect-job", "state": state}] if state else []
    return {"metadata": {"name": "p"}, "status": {"phase": phase, "containerStatuses": containers, **status}}


TARGET = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no nodes"}
FULL = "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."


@pytest.mark.parametrize(
    ("a_pod", "kind", "reason"),
    [
        (pod("Pending", conditions=[UNSCHEDULABLE]), "waiting", "Unschedulable: no nodes"),
        (pod("Pending", {"waiting": {"reason": "ErrImagePull"}}), "waiting", "ErrImagePull"),
        (pod("Pending", {"waiting": {"reason": "ErrImageNeverPull"}}), "stuck", "ErrImageNeverPull"),
        (pod("Running", {"running": {}}), "running", ""),
        (pod("Succeeded"), "succeeded", ""),
        (pod("Failed", {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}), "failed", "OOMKilled"),
        (pod("Failed", conditions=[TARGET]), "disrupted", "PreemptionByScheduler"),
        (pod("Failed", reason="Evicted", message="The node was low on memory."), "disrupted", "low on memory"),
        (pod("Failed", reason="Evicted", message=FULL), "failed", "exceeds the total limit"),
    ],
)
def test_the_state_of_a_pod_has_a_meaning(a_pod: dict[str, Any], kind: str, reason: str) -> None:
    condition = condition_of(a_pod)
    assert condition.kind == kind
    assert reason in condition.reason
