# ruff: noqa: TC004 - what lazy.install offers is imported for type checkers alone
"""
The records of an orchestrator: flows, their runs, task runs, logs; by name also blocks, artifacts and variables.

What every run needs is here. The others are imported from their modules when one of their names is first asked for.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from prefect._contract.base import (
    GivenName,
    LabelsOrNone,
    Moment,
    ObjectBaseModel,
    PrefectBaseModel,
    TimeSeriesBaseModel,
    new_name,
)
from prefect._contract.state import State, StateType
from prefect.types.names import Name
from prefect.utilities import lazy

if TYPE_CHECKING:  # what lazy.install offers below
    from prefect._contract.artifacts import Artifact, ArtifactCollection, FlowRunInput, Variable
    from prefect._contract.blocks import (
        DEFAULT_BLOCK_SCHEMA_VERSION,
        BlockDocument,
        BlockDocumentReference,
        BlockSchema,
        BlockSchemaReference,
        BlockType,
    )

__all__ = [
    "DEFAULT_BLOCK_SCHEMA_VERSION",
    "Artifact",
    "ArtifactCollection",
    "BlockDocument",
    "BlockDocumentReference",
    "BlockSchema",
    "BlockSchemaReference",
    "BlockType",
    "Constant",
    "CreatedBy",
    "Flow",
    "FlowRun",
    "FlowRunInput",
    "FlowRunPolicy",
    "FlowRunResult",
    "Log",
    "Parameter",
    "RunInput",
    "TaskRun",
    "TaskRunPolicy",
    "TaskRunResult",
    "UpdatedBy",
    "Variable",
]

T = TypeVar("T")

MAX_RETRY_DELAYS = 50
"""How many retry delays a task may have."""


class Flow(ObjectBaseModel):
    """A flow, known by its name. Its runs may come from different versions of its code."""

    name: Name
    tags: list[str] = Field(default_factory=list)
    labels: LabelsOrNone = Field(default_factory=dict)


class FlowRunPolicy(PrefectBaseModel):
    """
    How a flow run is retried, and what is known of its pauses.

    Args:
        max_retries: Superseded by `retries`.
        retry_delay_seconds: Superseded by `retry_delay`.
        retries: How often a failed run is run again.
        retry_delay: Seconds to wait before it is.
        pause_keys: The keys of the pauses that were observed.
        resuming: Whether the run is being resumed.
        retry_type: Whether the process that failed runs it again (`in_process`) or any (`reschedule`).
    """

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: int | None = None
    pause_keys: set[str] | None = Field(default_factory=set)
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None

    def model_post_init(self, context: Any, /) -> None:
        """Read the fields that were superseded, as older clients send them."""
        if self.retries is None and self.max_retries:
            self.retries = self.max_retries
        if self.retry_delay is None and self.retry_delay_seconds:
            self.retry_delay = int(self.retry_delay_seconds)


class CreatedBy(PrefectBaseModel):
    """Who or what created a record: a user, a deployment, a schedule ..."""

    id: UUID | None = None
    type: str | None = None
    display_value: str | None = None


class UpdatedBy(PrefectBaseModel):
    """Who or what changed a record last."""

    id: UUID | None = None
    type: str | None = None
    display_value: str | None = None


class FlowRun(TimeSeriesBaseModel, ObjectBaseModel):
    """
    One run of a flow.

    Args:
        flow_id: The flow.
        state_id: Its current state; `state`, `state_type` and `state_name` say more of the same.
        parameters: What the flow function is called with, as JSON values.
        idempotency_key: Names the request that created the run, so that repeating it creates no second one.
        context: Anything the creator wants to be kept with the run.
        empirical_policy: How it is retried.
        parent_task_run_id: The task run that stands for this run in the flow run that started it.
        run_count: How often it has entered Running.
        expected_start_time: When it was to start at first; lateness is measured from here.
        next_scheduled_start_time: When it is to start next, if it waits.
        start_time: When it entered Running at first.
        end_time: When it ended, if it has.
        total_run_time: How long it was in Running, all attempts together.
        estimated_run_time: The same, with the time of the current attempt so far.
        estimated_start_time_delta: How late it started, or is by now.
        auto_scheduled: Whether a schedule created it.
        infrastructure_pid: What names its process to its infrastructure.
        job_variables: Overrides for the work pool's job template.
    """

    name: GivenName = Field(default_factory=new_name)
    flow_id: UUID
    state_id: UUID | None = None
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_queue_name: str | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: LabelsOrNone = Field(default_factory=dict)
    parent_task_run_id: UUID | None = None
    run_count: int = 0
    expected_start_time: Moment | None = None
    next_scheduled_start_time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    total_run_time: timedelta = timedelta(0)
    estimated_run_time: timedelta = timedelta(0)
    estimated_start_time_delta: timedelta = timedelta(0)
    auto_scheduled: bool = False
    infrastructure_document_id: UUID | None = None
    infrastructure_pid: str | None = None
    created_by: CreatedBy | None = None
    work_queue_id: UUID | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    state: State[Any] | None = None
    job_variables: dict[str, Any] | None = None
    state_type: StateType | None = None
    state_name: str | None = None


def _at_most_50_delays(delay: T) -> T:
    if isinstance(delay, list) and len(delay) > MAX_RETRY_DELAYS:
        raise ValueError(
            f"Can not configure more than {MAX_RETRY_DELAYS} retry delays per task. These are {len(delay)}."
        )
    return delay


def _not_negative(factor: float) -> float:
    if factor < 0:
        raise ValueError(f"`retry_jitter_factor` must be >= 0. It is {factor}.")
    return factor


class TaskRunPolicy(PrefectBaseModel):
    """
    How a task run is retried.

    Args:
        max_retries: Superseded by `retries`.
        retry_delay_seconds: Superseded by `retry_delay`.
        retries: How often a failed run is run again.
        retry_delay: Seconds to wait before it is: one number, or one for each retry.
        retry_jitter_factor: By how much of itself a delay is lengthened at random, at most.
    """

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    retry_delay: Annotated[int | float | list[int] | list[float] | None, AfterValidator(_at_most_50_delays)] = None
    retry_jitter_factor: Annotated[float, AfterValidator(_not_negative)] | None = None

    def model_post_init(self, context: Any, /) -> None:
        """Read the fields that were superseded, as older clients send them."""
        if self.retries is None and self.max_retries:
            self.retries = self.max_retries
        if self.retry_delay is None and self.retry_delay_seconds:
            self.retry_delay = self.retry_delay_seconds


class RunInput(PrefectBaseModel):
    """Where a value that was given to a task run came from. Hashable, so that it can be in sets."""

    # Built at once: before pydantic 2.13, one that arrives by pickle in a process that has made none cannot be written.
    model_config = ConfigDict(frozen=True, defer_build=False)

    input_type: str

    def model_post_init(self, context: Any, /) -> None:
        """Count the type among the fields that were given: it is always sent, as nothing else tells an id's kind."""
        self.__pydantic_fields_set__.add("input_type")


