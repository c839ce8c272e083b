"""What a worker starts a flow run with: a work pool's template, filled in for the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Optional

from pydantic import BaseModel, Field, PrivateAttr
from pydantic.json_schema import GenerateJsonSchema

import prefect
from prefect._contract.events import RelatedResource
from prefect.client.references import resolve_block_document_references, resolve_variables
from prefect.plugins.types import JobContext, SecretRef
from prefect.utilities.templating import apply_values
from prefect.workers._hooks import job_environment, secret_text

if TYPE_CHECKING:
    from uuid import UUID

    from typing_extensions import Self

    from prefect._contract.objects import Flow, FlowRun
    from prefect._contract.responses.deployments import DeploymentResponse
    from prefect._contract.work_pools import WorkPool
    from prefect.client.orchestration import PrefectClient

__all__ = ["DEFAULT_COMMAND", "BaseJobConfiguration", "BaseVariables", "environment_names", "with_environment"]

DEFAULT_COMMAND = "prefect flow-run execute"
"""What executes the flow run that PREFECT__FLOW_RUN_ID names."""

_REFERENCES = "#/definitions/{model}"


class BaseJobConfiguration(BaseModel):
    """What a worker needs to know to start a flow run. Subclasses add what their infrastructure needs."""

    command: Optional[str] = Field(
        default=None, description="What is started; usually left empty, so that the worker chooses it."
    )
    env: dict[str, Optional[str]] = Field(
        default_factory=dict,
        title="Environment Variables",
        description="Environment variables to set for the flow run.",
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="Labels for the infrastructure that a worker makes."
    )
    name: Optional[str] = Field(default=None, description="The name of the infrastructure that a worker makes.")

    _concerns: list[tuple[str, Any]] = PrivateAttr(default_factory=list)

    @property
    def is_using_a_runner(self) -> bool:
        """Whether the command executes the flow run as the product does it."""
        return self.command is not None and DEFAULT_COMMAND in self.command

    @classmethod
    async def from_template_and_values(
        cls, base_job_template: dict[str, Any], values: dict[str, Any], client: PrefectClient | None = None
    ) -> Self:
        """
        Fill in a template.

        Args:
            base_job_template: That of a work pool: `job_configuration` with placeholders, and `variables` as JSON schema.
            values: Job variables. Those that are mappings are added to the defaults, all others take their place.
            client: Asks the orchestrator for the blocks and variables that are referred to.

        Raises:
            prefect.exceptions.ObjectNotFound: There is no such block.
            ValueError: A reference is not complete.
            pydantic.ValidationError: What is filled in has the wrong type.
        """
        properties = base_job_template.get("variables", {}).get("properties", {})
        known = {name: about["default"] for name, about in properties.items() if "default" in about}
        for name, value in values.items():
            is_added = isinstance(value, dict) and isinstance(known.get(name), dict)
            known[name] = {**known[name], **value} if is_added else value
        filled: Any = apply_values(base_job_template.get("job_configuration") or cls.json_template(), known)
        filled = await resolve_block_document_references(filled, client)
        return cls.model_validate(await resolve_variables(filled, client))

    @classmethod
    async def resolve_for_flow_run(
        cls,
        flow_run: FlowRun,
        *,
        client: PrefectClient,
        work_pool: WorkPool,
        worker_name: str,
        worker_id: UUID | None = None,
        deployment: DeploymentResponse | None = None,
    ) -> Self:
        """
        What a flow run is started with: the work pool's defaults, then what its deployment says, then what it says itself.

        Args:
            flow_run: The run.
            client: Asks the orchestrator.
            work_pool: Where it was queued.
            worker_name: The worker that starts it.
            worker_id: The worker's id, where workers have one.
            deployment: The run's deployment; read if it is not given.
        """
        if deployment is None and flow_run.deployment_id is not None:
            deployment = await client.read_deployment(flow_run.deployment_id)
        values: dict[str, Any] = {}
        for overrides in (deployment.job_variables if deployment is not None else None, flow_run.job_variables):
            for name, value in (overrides or {}).items():
                is_added = isinstance(value, dict) and isinstance(values.get(name), dict)
                values[name] = {**values[name], **value} if is_added else value
        made = await cls.from_template_and_values(work_pool.base_job_template, values, client)
        flow = await client.read_flow(flow_run.flow_id)
        wanted = job_environment(JobContext(work_pool.type, flow_run.id, work_pool.name, made))
        secrets = {name: value for name, value in wanted.items() if isinstance(value, SecretRef)}
        plain = {name: str(value) for name, value in wanted.items() if name not in secrets}
        configured = environment_names(made.env)  # what somebody has configured is stronger
        made.env = with_environment(made.env, {name: value for name, value in plain.items() if name not in configured})
        await made.take_secrets({name: ref for name, ref in secrets.items() if name not in configured}, client)
        made.prepare_for_flow_run(flow_run, deployment, flow, work_pool, worker_name, worker_id)
        return made

    async def take_secrets(self, secrets: Mapping[str, SecretRef], client: PrefectClient) -> None:
        """
        Add environment variables whose values are secrets. Infrastructure that can refer to secrets should override this.

        Here they become part of the environment, in clear.

        Args:
            secrets: By the name of the variable, where the secret is.
            client: Asks the orchestrator.

        Raises:
            ValueError: There is no such secret.
        """
        self.env = with_environment(self.env, {name: await secret_text(ref, client) for name, ref in secrets.items()})

    @classmethod
    def json_template(cls) -> dict[str, Any]:
        """A template in which each field is a variable of its name, unless the field's schema says another `template`."""
        properties = cls.model_json_schema().get("properties", {})
        return {name: about.get("template", f"{{{{ {name} }}}}") for name, about in properties.items()}

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
        Add what only the flow run knows.

        Args:
            flow_run: The run.
            deployment: Its deployment.
            flow: Its flow.
            work_pool: Where it was queued.
            worker_name: The worker that starts it.
            worker_id: The worker's id, where workers have one.
        """
        base = self._base_environment()
        for name in environment_names(self.env):
            base.pop(name, None)
        self.env = with_environment(self.env, {**base, "PREFECT__FLOW_RUN_ID": str(flow_run.id)})
        labels = {
            **self._base_flow_run_labels(flow_run),
            **self._base_deployment_labels(deployment),
            **self._base_flow_labels(flow),
            **self._base_work_pool_labels(work_pool),
            **self._base_worker_labels(worker_name, worker_id),
        }
        self.labels = {**labels, **self.labels}
        self.name = self.name or flow_run.name
        self.command = self.command or self._base_flow_run_command()
        self._concerns = [("flow-run", flow_run), ("deployment", deployment), ("flow", flow)]

    def _related_resources(self) -> list[RelatedResource]:
        """What events about the run are also about: the run, its deployment, flow and tags."""
        related = [
            _related(kind, f"prefect.{kind}.{each.id}", each.name) for kind, each in self._concerns if each is not None
        ]
        tags = {tag for kind, each in self._concerns if kind != "flow" and each is not None for tag in each.tags}
        return related + [_related("tag", f"prefect.tag.{tag}") for tag in sorted(tags)]

    @staticmethod
    def _base_flow_run_command() -> str:
        """What executes a flow run."""
        return DEFAULT_COMMAND

    @staticmethod
    def _base_environment() -> dict[str, str]:
        """The settings of this process, as environment variables."""
        from prefect.settings import get_current_settings

        return get_current_settings().to_environment_variables(exclude_unset=True)

    @staticmethod
    def _base_flow_run_labels(flow_run: FlowRun) -> dict[str, str]:
        return {
            "prefect.io/flow-run-id": str(flow_run.id),
            "prefect.io/flow-run-name": str(flow_run.name),
            "prefect.io/version": prefect.__version__,
        }

    @staticmethod
    def _base_deployment_labels(deployment: DeploymentResponse | None) -> dict[str, str]:
        if deployment is None:
            return {}
        return {"prefect.io/deployment-id": str(deployment.id), "prefect.io/deployment-name": str(deployment.name)}

    @staticmethod
    def _base_flow_labels(flow: Flow | None) -> dict[str, str]:
        if flow is None:
            return {}
        return {"prefect.io/flow-id": str(flow.id), "prefect.io/flow-name": str(flow.name)}

    @staticmethod
    def _base_work_pool_labels(work_pool: WorkPool | None) -> dict[str, str]:
        if work_pool is None:
            return {}
        return {"prefect.io/work-pool-id": str(work_pool.id), "prefect.io/work-pool-name": str(work_pool.name)}

    @staticmethod
    def _base_worker_labels(worker_name: str | None, worker_id: UUID | None = None) -> dict[str, str]:
        about = {"prefect.io/worker-name": worker_name, "prefect.io/worker-id": worker_id}
        return {name: str(value) for name, value in about.items() if value is not None}


def environment_names(env: Any) -> set[str]:
    """The environment variables that are set by a mapping, or by a list of entries with a `name`."""
    return {entry["name"] for entry in env} if isinstance(env, list) else set(env or ())


def with_environment(env: Any, more: Mapping[str, str]) -> Any:
    """
    Environment variables with more of them, which take the place of those of the same names.

    Args:
        env: A mapping, or a list of entries such as `{"name": "A", "value": "1"}`, as infrastructure may take them.
        more: By name, the value.

    Returns:
        The same kind.
    """
    if isinstance(env, list):
        kept = [entry for entry in env if entry["name"] not in more]
        return [*kept, *({"name": name, "value": value} for name, value in more.items())]
    return {**(env or {}), **more}


def _related(role: str, identifier: str, name: str | None = None) -> RelatedResource:
    labels = {"prefect.resource.id": identifier, "prefect.resource.role": role}
    return RelatedResource(labels if name is None else {**labels, "prefect.resource.name": name})


class BaseVariables(BaseModel):
    """The job variables that a work pool's template offers by default. Subclasses add those of their infrastructure."""

    name: Optional[str] = Field(default=None, description="The name of the infrastructure that a worker makes.")
    env: dict[str, Optional[str]] = Field(
        default_factory=dict,
        title="Environment Variables",
        description="Environment variables to set for the flow run.",
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="Labels for the infrastructure that a worker makes."
    )
    command: Optional[str] = Field(
        default=None, description="What is started; usually left empty, so that the worker chooses it."
    )

    @classmethod
    def model_json_schema(
        cls,
        by_alias: bool | None = True,
        ref_template: str = _REFERENCES,
        schema_generator: type[GenerateJsonSchema] = GenerateJsonSchema,
        mode: Literal["validation", "serialization"] = "validation",
        **others: Any,
    ) -> dict[str, Any]:
        """
        The variables as the `variables` of a template: a JSON schema whose parts are below `definitions`.

        Args:
            by_alias: Whether fields go by their aliases.
            ref_template: How parts are referred to.
            schema_generator: Makes the schema.
            mode: Whether the schema is that of what is read or of what is written.
            others: Further options of pydantic's.
        """
        schema = super().model_json_schema(by_alias, ref_template, schema_generator, mode, **others)
        if "$defs" in schema:
            schema["definitions"] = schema.pop("$defs")
        return {name: part for name, part in schema.items() if name not in {"title", "description"}}
