"""What a task is started with: the job template of work pools, filled in for a flow run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Dict, List, Literal, Optional

from pydantic import BaseModel, Field, PrivateAttr

from prefect.utilities.dockerutils import get_prefect_image_name
from prefect.utilities.publishing import publish
from prefect.workers.base import BaseJobConfiguration, BaseVariables
from prefect_aws.credentials import AwsCredentials
from prefect_aws.ecs.secrets import SECRET_VARIABLES

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.objects import Flow, FlowRun, WorkPool
    from prefect.client.schemas.responses import DeploymentResponse
    from prefect.plugins import SecretRef

__all__ = ["CapacityProvider", "ECSJobConfiguration", "ECSVariables"]

_CONTAINER = "prefect"
_CPU, _MEMORY = 1024, 2048
_TAGS = 50

_TEXTS = {
    "api_key": "The ARN of a secret with the API key; unset: the worker stores it in Secrets Manager.",
    "auth": "The ARN of a secret with the auth string of the API; unset: the worker stores it in Secrets Manager.",
    "cluster": "The cluster in which tasks run, by name or ARN; unset: the default cluster.",
    "container_name": "The container that executes the flow run; unset: the first one of the task definition.",
    "credentials": "How the worker gets at AWS; those of its environment by default.",
    "deregister": "Whether a task definition is deregistered when its flow run has ended, so that it is not used again.",
    "execution_role": "The role with which ECS pulls the image, writes logs and reads secrets.",
    "logs": "Whether what the container prints goes to CloudWatch; unset: if `stream_output` is true.",
    "logs_options": "Further options of the `awslogs` driver; they win over those that the worker chooses.",
    "logs_prefix": "What the names of log streams begin with; unset: the family of the task definition.",
    "match": "Whether a revision that somebody else has registered in the family is used if it is equal.",
    "network": "The `awsvpcConfiguration` of tasks: subnets, security groups, whether they have public addresses.",
    "poll": "Seconds between looks at a task.",
    "start": "Seconds that a task may take to start.",
    "stream": "Whether what the flow run prints is shown where the worker runs; it is read from CloudWatch.",
    "vpc": "The VPC whose subnets are used if `network_configuration` is unset; by default the default VPC.",
}


class CapacityProvider(BaseModel):
    """A part of a capacity provider strategy."""

    capacityProvider: str = Field(description="The capacity provider.")  # noqa: N815 - names of the service
    weight: int = Field(description="Its share of tasks.")
    base: int = Field(description="So many tasks run there before others do.")


def _definition_template() -> dict[str, Any]:
    return {
        "containerDefinitions": [{"image": "{{ image }}", "name": "{{ container_name }}"}],
        "cpu": "{{ cpu }}",
        "memory": "{{ memory }}",
        "family": "{{ family }}",
        "executionRoleArn": "{{ execution_role_arn }}",
    }


def _request_template() -> dict[str, Any]:
    container = {"name": "{{ container_name }}", "command": "{{ command }}", "environment": "{{ env }}"}
    return {
        "cluster": "{{ cluster }}",
        "taskDefinition": "{{ task_definition_arn }}",
        "launchType": "{{ launch_type }}",
        "capacityProviderStrategy": "{{ capacity_provider_strategy }}",
        "overrides": {
            "containerOverrides": [container],
            "cpu": "{{ cpu }}",
            "memory": "{{ memory }}",
            "taskRoleArn": "{{ task_role_arn }}",
        },
        "tags": "{{ labels }}",
    }


class ECSJobConfiguration(BaseJobConfiguration):
    """What the task of a flow run is made from."""

    aws_credentials: Optional[AwsCredentials] = Field(default_factory=AwsCredentials, description=_TEXTS["credentials"])
    task_definition: Dict[str, Any] = Field(
        default_factory=dict,
        description="The arguments of RegisterTaskDefinition.",
        json_schema_extra={"template": _definition_template()},
    )
    task_run_request: Dict[str, Any] = Field(
        default_factory=dict,
        description="The arguments of RunTask.",
        json_schema_extra={"template": _request_template()},
    )
    configure_cloudwatch_logs: Optional[bool] = Field(default=None, description=_TEXTS["logs"])
    cloudwatch_logs_options: Dict[str, str] = Field(default_factory=dict, description=_TEXTS["logs_options"])
    cloudwatch_logs_prefix: Optional[str] = Field(default=None, description=_TEXTS["logs_prefix"])
    network_configuration: Dict[str, Any] = Field(default_factory=dict, description=_TEXTS["network"])
    stream_output: Optional[bool] = Field(default=None, description=_TEXTS["stream"])
    task_start_timeout_seconds: int = Field(default=300, description=_TEXTS["start"])
    task_watch_poll_interval: float = Field(default=5.0, gt=0, description=_TEXTS["poll"])
    auto_deregister_task_definition: bool = Field(default=False, description=_TEXTS["deregister"])
    vpc_id: Optional[str] = Field(default=None, description=_TEXTS["vpc"])
    container_name: Optional[str] = Field(default=None, description=_TEXTS["container_name"])
    cluster: Optional[str] = Field(default=None, description=_TEXTS["cluster"])
    match_latest_revision_in_family: bool = Field(default=False, description=_TEXTS["match"])
    prefect_api_key_secret_arn: Optional[str] = Field(default=None, description=_TEXTS["api_key"])
    prefect_api_auth_string_secret_arn: Optional[str] = Field(default=None, description=_TEXTS["auth"])
    execution_role_arn: Optional[str] = Field(default=None, description=_TEXTS["execution_role"])

    _secrets: dict[str, str] = PrivateAttr(default_factory=dict)
    _secret_names: set[str] = PrivateAttr(default_factory=set)

    @property
    def secrets(self) -> dict[str, str]:
        """Environment variables that are secrets, with their values."""
        return self._secrets

    @property
    def container(self) -> dict[str, Any]:
        """The container of the task definition that executes the flow run."""
        found: dict[str, Any] = _named(self.task_definition.setdefault("containerDefinitions", []), self._name)
        return found

    @property
    def override(self) -> dict[str, Any]:
        """What the request says about that container."""
        overrides = self.task_run_request.setdefault("overrides", {}).setdefault("containerOverrides", [])
        found: dict[str, Any] = _named(overrides, self._name)
        return found

    @property
    def _name(self) -> str:
        return self.container_name or _CONTAINER

    @property
    def runs_on_fargate(self) -> bool:
        """Whether tasks run on machines of AWS."""
        strategy = self.task_run_request.get("capacityProviderStrategy")
        providers = [each["capacityProvider"] for each in strategy or ()]
        if providers:
            return all(each.startswith("FARGATE") for each in providers)
        return str(self.task_run_request.get("launchType", "FARGATE")) == "FARGATE"

    async def take_secrets(self, secrets: Mapping[str, SecretRef], client: PrefectClient) -> None:
        """
        Add environment variables whose values are secrets. Task definitions refer to them.

        Args:
            secrets: By the name of the variable, where the secret is.
            client: Asks the orchestrator.

        Raises:
            ValueError: There is no such secret.
        """
        await super().take_secrets(secrets, client)
        self._secret_names.update(secrets)

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
        Add what only the flow run knows, and make the definition and the request ones that ECS takes.

        Args:
            flow_run: The run.
            deployment: Its deployment.
            flow: Its flow.
            work_pool: Where it was queued.
            worker_name: The worker that starts it.
            worker_id: The worker's id, where workers have one.
        """
        super().prepare_for_flow_run(flow_run, deployment, flow, work_pool, worker_name, worker_id)
        self.task_definition = _without_nothing(self.task_definition)
        self.task_run_request = _without_nothing(self.task_run_request)
        containers = self.task_definition.setdefault("containerDefinitions", [])
        self.container_name = self.container_name or (containers and containers[0].get("name")) or _CONTAINER
        of_all = [each.name for each in (work_pool, flow, deployment) if each is not None]
        self._complete_definition("_".join(of_all) or "prefect")
        self._complete_request(flow_run)
        self.set_environment(self.env)

    def _complete_definition(self, family: str) -> None:
        definition, container = self.task_definition, self.container
        container.setdefault("image", get_prefect_image_name())
        definition["family"] = re.sub(r"[^A-Za-z0-9_-]+", "-", definition.get("family") or family)[:255]
        definition["cpu"] = str(definition.get("cpu") or _CPU)
        definition["memory"] = str(definition.get("memory") or _MEMORY)
        if self.execution_role_arn:
            definition["executionRoleArn"] = self.execution_role_arn
        if self.runs_on_fargate:
            definition.setdefault("requiresCompatibilities", ["FARGATE"])
        if self.runs_on_fargate or self.network_configuration:
            definition.setdefault("networkMode", "awsvpc")
        if self.configure_cloudwatch_logs is None:
            self.configure_cloudwatch_logs = bool(self.stream_output)
        if not self.configure_cloudwatch_logs or "logConfiguration" in container:
            return
        options = {
            "awslogs-create-group": "true",
            "awslogs-group": "prefect",
            "awslogs-region": self._region(),
            "awslogs-stream-prefix": self.cloudwatch_logs_prefix or definition["family"],
            **self.cloudwatch_logs_options,
        }
        container["logConfiguration"] = {"logDriver": "awslogs", "options": options}

    def _region(self) -> str:
        credentials = self.aws_credentials or AwsCredentials()
        region = credentials.region_name or credentials.get_boto3_session().region_name
        if not region:
            raise ValueError(
                "The region of CloudWatch is not known: set `region_name` of the credentials, AWS_DEFAULT_REGION, or "
                "'awslogs-region' in the job variable `cloudwatch_logs_options`."
            )
        return str(region)

    def _complete_request(self, flow_run: FlowRun) -> None:
        request = self.task_run_request
        request.setdefault("cluster", self.cluster or "default")
        request["startedBy"] = str(flow_run.id)
        request["count"] = 1
        if self.task_run_request.get("launchType") == "FARGATE_SPOT":
            request.setdefault("capacityProviderStrategy", [{"capacityProvider": "FARGATE_SPOT", "weight": 1}])
        if request.get("capacityProviderStrategy"):
            request.pop("launchType", None)
        overrides = request.setdefault("overrides", {})
        for name in ("cpu", "memory"):
            if name in overrides:
                overrides[name] = str(overrides[name])
        command = self.override.setdefault("command", self.command)
        self.override["command"] = shlex.split(command) if isinstance(command, str) else command
        given = request.get("tags")
        entries = given.items() if isinstance(given, dict) else ((each["key"], each["value"]) for each in given or ())
        tags = {_allowed(key, 128): _allowed(value, 256) for key, value in {**dict(entries), **self.labels}.items()}
        request["tags"] = [{"key": key, "value": value} for key, value in list(tags.items())[:_TAGS]]

    def set_environment(self, variables: Mapping[str, str | None]) -> None:
        """
        Set environment variables of the container. Those that are secrets are set aside, and are in no request.

        Args:
            variables: By name; those that are None are left out.
        """
        given = self.override.get("environment") or []
        entries = given if isinstance(given, list) else [{"name": n, "value": v} for n, v in given.items()]
        known = {each["name"]: each["value"] for each in entries} | dict(variables)
        self._secret_names.update(SECRET_VARIABLES)
        plain = {name: value for name, value in known.items() if value is not None}
        self._secrets |= {name: plain.pop(name) for name in self._secret_names & {*plain}}
        self.override["environment"] = [{"name": name, "value": value} for name, value in plain.items()]


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The entry with a name: one that has none gets it, and if there is neither, it is made."""
    for entry in entries:
        if entry.get("name") == name:
            return entry
    for entry in entries:
        if "name" not in entry:
            entry["name"] = name
            return entry
    entries.append({"name": name})
    return entries[-1]


def _allowed(text: str, longest: int) -> str:
    """A text as the key or the value of a tag."""
    return re.sub(r"[^\w\s+\-=._:/@]", "-", str(text))[:longest]


def _without_nothing(value: Any) -> Any:
    """A request without what nobody has set."""
    if isinstance(value, dict):
        parts = {key: _without_nothing(part) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not None and part not in ({}, [])}
    return [_without_nothing(part) for part in value] if isinstance(value, list) else value


class ECSVariables(BaseVariables):
    """The job variables of work pools of the type `ecs`."""

    task_definition_arn: Optional[str] = Field(
        default=None, description="A task definition that is used as it is; unset: the worker registers one."
    )
    env: Dict[str, Optional[str]] = Field(
        default_factory=dict, title="Environment Variables", description="Environment variables of the flow run."
    )
    aws_credentials: AwsCredentials = Field(
        default_factory=AwsCredentials, title="AWS Credentials", description=_TEXTS["credentials"]
    )
    cluster: Optional[str] = Field(default=None, description=_TEXTS["cluster"])
    family: Optional[str] = Field(
        default=None,
        description="The family of the task definition; unset: named after work pool, flow and deployment.",
    )
    launch_type: Literal["FARGATE", "EC2", "EXTERNAL", "FARGATE_SPOT"] = Field(
        default="FARGATE", description="On which machines tasks run."
    )
    capacity_provider_strategy: List[CapacityProvider] = Field(
        default_factory=list, description="Where tasks run, by shares; `launch_type` means nothing if it is set."
    )
    image: Optional[str] = Field(
        default=None,
        description="The image, in which the product and the flow's requirements are; by default the product's own.",
        examples=["123456789012.dkr.ecr.eu-west-1.amazonaws.com/etl:2.1"],
    )
    cpu: Optional[int] = Field(
        default=None, title="CPU", description="Units of CPU, 1024 of which are one; unset: 1024."
    )
    memory: Optional[int] = Field(default=None, description="Memory in MiB; unset: 2048.")
    container_name: Optional[str] = Field(default=None, description=_TEXTS["container_name"])
    prefect_api_key_secret_arn: Optional[str] = Field(default=None, description=_TEXTS["api_key"])
    prefect_api_auth_string_secret_arn: Optional[str] = Field(default=None, description=_TEXTS["auth"])
    task_role_arn: Optional[str] = Field(
        default=None, title="Task Role ARN", description="The role that the flow run acts as."
    )
    execution_role_arn: Optional[str] = Field(
        default=None, title="Execution Role ARN", description=_TEXTS["execution_role"]
    )
    vpc_id: Optional[str] = Field(default=None, title="VPC ID", description=_TEXTS["vpc"])
    configure_cloudwatch_logs: Optional[bool] = Field(default=None, description=_TEXTS["logs"])
    cloudwatch_logs_options: Dict[str, str] = Field(default_factory=dict, description=_TEXTS["logs_options"])
    cloudwatch_logs_prefix: Optional[str] = Field(default=None, description=_TEXTS["logs_prefix"])
    network_configuration: Dict[str, Any] = Field(default_factory=dict, description=_TEXTS["network"])
    stream_output: Optional[bool] = Field(default=None, description=_TEXTS["stream"])
    task_start_timeout_seconds: int = Field(default=300, description=_TEXTS["start"])
    task_watch_poll_interval: float = Field(default=5.0, description=_TEXTS["poll"])
    auto_deregister_task_definition: bool = Field(default=False, description=_TEXTS["deregister"])
    match_latest_revision_in_family: bool = Field(default=False, description=_TEXTS["match"])


publish(globals(), "prefect_aws.workers.ecs_worker")
