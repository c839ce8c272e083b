"""The worker that executes flow runs as tasks of Elastic Container Service."""

from __future__ import annotations

import builtins
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from uuid import uuid4

import anyio

from prefect.exceptions import InfrastructureError, InfrastructureNotAvailable, InfrastructureNotFound
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult
from prefect_aws.ecs.calls import ask, client_of
from prefect_aws.ecs.configuration import CapacityProvider, ECSJobConfiguration, ECSVariables
from prefect_aws.ecs.definitions import Definitions
from prefect_aws.ecs.errors import code_of, is_transient
from prefect_aws.ecs.logs import LogStream, log_stream
from prefect_aws.ecs.masking import mask_api_key, mask_sensitive_env_values
from prefect_aws.ecs.network import network_of
from prefect_aws.ecs.secrets import SecretStore
from prefect_aws.ecs.tasks import Ending, TaskWatch, ending_of, run_task
from prefect_aws.observers.ecs import observe
from prefect_aws.settings import AwsSettings, EcsWorkerSettings

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

    from prefect.client.schemas.objects import FlowRun

__all__ = [
    "CapacityProvider",
    "ECSIdentifier",
    "ECSJobConfiguration",
    "ECSVariables",
    "ECSWorker",
    "ECSWorkerResult",
    "mask_api_key",
    "mask_sensitive_env_values",
    "parse_identifier",
]

_HELD = {
    "prefect_api_key_secret_arn": "PREFECT_API_KEY",
    "prefect_api_auth_string_secret_arn": "PREFECT_API_AUTH_STRING",
}
"""The fields with the ARNs of secrets that somebody keeps, and their variables."""


class ECSIdentifier(NamedTuple):
    """By what the task of a flow run is known."""

    cluster: str
    task_arn: str


def parse_identifier(identifier: str) -> ECSIdentifier:
    """
    The parts of the `infrastructure_pid` of a flow run.

    Raises:
        ValueError: It is not of the form `CLUSTER::TASK_ARN`.
    """
    cluster, separator, task = identifier.partition("::")
    if not (cluster and separator and task):
        raise ValueError(f"{identifier!r} is not of the form 'CLUSTER::TASK_ARN'.")
    return ECSIdentifier(cluster, task)


class ECSWorkerResult(BaseWorkerResult):
    """How the task of a flow run has ended."""


