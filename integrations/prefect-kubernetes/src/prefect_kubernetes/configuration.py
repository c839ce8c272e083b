"""What a Job is made from: the job template of work pools, filled in for a flow run."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

from pydantic import Field, PrivateAttr, field_validator, model_validator

from prefect.utilities.dockerutils import get_prefect_image_name
from prefect.workers.base import BaseJobConfiguration, BaseVariables
from prefect_kubernetes.credentials import KubernetesClusterConfig
from prefect_kubernetes.names import label_key, label_value, resource_name

if TYPE_CHECKING:
    from uuid import UUID

    from typing_extensions import Self

    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import Flow, FlowRun, WorkPool
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.plugins import SecretRef

__all__ = ["KubernetesImagePullPolicy", "KubernetesWorkerJobConfiguration", "KubernetesWorkerVariables"]

Environment = Union[Dict[str, Optional[str]], List[Dict[str, Any]]]

_NAMESPACE = "The namespace in which Jobs are made."
_ENV = "Environment variables: a mapping, or a list as in the manifest of a container, which may refer to Secrets."
_CLUSTER = (
    "The cluster in which Jobs are made; by default that in which the worker runs, else that of its kubeconfig file."
)
_JOB_SECONDS = "Seconds after which a Job that has not ended is ended, and its flow run crashes; unset: never."
_POD_SECONDS = "Seconds that the cluster may take to make the pod of a Job."
_STREAM = "Whether what the flow run prints is shown where the worker runs."
_ANNOTATIONS = "Annotations of the Job and its pod."


class KubernetesImagePullPolicy(str, Enum):
    """When an image is pulled."""

    IF_NOT_PRESENT = "IfNotPresent"
    ALWAYS = "Always"
    NEVER = "Never"


def _manifest_template() -> dict[str, Any]:
    """The manifest of a Job, with the variables of the work pool."""
    resources = {
        "requests": {"cpu": "{{ cpu_request }}", "memory": "{{ memory_request }}"},
        "limits": {"cpu": "{{ cpu_limit }}", "memory": "{{ memory_limit }}"},
    }
    container = {
        "name": "prefect-job",
        "image": "{{ image }}",
        "imagePullPolicy": "{{ image_pull_policy }}",
        "env": "{{ env }}",
        "args": "{{ command }}",
        "resources": resources,
    }
    about = {"labels": "{{ labels }}", "annotations": "{{ annotations }}"}
    pod = {
        "restartPolicy": "Never",
        "serviceAccountName": "{{ service_account_name }}",
        "containers": [container],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**about, "namespace": "{{ namespace }}", "generateName": "{{ name }}-"},
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": "{{ backoff_limit }}",
            "ttlSecondsAfterFinished": "{{ finished_job_ttl }}",
            "template": {"metadata": about, "spec": pod},
        },
    }


class KubernetesWorkerJobConfiguration(BaseJobConfiguration):
    """What the Job of a flow run is made from."""

    env: Environment = Field(  # type: ignore[assignment]  # a list, too
        default_factory=dict, title="Environment Variables", description=_ENV
    )
    annotations: Dict[str, str] = Field(default_factory=dict, description=_ANNOTATIONS)
    namespace: str = Field(default="default", description=_NAMESPACE)
    job_manifest: Dict[str, Any] = Field(
        description="The manifest of the Job.", json_schema_extra={"template": _manifest_template()}
    )
    cluster_config: Optional[KubernetesClusterConfig] = Field(default=None, description=_CLUSTER)
    job_watch_timeout_seconds: Optional[int] = Field(default=None, description=_JOB_SECONDS)
    pod_watch_timeout_seconds: int = Field(default=60, description=_POD_SECONDS)
    stream_output: bool = Field(default=True, description=_STREAM)

    _references: list[dict[str, Any]] = PrivateAttr(default_factory=list)
    _secret_names: set[str] = PrivateAttr(default_factory=set)

    @field_validator("job_manifest")
    @classmethod
    def _require_a_container(cls, manifest: dict[str, Any]) -> dict[str, Any]:
        if manifest.get("kind") != "Job" or manifest.get("apiVersion") != "batch/v1":
            raise ValueError("The job manifest must be of `kind: Job` and `apiVersion: batch/v1`.")
        pod = (manifest.get("spec") or {}).get("template", {}).get("spec") or {}
        if not pod.get("containers"):
            raise ValueError("The job manifest has no container: `spec.template.spec.containers` must have one.")
        return manifest

    @model_validator(mode="after")
    def _set_references_aside(self) -> Self:
        """What refers to Secrets is none of the mapping that the environment is from now on."""
        if isinstance(self.env, list):
            self._references = [entry for entry in self.env if "valueFrom" in entry]
            self.env = {entry["name"]: entry.get("value") for entry in self.env if "valueFrom" not in entry}
        return self

    @property
    def secret_names(self) -> frozenset[str]:
        """The environment variables that plugins have called secrets."""
        return frozenset(self._secret_names)

    async def take_secrets(self, secrets: Mapping[str, SecretRef], client: PrefectClient) -> None:
        """
        Add environment variables whose values are secrets. They go into the Secret of the Job.

        Args:
            secrets: By the name of the variable, where the secret is.
            client: Asks the orchestrator.

        Raises:
            ValueError: There is no such secret.
        """
        await super().take_secrets(secrets, client)
        self._secret_names.update(secrets)

    @property
    def container(self) -> dict[str, Any]:
        """The first container of the manifest: the one that executes the flow run."""
        found: dict[str, Any] = self.job_manifest["spec"]["template"]["spec"]["containers"][0]
        return found

    def prepare_for_flow_run(
        self,
        flow_run: FlowRun,
        deployment: DeploymentResponse | None = None,
        flow: Flow | None = None,
        work_pool: WorkPool | None = None,
        worker_name: str | None = None,
        worker_id: UUID | None = None,
    ) -> None:
        """
        Add what only the flow run knows, and make the manifest one that the cluster takes.

        Args:
            flow_run: The run.
            deployment: Its deployment.
            flow: Its flow.
            work_pool: Where it was queued.
            worker_name: The worker that starts it.
            worker_id: The worker's id, where workers have one.
        """
        super().prepare_for_flow_run(flow_run, deployment, flow, work_pool, worker_name, worker_id)
        assert isinstance(self.env, dict)
        references = self._references
        taken = {entry["name"] for entry in references}
        literal = [
            {"name": name, "value": value}
            for name, value in self.env.items()
            if value is not None and name not in taken
        ]
        container = self.container
        container["env"] = [*_others(container.get("env"), {*self.env, *taken}), *literal, *references]
        container["image"] = container.get("image") or get_prefect_image_name()
        if not container.get("args") and not container.get("command"):
            container["args"] = self.command
        for part in ("args", "command"):
            if isinstance(container.get(part), str):
                container[part] = container[part].split()
        self._name_and_label()
        self.job_manifest = _without_nothing(self.job_manifest)

    def _name_and_label(self) -> None:
        metadata = self.job_manifest.setdefault("metadata", {})
        of_pod = self.job_manifest["spec"]["template"].setdefault("metadata", {})
        labels = {label_key(name): label_value(str(value)) for name, value in self.labels.items()}
        for each in (metadata, of_pod):
            each["labels"] = {**(each.get("labels") or {}), **labels}
            each["annotations"] = {**(each.get("annotations") or {}), **self.annotations}
        metadata["namespace"] = self.namespace = metadata.get("namespace") or self.namespace
        if not metadata.get("name"):
            wanted = str(metadata.get("generateName") or "").strip("-")
            is_given = wanted not in {"", "None"}  # what "{{ name }}-" makes of a name that is not set
            metadata["generateName"] = f"{resource_name(wanted if is_given else self.name or 'flow-run')}-"


def _others(entries: Any, known: set[str]) -> list[dict[str, Any]]:
    """The variables that the manifest itself has, but not those that are set in another way."""
    if isinstance(entries, dict):
        entries = [{"name": name, "value": value} for name, value in entries.items() if value is not None]
    return [entry for entry in entries or () if entry["name"] not in known]


def _without_nothing(value: Any) -> Any:
    """A manifest without what has no value: variables that nobody has set."""
    if isinstance(value, dict):
        parts = {key: _without_nothing(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not None and part != {}}
    if isinstance(value, list):
        return [_without_nothing(part) for part in value if part is not None]
    return value


class KubernetesWorkerVariables(BaseVariables):
    """The job variables of work pools of the type `kubernetes`."""

    env: Environment = Field(  # type: ignore[assignment]  # a list, too
        default_factory=dict, title="Environment Variables", description=_ENV
    )
    annotations: Dict[str, str] = Field(default_factory=dict, description=_ANNOTATIONS)
    namespace: str = Field(default="default", description=_NAMESPACE)
    image: Optional[str] = Field(
        default=None,
        description="The image, in which the product and the flow's requirements are; by default the product's own.",
        examples=["registry.example.com/etl:2.1"],
    )
    service_account_name: Optional[str] = Field(default=None, description="The service account of the pod.")
    image_pull_policy: KubernetesImagePullPolicy = Field(
        default=KubernetesImagePullPolicy.IF_NOT_PRESENT, description="When the image is pulled."
    )
    backoff_limit: int = Field(
        default=0, ge=0, title="Backoff Limit", description="How often the cluster starts the pod again if it fails."
    )
    finished_job_ttl: Optional[int] = Field(
        default=None,
        title="Finished Job TTL",
        description="Seconds after which the cluster removes a Job that has ended; unset: never.",
    )
    job_watch_timeout_seconds: Optional[int] = Field(default=None, description=_JOB_SECONDS)
    pod_watch_timeout_seconds: int = Field(default=60, description=_POD_SECONDS)
    stream_output: bool = Field(default=True, description=_STREAM)
    cluster_config: Optional[KubernetesClusterConfig] = Field(default=None, description=_CLUSTER)
    cpu_request: Optional[str] = Field(default=None, description="The CPU that is reserved, such as `500m`.")
    cpu_limit: Optional[str] = Field(default=None, description="The most CPU, such as `2`.")
    memory_request: Optional[str] = Field(default=None, description="The memory that is reserved, such as `512Mi`.")
    memory_limit: Optional[str] = Field(default=None, description="The most memory, such as `4Gi`.")
