"""Answers about many flows and runs."""

from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, model_serializer

from prefect._contract.base import Moment, ObjectBaseModel, PrefectBaseModel, new_name
from prefect._contract.objects import (
    Constant,
    Flow,
    FlowRun,
    FlowRunResult,
    Parameter,
    TaskRun,
    TaskRunPolicy,
    TaskRunResult,
)
from prefect._contract.responses.pages import Page
from prefect._contract.state import State, StateType

__all__ = [
    "CountByState",
    "FlowBulkDeleteResponse",
    "FlowPaginationResponse",
    "FlowRunBulkCreateResponse",
    "FlowRunBulkDeleteResponse",
    "FlowRunCreateResult",
    "FlowRunPaginationResponse",
    "FlowRunResponse",
    "HistoryResponse",
    "HistoryResponseState",
    "SimpleFlowRun",
    "SimpleNextFlowRun",
    "TaskRunCount",
    "TaskRunPaginationResponse",
    "TaskRunResponse",
    "UITaskRun",
]


class FlowRunResponse(FlowRun):
    """One run of a flow, as an orchestrator answers: see `FlowRun`."""


class TaskRunResponse(ObjectBaseModel):
    """One run of a task, as it is listed in pages: see `TaskRun`."""

    name: str = Field(default_factory=new_name)
    flow_run_id: UUID | None = None
    task_key: str
    state_id: UUID | None = None
    state: State[Any] | None = None
    task_version: str | None = None
    task_inputs: dict[str, list[TaskRunResult | FlowRunResult | Parameter | Constant]] = Field(default_factory=dict)
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = Field(default_factory=list)
    start_time: Moment | None = None
    end_time: Moment | None = None
    total_run_time: timedelta = timedelta(0)
    estimated_run_time: timedelta = timedelta(0)
    estimated_start_time_delta: timedelta = timedelta(0)


class UITaskRun(TaskRun):
    """One run of a task, with the name of its flow run."""

    flow_run_name: str | None = None


class FlowPaginationResponse(Page):
    """A page of flows."""

    results: list[Flow]


class FlowRunPaginationResponse(Page):
    """A page of flow runs."""

    results: list[FlowRun]


class TaskRunPaginationResponse(Page):
    """A page of task runs."""

    results: list[TaskRunResponse]


class HistoryResponseState(PrefectBaseModel):
    """How many runs were in a state during an interval, how long they ran and how late they were, added up."""

    state_type: StateType
    state_name: str
    count_runs: int
    sum_estimated_run_time: timedelta
    sum_estimated_lateness: timedelta


class HistoryResponse(PrefectBaseModel):
    """The states of runs during an interval."""

    interval_start: Moment
    interval_end: Moment
    states: list[HistoryResponseState]


class FlowBulkDeleteResponse(PrefectBaseModel):
    """The ids of the flows that were deleted."""

    deleted: list[UUID] = Field(default_factory=list)


class FlowRunBulkDeleteResponse(PrefectBaseModel):
    """The ids of the flow runs that were deleted."""

    deleted: list[UUID] = Field(default_factory=list)


class FlowRunCreateResult(PrefectBaseModel):
    """What became of one of many flow runs that were asked for."""

    flow_run_id: UUID | None = None
    status: Literal["CREATED", "FAILED"]
    error: str | None = None


class FlowRunBulkCreateResponse(PrefectBaseModel):
    """What became of many flow runs that were asked for, in the order of the request."""

    results: list[FlowRunCreateResult] = Field(default_factory=list)


class SimpleFlowRun(PrefectBaseModel):
    """A point in a chart of flow runs. `duration` and `lateness` are seconds."""

    id: UUID
    state_type: StateType
    timestamp: Moment
    duration: timedelta
    lateness: timedelta


class SimpleNextFlowRun(PrefectBaseModel):
    """The next scheduled run of a flow."""

    id: UUID
    flow_id: UUID
    name: str
    state_name: str
    state_type: StateType
    next_scheduled_start_time: Moment


class TaskRunCount(PrefectBaseModel):
    """How many task runs completed, and how many failed, during an interval."""

    completed: int
    failed: int

    @model_serializer
    def _as_mapping(self) -> dict[str, int]:
        return {"completed": self.completed, "failed": self.failed}


class CountByState(PrefectBaseModel):
    """How many runs are in a state of each type."""

    COMPLETED: int = 0
    PENDING: int = 0
    RUNNING: int = 0
    FAILED: int = 0
    CANCELLED: int = 0
    CRASHED: int = 0
    PAUSED: int = 0
    CANCELLING: int = 0
    SCHEDULED: int = 0