class ECSWorker(BaseWorker[ECSJobConfiguration, ECSVariables, ECSWorkerResult]):
    """
    Executes flow runs as tasks of Elastic Container Service.

    A task definition is registered when there is no equal one. All tasks of a cluster are looked at together. A run whose
    machine is taken away (as spot machines are) is offered again. A run whose task cannot start, or ends without a last
    word, crashes, and the reason is in the message of its state.
    """

    type: ClassVar[str] = "ecs"
    job_configuration: ClassVar[builtins.type[BaseJobConfiguration]] = ECSJobConfiguration
    job_configuration_variables: ClassVar[builtins.type[BaseVariables] | None] = ECSVariables

    _description: ClassVar[str] = "Executes flow runs as tasks of Elastic Container Service of AWS."

    _grace_seconds: float = 20.0
    """So long another worker that has started a run may take to say how it ended, as it knows best."""

    @cached_property
    def _definitions(self) -> Definitions:
        return Definitions()

    @cached_property
    def _watches(self) -> dict[tuple[Any, str], TaskWatch]:
        return {}

    @cached_property
    def _stores(self) -> dict[Any, SecretStore]:
        return {}

    async def run(
        self, flow_run: FlowRun, configuration: ECSJobConfiguration, task_status: TaskStatus[Any] | None = None
    ) -> ECSWorkerResult:
        """
        Execute a flow run as a task, and wait until that has ended. If this is cancelled, the task is stopped.

        Args:
            flow_run: The run.
            configuration: What it is started with.
            task_status: Told the cluster and the ARN of the task.

        Raises:
            prefect.exceptions.InfrastructureError: ECS refuses the task, or it cannot start.
        """
        client = client_of(configuration.aws_credentials, "ecs")
        settings, logger = AwsSettings().ecs.worker, self.get_flow_run_logger(flow_run)
        configuration.set_environment(self.claim_variables(flow_run))
        is_given = "taskDefinition" in configuration.task_run_request
        try:
            task = await self._start(client, flow_run, configuration, settings)
        except InfrastructureError:
            raise
        except Exception as error:
            raise InfrastructureError(f"The task of the flow run could not be started: {error}") from error
        identifier = f"{task['clusterArn']}::{task['taskArn']}"
        if task_status is not None:
            task_status.started(identifier)
        logger.info("Task %r was started.", task["taskArn"])
        try:
            logs = self._logs(task, configuration, logger.warning)
            ending = await self._ending(client, task, flow_run, configuration, logs)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._stop(client, task, "Its worker does not wait for it any more.")
            raise
        finally:
            if configuration.auto_deregister_task_definition and not is_given:
                with anyio.CancelScope(shield=True):
                    await self._deregister(client, task["taskDefinitionArn"])
        await self._tell(flow_run, ending, logs)
        return ECSWorkerResult(identifier=identifier, status_code=-1 if ending.exit_code is None else ending.exit_code)

    # -- how it begins

    async def _start(
        self, client: Any, flow_run: FlowRun, configuration: ECSJobConfiguration, settings: EcsWorkerSettings
    ) -> dict[str, Any]:
        request, logger = configuration.task_run_request, self.get_flow_run_logger(flow_run)
        given = request.get("taskDefinition")
        definition = await self._known_definition(client, given, configuration) if given else None
        mode = (definition or configuration.task_definition).get("networkMode")
        if mode == "awsvpc" and "networkConfiguration" not in request:
            request["networkConfiguration"] = await network_of(
                lambda: client_of(configuration.aws_credentials, "ec2"),
                configuration.network_configuration,
                configuration.vpc_id,
            )
        if definition is None:
            await self._refer_to_secrets(configuration)
        supervision = self._supervision
        claim = None if supervision is None else supervision.claims.token(flow_run.id)
        token = str(claim or uuid4())
        while True:
            if definition is None:
                request["taskDefinition"] = await self._definitions.find_or_register(
                    client,
                    configuration.task_definition,
                    settings,
                    logger.info,
                    cluster=request["cluster"],
                    reuses_others=configuration.match_latest_revision_in_family,
                )
            logger.debug("Asking for a task: %s", mask_sensitive_env_values(request))
            try:
                return await run_task(client, request, token, settings, logger.warning)
            except Exception as error:
                if (
                    definition is not None
                    or "inactive" not in str(error).lower()
                    or code_of(error) != "ClientException"
                ):
                    raise
                self._definitions.forget(request["taskDefinition"])  # somebody has deregistered it

    async def _known_definition(self, client: Any, arn: str, configuration: ECSJobConfiguration) -> dict[str, Any]:
        """A task definition that is used as it is: its container must get the secrets that the run needs from it."""
        found: dict[str, Any] = (await ask(client.describe_task_definition, taskDefinition=arn))["taskDefinition"]
        containers = {each["name"]: each for each in found["containerDefinitions"]}
        name = configuration.override["name"]
        if name not in containers:
            name = found["containerDefinitions"][0]["name"]
            configuration.override["name"] = configuration.container_name = name
        configuration.container.pop("logConfiguration", None)
        if "logConfiguration" in containers[name]:
            configuration.container["logConfiguration"] = containers[name]["logConfiguration"]
        has = {each["name"] for each in containers[name].get("secrets", ())}
        missing = sorted({*configuration.secrets} - has)
        if missing:
            raise InfrastructureError(
                f"The container {name!r} of the task definition {arn!r} has no secret {', '.join(missing)}, and the worker "
                "sends no secret in clear. Add it to the `secrets` of the container, or unset `task_definition_arn`, so "
                "that the worker registers a definition."
            )
        return found

    async def _refer_to_secrets(self, configuration: ECSJobConfiguration) -> None:
        held = {name: arn for field, name in _HELD.items() if (arn := getattr(configuration, field))}
        needed = {name: value for name, value in configuration.secrets.items() if name not in held}
        container = configuration.container
        others = [each for each in container.get("secrets", ()) if each["name"] not in {*held, *needed}]
        if needed:
            client = client_of(configuration.aws_credentials, "secretsmanager")
            store = self._stores.setdefault(client, SecretStore(client, self._work_pool_name))
            held |= {name: await store.reference(name, value) for name, value in needed.items()}
        if not held:
            return
        if not configuration.task_definition.get("executionRoleArn"):
            raise InfrastructureError(
                f"ECS reads the secrets {', '.join(sorted(held))} with the execution role of the task, and there is none. "
                "Set the job variable `execution_role_arn` to a role that may read them."
            )
        references = [{"name": name, "valueFrom": place} for name, place in sorted(held.items())]
        container["secrets"] = [*others, *references]

    # -- how it ends

    async def _ending(
        self,
        client: Any,
        task: dict[str, Any],
        flow_run: FlowRun,
        configuration: ECSJobConfiguration,
        logs: LogStream | None,
    ) -> Ending:
        arn, seconds = task["taskArn"], configuration.task_watch_poll_interval
        logger, began, status = self.get_flow_run_logger(flow_run), time.monotonic(), None
        key = (client, task["clusterArn"])
        if key not in self._watches:
            self._watches[key] = TaskWatch(client, task["clusterArn"], self._logger.warning)
        watch = self._watches[key]
        watch.add(task)
        try:
            while True:
                # Half an interval: who comes a little later than another is content with what that has seen.
                found = await watch.look(arn, seconds / 2)
                if found is None:
                    return Ending("failed", f"The task {arn!r} is not there any more")
                if found["lastStatus"] != status:
                    status = found["lastStatus"]
                    logger.info("Task %r is %s.", arn, status)
                if logs is not None and configuration.stream_output:
                    await logs.read()
                if status == "STOPPED":
                    return ending_of(found, configuration.container_name or "")
                waited = time.monotonic() - began
                is_late = waited > configuration.task_start_timeout_seconds and not found.get("startedAt")
                if is_late and watch.age(arn) <= seconds:  # not only unseen
                    raise InfrastructureError(
                        f"The task {arn!r} was {status} after {waited:.0f} s, and was stopped "
                        "(task_start_timeout_seconds)."
                    )
                await anyio.sleep(seconds)
        finally:
            watch.drop(arn)

    def _logs(self, task: dict[str, Any], configuration: ECSJobConfiguration, say: Any) -> LogStream | None:
        return log_stream(
            lambda region: client_of(configuration.aws_credentials, "logs", region),
            configuration.container,
            task["taskArn"],
            say=say,
        )

    async def _tell(self, flow_run: FlowRun, ending: Ending, logs: LogStream | None) -> None:
        """Say what the end of the task means for the flow run, unless its own process has said that."""
        if ending.kind == "unstarted":
            raise InfrastructureError(ending.message)
        if ending.kind == "disrupted":
            await self._offer_again(flow_run, ending.message)
        elif ending.kind == "failed" and await self._needs_a_last_word(flow_run):
            settings, printed = AwsSettings().ecs.observer, ""
            if logs is not None and settings.forward_crashed_run_logs:
                lines = await logs.tail(settings.forward_crashed_run_logs_max_events)
                printed = "\n".join([" It printed last:", *lines])
            self.get_flow_run_logger(flow_run).error("%s%s", ending.message, printed)
            await self._propose_crashed_state(flow_run, ending.message)

    async def _observe(self) -> None:
        settings = AwsSettings().ecs.observer
        if settings.enabled:
            await observe(self, settings, self._grace_seconds)

    async def _stop(self, client: Any, task: dict[str, Any], reason: str) -> None:
        try:
            await ask(client.stop_task, cluster=task["clusterArn"], task=task["taskArn"], reason=reason)
        except Exception as error:
            self._logger.error("Task %r could not be stopped, and may go on: %s", task["taskArn"], error)

    async def _deregister(self, client: Any, arn: str) -> None:
        self._definitions.forget(arn)
        try:
            await ask(client.deregister_task_definition, taskDefinition=arn)
        except Exception as error:
            self._logger.warning("The task definition %r could not be deregistered: %s", arn, error)

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: ECSJobConfiguration, grace_seconds: int = 30
    ) -> None:
        """
        Stop the task of a flow run that was cancelled.

        Args:
            infrastructure_pid: The cluster and the ARN of the task.
            configuration: What it was started with.
            grace_seconds: ECS takes no such thing with a request: the `stopTimeout` of the container, 30 seconds by default,
                says how long it may take to end by itself. The flow run is asked to end, and does so, within `grace_seconds`.

        Raises:
            prefect.exceptions.InfrastructureNotFound: It does not exist, or has ended.
            prefect.exceptions.InfrastructureNotAvailable: It is in another cluster.
        """
        try:
            cluster, arn = parse_identifier(infrastructure_pid)
        except ValueError as error:
            raise InfrastructureNotFound(f"There is no such task: {error}") from error
        wanted = configuration.task_run_request.get("cluster") or configuration.cluster
        if wanted and wanted.rpartition("/")[2] != cluster.rpartition("/")[2]:
            raise InfrastructureNotAvailable(f"The task {arn!r} is in cluster {cluster!r}, and not in {wanted!r}.")
        client = client_of(configuration.aws_credentials, "ecs")
        try:
            found = (await ask(client.describe_tasks, cluster=cluster, tasks=[arn]))["tasks"]
            if not found or found[0]["lastStatus"] == "STOPPED":
                raise InfrastructureNotFound(f"There is no task {arn!r} in cluster {cluster!r} that has not ended.")
            await ask(client.stop_task, cluster=cluster, task=arn, reason="The flow run was cancelled.")
        except InfrastructureNotFound:
            raise
        except Exception as error:
            if code_of(error) in {"ClusterNotFoundException", "InvalidParameterException"}:
                raise InfrastructureNotFound(f"There is no task {arn!r} in cluster {cluster!r}: {error}") from error
            if is_transient(error):
                raise InfrastructureNotAvailable(f"The task {arn!r} cannot be stopped now: {error}") from error
            raise
