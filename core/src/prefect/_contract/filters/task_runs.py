"""Which task runs are looked for."""

from uuid import UUID

from prefect._contract.base import FilterBaseModel, Moment
from prefect._contract.filters.operators import OperatorMixin
from prefect._contract.state import StateType

__all__ = [
    "TaskRunFilter",
    "TaskRunFilterEndTime",
    "TaskRunFilterExpectedStartTime",
    "TaskRunFilterFlowRunId",
    "TaskRunFilterId",
    "TaskRunFilterName",
    "TaskRunFilterStartTime",
    "TaskRunFilterState",
    "TaskRunFilterStateName",
    "TaskRunFilterStateType",
    "TaskRunFilterSubFlowRuns",
    "TaskRunFilterTags",
]


class TaskRunFilterFlowRunId(FilterBaseModel, OperatorMixin):
    """Selects task runs by the flow run that they belong to."""

    any_: list[UUID] | None = None
    is_null_: bool | None = False


class TaskRunFilterId(FilterBaseModel):
    """Selects task runs by their id."""

    any_: list[UUID] | None = None


class TaskRunFilterName(FilterBaseModel):
    """Selects task runs by their name."""

    any_: list[str] | None = None
    like_: str | None = None


class TaskRunFilterTags(FilterBaseModel, OperatorMixin):
    """Selects task runs by their tags."""

    all_: list[str] | None = None
    is_null_: bool | None = None


class TaskRunFilterStateType(FilterBaseModel):
    """Selects task runs by the type of their state."""

    any_: list[StateType] | None = None


class TaskRunFilterStateName(FilterBaseModel):
    """Selects task runs by the name of their state."""

    any_: list[str] | None = None


class TaskRunFilterState(FilterBaseModel, OperatorMixin):
    """Selects task runs by their state."""

    type: TaskRunFilterStateType | None = None
    name: TaskRunFilterStateName | None = None


class TaskRunFilterSubFlowRuns(FilterBaseModel):
    """Selects task runs by whether they stand for subflows."""

    exists_: bool | None = None


class TaskRunFilterStartTime(FilterBaseModel):
    """Selects task runs by when they started."""

    before_: Moment | None = None
    after_: Moment | None = None
    is_null_: bool | None = None


class TaskRunFilterEndTime(FilterBaseModel):
    """Selects task runs by when they ended."""

    before_: Moment | None = None
    after_: Moment | None = None
    is_null_: bool | None = None


class TaskRunFilterExpectedStartTime(FilterBaseModel):
    """Selects task runs by when they were expected to start."""

    before_: Moment | None = None
    after_: Moment | None = None


class TaskRunFilter(FilterBaseModel, OperatorMixin):
    """Selects task runs."""

    id: TaskRunFilterId | None = None
    name: TaskRunFilterName | None = None
    tags: TaskRunFilterTags | None = None
    state: TaskRunFilterState | None = None
    start_time: TaskRunFilterStartTime | None = None
    end_time: TaskRunFilterEndTime | None = None
    subflow_runs: TaskRunFilterSubFlowRuns | None = None
    flow_run_id: TaskRunFilterFlowRunId | None = None
    expected_start_time: TaskRunFilterExpectedStartTime | None = None