class TaskRunResult(RunInput):
    """The value is the result of a task run."""

    input_type: Literal["task_run"] = "task_run"
    id: UUID


class FlowRunResult(RunInput):
    """The value is the result of a flow run."""

    input_type: Literal["flow_run"] = "flow_run"
    id: UUID


class Parameter(RunInput):
    """The value is a parameter of the flow."""

    input_type: Literal["parameter"] = "parameter"
    name: str


class Constant(RunInput):
    """The value was written in the code."""

    input_type: Literal["constant"] = "constant"
    type: str


class TaskRun(TimeSeriesBaseModel, ObjectBaseModel):
    """
    One run of a task.

    Args:
        flow_run_id: The flow run it belongs to; None outside of flows.
        task_key: Names the task.
        dynamic_key: Tells the runs of one task in one flow run apart.
        cache_key: Under which its result can be found again.
        cache_expiration: When it no longer can.
        empirical_policy: How it is retried.
        state_id: Its current state; `state`, `state_type` and `state_name` say more of the same.
        task_inputs: For each parameter, the runs that its value came from.
        run_count: How often it has entered Running.
        flow_run_run_count: Which attempt of the flow run it belongs to.
        expected_start_time: When it was to start at first.
        next_scheduled_start_time: When it is to start next, if it waits.
        start_time: When it entered Running at first.
        end_time: When it ended, if it has.
        total_run_time: How long it was in Running, all attempts together.
        estimated_run_time: The same, with the time of the current attempt so far.
        estimated_start_time_delta: How late it started, or is by now.
    """

    name: GivenName = Field(default_factory=new_name)
    flow_run_id: UUID | None = None
    task_key: str
    dynamic_key: str
    cache_key: str | None = None
    cache_expiration: Moment | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: LabelsOrNone = Field(default_factory=dict)
    state_id: UUID | None = None
    task_inputs: dict[str, list[TaskRunResult | FlowRunResult | Parameter | Constant]] = Field(default_factory=dict)
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    flow_run_run_count: int = 0
    expected_start_time: Moment | None = None
    next_scheduled_start_time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    total_run_time: timedelta = timedelta(0)
    estimated_run_time: timedelta = timedelta(0)
    estimated_start_time_delta: timedelta = timedelta(0)
    state: State[Any] | None = None


class Log(TimeSeriesBaseModel, ObjectBaseModel):
    """One line of a log. `level` is a number as in `logging`."""

    name: str
    level: int
    message: str
    timestamp: Moment
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


_NAMES = {
    "artifacts": ("Artifact", "ArtifactCollection", "FlowRunInput", "Variable"),
    "blocks": (
        "DEFAULT_BLOCK_SCHEMA_VERSION",
        "BlockDocument",
        "BlockDocumentReference",
        "BlockSchema",
        "BlockSchemaReference",
        "BlockType",
    ),
}
lazy.install(globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names})
