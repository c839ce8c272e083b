"""Which flow runs are looked for."""

from uuid import UUID

from prefect._contract.base import FilterBaseModel, Moment
from prefect._contract.filters.operators import OperatorMixin
from prefect._contract.state import StateType

__all__ = [
    "FlowRunFilter",
    "FlowRunFilterCreatedBy",
    "FlowRunFilterDeploymentId",
    "FlowRunFilterEndTime",
    "FlowRunFilterExpectedStartTime",
    "FlowRunFilterFlowVersion",
    "FlowRunFilterId",
    "FlowRunFilterIdempotencyKey",
    "FlowRunFilterName",
    "FlowRunFilterNextScheduledStartTime",
    "FlowRunFilterParentFlowRunId",
    "FlowRunFilterParentTaskRunId",
    "FlowRunFilterStartTime",
    "FlowRunFilterState",
    "FlowRunFilterStateName",
    "FlowRunFilterStateType",
    "FlowRunFilterTags",
    "FlowRunFilterWorkQueueName",
]


class FlowRunFilterId(FilterBaseModel):
    """Selects flow runs by their id."""

    any_: list[UUID] | None = None
    not_any_: list[UUID] | None = None


class FlowRunFilterName(FilterBaseModel):
    """Selects flow runs by their name."""

    any_: list[str] | None = None
    like_: str | None = None


class FlowRunFilterTags(FilterBaseModel, OperatorMixin):
    """Selects flow runs by their tags."""

    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


class FlowRunFilterDeploymentId(FilterBaseModel, OperatorMixin):
    """Selects flow runs by their deployment."""

    any_: list[UUID] | None = None
    is_null_: bool | None = None


class FlowRunFilterWorkQueueName(FilterBaseModel, OperatorMixin):
    """Selects flow runs by the name of their work queue."""

    any_: list[str] | None = None
    is_null_: bool | None = None


class FlowRunFilterStateType(FilterBaseModel):
    """Selects flow runs by the type of their state."""

    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class FlowRunFilterStateName(FilterBaseModel):
    """Selects flow runs by the name of their state."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class FlowRunFilterState(FilterBaseModel, OperatorMixin):
    """Selects flow runs by their state."""

    type: FlowRunFilterStateType | None = None
    name: FlowRunFilterStateName | None = None


class FlowRunFilterFlowVersion(FilterBaseModel):
    """Selects flow runs by the version of their flow."""

    any_: list[str] | None = None


class FlowRunFilterStartTime(FilterBaseModel):
    """Selects flow runs by when they started."""

    before_: Moment | None = None
    after_: Moment | None = None
    is_null_: bool | None = None


class FlowRunFilterEndTime(FilterBaseModel):
    """Selects flow runs by when they ended."""

    before_: Moment | None = None
    after_: Moment | None = None
    is_null_: bool | None = None


class FlowRunFilterExpectedStartTime(FilterBaseModel):
    """Selects flow runs by when they were expected to start."""

    before_: Moment | None = None
    after_: Moment | None = None


class FlowRunFilterNextScheduledStartTime(FilterBaseModel):
    """Selects flow runs by when they are scheduled next."""

    before_: Moment | None = None
    after_: Moment | None = None


class FlowRunFilterParentFlowRunId(FilterBaseModel, OperatorMixin):
    """Selects flow runs by the flow run that started them."""

    any_: list[UUID] | None = None


class FlowRunFilterParentTaskRunId(FilterBaseModel, OperatorMixin):
    """Selects flow runs by the task run that stands for them in their parent."""

    any_: list[UUID] | None = None
    is_null_: bool | None = None


class FlowRunFilterIdempotencyKey(FilterBaseModel):
    """Selects flow runs by their idempotency key."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class FlowRunFilterCreatedBy(FilterBaseModel, OperatorMixin):
    """Selects flow runs by who or what created them."""

    id_: list[UUID] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None


class FlowRunFilter(FilterBaseModel, OperatorMixin):
    """Selects flow runs."""

    id: FlowRunFilterId | None = None
    name: FlowRunFilterName | None = None
    tags: FlowRunFilterTags | None = None
    deployment_id: FlowRunFilterDeploymentId | None = None
    work_queue_name: FlowRunFilterWorkQueueName | None = None
    state: FlowRunFilterState | None = None
    flow_version: FlowRunFilterFlowVersion | None = None
    start_time: FlowRunFilterStartTime | None = None
    end_time: FlowRunFilterEndTime | None = None
    expected_start_time: FlowRunFilterExpectedStartTime | None = None
    next_scheduled_start_time: FlowRunFilterNextScheduledStartTime | None = None
    parent_flow_run_id: FlowRunFilterParentFlowRunId | None = None
    parent_task_run_id: FlowRunFilterParentTaskRunId | None = None
    idempotency_key: FlowRunFilterIdempotencyKey | None = None
    created_by: FlowRunFilterCreatedBy | None = None
