"""Requests that make or change flows, runs, logs and artifacts."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field
from pydantic_core import to_json

from prefect._contract.base import ActionBaseModel, LabelsOrNone, Moment
from prefect._contract.objects import (
    Constant,
    FlowRunPolicy,
    FlowRunResult,
    Parameter,
    TaskRunPolicy,
    TaskRunResult,
)
from prefect._contract.state import State, StateDetails, StateType, data_discriminator
from prefect.types.names import ArtifactKey

__all__ = [
    "ArtifactCreate",
    "ArtifactUpdate",
    "DeploymentFlowRunCreate",
    "FlowCreate",
    "FlowRunCreate",
    "FlowRunUpdate",
    "FlowUpdate",
    "LogCreate",
    "StateCreate",
    "TaskRunCreate",
    "TaskRunUpdate",
    "as_state_create",
]


MAX_PARAMETERS_BYTES = 524_288
"""How long the parameters of a run may be as JSON."""

MAX_CACHE_KEY_LENGTH = 2000
"""How many characters a cache key may have."""


def _small_enough(parameters: dict[str, Any]) -> dict[str, Any]:
    size = len(to_json(parameters, serialize_unknown=True)) if parameters else 0
    if size > MAX_PARAMETERS_BYTES:
        raise ValueError(
            f"Flow run parameters must be less than {MAX_PARAMETERS_BYTES:,} bytes when serialized "
            f"(got {size:,} bytes). Store the data elsewhere, and pass where it is."
        )
    return parameters


def _short_enough(cache_key: str) -> str:
    if len(cache_key) > MAX_CACHE_KEY_LENGTH:
        raise ValueError(f"Cache key exceeded maximum allowed length of {MAX_CACHE_KEY_LENGTH} characters.")
    return cache_key


Parameters = Annotated[dict[str, Any], AfterValidator(_small_enough)]


class StateCreate(ActionBaseModel):
    """Asks for a state."""

    type: StateType
    name: str | None = None
    message: str | None = None
    state_details: StateDetails = Field(default_factory=StateDetails)
    data: Any = None


def as_state_create(state: StateCreate | State[Any]) -> StateCreate:
    """What is sent of a state: of its data only the whereabouts of a stored result, never a value."""
    if isinstance(state, StateCreate):
        return state
    data = state.data
    if data_discriminator(data) == "Any":  # a record of a result, with the value at hand, knows its whereabouts
        data = getattr(data, "metadata", None)
    return StateCreate(
        type=state.type,
        name=state.name,
        message=state.message,
        state_details=state.state_details,
        data=data if data_discriminator(data) == "ResultRecordMetadata" else None,
    )


class FlowCreate(ActionBaseModel):
    """Asks for a flow of this name; there is only one."""

    name: str
    tags: list[str] = Field(default_factory=list)
    labels: LabelsOrNone = Field(default_factory=dict)


class FlowUpdate(ActionBaseModel):
    """Changes a flow."""

    tags: list[str] = Field(default_factory=list)


class FlowRunCreate(ActionBaseModel):
    """Asks for a flow run."""

    state: StateCreate | None = None
    name: str | None = None
    flow_id: UUID
    deployment_id: UUID | None = None
    flow_version: str | None = None
    parameters: Parameters = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    idempotency_key: str | None = None
    labels: LabelsOrNone = Field(default_factory=dict)
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None


class DeploymentFlowRunCreate(ActionBaseModel):
    """Asks for a run of a deployment."""

    state: StateCreate | None = None
    name: str | None = None
    parameters: Parameters = Field(default_factory=dict)
    enforce_parameter_schema: bool | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    idempotency_key: str | None = None
    parent_task_run_id: UUID | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None
    labels: LabelsOrNone = Field(default_factory=dict)


class FlowRunUpdate(ActionBaseModel):
    """Changes a flow run; its state changes by proposing another one."""

    name: str | None = None
    flow_version: str | None = None
    parameters: Parameters | None = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    infrastructure_pid: str | None = None
    job_variables: dict[str, Any] | None = None


class TaskRunCreate(ActionBaseModel):
    """Asks for a task run."""

    id: UUID | None = None
    state: StateCreate | None = None
    name: str | None = None
    flow_run_id: UUID | None = None
    task_key: str
    dynamic_key: str
    cache_key: Annotated[str, AfterValidator(_short_enough)] | None = None
    cache_expiration: Moment | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: LabelsOrNone = Field(default_factory=dict)
    task_inputs: dict[str, list[TaskRunResult | FlowRunResult | Parameter | Constant]] = Field(default_factory=dict)


class TaskRunUpdate(ActionBaseModel):
    """Changes a task run."""

    name: str | None = None


class LogCreate(ActionBaseModel):
    """One line of a log to be kept."""

    name: str
    level: int
    message: str
    timestamp: Moment
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    worker_id: UUID | None = None

    def model_dump(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The fields as a dict; `worker_id` only when there is one, since orchestrators of others know it not."""
        data = super().model_dump(*args, **kwargs)
        if self.worker_id is None:
            data.pop("worker_id", None)
        return data


class ArtifactCreate(ActionBaseModel):
    """Asks for an artifact."""

    key: ArtifactKey | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactUpdate(ActionBaseModel):
    """Changes an artifact."""

    data: Any = None
    description: str | None = None
    metadata_: dict[str, str] | None = None
