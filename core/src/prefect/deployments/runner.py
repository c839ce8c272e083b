"""Deployments that are made in Python: by `flow.serve`, `flow.deploy` and `flow.to_deployment`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator
from pydantic_core import PydanticSerializationError, to_jsonable_python

from prefect._contract.actions.deployments import (
    DeploymentCreate,
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
)
from prefect._contract.actions.runs import FlowCreate
from prefect._contract.concurrency import ConcurrencyLimitConfig, ConcurrencyOptions
from prefect._contract.deployments import VersionInfo
from prefect._contract.endpoints.deployments import create_deployment
from prefect._contract.endpoints.flows import create_flow
from prefect._contract.retry_labels import labels_of_retries
from prefect._contract.triggers import Trigger
from prefect._engine.effects import CallEither
from prefect.client.base import ask
from prefect.deployments.deploying import adeploy, deploy
from prefect.deployments.described import DescribedFlow, describe, describe_entrypoint, entrypoint_of
from prefect.deployments.schedules import (
    FlexibleScheduleList,
    IntervalLike,
    normalize_to_deployment_schedule,
    schedules_from,
)
from prefect.deployments.storage.protocol import RunnerStorage
from prefect.deployments.triggers import declare_triggers
from prefect.docker.docker_image import DockerImage
from prefect.exceptions import InvalidNameError, ObjectNotFound, PrefectHTTPStatusError
from prefect.schedules import Schedule
from prefect.types.entrypoint import EntrypointType
from prefect.types.names import BANNED_CHARACTERS
from prefect.utilities.callables import signature_of
from prefect.utilities.dual import Dual, Steps, asynchronous, dual
from prefect.utilities.dual_methods import ClassDual, class_asynchronous, class_dual
from prefect.utilities.parameter_schemas import ParameterSchema

if TYPE_CHECKING:
    from prefect.flows import Flow

__all__ = ["DeploymentApplyError", "DockerImage", "RunnerDeployment", "adeploy", "deploy"]

_Intervals = Union[Iterable[IntervalLike], IntervalLike, None]
_Texts = Union[Iterable[str], str, None]
_Limit = Union[int, ConcurrencyLimitConfig, None]


class DeploymentApplyError(RuntimeError):
    """The orchestrator did not take a deployment."""


class RunnerDeployment(BaseModel):
    """
    A flow made ready to be run elsewhere: where its code is, what it is called with, and when.

    Args:
        name: Names the deployment among those of the flow.
        flow_name: The name of the flow.
        description: What it is for.
        version: The version of its code.
        version_type: Which kind of version that is, for orchestrators that keep versions of deployments.
        tags: Tags of the deployment and its runs.
        schedules: When runs are due.
        concurrency_limit: How many of its runs there may be at the same time.
        concurrency_options: What becomes of a run for which no slot is free.
        paused: Whether its schedules are paused. None leaves that as it is.
        parameters: What runs are called with, unless they say otherwise.
        entrypoint: Where the flow is in the code: `flows.py:greet` or `package.module.greet`.
        triggers: Events that run it.
        enforce_parameter_schema: Whether runs with parameters that do not fit the flow are refused.
        storage: Where the code is; on the machine that runs it without.
        work_pool_name: The work pool that its runs wait in.
        work_queue_name: The queue of that pool.
        job_variables: Overrides for the work pool's job template.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, ignored_types=(Dual, ClassDual), validate_assignment=True)

    name: str
    flow_name: Optional[str] = None
    description: Optional[str] = None
    version: Optional[str] = None
    version_type: Optional[str] = None
    tags: list[str] = Field(default_factory=list)
    schedules: Optional[list[Union[DeploymentScheduleCreate, DeploymentScheduleUpdate]]] = None
    concurrency_limit: Optional[int] = None
    concurrency_options: Optional[ConcurrencyOptions] = None
    paused: Optional[bool] = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    entrypoint: Optional[str] = None
    triggers: list[Trigger] = Field(default_factory=list)
    enforce_parameter_schema: bool = True
    storage: Optional[RunnerStorage] = None
    work_pool_name: Optional[str] = None
    work_queue_name: Optional[str] = None
    job_variables: dict[str, Any] = Field(default_factory=dict)

    _parameter_openapi_schema: ParameterSchema = PrivateAttr(default_factory=ParameterSchema)
    _labels: dict[str, Any] = PrivateAttr(default_factory=dict)
    _pull_steps: Optional[list[dict[str, Any]]] = PrivateAttr(default=None)
    """The steps by which runs get the code, where they are written down, and not what the storage says."""

    @field_validator("name", mode="before")
    @classmethod
    def _without_suffix(cls, value: Any) -> Any:
        return value.removesuffix(".py") if isinstance(value, str) else value

    @field_validator("triggers", mode="before")
    @classmethod
    def _read_triggers(cls, value: Any) -> Any:
        return [_trigger(trigger) for trigger in value or ()]

    @property
    def full_name(self) -> str:
        """The names of its flow and of itself: `greet/nightly`."""
        return f"{self.flow_name}/{self.name}"

    @property
    def entrypoint_type(self) -> EntrypointType:
        """
        Whether its entrypoint names a file or a module.

        Raises:
            ValueError: It has none.
        """
        if not self.entrypoint:
            raise ValueError(f"The deployment {self.full_name!r} has no entrypoint.")
        return EntrypointType.FILE_PATH if ":" in self.entrypoint else EntrypointType.MODULE_PATH

    # -- making it known

    def _apply_steps(
        self,
        schedules: list[dict[str, Any]] | None = None,
        work_pool_name: str | None = None,
        image: str | None = None,
        version_info: VersionInfo | None = None,
    ) -> Steps[UUID]:
        """
        Make the deployment known to the orchestrator: create it, or change the one of the same flow and name.

        Schedules keep their ids, and what somebody paused stays paused.

        Args:
            schedules: When runs are due, instead of what the deployment says.
            work_pool_name: The work pool, instead of the deployment's.
            image: The image that its runs are started with.
            version_info: Which version of the code it is.

        Returns:
            The id of the deployment.

        Raises:
            ValueError: Something is given that needs a work pool, and there is none.
            DeploymentApplyError: The orchestrator does not take it.
        """
        pool = work_pool_name or self.work_pool_name
        self._check_pool(pool, image)
        asked: Any = self.schedules if schedules is None else schedules
        try:
            flow = yield from ask(create_flow(FlowCreate(name=self.flow_name or "")))
            request = self._request(flow.id, pool, image, normalize_to_deployment_schedule(asked), version_info)
            deployment_id = (yield from ask(create_deployment(request))).id
        except ObjectNotFound as error:
            if pool is None:
                raise
            raise DeploymentApplyError(f'Work pool "{pool}" not found.') from error
        except PrefectHTTPStatusError as error:
            raise DeploymentApplyError(f"Error while applying deployment '{self.full_name}': {error}") from error
        yield from declare_triggers(deployment_id, self.full_name, self.triggers)
        return deployment_id

    def _check_pool(self, pool: str | None, image: str | None) -> None:
        if pool is not None:
            return
        needy = {"An image": image, "A work queue": self.work_queue_name, "Job variables": self.job_variables}
        for what, given in needy.items():
            if given:
                raise ValueError(f"{what} can only be provided when registering a deployment with a work pool.")

    def _request(
        self, flow_id: UUID, pool: str | None, image: str | None, schedules: list[Any], version_info: VersionInfo | None
    ) -> DeploymentCreate:
        is_here = self.storage is None and self.entrypoint and self.entrypoint_type is EntrypointType.FILE_PATH
        step = self.storage.to_pull_step() if self.storage is not None else []
        steps = step if isinstance(step, list) else [step]
        if version_info is None and self.version_type is not None and self.version is not None:
            version_info = VersionInfo(type=str(self.version_type), version=self.version)
        optional = {
            "paused": self.paused,
            "version_info": version_info,
            "work_pool_name": pool,
            "work_queue_name": self.work_queue_name,
        }
        return DeploymentCreate(
            name=self.name,
            flow_id=flow_id,
            version=self.version,
            schedules=schedules,
            concurrency_limit=self.concurrency_limit,
            concurrency_options=self.concurrency_options,
            parameters=_json_values(self.parameters),
            description=self.description,
            tags=self.tags,
            labels=self._labels,
            path="." if is_here and self._pull_steps is None else None,
            entrypoint=self.entrypoint,
            enforce_parameter_schema=self.enforce_parameter_schema,
            parameter_openapi_schema=self._parameter_openapi_schema.model_dump_for_openapi(),
            pull_steps=steps if self._pull_steps is None else self._pull_steps,
            job_variables={**self.job_variables, "image": image} if image else self.job_variables,
            **{field: value for field, value in optional.items() if value is not None},
        )

    # -- making it

    @classmethod
    def _made(cls, flow: DescribedFlow, entrypoint: str, storage: RunnerStorage | None, given: dict[str, Any]) -> Any:
        """A deployment of a flow, from the arguments by which users say how they want it."""
        if given.get("_sla") is not None:
            raise ValueError(
                "Service level agreements (_sla) need an orchestrator that watches them, and there is none."
            )
        _check_name(given["name"])
        limit = given["concurrency_limit"]
        options = None
        if isinstance(limit, ConcurrencyLimitConfig):
            grace = {"grace_period_seconds": limit.grace_period_seconds} if limit.grace_period_seconds else {}
            options = ConcurrencyOptions(collision_strategy=limit.collision_strategy, **grace)
            limit = limit.limit
        deployment = cls(
            name=given["name"],
            flow_name=given.get("flow_name") or flow.name,
            description=given["description"] or flow.description,
            version=given["version"] or flow.version,
            version_type=given.get("version_type"),
            tags=list(given["tags"] or ()),
            schedules=schedules_from(
                **{way: given[way] for way in ("interval", "cron", "rrule", "schedule", "schedules")}
            ),
            concurrency_limit=limit,
            concurrency_options=options,
            paused=given["paused"],
            parameters=given["parameters"] or {},
            entrypoint=entrypoint,
            triggers=given["triggers"] or [],
            enforce_parameter_schema=given["enforce_parameter_schema"],
            storage=storage,
            work_pool_name=given["work_pool_name"],
            work_queue_name=given["work_queue_name"],
            job_variables=given["job_variables"] or {},
        )
        deployment._parameter_openapi_schema = flow.schema
        deployment._labels = labels_of_retries(flow.retries, flow.retry_delay_seconds)
        return deployment

    @classmethod
    def from_flow(
        cls,
        flow: Flow[..., Any],
        name: str,
        interval: _Intervals = None,
        cron: _Texts = None,
        rrule: _Texts = None,
        paused: bool | None = None,
        schedule: Schedule | None = None,
        schedules: FlexibleScheduleList | None = None,
        concurrency_limit: _Limit = None,
        parameters: dict[str, Any] | None = None,
        triggers: list[Any] | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        version: str | None = None,
        version_type: str | None = None,
        enforce_parameter_schema: bool = True,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        job_variables: dict[str, Any] | None = None,
        entrypoint_type: EntrypointType = EntrypointType.FILE_PATH,
        _sla: Any = None,
    ) -> RunnerDeployment:
        """
        A deployment of a flow.

        Args:
            flow: The flow.
            name: Names the deployment among those of the flow.
            interval: Seconds between runs, or a duration; or several.
            cron: A cron expression, or several.
            rrule: A recurrence rule, or several.
            paused: Whether its schedules are paused. None leaves that as it is.
            schedule: A schedule such as `Cron("0 9 * * *", timezone="Europe/Berlin")`.
            schedules: Several, in any of the ways in which they may be written. At most one of the five is given.
            concurrency_limit: How many of its runs there may be at the same time, and what becomes of others.
            parameters: What runs are called with, unless they say otherwise.
            triggers: Events that run it.
            description: What it is for; the flow's description without.
            tags: Tags of the deployment and its runs.
            version: The version of its code; the flow's without.
            version_type: Which kind of version that is.
            enforce_parameter_schema: Whether runs with parameters that do not fit the flow are refused.
            work_pool_name: The work pool that its runs wait in.
            work_queue_name: The queue of that pool.
            job_variables: Overrides for the work pool's job template.
            entrypoint_type: Whether the flow is loaded by its file or by its module.
            _sla: Not offered.

        Raises:
            ValueError: Schedules are given in several ways, or no other process can load the flow.
            InvalidNameError: The name holds characters that names may not hold.
        """
        given = dict(locals())
        _check_parameters(flow, parameters or {})
        storage = flow._storage
        entrypoint = flow._entrypoint or entrypoint_of(flow, entrypoint_type)
        return cls._made(describe(flow), entrypoint, storage, given)  # type: ignore[no-any-return]

    @classmethod
    def from_entrypoint(
        cls,
        entrypoint: str,
        name: str,
        flow_name: str | None = None,
        interval: _Intervals = None,
        cron: _Texts = None,
        rrule: _Texts = None,
        paused: bool | None = None,
        schedule: Schedule | None = None,
        schedules: FlexibleScheduleList | None = None,
        concurrency_limit: _Limit = None,
        parameters: dict[str, Any] | None = None,
        triggers: list[Any] | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        version: str | None = None,
        enforce_parameter_schema: bool = True,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        job_variables: dict[str, Any] | None = None,
        _sla: Any = None,
    ) -> RunnerDeployment:
        """
        A deployment of the flow at an entrypoint: `path/to/file.py:function` or `package.module:function`.

        Its file is only read, if it cannot be run here as something that it needs is not installed. For the other arguments
        see `from_flow`.

        Raises:
            MissingFlowError: What is there is not a flow.
            ValueError: There is no such file or function.
        """
        return cls._made(describe_entrypoint(entrypoint), entrypoint, None, dict(locals()))  # type: ignore[no-any-return]

    @classmethod
    def _from_storage_steps(
        cls,
        storage: RunnerStorage,
        entrypoint: str,
        name: str,
        flow_name: str | None = None,
        interval: _Intervals = None,
        cron: _Texts = None,
        rrule: _Texts = None,
        paused: bool | None = None,
        schedule: Schedule | None = None,
        schedules: FlexibleScheduleList | None = None,
        concurrency_limit: _Limit = None,
        parameters: dict[str, Any] | None = None,
        triggers: list[Any] | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
        version: str | None = None,
        version_type: str | None = None,
        enforce_parameter_schema: bool = True,
        work_pool_name: str | None = None,
        work_queue_name: str | None = None,
        job_variables: dict[str, Any] | None = None,
        _sla: Any = None,
    ) -> Steps[RunnerDeployment]:
        """
        A deployment of the flow at an entrypoint, `flows.py:greet`, of code that is in storage.

        The code is fetched once, to see what the flow takes. For the other arguments see `from_flow`.

        Raises:
            MissingFlowError: What is there is not a flow.
            ValueError: There is no such file or function.
        """
        given = dict(locals())
        with tempfile.TemporaryDirectory() as folder:
            storage.set_base_path(Path(folder))
            yield CallEither(storage.pull_code, ())
            flow = describe_entrypoint(str(storage.destination / entrypoint))
            storage.set_base_path(Path.cwd())
        return cls._made(flow, entrypoint, storage, given)  # type: ignore[no-any-return]

    if TYPE_CHECKING:

        def apply(
            self,
            schedules: list[dict[str, Any]] | None = None,
            work_pool_name: str | None = None,
            image: str | None = None,
            version_info: VersionInfo | None = None,
        ) -> UUID: ...
        async def aapply(
            self,
            schedules: list[dict[str, Any]] | None = None,
            work_pool_name: str | None = None,
            image: str | None = None,
            version_info: VersionInfo | None = None,
        ) -> UUID: ...
        @classmethod
        def from_storage(
            cls, storage: RunnerStorage, entrypoint: str, name: str, **options: Any
        ) -> RunnerDeployment: ...
        @classmethod
        async def afrom_storage(
            cls, storage: RunnerStorage, entrypoint: str, name: str, **options: Any
        ) -> RunnerDeployment: ...

    else:
        apply = dual(_apply_steps)
        aapply = asynchronous(apply)
        from_storage = class_dual(_from_storage_steps.__func__)
        afrom_storage = class_asynchronous(from_storage)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name.strip() or any(character in name for character in BANNED_CHARACTERS):
        raise InvalidNameError(
            f"Name {name!r} is not a possible deployment name: it must not be empty nor hold any of "
            f"{' '.join(BANNED_CHARACTERS)}."
        )


def _check_parameters(flow: Flow[..., Any], parameters: dict[str, Any]) -> None:
    """Refuse parameters that the flow does not take, now and not when it runs."""
    if flow._schema is not None or signature_of(flow.fn).parameters.keys() >= parameters.keys():
        return
    takes = signature_of(flow.fn).parameters
    if not any(parameter.kind is Parameter.VAR_KEYWORD for parameter in takes.values()):
        unknown = ", ".join(repr(name) for name in parameters if name not in takes)
        raise ValueError(
            f"The flow {flow.name!r} takes no parameter {unknown}. It takes: {', '.join(takes) or 'none'}."
        )


def _json_values(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they are recorded; what cannot be written down cannot be what runs elsewhere are called with."""
    values = {}
    for name, value in parameters.items():
        try:
            values[name] = to_jsonable_python(value)
        except (PydanticSerializationError, ValueError) as error:
            raise ValueError(
                f"The parameter {name!r} cannot be part of a deployment, as it has no JSON form: {error}"
            ) from error
    return values


def _trigger(given: Any) -> Trigger:
    if isinstance(given, Trigger):
        return given
    from prefect.events.schemas import deployment_triggers as kinds

    by_type: dict[str, type[Trigger]] = {
        "event": kinds.DeploymentEventTrigger,
        "metric": kinds.DeploymentMetricTrigger,
        "compound": kinds.DeploymentCompoundTrigger,
        "sequence": kinds.DeploymentSequenceTrigger,
    }
    kind = kinds.deployment_trigger_discriminator(given)
    if kind not in by_type:
        raise ValueError(f"Invalid trigger: {given!r}. Its type must be one of: {', '.join(by_type)}.")
    return by_type[kind].model_validate(given)
